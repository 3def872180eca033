"""How right a rig is: errors of what it was not fitted to, lengths in space, and a verdict."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.bundle import adjust, distance_px
from diffbio.cameras.calibration.coverage import coverage
from diffbio.cameras.calibration.joint_adjustment import BoardCalibration
from diffbio.cameras.calibration.rig_arrays import bare_rig
from diffbio.cameras.calibration.sightings import pack, pad_views
from diffbio.cameras.rig import CameraRig
from diffbio.cameras.triangulation import triangulate

HELD_OUT_EVERY = 5
"""Every fifth view that several cameras share is kept from the adjustment and predicted."""

_SCALE_PX = 20.0
"""Of the robust triangulation: far beyond the errors of corners, which all count."""

_triangulate = jax.jit(lambda rig, pixels, seen: triangulate(rig, pixels, seen, scale_px=_SCALE_PX))
_distance = jax.jit(distance_px)


@dataclasses.dataclass(frozen=True)
class Quality:
    """Numbers of a calibration.

    Attributes:
        mean_px, median_px, rms_px: distances of all corners from their detections, board rigid.
        per_camera_px: mean of each camera.
        held_out_px: median distance, in each camera, of corners in views kept from the
            adjustment, the board placed by the other cameras only; NaN where none are shared.
        free_corner_px: mean distance when every corner is triangulated by itself, as programs
            that do not know the board is rigid report it.
        edge_rms_mm: of lengths between triangulated neighbours, against the board.
        edge_bias_percent: their mean error: scale.
        centre_sd_mm, rotation_sd_deg, focal_sd_percent: of each camera, its largest direction;
            relative to the reference camera.
        covered: share of each picture in which corners were seen.
    """

    mean_px: float
    median_px: float
    rms_px: float
    per_camera_px: dict[str, float]
    held_out_px: dict[str, float]
    free_corner_px: float
    edge_rms_mm: float
    edge_bias_percent: float
    centre_sd_mm: dict[str, float]
    rotation_sd_deg: dict[str, float]
    focal_sd_percent: dict[str, float]
    covered: dict[str, float]


def measure(calibration: BoardCalibration) -> Quality:
    """All numbers of a calibration; the adjustment is repeated once without the held-out views."""
    names = calibration.views.camera_names
    residual = calibration.residual_px
    edges = edge_lengths(calibration.rig, calibration)
    sd = calibration.sd
    centre = np.sqrt(_largest_variance(calibration, slice(3, 6)))
    turn = np.sqrt(_largest_variance(calibration, slice(0, 3)))

    def named(values) -> dict[str, float]:
        return {name: float(value) for name, value in zip(names, values, strict=True)}

    return Quality(
        mean_px=float(np.nanmean(residual)),
        median_px=float(np.nanmedian(residual)),
        rms_px=float(np.sqrt(np.nanmean(residual**2))),
        per_camera_px=named([np.nanmean(row) for row in residual]),
        held_out_px=named(held_out_px(calibration)),
        free_corner_px=edges.free_corner_px,
        edge_rms_mm=edges.rms_mm,
        edge_bias_percent=edges.bias_percent,
        centre_sd_mm=named(1000.0 * centre),
        rotation_sd_deg=named(np.degrees(turn)),
        focal_sd_percent=named(100.0 * sd[:, 6]),
        covered=named(coverage(calibration.views).mean(axis=(1, 2))),
    )


@dataclasses.dataclass(frozen=True)
class EdgeLengths:
    """Lengths in space; see `Quality`. NaN where no view is seen by two cameras."""

    rms_mm: float
    bias_percent: float
    free_corner_px: float
    count: int


def edge_lengths(rig: CameraRig, calibration: BoardCalibration) -> EdgeLengths:
    """Triangulate every corner by itself and compare neighbours with the board.

    Args:
        rig: cameras to judge, in the order of the calibration's; may be another calibration.
        calibration: whose views are used.
    """
    views = calibration.views
    shared = views.of_views(views.sighted.sum(axis=0) >= 2)
    count = shared.pixels.shape[1]
    if count == 0:
        return EdgeLengths(np.nan, np.nan, np.nan, 0)
    padded = round_up_to_bucket(count) - count
    pixels = np.pad(shared.pixels, ((0, 0), (0, padded), (0, 0), (0, 0)), constant_values=np.nan)
    seen = np.pad(shared.seen, ((0, 0), (0, padded), (0, 0)))
    found = _triangulate(bare_rig(rig), jnp.asarray(pixels), jnp.asarray(seen.astype(float)))
    points = np.asarray(found.points)
    first, second = np.asarray(views.board.edges).T
    length = np.linalg.norm(points[:, second] - points[:, first], axis=-1)
    true = np.linalg.norm(views.board.points[second] - views.board.points[first], axis=-1)
    error = (length - true)[np.isfinite(length)]
    return EdgeLengths(
        rms_mm=float(1000.0 * np.sqrt(np.mean(error**2))),
        bias_percent=float(100.0 * np.nanmean((length - true) / true)),
        free_corner_px=float(np.nanmean(found.residual_px)),
        count=len(error),
    )


def held_out_px(calibration: BoardCalibration) -> Float[np.ndarray, "camera"]:
    """Median error of each camera in views kept from the adjustment, predicted by the others."""
    views = calibration.views
    sighted = views.sighted
    shared = np.flatnonzero(sighted.sum(axis=0) >= 2)[::HELD_OUT_EVERY]
    test = np.zeros(sighted.shape[1], bool)
    test[shared] = True
    points = jnp.asarray(views.board.points)
    scale = jnp.asarray(calibration.scale_px)
    poses = pad_views(calibration.poses, round_up_to_bucket(sighted.shape[1]))
    kept = adjust(
        bare_rig(calibration.rig), poses, points, pack(views, counts=sighted & ~test),
        jnp.asarray(calibration.free), scale,
    )  # fmt: skip
    nothing = jnp.zeros(calibration.free.shape, bool)
    left = np.full(len(sighted), np.nan)
    for camera in range(len(sighted)):
        own = np.arange(len(sighted))[:, None] == camera
        others = sighted & test & ~own
        if not (others.any(axis=0) & sighted[camera]).any():
            continue
        placed = adjust(
            kept.rig, kept.poses, points, pack(views, counts=others), nothing, scale
        ).poses
        judged = pack(views, counts=sighted & own & others.any(axis=0))
        distance = _distance(kept.rig, placed, points, judged)
        left[camera] = np.median(np.asarray(distance)[np.asarray(judged.seen)])
    return left


def _largest_variance(calibration: BoardCalibration, part: slice) -> Float[np.ndarray, "camera"]:
    """Variance of a vector of each camera in the direction in which it is least certain."""
    count, width = calibration.free.shape
    blocks = calibration.covariance.reshape(count, width, count, width)
    return np.array([np.linalg.eigvalsh(blocks[i, part, i, part])[-1] for i in range(count)])
