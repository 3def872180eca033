"""OpenCV's two lens models and their inverses, differentiable.

A lens acts on normalised coordinates (x / z, y / z): what an ideal camera of focal length 1
would see. `distort` is OpenCV's forward model; `undistort` solves it by Newton's method.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_NEWTON_STEPS = 10
"""At the image edge of k1 = -0.25, k2 = 0.1 four reach rounding; the rest is for worse lenses."""

_LARGEST_ANGLE = 1.55
"""Radians off the optical axis (88.8 degrees): the normalised plane ends at 90 degrees."""

_SMALL_RADIUS_SQUARED = 1e-8


def distort(
    normalised: Float[Array, "*batch 2"], distortion: Float[Array, "5"]
) -> Float[Array, "*batch 2"]:
    """Bend ideal coordinates as a lens with OpenCV's (k1, k2, p1, p2, k3) does."""
    coefficients = (distortion[0], distortion[1], distortion[2], distortion[3], distortion[4])
    bent = distort_components(normalised[..., 0], normalised[..., 1], coefficients)
    return jnp.stack(bent, axis=-1)


def distort_components(
    x: Float[Array, "*batch"],
    y: Float[Array, "*batch"],
    distortion: tuple[Float[Array, "..."], ...],
) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """As `distort`, with x and y apart, which is how a processor likes them.

    Args:
        x: x / z.
        y: y / z.
        distortion: k1, k2, p1, p2 and k3, each a scalar or of the rank of `x`.
    """
    k1, k2, p1, p2, k3 = distortion
    squared = x * x + y * y
    radial = 1.0 + squared * (k1 + squared * (k2 + squared * k3))
    return (
        x * radial + 2.0 * p1 * x * y + p2 * (squared + 2.0 * x * x),
        y * radial + p1 * (squared + 2.0 * y * y) + 2.0 * p2 * x * y,
    )


def undistort(
    distorted: Float[Array, "*batch 2"], distortion: Float[Array, "5"]
) -> Float[Array, "*batch 2"]:
    """Inverse of `distort`, by Newton's method with the exact 2 x 2 Jacobian."""

    def bend(points: Float[Array, "*batch 2"]) -> Float[Array, "*batch 2"]:
        return distort(points, distortion)

    def step(_, points: Float[Array, "*batch 2"]) -> Float[Array, "*batch 2"]:
        return points - _solve_2x2(*_value_and_columns(bend, points, distorted))

    return jax.lax.fori_loop(0, _NEWTON_STEPS, step, distorted)


def distort_fisheye(
    normalised: Float[Array, "*batch 2"], distortion: Float[Array, "5"]
) -> Float[Array, "*batch 2"]:
    """Bend ideal coordinates as OpenCV's fisheye lens (k1, k2, k3, k4, unused) does."""
    squared = jnp.sum(normalised**2, axis=-1, keepdims=True)
    small = squared < _SMALL_RADIUS_SQUARED
    radius = jnp.sqrt(jnp.where(small, 1.0, squared))
    bent = _fisheye_radius(jnp.arctan(radius), distortion) / radius
    # theta / r = 1 - r^2 / 3 and theta_d / theta = 1 + k1 r^2, to second order.
    near_axis = 1.0 + squared * (distortion[0] - 1.0 / 3.0)
    return normalised * jnp.where(small, near_axis, bent)


def undistort_fisheye(
    distorted: Float[Array, "*batch 2"], distortion: Float[Array, "5"]
) -> Float[Array, "*batch 2"]:
    """Inverse of `distort_fisheye`: Newton's method in the angle off the optical axis."""
    squared = jnp.sum(distorted**2, axis=-1, keepdims=True)
    small = squared < _SMALL_RADIUS_SQUARED
    radius = jnp.sqrt(jnp.where(small, 1.0, squared))

    def step(_, angle: Float[Array, "*batch 1"]) -> Float[Array, "*batch 1"]:
        value, slope = jax.jvp(
            lambda a: _fisheye_radius(a, distortion), (angle,), (jnp.ones_like(angle),)
        )
        return jnp.clip(angle - (value - radius) / slope, 0.0, _LARGEST_ANGLE)

    start = jnp.clip(radius, 0.0, _LARGEST_ANGLE)
    angle = jax.lax.fori_loop(0, _NEWTON_STEPS, step, start)
    near_axis = 1.0 - squared * (distortion[0] - 1.0 / 3.0)
    return distorted * jnp.where(small, near_axis, jnp.tan(angle) / radius)


def _fisheye_radius(
    angle: Float[Array, "*batch 1"], distortion: Float[Array, "5"]
) -> Float[Array, "*batch 1"]:
    """Distance from the distortion centre at which a ray `angle` off the axis is imaged."""
    k1, k2, k3, k4, _ = distortion
    squared = angle**2
    return angle * (1.0 + squared * (k1 + squared * (k2 + squared * (k3 + squared * k4))))


def _value_and_columns(
    bend: Callable[[Array], Array],
    points: Float[Array, "*batch 2"],
    target: Float[Array, "*batch 2"],
) -> tuple[Float[Array, "*batch 2"], Float[Array, "*batch 2"], Float[Array, "*batch 2"]]:
    """What is left to solve, and the two columns of the Jacobian of `bend`."""
    ones, zeros = jnp.ones_like(points[..., 0]), jnp.zeros_like(points[..., 0])
    value, along_x = jax.jvp(bend, (points,), (jnp.stack([ones, zeros], axis=-1),))
    _, along_y = jax.jvp(bend, (points,), (jnp.stack([zeros, ones], axis=-1),))
    return value - target, along_x, along_y


def _solve_2x2(
    right: Float[Array, "*batch 2"],
    first: Float[Array, "*batch 2"],
    second: Float[Array, "*batch 2"],
) -> Float[Array, "*batch 2"]:
    """Solve `[first second] s = right` by Cramer's rule."""
    determinant = _cross(first, second)
    return jnp.stack(
        [_cross(right, second) / determinant, _cross(first, right) / determinant], axis=-1
    )


def _cross(a: Float[Array, "*batch 2"], b: Float[Array, "*batch 2"]) -> Float[Array, "*batch"]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
