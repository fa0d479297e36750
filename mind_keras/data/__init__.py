"""Raw tables to checked samples; only `batches.py` knows Keras."""
