"""Solve for a person and all their trials at once, by exact nested elimination."""

import dataclasses
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from diffbio.body import BodyParameters
from diffbio.cohort.prior import BodyPrior, flat, unflat
from diffbio.fitting.nested import Offer, Share, cost_of, follow, offer
from diffbio.fitting.schedule import MAX_ITERATIONS, Course, first_course, goes_on, judge, tail_of
from diffbio.fitting.system import HOLD, State

Progress = Callable[[int], None]
"""Called after every iteration with how many there were."""

_judge = jax.jit(judge)


@dataclasses.dataclass(frozen=True)
class Solution:
    """A person and their trials at the minimum.

    Attributes:
        states: of the trials, by name, all with the same person.
        course: how the iteration went; its cost is the sum of the trials' and of the prior.
        offers: what each trial says about the person there, undamped.
    """

    states: dict[str, State]
    course: Course
    offers: dict[str, Offer]


def solve_person(
    shares: Mapping[str, Share],
    starts: Mapping[str, State],
    prior: BodyPrior,
    *,
    tolerance: float,
    limit: int = MAX_ITERATIONS,
    progress: Progress | None = None,
) -> Solution:
    """Damped Gauss-Newton over one person and many trials; every step solves the whole system.

    Trials are visited one after the other, so that memory holds the factors of this person's
    trials and nothing of anybody else's.

    Args:
        shares: the trials, by name; their objectives have no prior on the person.
        starts: where they begin, all with the same person.
        prior: on the person.
        tolerance: decrease that the quadratic model may still promise at the end, unitless.
        limit: iterations at most.
        progress: called after each.
    """
    states = dict(starts)
    first = next(iter(states.values()))
    dtype = np.dtype(first.control.dtype)
    person = flat(first.parameters)
    now = first_course(jnp.asarray(_cost(shares, states, prior, person, tail_of(0, dtype)), dtype))
    many, offers = jnp.asarray(limit), {}
    while bool(goes_on(now, many)):
        damping, tail = now.damping, now.tail
        kept = {}
        for name, share in shares.items():
            offers[name], kept[name] = offer(share, states[name], damping, tail, now.free)
        step, lift, by_prior = step_of(offers, prior, person, float(damping), bool(now.free))
        after = {
            name: follow(share, states[name], kept[name], jnp.asarray(step, dtype), tail)
            for name, share in shares.items()
        }
        cost = sum(float(one.cost) for one in after.values()) + prior.cost(person + step)
        decrement = sum(float(one.decrement) for one in after.values()) - 0.5 * step @ by_prior
        held_back = sum(float(one.held_back) for one in after.values()) + step**2 @ lift
        numbers = (cost, decrement, decrement + 0.5 * held_back, tolerance)
        better, now = _judge(now, *(jnp.asarray(x, dtype) for x in numbers))
        if bool(better):
            person = person + step
            # From the double precision of the sum, so that rounding never parts the trials.
            exact = unflat(person, len(first.parameters.log_scale), dtype)
            states = {name: _with_person(one.state, exact) for name, one in after.items()}
        if float(now.tail) != float(tail):
            now = now.priced(jnp.asarray(_cost(shares, states, prior, person, now.tail), dtype))
        if progress is not None:
            progress(int(now.iterations))
    nothing = jnp.zeros((), dtype)
    for name, share in shares.items():
        offers[name], _ = offer(share, states[name], nothing, now.tail, now.free)
    return Solution(states, now.ended(), offers)


def step_of(
    offers: Mapping[str, Offer],
    prior: BodyPrior,
    person: Float[np.ndarray, "person"],
    damping: float,
    free: bool,
) -> tuple[Float[np.ndarray, "person"], Float[np.ndarray, "person"], Float[np.ndarray, "person"]]:
    """Step of the person, what damping added to the diagonal, and the prior's gradient.

    In double precision, whatever the trials are in: there are but a few hundred unknowns.
    """
    of_prior = np.diag(prior.information)
    by_prior = prior.gradient(person)
    diagonal, information, gradient = of_prior, prior.information, by_prior
    for one in offers.values():
        diagonal = diagonal + np.asarray(one.diagonal, float)
        information = information + np.asarray(one.information, float)
        gradient = gradient + np.asarray(one.gradient, float)
    lift = damping * diagonal + (0.0 if free else HOLD) * of_prior
    matrix = information + np.diag(lift)
    try:
        step = -cho_solve(cho_factor(matrix), gradient)
    except (LinAlgError, ValueError):
        # Not definite, or not finite: a step that leads nowhere is refused, and damping grows.
        step = np.full_like(gradient, np.nan)
    return step, lift, by_prior


def _cost(
    shares: Mapping[str, Share],
    states: Mapping[str, State],
    prior: BodyPrior,
    person: Float[np.ndarray, "person"],
    tail: jax.Array,
) -> float:
    each = (float(cost_of(share, states[name], tail)) for name, share in shares.items())
    return sum(each) + prior.cost(person)


def _with_person(state: State, person: BodyParameters) -> State:
    return eqx.tree_at(lambda s: s.parameters, state, person)
