"""What a camera sees: which points its picture holds, and the edge of its picture in space."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffbio.cameras.rig import MIN_DEPTH, CameraRig

_LARGEST_TANGENT = 50.0
"""Of the angle off the optical axis (88.9 degrees): the plane x / z ends at 90 degrees."""

_BISECTIONS = 30


def largest_tangents(rig: CameraRig) -> Float[np.ndarray, "camera"]:
    """Distance from the axis, in the plane x / z, up to which a lens model can be inverted.

    A polynomial of distortion grows to some radius and falls behind it, so that what stands far
    outside the picture is computed to lie inside. No real lens does that.
    """
    limits = np.full(len(rig.names), _LARGEST_TANGENT)
    coefficients = np.asarray(rig.distortion, float)
    for camera, fisheye in enumerate(rig.fisheye):
        k = coefficients[camera][[0, 1, 2, 3]] if fisheye else coefficients[camera][[0, 1, 4]]
        # The derivative of r (1 + k1 r^2 + k2 r^4 + ...), as a polynomial in r^2.
        slope = np.concatenate([[1.0], k * (2 * np.arange(1, len(k) + 1) + 1)])
        roots = np.polynomial.polynomial.polyroots(np.trim_zeros(slope, "b"))
        real = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0.0)]
        if len(real):
            radius = float(np.sqrt(real.min()))
            radius = np.tan(min(radius, np.arctan(_LARGEST_TANGENT))) if fisheye else radius
            limits[camera] = min(radius, _LARGEST_TANGENT)
    return limits


def in_view(
    rig: CameraRig,
    points: Float[Array | np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "camera point 2"] | None = None,
) -> Bool[np.ndarray, "camera point"]:
    """Which points, in the world and in metres, each camera has inside its picture.

    Nothing is known of what stands in between.

    Args:
        rig: the cameras.
        points: what may be seen.
        pixels: their images, where the caller has them already.
    """
    if pixels is None:
        pixels = np.asarray(rig.project(jnp.asarray(points)))
    x, y, z = np.moveaxis(np.asarray(rig.in_camera(jnp.asarray(points))), -1, 0)
    front = z > MIN_DEPTH
    reach = z * largest_tangents(rig)[:, None]
    far = np.asarray(rig.image_size, float)[:, None] - 0.5
    inside = np.all((pixels >= -0.5) & (pixels <= far), axis=-1)
    return front & (x * x + y * y < reach * reach) & inside


def picture_edges(rig: CameraRig, per_side: int = 8) -> Float[np.ndarray, "camera edge 3"]:
    """Directions in which the edge of each picture looks, through the lens.

    Args:
        rig: the cameras.
        per_side: points along each side of a picture; the corners are among them.

    Returns:
        Unit vectors in the world, around the picture from its top left corner. Where the lens
        model ends inside the picture, the last direction before it ends.
    """
    along = np.linspace(0.0, 1.0, per_side, endpoint=False)
    zero, one = np.zeros(per_side), np.ones(per_side)
    around = np.concatenate(
        [
            np.stack(side, axis=-1)
            for side in ((along, zero), (one, along), (1.0 - along, one), (zero, 1.0 - along))
        ]
    )
    edge = around[None] * np.asarray(rig.image_size, float)[:, None] - 0.5
    middle = np.asarray(rig.principal_px, float)[:, None]
    plane = _normalised(rig, edge)
    if not _inverted(rig, plane, edge).all():
        low, high = np.zeros(edge.shape[:2]), np.ones(edge.shape[:2])
        for _ in range(_BISECTIONS):
            share = (low + high) / 2.0
            pixels = middle + share[..., None] * (edge - middle)
            good = _inverted(rig, _normalised(rig, pixels), pixels)
            low, high = np.where(good, share, low), np.where(good, high, share)
        plane = _normalised(rig, middle + low[..., None] * (edge - middle))
    rays = np.concatenate([plane, np.ones((*plane.shape[:2], 1))], axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return np.einsum("cji,cej->cei", np.asarray(rig.camera_from_world_rotation, float), rays)


def horizontal_angle(rig: CameraRig) -> Float[np.ndarray, "camera"]:
    """Angle that each picture spans from left to right through its principal point, radians."""
    edges = np.asarray(rig.image_size, float)
    row = np.asarray(rig.principal_px, float)[:, 1]
    pixels = np.stack(
        [
            np.stack([np.full_like(row, -0.5), row], axis=-1),
            np.stack([edges[:, 0] - 0.5, row], axis=-1),
        ],
        axis=1,
    )
    across = np.arctan(_normalised(rig, pixels)[..., 0])
    return across[:, 1] - across[:, 0]


_undistorted = jax.jit(lambda rig, pixels: rig.normalised_from_image(pixels))
_distorted = jax.jit(lambda rig, plane: rig.image_from_normalised(plane))


def _normalised(
    rig: CameraRig, pixels: Float[np.ndarray, "camera edge 2"]
) -> Float[np.ndarray, "camera edge 2"]:
    given = jnp.asarray(pixels, rig.focal_px.dtype)
    return np.asarray(_undistorted(rig, given), float)


def _inverted(
    rig: CameraRig,
    plane: Float[np.ndarray, "camera edge 2"],
    pixels: Float[np.ndarray, "camera edge 2"],
) -> Bool[np.ndarray, "camera edge"]:
    """Where removing the distortion succeeded, on the near side of where the model folds."""
    back = np.asarray(_distorted(rig, jnp.asarray(plane, rig.focal_px.dtype)), float)
    radius = np.linalg.norm(plane, axis=-1)
    with np.errstate(invalid="ignore"):
        close = np.linalg.norm(back - pixels, axis=-1) < 0.1  # px; what a drawing needs
        return close & (radius <= largest_tangents(rig)[:, None])
