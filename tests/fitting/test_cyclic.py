import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting import cyclic
from diffbio.fitting.banded import solve_arrow

ROW = 5


def a_chain(n_group: int) -> tuple[np.ndarray, np.ndarray]:
    """A definite block tridiagonal matrix, dense, and three columns."""
    rng = np.random.default_rng(n_group)
    rows = np.zeros((2 * n_group, ROW, n_group, ROW))
    for k in range(n_group):
        rows[2 * k : 2 * k + 2, :, k : k + 2] = rng.normal(size=(2, ROW, min(2, n_group - k), ROW))
    flat = rows.reshape(2 * n_group * ROW, n_group * ROW)
    return flat.T @ flat, rng.normal(size=(n_group * ROW, 3))


# Even and odd at several levels, and the 26 groups of a trial of five seconds.
@pytest.mark.parametrize("n_group", [1, 2, 3, 4, 5, 7, 26])
def test_the_factor_is_that_of_the_dense_matrix(n_group):
    matrix, columns = a_chain(n_group)
    blocks = matrix.reshape(n_group, ROW, n_group, ROW)
    at = np.arange(n_group)
    above = np.zeros((n_group, ROW, ROW))
    above[:-1] = blocks[at[:-1], :, at[1:]]
    factor, solved = jax.jit(cyclic.eliminate)(
        jnp.asarray(blocks[at, :, at]),
        jnp.asarray(above),
        jnp.asarray(columns.reshape(n_group, ROW, 3)),
    )
    dense = np.linalg.solve(matrix, columns)
    flat = np.asarray(solved).reshape(-1, 3)
    # Unitless numbers of order one, in double precision.
    assert_allclose(flat.T @ flat, columns.T @ dense, rtol=0, atol=1e-9)
    found = jax.jit(cyclic.back_substitute)(factor, solved[..., 1])
    assert_allclose(np.ravel(found), dense[:, 1], rtol=0, atol=1e-9)
    assert len(factor.levels) == int(np.ceil(np.log2(n_group)))


def an_arrow(n_block: int, dtype: type) -> tuple[jax.Array, ...]:
    """Band, border, corner and right hand sides, with four unknowns a block and three shared."""
    rng = np.random.default_rng(n_block)
    rows = rng.normal(size=(n_block, 20, 4, 4)) * (np.arange(4) + np.arange(n_block)[:, None]
        < n_block)[:, None, :, None]  # fmt: skip
    shared = rng.normal(size=(n_block, 20, 3))
    band, border = np.zeros((4, n_block, 4, 4)), np.zeros((n_block, 4, 3))
    for k in range(n_block):
        for a in range(min(4, n_block - k)):
            border[k + a] += rows[k, :, a].T @ shared[k]
            for d in range(min(4, n_block - k) - a):
                band[d, k + a] += rows[k, :, a].T @ rows[k, :, a + d]
    corner = np.einsum("kri,krj->ij", shared, shared) + np.eye(3)
    rights = rng.normal(size=(n_block, 4)), rng.normal(size=3)
    return tuple(jnp.asarray(x, dtype) for x in (band, border, corner, *rights))


# Groups of three blocks: 1, 1, 2, 3, 7 and 26 of them.
@pytest.mark.parametrize("n_block", [1, 3, 6, 7, 20, 78])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float64, 1e-11), (np.float32, 1e-3)])
def test_both_methods_give_the_same_solution(n_block, dtype, rounding):
    arrow = an_arrow(n_block, dtype)
    scan, reduced = (
        jax.jit(functools.partial(solve_arrow, method=method))(*arrow)
        for method in ("scan", "cyclic")
    )
    for one, other in zip(scan, reduced, strict=True):
        assert one.dtype == other.dtype == dtype
        assert_allclose(one, other, rtol=0, atol=rounding)


def test_the_scan_is_taken_on_a_cpu_and_reduction_on_an_accelerator(monkeypatch):
    arrow = an_arrow(7, np.float64)
    for backend, scans in (("cpu", 2), ("gpu", 0)):
        monkeypatch.setattr(jax, "default_backend", lambda name=backend: name)
        program = str(jax.make_jaxpr(lambda *a: solve_arrow(*a))(*arrow))
        assert program.count("scan[") == scans


def test_a_matrix_that_is_not_definite_gives_nan():
    band = jnp.zeros((4, 7, 2, 2)).at[0].set(-jnp.eye(2))
    rights = jnp.ones((7, 2)), jnp.ones(1)
    own, shared = solve_arrow(band, jnp.zeros((7, 2, 1)), jnp.eye(1), *rights, method="cyclic")
    assert np.isnan(own).any() or np.isnan(shared).any()


def test_a_batch_of_arrows_is_reduced_as_each_of_them():
    arrow = an_arrow(11, np.float64)
    solve = functools.partial(solve_arrow, method="cyclic")
    two = tuple(jnp.stack([part, 2 * part]) for part in arrow)
    batched, single = jax.vmap(solve)(*two), solve(*arrow)
    for many, one in zip(batched, single, strict=True):
        # A matrix and a right hand side both doubled leave the solution alone.
        assert_allclose(many, np.stack([one, one]), rtol=0, atol=1e-11)
