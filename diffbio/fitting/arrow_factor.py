"""The Cholesky factor of an arrow, kept: for many right hand sides, and for covariances.

The same factor that solves gives the covariances of what lies within a band: the selected inverse.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float

from diffbio.fitting.banded import back_substitute, eliminate
from diffbio.fitting.groups import GROUP, grouped, grouped_rows, ungrouped


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
    (diagonal, below), solved = eliminate(*grouped(band), grouped_rows(border))
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
    own = back_substitute((factor.diagonal, factor.below), solved - factor.border @ shared)
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
    return ArrowCovariance(ungrouped(diagonal, above)[:, :n_block], border, root.T @ root)


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
