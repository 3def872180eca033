"""A band of blocks as a block tridiagonal matrix: neighbouring blocks are gathered in threes."""

import jax.numpy as jnp
from jaxtyping import Array, Float

WIDTH = 4
"""Blocks on and right of the diagonal: a control point of a cubic spline meets three after it."""

GROUP = WIDTH - 1


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


def ungrouped(
    diagonal: Float[Array, "group row row"], above: Float[Array, "group row row"]
) -> Float[Array, "4 block n n"]:
    """The band of groups, as `grouped` took it."""
    n = diagonal.shape[1] // GROUP
    split = [x.reshape(-1, GROUP, n, GROUP, n) for x in (diagonal, above)]

    def block(row: int, column: int) -> Array:
        return split[column // GROUP][:, row, :, column % GROUP]

    rows = [jnp.stack([block(i, i + d) for i in range(GROUP)], axis=1) for d in range(WIDTH)]
    return jnp.stack(rows).reshape(WIDTH, -1, n, n)
