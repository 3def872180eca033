"""Rotations as rotation vectors (axis times angle, radians), unit quaternions and matrices.

Quaternions are wxyz. Every function is batched over leading axes, keeps the dtype of its
input and has a finite, correct gradient at zero angle.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

_SMALL_ANGLE_SQUARED = 1e-8
"""Below this (0.1 mrad) two terms of the series are exact to double precision."""


def quaternion_multiply(
    c_from_b: Float[Array, "*batch 4"], b_from_a: Float[Array, "*batch 4"]
) -> Float[Array, "*batch 4"]:
    """Hamilton product: the rotation `b_from_a` followed by `c_from_b`."""
    w, x, y, z = jnp.moveaxis(c_from_b, -1, 0)
    v, i, j, k = jnp.moveaxis(b_from_a, -1, 0)
    return jnp.stack(
        [
            w * v - x * i - y * j - z * k,
            w * i + x * v + y * k - z * j,
            w * j - x * k + y * v + z * i,
            w * k + x * j - y * i + z * v,
        ],
        axis=-1,
    )


def quaternion_from_rotation_vector(vector: Float[Array, "*batch 3"]) -> Float[Array, "*batch 4"]:
    """Exponential map: the unit quaternion that turns by `|vector|` about `vector`."""
    squared = jnp.sum(vector**2, axis=-1, keepdims=True)
    small = squared < _SMALL_ANGLE_SQUARED
    # The inner `where` keeps the branch not taken, and its gradient, finite.
    angle = jnp.sqrt(jnp.where(small, 1.0, squared))
    w = jnp.where(small, 1.0 - squared / 8.0, jnp.cos(angle / 2.0))
    scale = jnp.where(small, 0.5 - squared / 48.0, jnp.sin(angle / 2.0) / angle)
    return jnp.concatenate([w, scale * vector], axis=-1)


def rotation_vector_from_quaternion(
    quaternion: Float[Array, "*batch 4"],
) -> Float[Array, "*batch 3"]:
    """Logarithmic map of a unit quaternion: the shorter way round, angle at most pi."""
    quaternion = jnp.where(quaternion[..., :1] < 0.0, -quaternion, quaternion)
    w, xyz = quaternion[..., :1], quaternion[..., 1:]
    squared = jnp.sum(xyz**2, axis=-1, keepdims=True)
    small = squared < _SMALL_ANGLE_SQUARED
    sine = jnp.sqrt(jnp.where(small, 1.0, squared))
    cosine = jnp.where(small, 1.0, w)
    # angle / sin(angle / 2); for small angles the series of 2 asin(s) / s, and 1 / w keeps
    # the derivative along w that atan2 has.
    series = 2.0 / jnp.where(small, w, 1.0) * (1.0 - squared / 3.0)
    return xyz * jnp.where(small, series, 2.0 * jnp.arctan2(sine, cosine) / sine)


def matrix_from_quaternion(quaternion: Float[Array, "*batch 4"]) -> Float[Array, "*batch 3 3"]:
    """Rotation matrix of a unit quaternion (the length is not checked)."""
    w, x, y, z = jnp.moveaxis(quaternion, -1, 0)
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_from_matrix(matrix: Float[Array, "*batch 3 3"]) -> Float[Array, "*batch 4"]:
    """Unit quaternion of a rotation matrix, with w >= 0.

    The matrix `4 q q^T` is linear in the rotation matrix. Its row with the largest diagonal
    element is the quaternion times the best conditioned factor.
    """
    a, b, c = jnp.moveaxis(matrix, (-2, -1), (0, 1))
    rows = [
        [1.0 + a[0] + b[1] + c[2], c[1] - b[2], a[2] - c[0], b[0] - a[1]],
        [c[1] - b[2], 1.0 + a[0] - b[1] - c[2], b[0] + a[1], a[2] + c[0]],
        [a[2] - c[0], b[0] + a[1], 1.0 - a[0] + b[1] - c[2], c[1] + b[2]],
        [b[0] - a[1], a[2] + c[0], c[1] + b[2], 1.0 - a[0] - b[1] + c[2]],
    ]
    outer = jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)
    diagonal = jnp.diagonal(outer, axis1=-2, axis2=-1)
    largest = jnp.argmax(diagonal, axis=-1)[..., None]
    row = jnp.take_along_axis(outer, largest[..., None], axis=-2)[..., 0, :]
    quaternion = row / (2.0 * jnp.sqrt(jnp.take_along_axis(diagonal, largest, axis=-1)))
    return jnp.where(quaternion[..., :1] < 0.0, -quaternion, quaternion)


def matrix_from_rotation_vector(vector: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3 3"]:
    """Rotation matrix that turns by `|vector|` radians about `vector` (Rodrigues)."""
    return matrix_from_quaternion(quaternion_from_rotation_vector(vector))


def left_jacobian(vector: Float[Array, "*batch 3"]) -> Float[Array, "*batch 3 3"]:
    """How a rotation turns, in the frame it maps to, per change of its rotation vector.

    `exp(v + dv) = exp(left_jacobian(v) @ dv) @ exp(v)` to first order (Chirikjian 2011).
    """
    squared = jnp.sum(vector**2, axis=-1)[..., None, None]
    small = squared < 1e-4
    square = jnp.where(small, 1.0, squared)
    angle = jnp.sqrt(square)
    first = jnp.where(small, 0.5 - squared / 24.0, (1.0 - jnp.cos(angle)) / square)
    second = jnp.where(
        small, 1.0 / 6.0 - squared / 120.0, (angle - jnp.sin(angle)) / (square * angle)
    )
    x, y, z = jnp.moveaxis(vector, -1, 0)
    o = jnp.zeros_like(x)
    rows = [[o, -z, y], [z, o, -x], [-y, x, o]]
    skew = jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)
    eye = jnp.broadcast_to(jnp.eye(3, dtype=vector.dtype), skew.shape)
    return eye + first * skew + second * (skew @ skew)


def rotation_vector_from_matrix(matrix: Float[Array, "*batch 3 3"]) -> Float[Array, "*batch 3"]:
    """Rotation vector of a rotation matrix, angle at most pi."""
    return rotation_vector_from_quaternion(quaternion_from_matrix(matrix))
