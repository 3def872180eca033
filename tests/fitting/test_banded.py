import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting.banded import solve_arrow


def an_arrow(n_block: int, n: int, n_shared: int) -> tuple[np.ndarray, np.ndarray]:
    """A definite arrow, dense, and a right hand side."""
    rng = np.random.default_rng(n_block)
    rows = np.zeros((3 * n_block * n, n_block * n + n_shared))
    for k in range(n_block):
        at = slice(3 * k * n, 3 * (k + 1) * n)
        rows[at, k * n : min(k + 4, n_block) * n] = rng.normal(
            size=(3 * n, (min(k + 4, n_block) - k) * n)
        )
    rows[:, n_block * n :] = rng.normal(size=(len(rows), n_shared))
    return rows.T @ rows, rng.normal(size=n_block * n + n_shared)


# A whole number of groups of three, one block over, two over, and fewer than one group.
@pytest.mark.parametrize("n_block", [9, 10, 11, 2])
def test_solution_equals_the_dense_one(n_block):
    n, n_shared = 3, 4
    matrix, right = an_arrow(n_block, n, n_shared)
    size = n_block * n
    blocks = matrix[:size, :size].reshape(n_block, n, n_block, n)
    band = np.full((4, n_block, n, n), np.nan)
    for d in range(4):
        for k in range(n_block - d):
            band[d, k] = blocks[k, :, k + d]
    own, shared = jax.jit(solve_arrow)(
        jnp.asarray(band),
        jnp.asarray(matrix[:size, size:].reshape(n_block, n, n_shared)),
        jnp.asarray(matrix[size:, size:]),
        jnp.asarray(right[:size].reshape(n_block, n)),
        jnp.asarray(right[size:]),
    )
    dense = np.linalg.solve(matrix, right)
    # Unitless numbers of order one, in double precision.
    assert_allclose(np.concatenate([np.ravel(own), shared]), dense, rtol=0, atol=1e-10)


def test_a_matrix_that_is_not_definite_gives_nan():
    band = jnp.zeros((4, 5, 2, 2)).at[0].set(-jnp.eye(2))
    own, shared = solve_arrow(band, jnp.zeros((5, 2, 1)), jnp.eye(1), jnp.ones((5, 2)), jnp.ones(1))
    assert np.isnan(own).any() or np.isnan(shared).any()
