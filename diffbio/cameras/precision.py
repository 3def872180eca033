"""How precisely cameras place a point, before anything is recorded.

A point that several cameras see is triangulated by least squares. With detections that miss by
a standard deviation s in each coordinate, independently of each other, its covariance is
`s^2 inv(sum_c J_c' J_c)`, where J_c is the derivative of the image in camera c by the point: the
Cramer-Rao bound, which triangulation reaches while errors are small. An uncertain rig adds
`inv(A) G C G' inv(A)`, with A the sum above, C the covariance of the cameras' unknowns and
`G = sum_c J_c' D_c` of the derivatives D_c by them.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.calibration.bundle import WIDTH
from diffbio.cameras.calibration.lens_unknowns import lens_derivatives
from diffbio.cameras.field_of_view import in_view
from diffbio.cameras.rig import CameraRig

PIXEL_SD = 3.0
"""Standard deviation of a detection in each of u and v, in pixels, where nothing is stated: that
of a good keypoint detector on a person who fills half the picture. Corners of boards and markers
are found within 0.2 to 0.5 px, people who are small in the picture or half hidden within 5 to 10.
This is a convention, not a measurement: state your own."""

MAX_RATIO = 1e4
"""Of the sd along the worst direction to that along the best. Beyond it the rays are parallel,
as on the line through two cameras, and a point is not determined."""

_CHUNK = 4096
"""Points computed at once: one program, whatever the grid."""


@dataclasses.dataclass(frozen=True)
class Precision:
    """Expected errors of triangulated points.

    Attributes:
        seen: which cameras have a point in their picture.
        from_pixels: covariance that errors of detections cause, in square metres; NaN where
            fewer than two cameras see a point, or all of them along one line.
        from_rig: covariance that errors of the calibration cause, the same; 0 where the
            calibration's own covariance was not given.
    """

    seen: Bool[np.ndarray, "camera point"]
    from_pixels: Float[np.ndarray, "point 3 3"]
    from_rig: Float[np.ndarray, "point 3 3"]

    @property
    def covariance(self) -> Float[np.ndarray, "point 3 3"]:
        """Of both causes, in the world, in square metres."""
        return self.from_pixels + self.from_rig

    @property
    def n_cameras(self) -> Int[np.ndarray, "point"]:
        """How many cameras see each point."""
        return self.seen.sum(axis=0)

    @property
    def determined(self) -> Bool[np.ndarray, "point"]:
        """Which points can be triangulated."""
        return np.isfinite(self.from_pixels[:, 0, 0])

    @property
    def sd(self) -> Float[np.ndarray, "point 3"]:
        """Standard deviation along x, y and z, in metres."""
        return axis_sd(self.covariance)

    @property
    def error(self) -> Float[np.ndarray, "point"]:
        """Root mean square distance from where the point is, in metres: of x, y and z together."""
        return np.sqrt(np.sum(self.sd**2, axis=-1))

    @property
    def worst(self) -> tuple[Float[np.ndarray, "point"], Float[np.ndarray, "point 3"]]:
        """Largest standard deviation over all directions, in metres, and its direction."""
        return worst_direction(self.covariance)


def axis_sd(covariance: Float[np.ndarray, "point 3 3"]) -> Float[np.ndarray, "point 3"]:
    """Square roots of the diagonals."""
    return np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))


def worst_direction(
    covariance: Float[np.ndarray, "point 3 3"],
) -> tuple[Float[np.ndarray, "point"], Float[np.ndarray, "point 3"]]:
    """Largest standard deviation and its direction; NaN where there is none."""
    good = np.isfinite(covariance).all(axis=(1, 2))
    sd, direction = np.full(len(covariance), np.nan), np.full((len(covariance), 3), np.nan)
    values, vectors = np.linalg.eigh(covariance[good])
    sd[good], direction[good] = np.sqrt(np.maximum(values[:, -1], 0.0)), vectors[..., -1]
    return sd, direction


def expected_precision(
    rig: CameraRig,
    points: Float[np.ndarray, "point 3"],
    *,
    pixel_sd: float = PIXEL_SD,
    rig_covariance: Float[np.ndarray, "unknown unknown"] | None = None,
) -> Precision:
    """Covariance of points triangulated by all cameras that have them in their picture.

    Nothing is known of what hides a point from a camera: the person's own body will.

    Args:
        rig: the cameras, in double precision for rigs of many metres.
        points: in the world, in metres.
        pixel_sd: standard deviation of a detection in u and in v, in pixels, of every camera.
        rig_covariance: of the cameras' unknowns, `WIDTH` for each in the order of
            `BoardCalibration.covariance`, shifts along the axes of this rig's world.

    Returns:
        The precision of each point.
    """
    bare = dataclasses.replace(rig, names=tuple(str(i) for i in range(len(rig.names))))
    parts = []
    for first in range(0, len(points), _CHUNK):
        chunk = points[first : first + _CHUNK]
        padded = np.concatenate([chunk, np.tile(chunk[-1:], (_CHUNK - len(chunk), 1))])
        part = _of_chunk(bare, padded, pixel_sd, rig_covariance)
        parts.append([array[..., : len(chunk)] for array in part])
    seen, from_pixels, from_rig = (np.concatenate(each, -1) for each in zip(*parts, strict=True))
    return Precision(seen, np.moveaxis(from_pixels, -1, 0), np.moveaxis(from_rig, -1, 0))


def turned_covariance(
    covariance: Float[np.ndarray, "unknown unknown"], new_from_old: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "unknown unknown"]:
    """The covariance of cameras' unknowns in a world whose axes were turned."""
    turn = np.eye(WIDTH)
    turn[3:6, 3:6] = new_from_old
    every = np.kron(np.eye(len(covariance) // WIDTH), turn)
    return every @ covariance @ every.T


@jax.jit
def _images(rig: CameraRig, points: Float[Array, "point 3"]) -> tuple[Array, Array]:
    """Pixels and their derivatives by the point."""
    u, v, du, dv = rig.project_derivatives(points)
    return jnp.stack([u, v]), jnp.stack([du, dv])


@jax.jit
def _by_unknowns(
    rig: CameraRig, points: Float[Array, "point 3"], slopes: Float[Array, "2 3 camera point"]
) -> Float[Array, "2 column camera point"]:
    """Derivatives of the pixels by the unknowns of each camera, in the order of `WIDTH`."""
    seen = jnp.moveaxis(rig.in_camera(points), -1, 0)
    rotation = rig.camera_from_world_rotation
    in_camera = jnp.einsum("cij,ajcp->aicp", rotation, slopes)
    # A turn w moves a point of the camera's frame by w x p, so the pixel by w . (p x gradient).
    turn = jnp.cross(jnp.broadcast_to(seen[None], in_camera.shape), in_camera, axis=1)
    everyone = jnp.broadcast_to(points[None, None], (len(rig.names), 1, *points.shape))
    lens = jnp.stack([part[:, :, 0] for part in lens_derivatives(rig, everyone)])
    return jnp.concatenate([turn, -slopes, lens], axis=1)


def _of_chunk(
    rig: CameraRig,
    points: Float[np.ndarray, "point 3"],
    pixel_sd: float,
    rig_covariance: Float[np.ndarray, "unknown unknown"] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    given = jnp.asarray(points, rig.focal_px.dtype)
    images = _images(rig, given)
    pixels, slopes = (np.asarray(part, float) for part in images)
    seen = in_view(rig, given, np.moveaxis(pixels, 0, -1))
    slopes = np.where(seen, slopes, 0.0)
    information = np.einsum("aicp,ajcp->pij", slopes, slopes, optimize=True)
    inverse = _inverse(information, seen.sum(axis=0) >= 2)
    from_rig = np.where(np.isfinite(inverse), 0.0, np.nan)
    if rig_covariance is not None:
        moved = np.asarray(_by_unknowns(rig, given, images[1]), float)
        moved = np.where(seen, moved, 0.0)
        gathered = np.einsum("aicp,akcp->pick", slopes, moved, optimize=True)
        weights = inverse @ gathered.reshape(len(points), 3, len(rig.names) * WIDTH)
        from_rig = weights @ rig_covariance @ np.swapaxes(weights, 1, 2)
    return (
        seen,
        np.moveaxis(pixel_sd**2 * inverse, 0, -1),
        np.moveaxis(from_rig, 0, -1),
    )


def _inverse(
    information: Float[np.ndarray, "point 3 3"], enough: Bool[np.ndarray, "point"]
) -> Float[np.ndarray, "point 3 3"]:
    """Inverses, NaN where a point is not determined."""
    inverse = np.full_like(information, np.nan)
    values, vectors = np.linalg.eigh(information[enough])
    good = values[:, 0] * MAX_RATIO**2 > values[:, -1]
    rows = np.flatnonzero(enough)[good]
    values, vectors = values[good], vectors[good]
    inverse[rows] = (vectors / values[:, None]) @ np.swapaxes(vectors, 1, 2)
    return inverse
