"""Fusion: the codes of all modalities to one code.

A fusion is a function `({modality: code}, *, name="fusion", ...) -> code` on symbolic
tensors `(batch, size)`, for one modality or more, of stock Keras layers only. It walks
the modalities in sorted order. Its options are keyword-only and have defaults.
To add one: write it in a file of its own and name it here.
"""

from mind_keras.fusion.concat import concat_codes
from mind_keras.fusion.sum import sum_codes

FUSIONS = {
    "concat": concat_codes,
    "sum": sum_codes,
}
