"""Adam in one pass over the weights, by torch's own kernel.

Keras' Adam on torch passes over all weights some ten times. The formula is Keras': its
epsilon is added before the bias correction, torch's after it, so torch is given Keras'
divided by the correction.
"""

import keras
import torch

# Keras' own classes of this backend, which it makes in place of the public ones.
KNOWN = (type(keras.optimizers.Adam()), type(keras.optimizers.AdamW()))


def quicken(optimizer: keras.optimizers.Optimizer) -> None:
    """Let an Adam or AdamW step by the kernel; others are left as they are."""
    if type(optimizer) in KNOWN and not optimizer.amsgrad:
        step = AdamStep(optimizer)
        optimizer._parallel_update_step = step
        optimizer._apply_weight_decay = step.decay


class AdamStep:
    """What an Adam calls to move its variables: `step(grads, variables, rate)`."""

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self.optimizer, self.seen, self.tensors = optimizer, (), ()

    def __call__(self, grads, variables, learning_rate) -> None:
        seen = tuple(map(id, variables))
        if seen != self.seen:  # asking a Keras variable for its tensor takes long
            self.seen, self.tensors = seen, self._tensors(variables)
        weights, first, second = self.tensors
        for moment, weight in zip([*first, *second], [*weights, *weights], strict=True):
            if moment.stride() != weight.stride():
                moment.data = _as_laid(moment.data, weight)
        optimizer = self.optimizer
        step = float(optimizer.iterations) + 1  # a tensor where gradients add up
        torch._fused_adam_(
            weights,
            list(map(_as_laid, grads, weights)),
            first,
            second,
            [],
            [torch.tensor(step, device=weights[0].device)] * len(weights),
            lr=float(learning_rate),
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            weight_decay=0.0,  # Keras has taken it off before
            eps=optimizer.epsilon / (1 - optimizer.beta_2**step) ** 0.5,
            amsgrad=False,
            maximize=False,
        )

    def decay(self, variables) -> None:
        """Keras' own, but for a decay of 0: it would pass over all weights for that."""
        if self.optimizer.weight_decay:
            type(self.optimizer)._apply_weight_decay(self.optimizer, variables)

    def _tensors(self, variables) -> tuple[list, list, list]:
        index = [self.optimizer._get_variable_index(some) for some in variables]
        return (
            [variable.value for variable in variables],
            [self.optimizer._momentums[k].value for k in index],
            [self.optimizer._velocities[k].value for k in index],
        )


def _as_laid(tensor, weight):
    """In the order in memory of a weight, which the kernel takes for granted."""
    same = tensor.stride() == weight.stride()
    return tensor if same else torch.empty_like(weight).copy_(tensor)
