"""What synergies cost: the moment that muscles can no longer make when they are tied together."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.errors import InputError
from diffbio.muscle.redundancy import Activations, Effort, check_effort, static_optimisation
from diffbio.muscle.synergies import Synergies
from diffbio.muscle.synergy_count import COUNTS
from diffbio.muscle.synergy_factorisation import STARTS, factorise

_solve = eqx.filter_jit(static_optimisation)


class SynergyPrice(NamedTuple):
    """How far muscles make the moments of a trial, free or confined to synergies.

    Attributes:
        n_synergies: 0 where muscles are controlled one by one.
        vaf: of the free activations, by synergies found in them; 1 without synergies, NaN where
            synergies come from elsewhere.
        reserve: root mean square of what reserves add, of each coordinate, Nm (or N).
        share: of the moments that reserves make: root mean square of all reserves in that of all
            moments, each in units of its coordinate's `Effort.reserve`.
        activation: mean of the muscles' weighted activation to the effort's power, of a frame.
        solved: part of the frames that was solved; the others are left out of the rest.
    """

    n_synergies: int
    vaf: float
    reserve: Float[np.ndarray, "coordinate"]
    share: float
    activation: float
    solved: float


def confined_effort(effort: Effort, synergies: Synergies, muscle_names: Sequence[str]) -> Effort:
    """The same effort with activations confined to `a = W c, c >= 0`.

    Args:
        effort: of muscles controlled one by one, or by other synergies.
        synergies: of the same muscles, in any order.
        muscle_names: in the effort's order.

    Raises:
        InputError: the synergies are of other muscles, or leave one out that must co-contract.
    """
    weights = jnp.asarray(synergies.reordered(muscle_names).weights, effort.weight.dtype)
    tied = dataclasses.replace(effort, synergies=weights)
    check_effort(tied)
    return tied


def price_of_synergies(
    capacity: Float[Array, "frame coordinate muscle"],
    moment: Float[Array, "frame coordinate"],
    effort: Effort,
    *,
    vaf: float = float("nan"),
) -> tuple[SynergyPrice, Activations]:
    """Solve all frames and say how far the muscles made the moments.

    Args:
        capacity: moment of each muscle when fully active, Nm (or N).
        moment: what the muscles have to make, Nm (or N).
        effort: with or without synergies (`confined_effort`).
        vaf: what the synergies account for, where that is known.

    Raises:
        InputError: no frame was solved.
    """
    found = _solve(capacity, moment, effort)
    solved = np.asarray(found.converged)
    if not solved.any():
        text = f"None of {solved.size} frames was solved."
        raise InputError("synergies", text, "Look for moments or moment arms that are not finite.")
    reserve, asked = np.asarray(found.reserve)[solved], np.asarray(moment)[solved]
    unit = np.asarray(effort.reserve)
    size = np.linalg.norm(asked / unit)
    work = np.asarray(found.activation)[solved] ** effort.power @ np.asarray(effort.weight)
    free = effort.synergies is None
    price = SynergyPrice(
        n_synergies=0 if effort.synergies is None else effort.synergies.shape[1],
        vaf=1.0 if free else float(vaf),
        reserve=np.sqrt((reserve**2).mean(0)),
        share=float(np.linalg.norm(reserve / unit) / size) if size > 0 else 0.0,
        activation=float(work.mean()),
        solved=float(solved.mean()),
    )
    return price, found


def price_curve(
    capacity: Float[Array, "frame coordinate muscle"],
    moment: Float[Array, "frame coordinate"],
    effort: Effort,
    muscle_names: Sequence[str],
    *,
    counts: Sequence[int] = COUNTS,
    starts: int = STARTS,
) -> tuple[SynergyPrice, ...]:
    """The price of every number of synergies, found in the free activations of the same frames.

    Args:
        capacity: moment of each muscle when fully active, Nm (or N).
        moment: what the muscles have to make, Nm (or N).
        effort: without synergies.
        muscle_names: in the order of capacity.
        counts: numbers of synergies.
        starts: see `factorise`.

    Returns:
        First the price of free muscles, which is what the model itself cannot make; then one for
        each count.

    Raises:
        InputError: see `factorise` and `confined_effort`; or the effort has synergies already.
    """
    if effort.synergies is not None:
        found = f"The effort has {effort.synergies.shape[1]} synergies already."
        raise InputError("price of synergies", found, "Give one of free muscles.")
    free, found = price_of_synergies(capacity, moment, effort)
    activation = np.asarray(found.activation, float)[np.asarray(found.converged)]
    prices = [free]
    for count in counts:
        parts = factorise(activation, muscle_names, count, starts=starts)
        tied = confined_effort(effort, parts.synergies, muscle_names)
        prices.append(price_of_synergies(capacity, moment, tied, vaf=parts.vaf)[0])
    return tuple(prices)
