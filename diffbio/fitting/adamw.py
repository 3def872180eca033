"""First-order training of everything at once, Cotton's way: AdamW on an implicit trajectory."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Float

from diffbio._jax import relaxed_promotion

LEARNING_RATE = 2e-3
"""Peak rate, per unit of `sizes`."""

STEPS_PER_CALL = 100


Progress = Callable[[int, float], None]
Objective = Callable[[Any, Any], Float[Array, ""]]


class Training(NamedTuple):
    """State carried from step to step."""

    unknowns: Any
    optimiser: optax.OptState


def _optimiser(steps: Array) -> optax.GradientTransformation:
    """Adam with decoupled decay, a short warm-up and a cosine that ends a hundredfold lower."""

    def schedule(count: ArrayLike) -> Array:
        done = jnp.minimum(count / steps, 1.0)
        warm = jnp.minimum(1.0, (count + 1) / 50)
        return LEARNING_RATE * warm * (0.01 + 0.99 * 0.5 * (1 + jnp.cos(np.pi * done)))

    return optax.chain(
        optax.scale_by_adam(b1=0.9, b2=0.99),
        optax.add_decayed_weights(1e-5),
        optax.scale_by_learning_rate(schedule),
    )


@functools.cache
def _compiled(options: tuple[tuple[str, bool], ...]) -> Callable:
    """The training call, to be compiled with XLA options; cached, so that it compiles once."""
    # Equinox hands the options on to jax.jit, which its type annotations do not tell.
    return eqx.filter_jit(_train_call, compiler_options=dict(options))  # pyright: ignore[reportCallIssue]


def _train_call(
    objective: Objective,
    measure: Objective,
    data: Any,
    training: Training,
    sizes: Any,
    total: Array,
) -> tuple[Training, Float[Array, "step"], Float[Array, ""]]:
    """A few optimiser steps in one compiled program, and what to show of where they led."""
    arrays, static = eqx.partition(training.unknowns, eqx.is_array)

    def one(carry: tuple[Any, optax.OptState], _: None) -> tuple[tuple, Array]:
        arrays, state = carry
        value, gradient = jax.value_and_grad(lambda a: objective(data, eqx.combine(a, static)))(
            arrays
        )
        with relaxed_promotion():
            update, state = _optimiser(total).update(gradient, state, arrays)
            arrays = jax.tree.map(
                lambda a, u, s: a + (u * s).astype(a.dtype), arrays, update, sizes
            )
        return (arrays, state), value

    carry, values = jax.lax.scan(one, (arrays, training.optimiser), None, length=STEPS_PER_CALL)
    unknowns = eqx.combine(carry[0], static)
    return Training(unknowns, carry[1]), values, measure(data, unknowns)


class Trained(NamedTuple):
    """Outcome of training.

    Attributes:
        unknowns: the estimate.
        cost: final objective, unitless.
        steps: steps taken.
        finite: whether the objective stayed finite.
        compile_s: how much longer the first compiled call took than the others, in seconds.
    """

    unknowns: Any
    cost: float
    steps: int
    finite: bool
    compile_s: float


def train(
    objective: Objective,
    data: Any,
    unknowns: Any,
    sizes: Any,
    *,
    steps: int,
    later: Any = None,
    measure: Objective | None = None,
    progress: Progress | None = None,
    compiler_options: tuple[tuple[str, bool], ...] = (),
) -> Trained:
    """Minimise an objective by AdamW.

    Args:
        objective: scalar function of data and unknowns; hashable, for it is compiled once.
        data: what is known, an array pytree.
        unknowns: where to start.
        sizes: one number or array per array of `unknowns`: what one unit of update means in
            its own unit. Zero freezes.
        steps: number of steps, rounded up to a multiple of `STEPS_PER_CALL`.
        later: what takes the place of `data` in the second half; the same where None.
        measure: what to show of the progress; the objective by default.
        progress: called after every compiled call with the step and the measure.
        compiler_options: for XLA.
    """
    call = _compiled(compiler_options)
    total = jnp.asarray(steps)
    with relaxed_promotion():
        state = _optimiser(total).init(eqx.filter(unknowns, eqx.is_array))
    training, done, cost, finite, seconds = Training(unknowns, state), 0, float("nan"), True, []
    while done < steps and finite:
        began = time.perf_counter()
        if later is not None and 2 * done >= steps:
            data = later
        candidate, values, shown = call(
            objective, measure or objective, data, training, sizes, total
        )
        cost = float(values[-1])
        seconds.append(time.perf_counter() - began)
        done += STEPS_PER_CALL
        finite = bool(np.isfinite(cost))
        if finite:
            training = candidate
            if progress is not None:
                progress(min(done, steps), float(shown))
    compile_s = max(0.0, seconds[0] - float(np.median(seconds[1:]))) if seconds[1:] else 0.0
    return Trained(training.unknowns, cost, done, finite, compile_s)
