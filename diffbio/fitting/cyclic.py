"""Block tridiagonal systems by cyclic reduction: every other group is eliminated at once.

What is left is block tridiagonal again, of half the length, so that the logarithm of the number
of groups counts the steps that wait for each other. It does two to three times the arithmetic of
a scan through time, in batches that fill an accelerator. Equally a Cholesky factorisation, of
the rows in another order: first the odd groups, then the odd ones of those left, the first last.

Source: Heller (1976), Some aspects of the cyclic reduction algorithm for block tridiagonal
linear systems, SIAM J. Numer. Anal. 13.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.lax.linalg import triangular_solve
from jaxtyping import Array, Float


class Level(NamedTuple):
    """The groups eliminated at once.

    Attributes:
        factor: Cholesky factors of their diagonal blocks.
        left: these factors' solutions of the blocks that couple each to the group before it.
        right: likewise to the group after it; zero where there is none.
    """

    factor: Float[Array, "odd row row"]
    left: Float[Array, "odd row row"]
    right: Float[Array, "odd row row"]


class CyclicFactor(NamedTuple):
    """Cholesky factor of a block tridiagonal matrix.

    Attributes:
        levels: in the order of elimination.
        last: factor of the one group that remains.
    """

    levels: tuple[Level, ...]
    last: Float[Array, "1 row row"]


def eliminate(
    diagonal: Float[Array, "group row row"],
    above: Float[Array, "group row row"],
    columns: Float[Array, "group row column"],
) -> tuple[CyclicFactor, Float[Array, "group row column"]]:
    """Cholesky factor of a block tridiagonal matrix, and its solution of some columns.

    Args:
        diagonal: blocks on the diagonal.
        above: blocks right of them; the last must be zero.
        columns: right hand sides.

    Returns:
        The factor and the solved columns, these in the order of elimination.
    """
    levels, solved = [], []
    while len(diagonal) > 1:
        level, eliminated, (diagonal, above, columns) = _halve(diagonal, above, columns)
        levels.append(level)
        solved.append(eliminated)
    last = jnp.linalg.cholesky(diagonal)
    solved.append(_solve(last, columns))
    return CyclicFactor(tuple(levels), last), jnp.concatenate(solved)


def back_substitute(
    factor: CyclicFactor, right: Float[Array, "group row"]
) -> Float[Array, "group row"]:
    """Solution with the transposed factor.

    Args:
        factor: of `eliminate`.
        right: in the order of elimination.

    Returns:
        The solution, in the order of time.
    """
    end = len(right) - 1
    found = _solve(factor.last, right[end:, :, None], transpose=True)
    for level in reversed(factor.levels):
        n_odd, n_even = len(level.factor), len(found)
        before, after = found[:n_odd], _padded(found[1:], 0, n_odd - n_even + 1)
        known = level.left @ before + level.right @ after
        rows = right[end - n_odd : end, :, None] - known
        odd = _padded(_solve(level.factor, rows, transpose=True), 0, n_even - n_odd)
        both = jnp.stack([found, odd], axis=1).reshape(2 * n_even, *found.shape[1:])
        found, end = both[: n_even + n_odd], end - n_odd
    return found[..., 0]


def _halve(
    diagonal: Float[Array, "group row row"],
    above: Float[Array, "group row row"],
    columns: Float[Array, "group row column"],
) -> tuple[Level, Array, tuple[Array, Array, Array]]:
    """Eliminate the odd groups: what they leave behind, and the system of the even ones."""
    n, n_odd = diagonal.shape[1], len(diagonal) // 2
    n_even = len(diagonal) - n_odd
    factor = jnp.linalg.cholesky(diagonal[1::2])
    to_left = jnp.swapaxes(above[: 2 * n_odd : 2], 1, 2)
    solved = _solve(factor, jnp.concatenate([to_left, above[1::2], columns[1::2]], axis=2))
    left, right, own = jnp.split(solved, [n, 2 * n], axis=2)
    # An odd group takes from the even one before it, and from the one after it if there is one.
    before = jnp.swapaxes(left, 1, 2) @ solved
    after = (jnp.swapaxes(right, 1, 2) @ solved[..., n:])[: n_even - 1]
    before = _padded(before, 0, n_even - n_odd)
    after = _padded(after, 1, 0)
    rest = (
        diagonal[::2] - before[..., :n] - after[..., :n],
        -before[..., n : 2 * n],
        columns[::2] - before[..., 2 * n :] - after[..., n:],
    )
    return Level(factor, left, right), own, rest


def _solve(
    factor: Float[Array, "group row row"],
    columns: Float[Array, "group row column"],
    *,
    transpose: bool = False,
) -> Float[Array, "group row column"]:
    return triangular_solve(factor, columns, left_side=True, lower=True, transpose_a=transpose)


def _padded(groups: Float[Array, "*any"], before: int, after: int) -> Float[Array, "*out"]:
    """With groups of zeros around."""
    return jnp.pad(groups, ((before, after), *((0, 0),) * (groups.ndim - 1)))
