"""Encoders: the rows of one modality to one code per row.

An encoder is a function `(shape, *, name, ...) -> keras.Model`: functional, of stock
Keras layers only, one input `(batch, *shape)`, one output `(batch, code)`. Its
options are keyword-only and have defaults. It may mark its middle
(`middle.mark_halfway`), without which it takes no part in mid-level fusion.
To add one: write the function in the file of its kind of input and name it here.
The networks of libraries, `BACKBONES`, are such functions too, of names as
`applications:ResNet50`.
"""

from mind_keras.encoders.backbones import BACKBONES
from mind_keras.encoders.conv1d import conv1d
from mind_keras.encoders.image import resnet
from mind_keras.encoders.sequence import gru, lstm, transformer
from mind_keras.encoders.table import mlp
from mind_keras.encoders.text import text

__all__ = ["BACKBONES", "ENCODERS"]

ENCODERS = {
    "conv1d": conv1d,
    "gru": gru,
    "lstm": lstm,
    "mlp": mlp,
    "resnet": resnet,
    "text": text,
    "transformer": transformer,
}
