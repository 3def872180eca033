"""Linear systems of an arrow: a band of blocks over time, bordered by unknowns shared by all.

Neighbouring blocks are gathered in threes, so that a band of four blocks' width is tridiagonal.
Its Cholesky factor runs through time once; the border is eliminated by its Schur complement.
The same factor gives the covariances of what lies within a band (the selected inverse).
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float

from diffbio.fitting import cyclic

WIDTH = 4
"""Blocks on and right of the diagonal: a control point of a cubic spline meets three after it."""

GROUP = WIDTH - 1

Method = Literal["scan", "cyclic"]
"""How the groups are eliminated: one after the other, or every other one at once."""


class ArrowMatrix(NamedTuple):
    """A symmetric matrix `[[band, border], [border.T, corner]]`.

    Attributes:
        band: `band[d, k]` is the block in row `k` and column `k + d`; those beyond the end are
            not looked at.
        border: columns of the shared unknowns.
        corner: their own block.
    """

    band: Float[Array, "4 block n n"]
    border: Float[Array, "block n shared"]
    corner: Float[Array, "shared shared"]


class ArrowFactor(NamedTuple):
    """Cholesky factor of a definite arrow. Rows are gathered in groups, the last padded.

    Attributes:
        diagonal: lower triangular blocks on the diagonal.
        below: transposes of the blocks below them.
        border: transpose of the factor's rows of the shared unknowns.
        schur: their triangular block, the factor of the Schur complement.
    """

    diagonal: Float[Array, "group row row"]
    below: Float[Array, "group row row"]
    border: Float[Array, "group row shared"]
    schur: Float[Array, "shared shared"]


class ArrowCovariance(NamedTuple):
    """What is needed of the inverse of an arrow, seen as a precision matrix.

    Given the shared unknowns, the blocks covary as `band` says, and move by `-border` with them.
    So blocks `k` and `k + d` covary by `band[d, k] + border[k] @ shared @ border[k + d].T`, and
    block `k` with the shared unknowns by `-border[k] @ shared`.

    Attributes:
        band: of the inverse of the band alone, stored as the band is; zero beyond the end.
        border: the inverse of the band times the border.
        shared: covariance of the shared unknowns.
    """

    band: Float[Array, "4 block n n"]
    border: Float[Array, "block n shared"]
    shared: Float[Array, "shared shared"]


class Reduced(NamedTuple):
    """An arrow whose band is eliminated: what is left is a system of the shared unknowns alone.

    Attributes:
        factor: of the band, as its method leaves it.
        columns: the band's factor applied to the border, and last to the right hand side.
        matrix: of the shared unknowns, the Schur complement.
        right: their right hand side.
    """

    factor: tuple[Array, ...]
    columns: Float[Array, "group row column"]
    matrix: Float[Array, "shared shared"]
    right: Float[Array, "shared"]


def reduce_arrow(
    band: Float[Array, "4 block n n"],
    border: Float[Array, "block n shared"],
    corner: Float[Array, "shared shared"],
    right: Float[Array, "block n"],
    right_shared: Float[Array, "shared"],
    *,
    method: Method | None = None,
) -> Reduced:
    """Eliminate the band of `[[band, border], [border.T, corner]] x = right`; see `solve_arrow`."""
    n_shared = border.shape[2]
    eliminate, _ = _METHODS[method or _default_method()]
    diagonal, above = grouped(band)
    columns = grouped_rows(jnp.concatenate([border, right[..., None]], axis=2))
    factor, solved = eliminate(diagonal, above, columns)
    flat = solved.reshape(-1, n_shared + 1)
    product = flat[:, :n_shared].T @ flat
    rest = right_shared - product[:, n_shared]
    return Reduced(factor, solved, corner - product[:, :n_shared], rest)


def restore_band(
    reduced: Reduced,
    shared: Float[Array, "shared"],
    n_block: int,
    n: int,
    *,
    method: Method | None = None,
) -> Float[Array, "block n"]:
    """The band's part of the solution, once the shared unknowns are known.

    Args:
        reduced: by the same method.
        shared: the shared unknowns.
        n_block: blocks of the band.
        n: rows of a block.
        method: see `solve_arrow`.
    """
    _, back_substitute = _METHODS[method or _default_method()]
    n_shared = shared.shape[0]
    rest = reduced.columns[..., n_shared] - reduced.columns[..., :n_shared] @ shared
    return back_substitute(reduced.factor, rest).reshape(-1, n)[:n_block]


def solve_arrow(
    band: Float[Array, "4 block n n"],
    border: Float[Array, "block n shared"],
    corner: Float[Array, "shared shared"],
    right: Float[Array, "block n"],
    right_shared: Float[Array, "shared"],
    *,
    method: Method | None = None,
) -> tuple[Float[Array, "block n"], Float[Array, "shared"]]:
    """Solution of `[[band, border], [border.T, corner]] x = right`, symmetric and definite.

    Args:
        band: `band[d, k]` is the block in row `k` and column `k + d`; those beyond the end are
            not looked at.
        border: columns of the shared unknowns.
        corner: their own block.
        right: right hand side of the band's rows.
        right_shared: right hand side of the shared rows.
        method: `scan` does least arithmetic, `cyclic` waits least; None takes the first on a
            CPU and the second on an accelerator. `python -m benchmarks arrow` compares them.

    Returns:
        The solution; NaN where the matrix is not positive definite.
    """
    reduced = reduce_arrow(band, border, corner, right, right_shared, method=method)
    shared = cho_solve((jnp.linalg.cholesky(reduced.matrix), True), reduced.right)
    return restore_band(reduced, shared, *right.shape, method=method), shared


def factor_arrow(
    band: Float[Array, "4 block n n"],
    border: Float[Array, "block n shared"],
    corner: Float[Array, "shared shared"],
) -> ArrowFactor:
    """Cholesky factor of a definite arrow, for many right hand sides and for covariances.

    Args:
        band: as in `ArrowMatrix`.
        border: columns of the shared unknowns.
        corner: their own block.

    Returns:
        The factor; NaN where the matrix is not positive definite.
    """
    n_shared = border.shape[2]
    (diagonal, below), solved = _eliminate(*grouped(band), grouped_rows(border))
    flat = solved.reshape(-1, n_shared)
    return ArrowFactor(diagonal, below, solved, jnp.linalg.cholesky(corner - flat.T @ flat))


def solve_factored(
    factor: ArrowFactor, right: Float[Array, "block n"], right_shared: Float[Array, "shared"]
) -> tuple[Float[Array, "block n"], Float[Array, "shared"]]:
    """As `solve_arrow` with the arrow already factored."""
    n_block, n = right.shape
    rows = grouped_rows(right[..., None])[..., 0]
    solved = _forward_substitute(factor.diagonal, factor.below, rows)
    onto = jnp.einsum("gri,gr->i", factor.border, solved)
    shared = cho_solve((factor.schur, True), right_shared - onto)
    own = _back_substitute((factor.diagonal, factor.below), solved - factor.border @ shared)
    return own.reshape(-1, n)[:n_block], shared


def arrow_covariance(factor: ArrowFactor, n_block: int) -> ArrowCovariance:
    """Covariances within the band and with the shared unknowns, from the last group to the first.

    Args:
        factor: of the precision matrix.
        n_block: blocks of the band, without padding.

    Source: Takahashi, Fagan, Chen (1973); Erisman and Tinney (1975), for blocks.
    """
    row, n_shared = factor.border.shape[1:]
    eye = jnp.eye(row, dtype=factor.border.dtype)

    def step(carry: tuple[Array, Array], group: tuple[Array, Array, Array]) -> tuple:
        after, border = carry
        d, e, y = group
        inverse = solve_triangular(d, eye, lower=True)
        forth = e @ after
        columns = jnp.concatenate([(eye + forth @ e.T) @ inverse, -forth, y - e @ border], axis=1)
        own, beside, border = jnp.split(inverse.T @ columns, [row, 2 * row], axis=1)
        own = 0.5 * (own + own.T)
        return (own, border), (own, beside, border)

    first = (jnp.zeros_like(eye), jnp.zeros_like(factor.border[0]))
    groups = (factor.diagonal, factor.below, factor.border)
    diagonal, above, border = jax.lax.scan(step, first, groups, reverse=True)[1]
    root = solve_triangular(factor.schur, jnp.eye(n_shared, dtype=eye.dtype), lower=True)
    border = border.reshape(-1, row // GROUP, n_shared)[:n_block]
    return ArrowCovariance(_ungrouped(diagonal, above)[:, :n_block], border, root.T @ root)


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


def _ungrouped(
    diagonal: Float[Array, "group row row"], above: Float[Array, "group row row"]
) -> Float[Array, "4 block n n"]:
    """The band of groups, as `grouped` took it."""
    n = diagonal.shape[1] // GROUP
    split = [x.reshape(-1, GROUP, n, GROUP, n) for x in (diagonal, above)]

    def block(row: int, column: int) -> Array:
        return split[column // GROUP][:, row, :, column % GROUP]

    rows = [jnp.stack([block(i, i + d) for i in range(GROUP)], axis=1) for d in range(WIDTH)]
    return jnp.stack(rows).reshape(WIDTH, -1, n, n)


def _eliminate(
    diagonal: Float[Array, "group row row"],
    above: Float[Array, "group row row"],
    columns: Float[Array, "group row column"],
) -> tuple[tuple[Array, Array], Array]:
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
    factor, below, solved = jax.lax.scan(step, first, (diagonal, above, columns))[1]
    return (factor, below), solved


def _forward_substitute(
    factor: Float[Array, "group row row"],
    below: Float[Array, "group row row"],
    right: Float[Array, "group row"],
) -> Float[Array, "group row"]:
    def step(before: Array, group: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        d, e, y = group
        own = solve_triangular(d, y - before, lower=True)
        return e.T @ own, own

    return jax.lax.scan(step, jnp.zeros_like(right[0]), (factor, below, right))[1]


def _back_substitute(
    factor: tuple[Float[Array, "group row row"], Float[Array, "group row row"]],
    right: Float[Array, "group row"],
) -> Float[Array, "group row"]:
    def step(after: Array, group: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        d, e, y = group
        own = solve_triangular(d, y - e @ after, lower=True, trans=1)
        return own, own

    return jax.lax.scan(step, jnp.zeros_like(right[0]), (*factor, right), reverse=True)[1]


def _default_method() -> Method:
    return "scan" if jax.default_backend() == "cpu" else "cyclic"


_METHODS = {
    "scan": (_eliminate, _back_substitute),
    "cyclic": (cyclic.eliminate, cyclic.back_substitute),
}
