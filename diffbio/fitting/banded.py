"""Linear systems of an arrow: a band of blocks over time, bordered by unknowns shared by all.

Neighbouring blocks are gathered in threes, so that a band of four blocks' width is tridiagonal.
Its Cholesky factor runs through time once; the border is eliminated by its Schur complement.
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float

WIDTH = 4
"""Blocks on and right of the diagonal: a control point of a cubic spline meets three after it."""

GROUP = WIDTH - 1


def solve_arrow(
    band: Float[Array, "4 block n n"],
    border: Float[Array, "block n shared"],
    corner: Float[Array, "shared shared"],
    right: Float[Array, "block n"],
    right_shared: Float[Array, "shared"],
) -> tuple[Float[Array, "block n"], Float[Array, "shared"]]:
    """Solution of `[[band, border], [border.T, corner]] x = right`, symmetric and definite.

    Args:
        band: `band[d, k]` is the block in row `k` and column `k + d`; those beyond the end are
            not looked at.
        border: columns of the shared unknowns.
        corner: their own block.
        right: right hand side of the band's rows.
        right_shared: right hand side of the shared rows.

    Returns:
        The solution; NaN where the matrix is not positive definite.
    """
    n_block, n, n_shared = border.shape
    diagonal, above = grouped(band)
    columns = grouped_rows(jnp.concatenate([border, right[..., None]], axis=2))
    factor, below, solved = _factor(diagonal, above, columns)
    flat = solved.reshape(-1, n_shared + 1)
    product = flat[:, :n_shared].T @ flat
    schur = jnp.linalg.cholesky(corner - product[:, :n_shared])
    shared = cho_solve((schur, True), right_shared - product[:, n_shared])
    rest = solved[..., n_shared] - solved[..., :n_shared] @ shared
    own = _back_substitute(factor, below, rest)
    return own.reshape(-1, n)[:n_block], shared


def grouped(
    band: Float[Array, "4 block n n"],
) -> tuple[Float[Array, "group row row"], Float[Array, "group row row"]]:
    """Diagonal groups and the groups right of them, the last padded with the identity."""
    n_block, n = band.shape[1:3]
    n_group = -(-n_block // GROUP)
    padded = n_group * GROUP
    column = jnp.arange(n_block)[None] + jnp.arange(WIDTH)[:, None]
    band = jnp.where((column < n_block)[..., None, None], band, 0)
    band = jnp.pad(band, ((0, 0), (0, padded - n_block), (0, 0), (0, 0)))
    if padded > n_block:
        band = band.at[0, n_block:].set(jnp.eye(n, dtype=band.dtype)[None])
    b = band.reshape(WIDTH, n_group, GROUP, n, n)
    zero = jnp.zeros_like(b[0, :, 0])

    def block(row: int, column: int) -> Array:
        if 0 <= column - row < WIDTH:
            return b[column - row, :, row]
        return jnp.swapaxes(b[row - column, :, column], 1, 2) if column < row else zero

    def square(first: int) -> Array:
        rows = [
            jnp.concatenate([block(i, first + j) for j in range(GROUP)], axis=2)
            for i in range(GROUP)
        ]
        return jnp.concatenate(rows, axis=1)

    return square(0), square(GROUP)


def grouped_rows(rows: Float[Array, "block n column"]) -> Float[Array, "group row column"]:
    """Rows gathered as `grouped` gathers blocks, padded with zeros."""
    n_block, n, n_column = rows.shape
    n_group = -(-n_block // GROUP)
    rows = jnp.pad(rows, ((0, n_group * GROUP - n_block), (0, 0), (0, 0)))
    return rows.reshape(n_group, GROUP * n, n_column)


def _factor(
    diagonal: Float[Array, "group row row"],
    above: Float[Array, "group row row"],
    columns: Float[Array, "group row column"],
) -> tuple[Array, Array, Array]:
    """Cholesky factor of a block tridiagonal matrix, and its solution of some columns."""
    n = diagonal.shape[1]

    def step(carry: tuple[Array, Array], group: tuple[Array, Array, Array]) -> tuple:
        e, y = carry
        d, o, r = group
        both = e.T @ jnp.concatenate([e, y], axis=1)
        factor = jnp.linalg.cholesky(d - both[:, :n])
        solved = solve_triangular(factor, jnp.concatenate([o, r - both[:, n:]], axis=1), lower=True)
        carry = solved[:, :n], solved[:, n:]
        return carry, (factor, *carry)

    first = (jnp.zeros_like(diagonal[0]), jnp.zeros_like(columns[0]))
    return jax.lax.scan(step, first, (diagonal, above, columns))[1]


def _back_substitute(
    factor: Float[Array, "group row row"],
    below: Float[Array, "group row row"],
    right: Float[Array, "group row"],
) -> Float[Array, "group row"]:
    def step(after: Array, group: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        d, e, y = group
        own = solve_triangular(d, y - e @ after, lower=True, trans=1)
        return own, own

    return jax.lax.scan(step, jnp.zeros_like(right[0]), (factor, below, right), reverse=True)[1]
