"""What is called in place of a layer: the base of all stand-ins, and when it is.

A stand-in reads the variables of its layer when it is called, so the layer stays the
one that is trained, saved and exported.
"""

from collections.abc import Callable, Mapping

import keras


class StandIn(keras.layers.Layer):
    """Called in place of a layer, with its variables and of its dtype."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(dtype=layer.dtype_policy)
        self.layer = layer
        self.built = True

    @classmethod
    def of(cls, layer: keras.Layer, x, **kwargs):
        """The stand-in's answer to a symbolic tensor."""
        return cls(layer)(x, **kwargs)

    def lay(self) -> None:
        """Put in order in memory what training would otherwise copy in each step."""

    def compute_output_spec(self, x, **kwargs):
        return self.layer.compute_output_spec(x, **kwargs)


def chooser(kinds: Mapping[type, tuple]) -> Callable:
    """`layer -> what to call in its place`: the layer itself where nothing fits.

    Args:
        kinds: `{class of layers: (stand-in, rule)}`; the rule says which layers suit.
    """

    def stand_in(layer: keras.Layer) -> Callable:
        kind, suits = kinds.get(type(layer), (None, None))
        plain = (
            kind
            and layer.compute_dtype == layer.variable_dtype == "float32"
            and layer.activity_regularizer is None
            and suits(layer)
        )
        return _instead(kind, layer) if plain else layer

    return stand_in


def _instead(kind: type[StandIn], layer: keras.Layer) -> Callable:
    def call(*args, **kwargs):
        # With a mask, a first state, whole numbers or the like Keras' way is right.
        kwargs = {name: value for name, value in kwargs.items() if value is not None}
        alone = len(args) == 1 and set(kwargs) <= {"training"}
        alone = alone and getattr(args[0], "dtype", None) == "float32"
        if not alone or getattr(args[0], "_keras_mask", None) is not None:
            return layer(*args, **kwargs)
        return kind.of(layer, args[0], **kwargs)

    return call


def is_usual(layer: keras.layers.LSTM | keras.layers.GRU) -> bool:
    """Whether a recurrent layer is what kernels know."""
    known = (keras.activations.tanh, keras.activations.sigmoid)
    odd = layer.dropout, layer.recurrent_dropout, layer.go_backwards, layer.stateful
    return (
        (layer.activation, layer.recurrent_activation) == known
        and not any(odd)
        and not layer.return_state
        and getattr(layer, "reset_after", True)
    )
