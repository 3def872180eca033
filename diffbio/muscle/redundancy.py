"""Which muscles share a moment, and how: static optimisation with explicit reserves.

    minimum of  sum_i w_i a_i^p + sum_j (r_j / s_j)^2
    subject to  R diag(F) a + r = tau - tau_passive,   least_i <= a_i <= 1

for every frame by itself. `a` are activations, `R diag(F)` is the moment of every muscle when fully
active, at the frame's lengths and velocities, and `r` are the moments that reserve actuators add
where muscles cannot make what was asked for. So every problem has a solution, and the reserves say
what it is worth.

With synergies, activations are confined to `a = W c, c >= 0`. In single precision rounding then
leaves some overloaded frames short of `CONVERGED`, and they say so; double precision solves them.

Sources: R. D. Crowninshield, R. A. Brand (1981), J. Biomech. 14:793, for the sum of cubes; F. C.
Anderson, M. G. Pandy (2001), J. Biomech. 34:153, for the sum of squares; OpenSim's
StaticOptimization for reserves of an optimal force, of which the activation squared is added.
"""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio.errors import InputError
from diffbio.muscle.interior_point import cold_start, minimise, warm_start
from diffbio.muscle.optimality import Point, Program, implicit_change, stiffness

RESERVE = 1.0
"""Default `s`: a reserve of 1 Nm (or N) costs as much as one fully active muscle of weight one.
OpenSim's documentation (reserves and residuals) asks for a low optimal force, so that reserves do
not pay. Muscles of the leg make this moment at activations of a few hundredths, whose square is a
thousandth of that cost, so reserves act where muscles cannot."""

CONVERGED = {"float64": 1e-6, "float32": 1e-4}
"""Relative residual up to which a frame counts as solved."""

MOST_COMMAND = 2.0
"""Bound of a synergy's command, relative to the command that fully activates its strongest muscle:
never reached, because that muscle's own bound comes first."""

CHUNK = 64
"""Frames solved together: as many as stay in a processor's cache, and no frame waits long for the
one that takes most iterations."""


class Effort(eqx.Module):
    """What is minimised, and the bounds.

    Attributes:
        weight: `w`, of each muscle, positive, no unit. All ones count activation; volumes, which
            sum to one, count what the muscles' work costs.
        reserve: `s`, of each coordinate, in Nm of a rotation or N of a translation: the reserve
            that costs as much as one fully active muscle of weight one. Less is stricter.
        co_contraction: activation that each muscle keeps at least, in [0, 1).
        synergies: `W`, activation of each muscle per unit of each synergy's command, not negative;
            None where muscles are controlled one by one.
        power: `p`, 2 or 3.
    """

    weight: Float[Array, "muscle"]
    reserve: Float[Array, "coordinate"]
    co_contraction: Float[Array, "muscle"]
    synergies: Float[Array, "muscle synergy"] | None = None
    power: int = eqx.field(static=True, default=2)


class Activations(NamedTuple):
    """What static optimisation found, of one frame or of several along a leading axis.

    Attributes:
        activation: of each muscle, within its bounds.
        reserve: what the reserve actuators add, Nm (or N); moments are met exactly with it.
        command: of each synergy; None without synergies.
        residual: of the conditions of optimality, relative (`optimality.residual`); infinite
            where the input was not finite.
        converged: whether the residual is at most `CONVERGED`.
        iterations: of the interior-point method.
        point: unknowns and multipliers, to start a neighbouring problem from. `point.price` is the
            change of the least effort per Nm of each moment.
    """

    activation: Float[Array, "*frame muscle"]
    reserve: Float[Array, "*frame coordinate"]
    command: Float[Array, "*frame synergy"] | None
    residual: Float[Array, "*frame"]
    converged: Bool[Array, "*frame"]
    iterations: Int[Array, "*frame"]
    point: Point


def effort(
    n_muscles: int,
    n_coordinates: int,
    *,
    power: int = 2,
    reserve: float = RESERVE,
    co_contraction: float = 0.0,
    synergies: Float[Array, "row synergy"] | None = None,
    dtype: jnp.dtype | None = None,
) -> Effort:
    """The same weight for every muscle, the same reserve for every coordinate.

    Raises:
        InputError: a power, reserve, co-contraction or synergy that has no meaning.
    """
    least = np.full(n_muscles, co_contraction)
    if synergies is not None:
        _check_synergies(np.asarray(synergies), least)
    one = jnp.ones(n_muscles, dtype)
    every = jnp.full(n_coordinates, reserve, one.dtype)
    made = Effort(one, every, jnp.asarray(least, one.dtype), synergies, power)
    check_effort(made)
    return made


def check_effort(effort: Effort) -> None:
    """Refuse what has no meaning, before anything is compiled.

    Raises:
        InputError: naming what is at fault, what was found and what to do.
    """
    where, least = "static optimisation", np.asarray(effort.co_contraction)
    if effort.power not in (2, 3):
        found = f"The power of the effort is {effort.power}."
        raise InputError(where, found, "It is 2 (squares) or 3 (cubes).")
    if not np.all(np.asarray(effort.weight) > 0):
        found = "A muscle's weight is not positive."
        raise InputError(where, found, "Leave the muscle out, or give it a positive weight.")
    if not np.all(np.asarray(effort.reserve) > 0):
        found = "A reserve is not positive."
        raise InputError(where, found, "Give a small one, in Nm, where none is wanted.")
    if not np.all((least >= 0) & (least < 1)):
        found = f"Co-contraction goes from {least.min():g} to {least.max():g}."
        raise InputError(where, found, "It is an activation of at least 0 and less than 1.")
    if effort.synergies is not None:
        _check_synergies(np.asarray(effort.synergies), least)


