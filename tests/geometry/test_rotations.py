"""Rotations against SciPy, and their gradients against central differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio import geometry

ROUNDING = 1e-12
"""Absolute; a few hundred roundings in double precision."""


def rotation_vectors(seed: int) -> np.ndarray:
    """Ten vectors with angles from 1e-9 rad to just below a half turn."""
    random = np.random.default_rng(seed)
    angles = np.concatenate([10.0 ** np.arange(-9.0, -1.0), [1.5, np.pi - 1e-6]])
    axes = random.normal(size=(10, 3))
    return angles[:, None] * axes / np.linalg.norm(axes, axis=1, keepdims=True)


def wxyz(rotation: Rotation) -> np.ndarray:
    """SciPy's quaternion in our order, with w >= 0."""
    return np.roll(rotation.as_quat(canonical=True), 1, axis=-1)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_every_conversion_agrees_with_scipy(seed):
    vectors = rotation_vectors(seed)
    oracle = Rotation.from_rotvec(vectors)
    matrices, quaternions = jnp.asarray(oracle.as_matrix()), jnp.asarray(wxyz(oracle))
    given_vectors = jnp.asarray(vectors)
    assert_allclose(
        geometry.quaternion_from_rotation_vector(given_vectors), quaternions, atol=ROUNDING
    )
    assert_allclose(geometry.matrix_from_rotation_vector(given_vectors), matrices, atol=ROUNDING)
    assert_allclose(geometry.matrix_from_quaternion(quaternions), matrices, atol=ROUNDING)
    assert_allclose(geometry.quaternion_from_matrix(matrices), quaternions, atol=ROUNDING)
    assert_allclose(geometry.rotation_vector_from_matrix(matrices), vectors, atol=ROUNDING)
    assert_allclose(geometry.rotation_vector_from_quaternion(-quaternions), vectors, atol=ROUNDING)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_product_is_the_first_rotation_followed_by_the_second(seed):
    c_from_b = Rotation.from_rotvec(rotation_vectors(seed))
    b_from_a = Rotation.from_rotvec(rotation_vectors(seed + 1))
    product = geometry.quaternion_multiply(jnp.asarray(wxyz(c_from_b)), jnp.asarray(wxyz(b_from_a)))
    assert_allclose(
        geometry.matrix_from_quaternion(product), (c_from_b * b_from_a).as_matrix(), atol=ROUNDING
    )


def test_half_turns_about_every_axis_are_told_apart():
    axes = np.concatenate([np.eye(3), [[0.6, 0.0, 0.8], [0.48, 0.6, 0.64]]])
    matrices = Rotation.from_rotvec(np.pi * axes).as_matrix()
    quaternions = geometry.quaternion_from_matrix(jnp.asarray(matrices))
    assert_allclose(geometry.matrix_from_quaternion(quaternions), matrices, atol=ROUNDING)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 4, 3)])
def test_leading_axes_are_kept(shape):
    vectors = jnp.full(shape, 0.3)
    assert geometry.matrix_from_rotation_vector(vectors).shape == (*shape, 3)
    assert (
        geometry.rotation_vector_from_matrix(geometry.matrix_from_rotation_vector(vectors)).shape
        == shape
    )


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_dtype_follows_the_input(dtype):
    vector = jnp.asarray([0.1, 0.2, 0.3], dtype)
    matrix = geometry.matrix_from_rotation_vector(vector)
    assert matrix.dtype == dtype
    assert geometry.rotation_vector_from_matrix(matrix).dtype == dtype


def central_difference(function, at, step=1e-6):
    """Jacobian of `function` at `at`, one column per coordinate."""
    columns = [
        (np.asarray(function(jnp.asarray(at + step * e)) - function(jnp.asarray(at - step * e))))
        / (2 * step)
        for e in np.eye(at.size)
    ]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 5e-5, 9.99e-5, 1.001e-4, 0.3, 3.0])
@pytest.mark.parametrize(
    "function", [geometry.quaternion_from_rotation_vector, geometry.matrix_from_rotation_vector]
)
def test_gradient_of_the_exponential_map_is_right_down_to_zero_angle(function, angle):
    vector = angle * jnp.asarray([0.48, 0.6, 0.64])
    jacobian = jax.jacrev(function)(vector)
    # 1e-9: truncation (1e-12) and rounding (1e-16 / 1e-6) of the central difference.
    assert_allclose(jacobian, central_difference(function, np.asarray(vector)), atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1.999e-4, 2.001e-4, 0.3, 3.0])
def test_gradient_of_the_logarithm_is_right_down_to_zero_angle(angle):
    vector = angle * jnp.asarray([0.48, 0.6, 0.64])

    def there_and_back(shift):
        turned = geometry.quaternion_multiply(
            geometry.quaternion_from_rotation_vector(vector),
            geometry.quaternion_from_rotation_vector(shift),
        )
        return geometry.rotation_vector_from_matrix(geometry.matrix_from_quaternion(turned))

    jacobian = jax.jacrev(there_and_back)(jnp.zeros(3))
    assert_allclose(jacobian, central_difference(there_and_back, np.zeros(3)), atol=1e-8)


def test_second_derivative_is_finite_at_zero():
    hessian = jax.hessian(lambda v: geometry.matrix_from_rotation_vector(v)[0, 0])(jnp.zeros(3))
    # R00 = 1 - (y^2 + z^2) / 2 + higher order.
    assert_allclose(hessian, np.diag([0.0, -1.0, -1.0]), atol=1e-12)
