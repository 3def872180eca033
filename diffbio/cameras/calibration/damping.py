"""Damped Gauss-Newton steps until the cost falls no more (Levenberg 1944, Marquardt 1963)."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

Unknowns = TypeVar("Unknowns")

_FIRST = 1e-4
_LEAST, _MOST = 1e-12, 1e11
"""The share of the diagonal that is added to it, at first and at the extremes."""


class Descent(NamedTuple):
    """Where a descent stands.

    Attributes:
        unknowns: any arrays.
        cost: of these.
        damping: of the next step.
        steps: tried so far.
        converged: the last one changed next to nothing, or none helps.
    """

    unknowns: Any
    cost: Float[Array, ""]
    damping: Float[Array, ""]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


def descend(
    start: Unknowns,
    cost: Callable[[Unknowns], Float[Array, ""]],
    step: Callable[[Unknowns, Float[Array, ""]], Unknowns],
    *,
    enough: float | Float[Array, ""],
    max_steps: int,
) -> Descent:
    """Take damped steps, of which those that raise the cost are taken back.

    Args:
        start: where to begin.
        cost: what is to be as small as possible.
        step: the unknowns after a step with a damping, which is a share of the diagonal.
        enough: a step that changes the cost by a smaller share is the last.
        max_steps: at most so many, those taken back included.
    """

    def one(state: Descent) -> Descent:
        proposed = step(state.unknowns, state.damping)
        value = cost(proposed)
        better = value < state.cost
        small = jnp.abs(state.cost - value) <= enough * state.cost
        damping = jnp.where(better, state.damping / 10.0, state.damping * 10.0)
        return Descent(
            jax.tree.map(lambda new, old: jnp.where(better, new, old), proposed, state.unknowns),
            jnp.where(better, value, state.cost),
            jnp.clip(damping, _LEAST, _MOST),
            state.steps + 1,
            small | (~better & (state.damping >= _MOST)),
        )

    first = cost(start)
    damping = jnp.asarray(_FIRST, first.dtype)
    begun = Descent(start, first, damping, jnp.asarray(0), jnp.asarray(False))
    return jax.lax.while_loop(lambda s: (s.steps < max_steps) & ~s.converged, one, begun)