def _check_synergies(synergies: np.ndarray, least: np.ndarray) -> None:
    if synergies.shape[0] != least.size:
        found = f"They have {synergies.shape[0]} muscles, the problem {least.size}."
        raise InputError("synergies", found, "Give one row for each muscle, in the same order.")
    if not np.all(synergies >= 0) or not np.all(synergies.max(0) > 0):
        found = "A weight is negative or not finite, or a synergy moves no muscle."
        raise InputError("synergies", found, "Give weights of at least 0, some of each positive.")
    if np.any((synergies.max(1) == 0) & (least > 0)):
        found = "A muscle that must co-contract belongs to no synergy."
        raise InputError("synergies", found, "Set its co-contraction to 0, or give it a weight.")


def static_optimisation(
    capacity: Float[Array, "frame coordinate muscle"],
    moment: Float[Array, "frame coordinate"],
    effort: Effort,
    *,
    start: Activations | None = None,
    chunk: int = CHUNK,
) -> Activations:
    """Activations of all frames, each by itself; see `share_moment`.

    Args:
        capacity: `R diag(F)`: moment of each muscle about each coordinate when fully active, Nm
            (or N), passive force excluded.
        moment: what the muscles have to make, Nm (or N), their passive moments subtracted.
        effort: what is minimised.
        start: where each frame starts, for instance from the same trial a little changed.
        chunk: frames solved together.
    """

    def one(frame: tuple) -> Activations:
        capacity, moment, start = frame
        return share_moment(capacity, moment, effort, start=start)

    frames = (capacity, moment, start)
    if capacity.shape[0] <= chunk:
        return jax.vmap(one)(frames)
    return jax.lax.map(one, frames, batch_size=chunk)


def share_moment(
    capacity: Float[Array, "coordinate muscle"],
    moment: Float[Array, "coordinate"],
    effort: Effort,
    *,
    start: Activations | None = None,
) -> Activations:
    """Activations of one frame. Differentiable, in both modes, by `capacity`, `moment`, `effort`.

    Derivatives come from the conditions of optimality, at the price of one more solution of the
    last step's system; none flows through `start`, `residual` and `iterations`. Where a muscle is
    just leaving a bound, the activation has a kink and the derivative is a mean of both sides.

    Failure is a value: a moment that cannot be made ends in `reserve`, a problem that was not
    solved has `converged` false, and input that is not finite gives activations for no moment, an
    infinite residual and no NaN.
    """
    usable = jnp.isfinite(capacity).all() & jnp.isfinite(moment).all()
    capacity = jnp.where(usable, capacity, 0)
    moment = jnp.where(usable, moment, 0)
    program = _program(capacity, moment, effort)
    power = effort.power
    fixed = jax.lax.stop_gradient(program)
    if start is None:
        first = cold_start(fixed, power)
    else:
        first = warm_start(fixed, power, jax.lax.stop_gradient(start.point))
    point, found, iterations = _minimum(power, program, first)
    n = effort.weight.size
    activation = jnp.clip(point.y[:n], effort.co_contraction, 1)
    worst = jnp.where(usable, found, jnp.inf)
    return Activations(
        activation=activation,
        reserve=moment - capacity @ activation,
        command=None if effort.synergies is None else point.x,
        residual=worst,
        converged=worst <= CONVERGED[str(moment.dtype)],
        iterations=iterations,
        point=point,
    )


def _program(
    capacity: Float[Array, "coordinate muscle"],
    moment: Float[Array, "coordinate"],
    effort: Effort,
) -> Program:
    compliance = 0.5 * effort.reserve**2
    synergies, lower = effort.synergies, effort.co_contraction
    upper = jnp.ones_like(lower)
    if synergies is None:
        return Program(effort.weight, lower, upper, capacity, moment, compliance, None)
    nothing = jnp.zeros_like(synergies[0])
    most = jax.lax.stop_gradient(MOST_COMMAND / synergies.max(0))
    return Program(
        cost=jnp.concatenate([effort.weight, nothing]),
        lower=jnp.concatenate([lower, nothing]),
        upper=jnp.concatenate([upper, most]),
        matrix=capacity @ synergies,
        right=moment,
        compliance=compliance,
        synergies=synergies,
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _minimum(power: int, program: Program, start: Point) -> tuple[Point, Array, Array]:
    return minimise(program, power, start)


@_minimum.defjvp
def _minimum_jvp(power: int, primals: tuple, tangents: tuple) -> tuple:
    """Implicit derivative: the last step's system with the conditions' own change on the right."""
    program: Program = primals[0]
    by: Program = tangents[0]
    done = _minimum(power, *primals)
    point = done[0]
    stiff = stiffness(program, point, power)
    below, above = point.y - program.lower, program.upper - point.y
    # Change of every condition while the solution stays where it is.
    cost = power * by.cost * point.y ** (power - 1)
    row = cost - point.at_lower / below * by.lower - point.at_upper / above * by.upper
    slope, rows = -by.matrix.T @ point.price, jnp.zeros_like(row)
    if program.synergies is not None and by.synergies is not None:
        n = program.synergies.shape[0]
        slope = slope + by.synergies.T @ point.row_price[:n]
        rows = rows.at[:n].set(by.synergies @ point.x)
    moment = by.matrix @ point.x + by.compliance * point.price - by.right
    change = implicit_change(program, stiff, row, slope, moment, rows)
    change = change._replace(
        at_lower=-point.at_lower / below * (change.y - by.lower),
        at_upper=point.at_upper / above * (change.y - by.upper),
    )
    return done, (change, jnp.zeros_like(done[1]), np.zeros((), jax.dtypes.float0))
