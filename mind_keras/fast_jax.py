"""On JAX: an LSTM whose gradient is written out, and answers of few rows.

What JAX derives from a loop over time adds up the gradients of the kernels step by
step. Here the loop backwards gives those of the gates alone; the kernels' are then one
product over all rows and steps. Only on a CPU: on a GPU Keras has cuDNN's.

To add a stand-in: a class with `call`, a rule for which layers, and a line in
`STAND_INS`.
"""

from collections.abc import Callable

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp

from mind_keras.stand_in import StandIn, chooser, is_usual


class FastLSTM(StandIn):
    """An LSTM by `hidden_states`."""

    def call(self, x):
        layer, cell = self.layer, self.layer.cell
        bias = cell.bias.value if cell.use_bias else jnp.zeros(4 * cell.units, x.dtype)
        states = hidden_states(
            jnp.swapaxes(x, 0, 1), cell.kernel.value, cell.recurrent_kernel.value, bias
        )
        return jnp.swapaxes(states, 0, 1) if layer.return_sequences else states[-1]


@jax.custom_vjp
def hidden_states(x, kernel, recurrent_kernel, bias):
    """Of an LSTM that starts from zeros; gates in Keras' order.

    Args:
        x: `(time, batch, features)`.
        kernel: `(features, 4 units)`.
        recurrent_kernel: `(units, 4 units)`.
        bias: `(4 units,)`.

    Returns:
        `(time, batch, units)`. Its gradient is for reverse mode alone.
    """
    return _forward(x, kernel, recurrent_kernel, bias)[0]


def _forward(x, kernel, recurrent_kernel, bias):
    units = len(recurrent_kernel)
    # All gates by one tanh: a sigmoid of z is half of 1 + tanh(z / 2).
    scale = jnp.full(4 * units, 0.5, x.dtype).at[2 * units : 3 * units].set(1)

    def step(state, projected):
        hidden, cell = state
        gates = jnp.tanh((projected + hidden @ recurrent_kernel) * scale)
        gates = gates * scale + (1 - scale)
        take, keep, new, give = jnp.split(gates, 4, axis=1)
        cell = keep * cell + take * new
        hidden = give * jnp.tanh(cell)
        return (hidden, cell), (hidden, cell, gates)

    zeros = jnp.zeros((x.shape[1], units), x.dtype)
    _, (hidden, cell, gates) = lax.scan(step, (zeros, zeros), x @ kernel + bias)
    return hidden, (x, kernel, recurrent_kernel, hidden, cell, gates)


def _backward(saved, hidden_grads):
    x, kernel, recurrent_kernel, hidden, cell, gates = saved
    _, keep, _, give = jnp.split(gates, 4, axis=2)
    # Known before the loop, for all steps at once.
    shown, slopes = jnp.tanh(cell), _slopes(gates, cell)
    steps = hidden_grads, slopes, give * (1 - shown * shown), keep

    def step(later, now):
        hidden_grad, cell_grad = later
        given, slopes, through_cell, keep = now
        hidden_grad += given
        cell_grad += hidden_grad * through_cell
        grads = jnp.concatenate([*[cell_grad] * 3, hidden_grad], axis=1) * slopes
        return (grads @ recurrent_kernel.T, cell_grad * keep), grads

    none = jnp.zeros_like(hidden[0])
    _, grads = lax.scan(step, (none, none), steps, reverse=True)
    return (
        grads @ kernel.T,
        jnp.einsum("tbf,tbg->fg", x, grads),
        jnp.einsum("tbu,tbg->ug", _before(hidden), grads),
        grads.sum((0, 1)),
    )


def _slopes(gates, cell):
    """By how much a gate's sum moves the cell, or of the last gate what is shown."""
    take, keep, new, give = jnp.split(gates, 4, axis=2)
    slopes = [
        new * take * (1 - take),
        _before(cell) * keep * (1 - keep),
        take * (1 - new * new),
        jnp.tanh(cell) * give * (1 - give),
    ]
    return jnp.concatenate(slopes, axis=2)


def _before(states):
    return jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])


hidden_states.defvjp(_forward, _backward)


def asking(model: keras.Model) -> Callable:
    """`{modality: rows} -> {head: answers}`, in inference mode, compiled.

    `predict_on_batch` sorts the variables of a model by kind and back at each call,
    which of one row takes as long as the answer.
    """

    @jax.jit
    def answers(values, rows):
        held = list(zip(model.variables, values, strict=True))
        with keras.StatelessScope(held) as scope:
            said = model(rows, training=False)
        now = {k: scope.get_current_value(v) for k, (v, _) in enumerate(held)}
        # What draws at random, or counts, has another state now.
        return said, {k: value for k, value in now.items() if value is not values[k]}

    def ask(rows):
        variables = model.variables
        said, moved = answers([variable.value for variable in variables], rows)
        for k, value in moved.items():
            variables[k].assign(value)
        return {head: np.asarray(some) for head, some in said.items()}

    return ask


def _on_cpu_and_usual(layer: keras.layers.LSTM) -> bool:
    return jax.default_backend() == "cpu" and is_usual(layer)


STAND_INS = {keras.layers.LSTM: (FastLSTM, _on_cpu_and_usual)}
stand_in = chooser(STAND_INS)
