"""Conditions of optimality of one frame of the redundancy problem, and their linear systems.

The unknowns `x` are activations, or the commands of synergies. With rows `y = M x`, which are the
activations and, for synergies, the commands below them, the problem is

    minimum over x of  sum_i w_i y_i^p + sum_j (r_j / s_j)^2
    subject to         A x + r = b,   lower <= y <= upper

where `r` are the reserves. Eliminating all the rest leaves one definite system: as large as there
are coordinates for activations (each muscle is eliminated by itself), as large as there are
commands for synergies.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

Solver = Callable[[Array, Array], tuple[Array, Array]]
"""From both parts of a right hand side to both parts of the solution."""


class Program(NamedTuple):
    """One frame, as arrays.

    Attributes:
        cost: `w`, of each row.
        lower: bound of each row.
        upper: bound of each row.
        matrix: `A`, moment per unknown, Nm (or N).
        right: `b`, moment to be made, Nm (or N).
        compliance: `s^2 / 2`: reserve per unit of its multiplier.
        synergies: `M` without its last rows, the commands themselves; None where `x` are the
            activations and `M` is the identity.
    """

    cost: Float[Array, "row"]
    lower: Float[Array, "row"]
    upper: Float[Array, "row"]
    matrix: Float[Array, "coordinate unknown"]
    right: Float[Array, "coordinate"]
    compliance: Float[Array, "coordinate"]
    synergies: Float[Array, "muscle unknown"] | None


class Point(NamedTuple):
    """Unknowns, rows and multipliers.

    Attributes:
        x: unknowns.
        y: rows, strictly between their bounds.
        price: multiplier of each moment: what one more unit of it would cost, per Nm.
        row_price: multiplier of `y = M x`.
        at_lower: multiplier of each lower bound, positive.
        at_upper: multiplier of each upper bound, positive.
    """

    x: Float[Array, "unknown"]
    y: Float[Array, "row"]
    price: Float[Array, "coordinate"]
    row_price: Float[Array, "row"]
    at_lower: Float[Array, "row"]
    at_upper: Float[Array, "row"]


def to_rows(program: Program, x: Float[Array, "unknown"]) -> Float[Array, "row"]:
    """`M x`."""
    return x if program.synergies is None else jnp.concatenate([program.synergies @ x, x])


def from_rows(program: Program, rows: Float[Array, "row"]) -> Float[Array, "unknown"]:
    """`M.T rows`."""
    if program.synergies is None:
        return rows
    n = program.synergies.shape[0]
    return program.synergies.T @ rows[:n] + rows[n:]


def linear_solver(program: Program, stiffness: Float[Array, "row"]) -> Solver:
    """Factor of `[[M.T D M, -A.T], [A, S]]` with the positive diagonals `D` and `S`.

    Args:
        program: the frame.
        stiffness: `D`, second derivative of each row's cost and barrier.

    Returns:
        What solves it.
    """
    matrix, compliance = program.matrix, program.compliance
    if program.synergies is None:
        scaled = matrix / stiffness[None]
        factor = jnp.linalg.cholesky(scaled @ matrix.T + jnp.diag(compliance))

        def solve(upper: Array, lower: Array) -> tuple[Array, Array]:
            price = cho_solve((factor, True), lower - scaled @ upper)
            return (upper + matrix.T @ price) / stiffness, price

    else:
        n, softened = program.synergies.shape[0], matrix / compliance[:, None]
        normal = (program.synergies.T * stiffness[None, :n]) @ program.synergies
        normal = normal + jnp.diag(stiffness[n:]) + matrix.T @ softened
        factor = jnp.linalg.cholesky(normal)

        def solve(upper: Array, lower: Array) -> tuple[Array, Array]:
            x = cho_solve((factor, True), upper + softened.T @ lower)
            return x, (lower - matrix @ x) / compliance

    return solve


def implicit_change(
    program: Program,
    stiffness: Float[Array, "row"],
    row: Float[Array, "row"],
    slope: Float[Array, "unknown"],
    moment: Float[Array, "coordinate"],
    rows: Float[Array, "row"],
) -> Point:
    """Change of a solution that restores conditions which have changed; linear in the changes.

    With synergies, rows stay in the system: a row on its bound has a stiffness beyond all others,
    and what its weights' change does would drown in rounding if the row were eliminated.

    Args:
        program: the frame.
        stiffness: at the solution.
        row: change of the rows' stationarity, multipliers of bounds eliminated.
        slope: change of the unknowns' stationarity.
        moment: change of the moments.
        rows: change of `M x - y`.

    Returns:
        Changes; those of the bounds' multipliers are left zero.
    """
    none = jnp.zeros_like(row)
    if program.synergies is None:
        x, price = linear_solver(program, stiffness)(-slope - row, -moment)
        return Point(x, x, price, stiffness * x + row, none, none)
    rows_of_x = jnp.concatenate([program.synergies, jnp.eye(slope.size, dtype=slope.dtype)])
    softened = program.matrix / program.compliance[:, None]
    system = jnp.block([
        [program.matrix.T @ softened, rows_of_x.T], [rows_of_x, -jnp.diag(1 / stiffness)]
    ])  # fmt: skip
    right = jnp.concatenate([-slope - softened.T @ moment, -rows - row / stiffness])
    solved = jnp.linalg.solve(system, right)
    x, row_price = solved[: slope.size], solved[slope.size :]
    y = (row_price - row) / stiffness
    price = -(moment + program.matrix @ x) / program.compliance
    return Point(x, y, price, row_price, none, none)


def stiffness(program: Program, point: Point, power: int) -> Float[Array, "row"]:
    """Second derivative of each row's cost, and of the bounds that hold it."""
    own = power * (power - 1) * program.cost * _power(point.y, power - 2)
    below, above = point.y - program.lower, program.upper - point.y
    return own + point.at_lower / below + point.at_upper / above


