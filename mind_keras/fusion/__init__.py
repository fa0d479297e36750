"""Fusion: the codes of all modalities to one code.

A fusion is a function `({modality: code}, *, name="fusion", ...) -> code` on symbolic
tensors `(batch, size)`, for one modality or more, of stock Keras layers only, the last
of them called `name`. It walks the modalities in sorted order. Its options are
keyword-only and have defaults. It sees samples that have all modalities, since the
head on it needs them. To add one: write it in a file of its own and name it in
`FUSIONS`.

A mid-level fusion joins the modalities before their codes: it is a function
`({modality: features}, *, name="fusion", ...) -> {modality: features}` on what the
encoders hold halfway, `(batch, ..., channels)`, and changes no shape. `build_student`
cuts the encoders (see `encoders.middle`), sends the changed features through their
upper halves, and concatenates the codes. Such ones are named in `EXCHANGES`.
"""

from mind_keras.fusion.concat import concat_codes
from mind_keras.fusion.cross_attention import cross_attention_codes
from mind_keras.fusion.film import film_codes
from mind_keras.fusion.gated import gated_codes
from mind_keras.fusion.low_rank import low_rank_codes
from mind_keras.fusion.medfuse import medfuse_codes
from mind_keras.fusion.mmtm import mmtm_features
from mind_keras.fusion.sum import sum_codes

FUSIONS = {
    "concat": concat_codes,
    "cross_attention": cross_attention_codes,
    "film": film_codes,
    "gated": gated_codes,
    "low_rank": low_rank_codes,
    "medfuse": medfuse_codes,
    "sum": sum_codes,
}
EXCHANGES = {
    "mmtm": mmtm_features,
}
