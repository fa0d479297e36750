"""Files of sound, pictures and text that users downloaded, as arrays.

Contract: a reader takes one file and gives one array of a stated shape, or raises
`ValueError` with the rule that the file breaks; `reading.read_all` gathers them.
To add a format: write its reader in a file of its own.
"""
