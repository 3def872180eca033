"""Linear systems of an arrow: a band of blocks over time, bordered by unknowns shared by all.

The band's Cholesky factor runs through time once, in groups of blocks; the border is eliminated
by its Schur complement.
"""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float

from diffbio.fitting import cyclic
from diffbio.fitting.groups import grouped, grouped_rows

Method = Literal["scan", "cyclic"]
"""How the groups are eliminated: one after the other, or every other one at once."""


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


def eliminate(
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


def back_substitute(
    factor: tuple[Float[Array, "group row row"], Float[Array, "group row row"]],
    right: Float[Array, "group row"],
) -> Float[Array, "group row"]:
    """Solution of the transposed factor's rows, from the last group to the first."""

    def step(after: Array, group: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        d, e, y = group
        own = solve_triangular(d, y - e @ after, lower=True, trans=1)
        return own, own

    return jax.lax.scan(step, jnp.zeros_like(right[0]), (*factor, right), reverse=True)[1]


def _default_method() -> Method:
    return "scan" if jax.default_backend() == "cpu" else "cyclic"


_METHODS = {
    "scan": (eliminate, back_substitute),
    "cyclic": (cyclic.eliminate, cyclic.back_substitute),
}
