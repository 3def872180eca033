import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting.arrow_factor import arrow_covariance, factor_arrow, solve_factored
from diffbio.fitting.banded import solve_arrow

# A whole number of groups of three, one block over, two over, and fewer than one group.
SIZES = pytest.mark.parametrize("n_block", [9, 10, 11, 2])

N, N_SHARED = 3, 4


def an_arrow(n_block: int) -> tuple[np.ndarray, np.ndarray]:
    """A definite arrow, dense, and a right hand side."""
    n, n_shared = N, N_SHARED
    rng = np.random.default_rng(n_block)
    rows = np.zeros((3 * n_block * n, n_block * n + n_shared))
    for k in range(n_block):
        at = slice(3 * k * n, 3 * (k + 1) * n)
        rows[at, k * n : min(k + 4, n_block) * n] = rng.normal(
            size=(3 * n, (min(k + 4, n_block) - k) * n)
        )
    rows[:, n_block * n :] = rng.normal(size=(len(rows), n_shared))
    return rows.T @ rows, rng.normal(size=n_block * n + n_shared)


def in_parts(matrix: np.ndarray, n_block: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Band, border and corner; beyond the end of the band is what must not be looked at."""
    size = n_block * N
    blocks = matrix[:size, :size].reshape(n_block, N, n_block, N)
    band = np.full((4, n_block, N, N), np.nan)
    for d in range(4):
        for k in range(n_block - d):
            band[d, k] = blocks[k, :, k + d]
    border = matrix[:size, size:].reshape(n_block, N, N_SHARED)
    return jnp.asarray(band), jnp.asarray(border), jnp.asarray(matrix[size:, size:])


@SIZES
def test_solution_equals_the_dense_one(n_block):
    matrix, right = an_arrow(n_block)
    arrow, dense = in_parts(matrix, n_block), np.linalg.solve(matrix, right)
    rights = jnp.asarray(right[:-N_SHARED].reshape(n_block, N)), jnp.asarray(right[-N_SHARED:])
    at_once = jax.jit(solve_arrow)(*arrow, *rights)
    in_two = jax.jit(lambda arrow, rights: solve_factored(factor_arrow(*arrow), *rights))(
        arrow, rights
    )
    for own, shared in (at_once, in_two):
        # Unitless numbers of order one, in double precision.
        assert_allclose(np.concatenate([np.ravel(own), shared]), dense, rtol=0, atol=1e-10)


@SIZES
def test_covariances_are_those_of_the_dense_inverse(n_block):
    matrix, _ = an_arrow(n_block)
    found = jax.jit(lambda arrow: arrow_covariance(factor_arrow(*arrow), n_block))(
        in_parts(matrix, n_block)
    )
    size = n_block * N
    dense = np.linalg.inv(matrix)
    band, border, shared = map(np.asarray, found)
    # Unitless numbers of order 0.1, in double precision.
    assert_allclose(shared, dense[size:, size:], rtol=0, atol=1e-12)
    flat = border.reshape(size, N_SHARED)
    assert_allclose(-flat @ shared, dense[:size, size:], rtol=0, atol=1e-12)
    alone = np.linalg.inv(matrix[:size, :size]).reshape(n_block, N, n_block, N)
    whole = dense[:size, :size].reshape(n_block, N, n_block, N)
    for d in range(4):
        for k in range(n_block - d):
            assert_allclose(band[d, k], alone[k, :, k + d], rtol=0, atol=1e-12)
            by_shared = border[k] @ shared @ border[k + d].T
            assert_allclose(band[d, k] + by_shared, whole[k, :, k + d], rtol=0, atol=1e-12)
        assert_allclose(band[d, max(n_block - d, 0) :], 0)


def test_a_matrix_that_is_not_definite_gives_nan():
    band = jnp.zeros((4, 5, 2, 2)).at[0].set(-jnp.eye(2))
    own, shared = solve_arrow(band, jnp.zeros((5, 2, 1)), jnp.eye(1), jnp.ones((5, 2)), jnp.ones(1))
    assert np.isnan(own).any() or np.isnan(shared).any()