def gradient(program: Program, y: Float[Array, "row"], power: int) -> Float[Array, "row"]:
    """First derivative of each row's cost."""
    return power * program.cost * _power(y, power - 1)


def residual(program: Program, point: Point, power: int) -> Float[Array, ""]:
    """Largest relative violation of the conditions of optimality (Karush, Kuhn, Tucker).

    Stationarity and complementarity of a row are relative to its multipliers and the largest
    marginal cost of any; stationarity of an unknown also to the pulls of the single moments, which
    cancel in it; moments to what all muscles together can make and to the moment asked for. A bound
    violated counts as it is.
    """
    row_scale, moment_scale = _scales(program, point, power)
    dual, slope, moment, rows = violations(program, point, power)
    pulls = jnp.abs(program.matrix).T @ jnp.abs(point.price)
    below, above = point.y - program.lower, program.upper - point.y
    worst = [
        jnp.abs(dual) / row_scale,
        jnp.abs(slope) / (from_rows(program, row_scale) + pulls),
        jnp.abs(moment) / moment_scale,
        jnp.abs(rows),
        jnp.abs(below * point.at_lower) / row_scale,
        jnp.abs(above * point.at_upper) / row_scale,
        jnp.maximum(0, -jnp.minimum(below, above)),
    ]
    return jnp.concatenate([jnp.abs(part) for part in worst]).max()


def violations(program: Program, point: Point, power: int) -> tuple[Array, Array, Array, Array]:
    """Stationarity of rows and of unknowns, moments, and `M x - y`."""
    dual = gradient(program, point.y, power) - point.row_price - point.at_lower + point.at_upper
    slope = from_rows(program, point.row_price) - program.matrix.T @ point.price
    moment = program.matrix @ point.x + program.compliance * point.price - program.right
    return dual, slope, moment, to_rows(program, point.x) - point.y


def _scales(program: Program, point: Point, power: int) -> tuple[Array, Array]:
    row = jnp.abs(point.row_price) + point.at_lower + point.at_upper
    row = row + power * program.cost.max()
    moment = jnp.abs(program.matrix).sum(1) + jnp.abs(program.right)
    tiny = jnp.finfo(row.dtype).tiny
    return jnp.maximum(row, tiny), jnp.maximum(moment, tiny)


def _power(y: Float[Array, "row"], power: int) -> Float[Array, "row"]:
    return jnp.ones_like(y) if power == 0 else y**power
