"""AdamW whose steps are scaled per modality, by coefficients found in the batch.

A loss cannot hand a number to an optimiser, on JAX least of all. So the coefficients
come as the gradient of a variable that exists for this alone, the messenger.
"""

from collections.abc import Sequence

import keras
from keras import ops


@keras.saving.register_keras_serializable("mind_keras")
class ModulatedAdamW(keras.optimizers.AdamW):
    """AdamW with the gradient modulation and noise of OGM-GE.

    Peng et al. (2022) take, for a kernel of the encoder of modality u, a step along

        k_u * g + noise,   noise ~ N(0, std(g)**2) for each entry

    with plain gradient descent. AdamW divides a gradient by its own size, and would
    undo a factor k on it. So here AdamW makes its step of g + noise, and k multiplies
    the *step*, that of the noise included. Other variables of an encoder (biases,
    scales of a normalisation) are left alone, as in the authors' code; the factor does
    not act on weight decay.

    Args:
        noise: Whether noise is added (GE); without it, this is OGM.
        seed: Of the noise.
        **kwargs: As for AdamW.
    """

    def __init__(self, *args, noise=True, seed=0, **kwargs):
        super().__init__(*args, **kwargs)
        self.noise, self.seed = noise, seed
        self._seeds = keras.random.SeedGenerator(seed)
        self._messenger, self._k = None, None
        self._given, self._modality_of = (), ()

    def modulate(self, messenger, encoders: Sequence[Sequence]) -> None:
        """Say what is scaled, before the first step.

        Args:
            messenger: A trainable variable, `(modalities,)`. Its gradient are the
                coefficients.
            encoders: The variables of the encoder of each modality, in this order.
        """
        # By id: Keras takes a variable that is set on an optimiser for its own.
        self._messenger = id(messenger)
        self._given = tuple(
            (id(variable), number)
            for number, variables in enumerate(encoders)
            for variable in variables
            if len(variable.shape) > 1
        )

    def build(self, variables):
        """Keep the state of the noise among the optimiser's variables."""
        if self.built:
            return
        super().build(variables)
        self._noise_state = self._seeds.state
        given = dict(self._given)
        self._modality_of = tuple(given.get(id(variable)) for variable in variables)

    def apply(self, grads, trainable_variables=None):
        """Read the coefficients, then step."""
        variables = trainable_variables or self._trainable_variables
        told = {id(v): gradient for v, gradient in zip(variables, grads, strict=True)}
        self._k = told[self._messenger]
        super().apply(grads, trainable_variables)
        self._k = None  # a tensor of this step must not outlive it

    def update_step(self, gradient, variable, learning_rate):
        """AdamW's step; for a kernel of an encoder disturbed, and scaled by k."""
        number = self._modality_of[self._get_variable_index(variable)]
        if number is not None:
            learning_rate = learning_rate * self._k[number]
            if self.noise:
                drawn = keras.random.normal(tuple(gradient.shape), seed=self._seeds)
                gradient = gradient + ops.std(gradient) * drawn
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """AdamW's, and what is set here."""
        return {**super().get_config(), "noise": self.noise, "seed": self.seed}
