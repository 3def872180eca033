"""How certain cameras are that were found from points, and how well they predict each other."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.points.adjustment import CLOCK, FOCAL, WIDTH
from diffbio.cameras.calibration.points.chain import triangulated
from diffbio.cameras.calibration.points.solve import PointsCalibration, refined_cameras
from diffbio.cameras.calibration.points.tracks import Tracks, sampled
from diffbio.cameras.triangulation import INLIER_SCALES

ERRORS_LAST = 0.25
"""In seconds: a detector's errors of one point are alike for so long."""

KEPT_OUT = 5
"""Every fifth block of the recording is kept out, to be predicted."""

BLOCK = 0.4
"""In seconds."""


@dataclasses.dataclass(frozen=True)
class Certainty:
    """Standard deviations, once the rig is laid over the truth as well as can be.

    Attributes:
        rotation: of each camera's orientation, the root of the sum over its axes, in radians.
        centre: of each camera's place likewise, in units of the rig.
        log_focal: of the focal lengths; zero where held.
        clock: in seconds, against the mean of the cameras; zero where held.
    """

    rotation: Float[np.ndarray, "camera"]
    centre: Float[np.ndarray, "camera"]
    log_focal: Float[np.ndarray, "camera"]
    clock: Float[np.ndarray, "camera"]


def certainty(found: PointsCalibration) -> Certainty:
    """Standard deviations of the cameras from the errors that the adjustment left.

    A detector's errors last, in time and on a point of the body. Three estimates are made, with
    all detections independent, with those of one point in one spell alike, and with all of one
    point alike (White 1980, clustered); each camera takes the largest.
    """
    n_camera = len(found.offset)
    information = np.asarray(found.adjusted.information, float)
    scores = np.asarray(found.adjusted.scores, float)
    n_time, n_point = found.points.shape[:2]
    scores = scores[: n_time * n_point]
    value, vector = np.linalg.eigh(information)
    # Place, direction and size of the whole, and the common time, are not determined.
    keep = value > 1e-9 * value.max()
    inverse = (vector[:, keep] / value[keep]) @ vector[:, keep].T
    spell = np.floor((found.times - found.times[0]) / ERRORS_LAST).astype(int)
    point = np.tile(np.arange(n_point), n_time)
    each = np.arange(n_time * n_point)
    clusters = (each, np.repeat(spell, n_point) * n_point + point, point)
    aligned = _alignment(found) @ inverse / _sharpness(found)
    sds = [np.sqrt(np.diagonal(_clustered(scores, groups, aligned))) for groups in clusters]
    sd = np.stack(sds).reshape(3, n_camera, WIDTH)
    totals = np.stack(
        [
            np.linalg.norm(sd[..., :3], axis=-1),
            np.linalg.norm(sd[..., 3:6], axis=-1),
            sd[..., FOCAL],
            sd[..., CLOCK],
        ]
    ).max(axis=1)
    free = found.free
    return Certainty(
        totals[0],
        totals[1],
        np.where(free[:, FOCAL], totals[2], 0.0),
        np.where(free[:, CLOCK], totals[3], 0.0),
    )


def _sharpness(found: PointsCalibration) -> float:
    """Curvature of the robust cost, as a share of that of its quadratic bound.

    The bound's weights are `(1 + q)^-2` with q the squared distance in scales; the cost itself
    bends by `(1 - q) / (1 + q)^3` on average over directions in the picture.
    """
    residual = found.residual_px
    known = np.isfinite(residual)
    q, weight = (residual[known] / found.scale_px) ** 2, found.samples.weight[known]
    bound = (weight / (1.0 + q) ** 2).sum()
    return max(float((weight * (1.0 - q) / (1.0 + q) ** 3).sum() / bound), 0.2)


def _clustered(
    scores: Float[np.ndarray, "each unknown"],
    groups: np.ndarray,
    inverse: Float[np.ndarray, "unknown unknown"],
) -> Float[np.ndarray, "unknown unknown"]:
    """Covariance when the errors within a group are alike and those of two groups are not."""
    _, number = np.unique(groups, return_inverse=True)
    summed = np.zeros((number.max() + 1, scores.shape[1]))
    np.add.at(summed, number, scores)
    active = int((np.abs(summed).sum(1) > 0).sum())
    return inverse @ (summed.T @ summed) @ inverse.T * active / max(active - 1, 1)


def _alignment(found: PointsCalibration) -> Float[np.ndarray, "unknown unknown"]:
    """What is left of a change of the cameras once their centres are laid over the old ones."""
    centres = np.asarray(found.rig.centres, float)
    turns = np.asarray(found.rig.camera_from_world_rotation, float)
    n_camera = len(centres)
    directions = np.zeros((n_camera, WIDTH, 8))
    for axis in range(3):
        unit = np.eye(3)[axis]
        directions[:, 3 + axis, axis] = 1.0
        directions[:, 3:6, 3 + axis] = np.cross(unit, centres - centres.mean(0))
        directions[:, :3, 3 + axis] = -turns @ unit
    directions[:, 3:6, 6] = centres - centres.mean(0)
    directions[:, CLOCK, 7] = 1.0
    flat = directions.reshape(-1, 8)
    told = np.zeros((n_camera, WIDTH), bool)
    told[:, 3:6], told[:, CLOCK] = True, True
    seen = np.where(told.reshape(-1, 1), flat, 0.0)
    return np.eye(len(flat)) - flat @ np.linalg.pinv(seen)


@dataclasses.dataclass(frozen=True)
class Prediction:
    """How well cameras are predicted, in a part of the recording that they were not fitted to.

    Attributes:
        median_px: of each camera: distance of its detections from the pictures of points that
            the other cameras locate; NaN where there is none.
        agreeing: share of its detections that the others confirm.
    """

    median_px: Float[np.ndarray, "camera"]
    agreeing: Float[np.ndarray, "camera"]


def predicted(found: PointsCalibration, tracks: Tracks) -> Prediction:
    """Fit anew without every fifth block, and predict each camera there by all others."""
    block = np.floor((found.times - found.times[0]) / BLOCK).astype(int)
    out = block % KEPT_OUT == KEPT_OUT // 2
    n_camera = len(found.offset)
    if not out.any() or out.all():
        return Prediction(np.full(n_camera, np.nan), np.full(n_camera, np.nan))
    fitted = refined_cameras(
        found.rig,
        tracks,
        found.times[~out],
        found.offset,
        found.free,
        focal_sd=found.focal_sd,
    )
    # As many instants as were fitted, so that no further program is compiled.
    times = np.resize(found.times[out], int((~out).sum()))
    once = np.arange(len(times)) < out.sum()
    samples = sampled(tracks, times, fitted.offset)
    median, agreeing = np.full(n_camera, np.nan), np.full(n_camera, np.nan)
    limit = INLIER_SCALES * fitted.scale_px
    for camera in range(n_camera):
        others = np.arange(n_camera) != camera
        if others.sum() < 2:
            others[:] = True  # of two cameras neither can be predicted: how well both agree
        points = triangulated(fitted.rig, samples, others)
        known = np.isfinite(points).all(-1) & (samples.weight[camera] > 0.0) & once[:, None]
        if not known.any():
            continue
        u, v = fitted.rig.project_components(jnp.asarray(np.where(known[..., None], points, 0.0)))
        miss = np.hypot(
            np.asarray(u)[camera] - samples.pixels[camera, ..., 0],
            np.asarray(v)[camera] - samples.pixels[camera, ..., 1],
        )[known]
        median[camera], agreeing[camera] = np.median(miss), np.mean(miss < limit)
    return Prediction(median, agreeing)
