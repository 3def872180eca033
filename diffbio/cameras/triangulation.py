"""Points in space from their images: linear, and robust against wrong detections.

Everything is batched over time and keypoints and can be compiled as one program. A detection
with zero confidence, or without finite pixels, takes no part.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.rig import CameraRig

REFINEMENT_STEPS = 8
"""Reweighted Gauss-Newton steps. On noisy detections further ones move one point in a hundred
by 0.3 mm or more, far below its error."""

INLIER_SCALES = 2.0
"""A detection counts as used when it lies within this many scales of the point."""

SCALE_PER_MEDIAN = 2.5
"""Robust scale per median residual: for Gaussian errors about three standard deviations."""

MIN_SCALE_PX = 5.0
"""Below this the scale would tell apart errors that any keypoint detector makes."""

MAX_SCALE = 0.03
"""Radians. Detections that miss each other by more (3 % of the distance to the camera) do
not show the same point, however bad the rig."""

_UPPER = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))

_DAMPING = 1e-6
"""Of the normal equations, relative to their trace: rays may be parallel."""


class Triangulation(eqx.Module):
    """Points in space and how well the images agree on them.

    Attributes:
        points: in the world frame, in metres; NaN where fewer than two cameras agree.
        n_cameras: how many detections the point rests on; 0 where it is NaN.
        residual_px: distance between the projected point and each detection, also of those
            not used; NaN where there is no point or no detection.
    """

    points: Float[Array, "time keypoint 3"]
    n_cameras: Int[Array, "time keypoint"]
    residual_px: Float[Array, "camera time keypoint"]


def triangulate_dlt(
    rig: CameraRig,
    pixels: Float[Array, "camera time keypoint 2"],
    confidence: Float[Array, "camera time keypoint"],
) -> Triangulation:
    """Direct linear transform, every detection weighted by its confidence and none left out.

    The yardstick other programs share: the right singular vector, of unit length in
    homogeneous world coordinates, that belongs to the smallest singular value of the rows
    `confidence * focal_px * (camera_xy - ray_xy * camera_z)`. With noise it depends a little
    on where the world has its origin; `triangulate` does not.

    Args:
        rig: cameras in the order of the first axis.
        pixels: detections, lens distortion not removed.
        confidence: 0 to 1, 0 where nothing was detected.
    """
    weight, _, rays = _prepared(rig, pixels, confidence)
    matrix = jnp.concatenate(
        [rig.camera_from_world_rotation, rig.camera_from_world_translation[..., None]], axis=-1
    )[:, None, None]
    scale = (weight[..., None] * rig.focal_px[:, None, None])[..., None]
    rows = scale * (matrix[..., :2, :] - rays[..., None] * matrix[..., 2:, :])
    rows = jnp.moveaxis(rows, 0, 2).reshape(*rows.shape[1:3], -1, 4)
    homogeneous = jnp.linalg.svd(rows, full_matrices=False)[2][..., -1, :]
    seen = weight > 0.0
    enough = jnp.sum(seen, axis=0) >= 2
    last = jnp.where(enough, homogeneous[..., 3], 1.0)
    points = homogeneous[..., :3] / last[..., None]
    return _described(rig, points, pixels, seen, seen, enough)


def triangulate(
    rig: CameraRig,
    pixels: Float[Array, "camera time keypoint 2"],
    confidence: Float[Array, "camera time keypoint"],
    *,
    scale_px: float | None = None,
) -> Triangulation:
    """Robust triangulation: the point most cameras agree on, refined on their agreement.

    Every pair of cameras, and all of them together, propose a point. The proposal with the
    least Geman-McClure cost of its reprojection, `sum(c r^2 / (r^2 + scale^2))` with
    confidence c and distance r, is refined by reweighted Gauss-Newton steps on that cost.

    Args:
        rig: cameras in the order of the first axis.
        pixels: detections, lens distortion not removed.
        confidence: 0 to 1, 0 where nothing was detected.
        scale_px: distance at which a detection counts half as much as an outlier. By default
            `SCALE_PER_MEDIAN` times the median residual of plain linear triangulation, so that
            a rig with calibration error keeps all its cameras, but at least `MIN_SCALE_PX`
            and at most `MAX_SCALE` times the focal length.
    """
    weight, pixels, rays = _prepared(rig, pixels, confidence)
    seen = weight > 0.0
    everyone = least_squares_points(rig, rays, weight)
    if scale_px is None:
        enough = seen & (jnp.sum(seen, axis=0) >= 2)[None]
        miss = jnp.where(enough, _distance_px(rig, everyone, pixels), jnp.nan)
        # fmax: also where there is no residual at all, and the median is NaN.
        scale = jnp.fmax(SCALE_PER_MEDIAN * jnp.nanmedian(miss), MIN_SCALE_PX)
        scale = jnp.minimum(scale, MAX_SCALE * jnp.mean(rig.focal_px))
    else:
        scale = jnp.asarray(scale_px, weight.dtype)
    points = _best_proposal(rig, everyone, pixels, rays, weight, scale)
    points = _refined(rig, points, pixels, weight, scale)
    distance = _distance_px(rig, points, pixels)
    used = seen & (distance < INLIER_SCALES * scale)
    used = used & _in_front(rig, points)
    return _described(rig, points, pixels, seen, used, jnp.sum(used, axis=0) >= 2)


def least_squares_points(
    rig: CameraRig,
    rays: Float[Array, "camera time keypoint 2"],
    weight: Float[Array, "camera time keypoint"],
) -> Float[Array, "time keypoint 3"]:
    """Points nearest to rays in the linear sense, a closed form without decomposition.

    Minimises the sum of `(weight * focal_px * (camera_xy - ray_xy * camera_z))^2` over points
    in space. Two rays suffice; a point with fewer is finite and meaningless.

    Args:
        rig: cameras in the order of the first axis.
        rays: ideal coordinates (x / z, y / z), finite also where the weight is zero.
        weight: 0 where a ray takes no part.
    """
    normal, right = _linear_systems(rig, rays, weight)
    middle = jnp.mean(rig.centres, axis=0)
    return middle[None, None] + _solve([n.sum(0) for n in normal], [r.sum(0) for r in right])


def _linear_systems(
    rig: CameraRig,
    rays: Float[Array, "camera time keypoint 2"],
    weight: Float[Array, "camera time keypoint"],
) -> tuple[list[Array], list[Array]]:
    """What every camera adds to the normal equations of `least_squares_points`.

    Components apart, as in `_solve`: arrays with an axis of length three are slow. Coordinates
    are relative to the middle of the rig, so that single precision suffices.
    """
    rotation = rig.camera_from_world_rotation
    offset = rig.centres - jnp.mean(rig.centres, axis=0)[None]
    towards = jnp.einsum("cij,cj->ci", rotation, offset)

    def per_camera(values: Float[Array, "camera"]) -> Float[Array, "camera 1 1"]:
        return values[:, None, None]

    normal, right = [jnp.zeros_like(weight)] * 6, [jnp.zeros_like(weight)] * 3
    for axis in range(2):
        scale, ray = weight * per_camera(rig.focal_px[:, axis]), rays[..., axis]
        row = [
            scale * (per_camera(rotation[:, axis, i]) - ray * per_camera(rotation[:, 2, i]))
            for i in range(3)
        ]
        value = scale * (per_camera(towards[:, axis]) - ray * per_camera(towards[:, 2]))
        normal = [n + row[i] * row[k] for n, (i, k) in zip(normal, _UPPER, strict=True)]
        right = [r + row[i] * value for i, r in enumerate(right)]
    return normal, right


def _prepared(
    rig: CameraRig,
    pixels: Float[Array, "camera time keypoint 2"],
    confidence: Float[Array, "camera time keypoint"],
) -> tuple[
    Float[Array, "camera time keypoint"],
    Float[Array, "camera time keypoint 2"],
    Float[Array, "camera time keypoint 2"],
]:
    """Weights (0 where unseen), finite pixels, and ideal coordinates of the detections."""
    seen = jnp.all(jnp.isfinite(pixels), axis=-1) & (confidence > 0.0)
    # Unseen points are put at the principal point: finite wherever they are computed with.
    pixels = jnp.where(seen[..., None], pixels, rig.principal_px[:, None, None, :])
    return jnp.where(seen, confidence, 0.0), pixels, rig.normalised_from_image(pixels)


def _best_proposal(
    rig: CameraRig,
    everyone: Float[Array, "time keypoint 3"],
    pixels: Float[Array, "camera time keypoint 2"],
    rays: Float[Array, "camera time keypoint 2"],
    weight: Float[Array, "camera time keypoint"],
    scale: Float[Array, ""],
) -> Float[Array, "time keypoint 3"]:
    """Of all pairs of cameras, and all cameras at once, the point with the least cost."""

    def cost(points: Float[Array, "time keypoint 3"]) -> Float[Array, "time keypoint"]:
        u, v = rig.project_components(points)
        squared = ((u - pixels[..., 0]) ** 2 + (v - pixels[..., 1]) ** 2) / scale**2
        outvoted = jnp.where(_in_front(rig, points), squared / (1.0 + squared), 1.0)
        return jnp.sum(weight * outvoted, axis=0)

    normal, right = jax.lax.optimization_barrier(_linear_systems(rig, rays, weight))
    middle = jnp.mean(rig.centres, axis=0)[None, None]
    seen = weight > 0.0

    def challenge(best, pair):
        points, least = best
        both = [[x[pair[0]] + x[pair[1]] for x in system] for system in (normal, right)]
        proposal = middle + _solve(*both)
        price = jnp.where(seen[pair[0]] & seen[pair[1]], cost(proposal), jnp.inf)
        better = price < least
        return (
            jnp.where(better[..., None], proposal, points),
            jnp.where(better, price, least),
        ), None

    pairs = list(itertools.combinations(range(len(rig.names)), 2))
    numbers = jnp.asarray(np.reshape(pairs, (-1, 2)).astype(np.int32))
    (points, _), _ = jax.lax.scan(challenge, (everyone, cost(everyone)), numbers)
    return points


def _refined(
    rig: CameraRig,
    points: Float[Array, "time keypoint 3"],
    pixels: Float[Array, "camera time keypoint 2"],
    weight: Float[Array, "camera time keypoint"],
    scale: Float[Array, ""],
) -> Float[Array, "time keypoint 3"]:
    """Reweighted Gauss-Newton on the Geman-McClure cost of the reprojection."""

    def step(_, points: Float[Array, "time keypoint 3"]) -> Array:
        u, v, du, dv = rig.project_derivatives(points)
        u, v = pixels[..., 0] - u, pixels[..., 1] - v
        trust = weight / (1.0 + (u * u + v * v) / scale**2) ** 2
        normal = [(trust * (du[i] * du[k] + dv[i] * dv[k])).sum(0) for i, k in _UPPER]
        right = [(trust * (du[i] * u + dv[i] * v)).sum(0) for i in range(3)]
        return points + _solve(normal, right)

    return jax.lax.fori_loop(0, REFINEMENT_STEPS, step, points)


def _in_front(
    rig: CameraRig, points: Float[Array, "time keypoint 3"]
) -> Bool[Array, "camera time keypoint"]:
    forward = rig.camera_from_world_rotation[:, 2, :, None, None]
    x, y, z = (points[None, ..., i] for i in range(3))
    depth = forward[:, 0] * x + forward[:, 1] * y + forward[:, 2] * z
    return depth + rig.camera_from_world_translation[:, 2, None, None] > 0.0


def _distance_px(
    rig: CameraRig,
    points: Float[Array, "time keypoint 3"],
    pixels: Float[Array, "camera time keypoint 2"],
) -> Float[Array, "camera time keypoint"]:
    u, v = rig.project_components(points)
    return jnp.hypot(u - pixels[..., 0], v - pixels[..., 1])


def _described(
    rig: CameraRig,
    points: Float[Array, "time keypoint 3"],
    pixels: Float[Array, "camera time keypoint 2"],
    seen: Bool[Array, "camera time keypoint"],
    used: Bool[Array, "camera time keypoint"],
    enough: Bool[Array, "time keypoint"],
) -> Triangulation:
    residual_px = _distance_px(rig, points, pixels)
    return Triangulation(
        points=jnp.where(enough[..., None], points, jnp.nan),
        n_cameras=jnp.where(enough, jnp.sum(used, axis=0), 0),
        residual_px=jnp.where(seen & enough[None], residual_px, jnp.nan),
    )


def _solve(normal: list[Array], right: list[Array]) -> Float[Array, "*batch 3"]:
    """Solve symmetric 3 x 3 systems by Cramer's rule; a singular one gives a small answer.

    Args:
        normal: the upper triangles, row by row, one array per element.
        right: the right sides, one array per element.
    """
    xx, xy, xz, yy, yz, zz = normal
    trace = xx + yy + zz
    damping = jnp.where(trace > 0.0, _DAMPING * trace, 1.0)
    xx, yy, zz = xx + damping, yy + damping, zz + damping
    # The adjugate, which is symmetric too.
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    d, e, f = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    x, y, z = right
    numerator = (a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z)
    return jnp.stack(numerator, axis=-1) / (xx * a + xy * b + xz * c)[..., None]
