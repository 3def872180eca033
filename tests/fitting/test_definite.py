import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from diffbio.fitting.arrow_factor import ArrowMatrix
from diffbio.fitting.definite import factor_definite


def test_only_what_vanishes_is_lifted():
    # A control point is seen in all but one direction, another hardly at all.
    direction = np.array([3.0, 4.0]) / 5
    seen = 100 * (np.eye(2) - np.outer(direction, direction))
    for dtype in (np.float32, np.float64):
        band = np.zeros((4, 3, 2, 2))
        band[0] = [seen, 1e-3 * np.eye(2), 100 * np.eye(2)]
        arrow = ArrowMatrix(
            jnp.asarray(band, dtype), jnp.zeros((3, 2, 1), dtype), jnp.ones((1, 1), dtype)
        )
        factor, lifted = jax.jit(factor_definite)(arrow)
        assert int(lifted) == 1
        diagonal = np.asarray(factor.diagonal)[0]
        assert_allclose(np.diag(diagonal)[2:] ** 2, [1e-3, 1e-3, 100, 100], rtol=1e-5)
        assert np.isfinite(diagonal).all()


def test_a_shared_unknown_that_nothing_informs_is_lifted_too():
    # Two shared unknowns of which only the sum is known, and a third of which nothing is.
    corner = jnp.asarray([[9.0, 9.0, 0.0], [9.0, 9.0, 0.0], [0.0, 0.0, 0.0]])
    band = jnp.zeros((4, 4, 2, 2)).at[0].set(jnp.eye(2))
    arrow = ArrowMatrix(band, jnp.zeros((4, 2, 3)), corner)
    factor, lifted = jax.jit(factor_definite)(arrow)
    schur = np.asarray(factor.schur)
    assert int(lifted) == 1
    # One unit of information each where there was none.
    assert_allclose(schur @ schur.T - corner, np.diag([0.0, 1.0, 1.0]), rtol=0, atol=1e-12)


def test_a_definite_arrow_is_left_as_it_is():
    band = jnp.zeros((4, 4, 2, 2)).at[0].set(4 * jnp.eye(2))
    arrow = ArrowMatrix(band, jnp.zeros((4, 2, 1)), jnp.full((1, 1), 9.0))
    factor, lifted = jax.jit(factor_definite)(arrow)
    assert int(lifted) == 0
    assert_allclose(factor.schur, 3, rtol=0, atol=1e-12)
    # Two groups of three blocks, the last padded with ones.
    diagonal = np.einsum("gii->gi", factor.diagonal).ravel()
    assert_allclose(diagonal, [2.0] * 8 + [1.0] * 4, rtol=0, atol=1e-12)
