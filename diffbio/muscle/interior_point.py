"""Primal-dual interior-point method for one frame of the muscle redundancy problem.

Every step factors one small definite system (`optimality.linear_solver`), which Mehrotra's
predictor and corrector share.

Source: J. Nocedal, S. Wright, Numerical Optimization (2006), chapters 14.2 and 16.6.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.muscle.optimality import (
    Point,
    Program,
    from_rows,
    gradient,
    linear_solver,
    residual,
    stiffness,
    to_rows,
    violations,
)

MOST_ITERATIONS = 50
"""A problem takes about 15, and 35 where thirty times what muscles can make is asked for."""

TOLERANCE = {"float64": 1e-10, "float32": 2e-6}
"""Relative residual at which iterating ends; more than rounding leaves. Derivatives are as exact as
the solution is, so it is much less than what an activation has to be known to."""

NEARLY = 50
"""Residual, in tolerances, from which a step that makes it larger says that rounding has won."""

TO_THE_BOUND = 0.995
"""Share of the way to the nearest bound that a step goes at most, so as to stay inside."""

START = 300.0, 0.01
"""Largest marginal gain that a cold start lets the moments have: in units of a muscle's marginal
cost, and as a share of what it would be if reserves made everything. Less takes more iterations
where muscles are overloaded, more takes more iterations where they are not."""

WARM_SLACK = 1e-3
"""Least distance of a warm start from its bounds: on a bound the method would be stuck."""


class _Progress(NamedTuple):
    point: Point
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    stopped: Bool[Array, ""]


def minimise(program: Program, power: int, start: Point) -> tuple[Point, Array, Array]:
    """Iterate until the residual is small, no step is possible, or `MOST_ITERATIONS` are done.

    Under `vmap` the loop runs until the last frame ends; those that have ended stay as they are.

    Args:
        program: finite numbers; `lower < upper`.
        power: 2 or 3.
        start: from `cold_start` or `warm_start`.

    Returns:
        The last point, its residual and the number of iterations; always finite.
    """
    tolerance = TOLERANCE[str(program.right.dtype)]

    def goes_on(now: _Progress) -> Array:
        return (now.residual > tolerance) & (now.iterations < MOST_ITERATIONS) & ~now.stopped

    def again(now: _Progress) -> _Progress:
        point = _step(program, now.point, power)
        found = residual(program, point, power)
        # In single precision the last steps may lead nowhere: the better point is kept.
        leaves = jnp.stack([jnp.isfinite(leaf).all() for leaf in point])
        usable = leaves.all() & jnp.isfinite(found)
        worse = (found > now.residual) & (now.residual < NEARLY * tolerance)
        stopped = ~usable | worse
        kept = jax.tree.map(lambda old, new: jnp.where(stopped, old, new), now.point, point)
        found = jnp.where(stopped, now.residual, found)
        return _Progress(kept, found, now.iterations + 1, stopped)

    first = _Progress(
        start, residual(program, start, power), jnp.asarray(0, jnp.int32), jnp.asarray(False)
    )
    done = jax.lax.while_loop(goes_on, again, first)
    return done.point, done.residual, done.iterations


def cold_start(program: Program, power: int) -> Point:
    """The middle of the bounds, with prices as if reserves made all the rest, but not too high.

    Rows and unknowns start stationary. Prices of zero would be as far from those of an overloaded
    frame as steps that stop at the bounds can be: it would take them 40 and more.
    """
    y = 0.5 * (program.lower + program.upper)
    n = 0 if program.synergies is None else program.synergies.shape[0]
    price = (program.right - program.matrix @ y[n:]) / program.compliance
    marginal = power * program.cost.max()
    pull = jnp.abs(program.matrix.T @ price).max()
    most = jnp.maximum(START[0] * marginal, START[1] * pull)
    price = price * jnp.minimum(1, most / jnp.maximum(pull, marginal))
    pull = program.matrix.T @ price
    row_price = jnp.concatenate([jnp.zeros_like(y[:n]), pull])
    slope = gradient(program, y, power) - row_price
    size = jnp.maximum(jnp.abs(slope).max(), marginal)
    return Point(
        y[n:], y, price, row_price, size + jnp.maximum(slope, 0), size + jnp.maximum(-slope, 0)
    )


def warm_start(program: Program, power: int, earlier: Point) -> Point:
    """Where a neighbouring problem ended, moved off the bounds."""
    width = program.upper - program.lower
    margin = WARM_SLACK * width
    y = jnp.clip(earlier.y, program.lower + margin, program.upper - margin)
    n = 0 if program.synergies is None else program.synergies.shape[0]
    least = WARM_SLACK * power * program.cost.max()
    return Point(
        y[n:], y, earlier.price, earlier.row_price,
        jnp.maximum(earlier.at_lower, least), jnp.maximum(earlier.at_upper, least),
    )  # fmt: skip


def _step(program: Program, point: Point, power: int) -> Point:
    """Predictor, corrector, and as much of the step as stays inside the bounds."""
    below, above = point.y - program.lower, program.upper - point.y
    stiff = stiffness(program, point, power)
    solve = linear_solver(program, stiff)
    dual, slope, moment, rows = violations(program, point, power)

    def direction(lower_gap: Array, upper_gap: Array) -> Point:
        # The rows' own equation, after the multipliers of the bounds are eliminated.
        row = dual - lower_gap / below + upper_gap / above
        x, price = solve(-slope - from_rows(program, row + stiff * rows), -moment)
        y = to_rows(program, x) + rows
        return Point(
            x, y, price, stiff * y + row,
            (lower_gap - point.at_lower * y) / below,
            (upper_gap + point.at_upper * y) / above,
        )  # fmt: skip

    lower_gap, upper_gap = -below * point.at_lower, -above * point.at_upper
    count = 2 * below.size
    gap = -(lower_gap.sum() + upper_gap.sum()) / count
    step = direction(lower_gap, upper_gap)
    share = jnp.minimum(1.0, _fits(step, point, below, above))
    left = (below + share * step.y) @ (point.at_lower + share * step.at_lower)
    left = left + (above - share * step.y) @ (point.at_upper + share * step.at_upper)
    target = gap * jnp.clip(left / count / gap, 0, 1) ** 3
    # The correction is that of a full step; for a short one as it stands it can lead in circles.
    bend = share**2 * step.y
    step = direction(
        lower_gap + target - bend * step.at_lower, upper_gap + target + bend * step.at_upper
    )
    share = jnp.minimum(1.0, TO_THE_BOUND * _fits(step, point, below, above))
    point = jax.tree.map(lambda at, by: at + share * by, point, step)
    # Rounding alone may put a row on its bound, where the next step would divide by zero.
    number = jnp.finfo(point.y.dtype)
    lower = program.lower + float(number.eps) * jnp.abs(program.lower) + float(number.tiny)
    upper = program.upper - float(number.eps) * jnp.abs(program.upper)
    return point._replace(y=jnp.clip(point.y, lower, upper))


def _fits(
    step: Point, point: Point, below: Float[Array, "row"], above: Float[Array, "row"]
) -> Float[Array, ""]:
    """How many times the step fits before a bound or a multiplier's zero."""
    ratios = jnp.concatenate([
        -step.y / below, step.y / above,
        -step.at_lower / point.at_lower, -step.at_upper / point.at_upper,
    ])  # fmt: skip
    return 1 / jnp.maximum(ratios.max(), jnp.finfo(below.dtype).eps)
