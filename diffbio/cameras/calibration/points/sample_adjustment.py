"""Adjustment of cameras and points to what was seen at chosen instants."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.points.adjustment import (
    ENOUGH,
    FocalPrior,
    PointsAdjusted,
    adjust_points,
)
from diffbio.cameras.calibration.points.equations import CLOCK, FOCAL, WIDTH, PointViews
from diffbio.cameras.calibration.points.tracks import Samples
from diffbio.cameras.rig import CameraRig

SCALES = (0.02, 0.01)
"""Of the robust cost, in focal lengths, at first; then by the errors that are left
(`robust_scale_px`)."""

ROUGHLY = 1e-3
"""A step of a first adjustment that lowers the cost by a smaller share is the last."""

SCALE_PER_NOISE = 3.0
_SCALE_PER_MEDIAN = 3.5
_LEAST_SCALE_PX = 0.05


def located(points: Float[np.ndarray, "*batch 3"]) -> Bool[np.ndarray, "*batch"]:
    """Which points are known."""
    return np.asarray(np.isfinite(points).all(-1))


def unknowns_sought(n_camera: int, clocks: bool, focal: bool) -> Bool[np.ndarray, "camera column"]:
    """Where everybody stands and looks; clocks and focal lengths if asked for."""
    free = np.ones((n_camera, WIDTH), bool)
    free[:, FOCAL], free[:, CLOCK] = focal, clocks
    return free


def adjusted(
    rig: CameraRig,
    points: Float[np.ndarray, "time point 3"],
    samples: Samples,
    free: Bool[np.ndarray, "camera column"],
    prior: FocalPrior,
    scale_px: float,
    enough: float = ENOUGH,
) -> PointsAdjusted:
    """Cameras and points adjusted to the detections of points that are known.

    Args:
        rig: where to start.
        points: likewise, NaN where not known.
        samples: what was seen.
        free: which unknowns of each camera are sought.
        prior: on focal lengths.
        scale_px: of the robust cost.
        enough: see `adjust_points`.
    """
    n_camera, count = len(rig.names), points.shape[0] * points.shape[1]
    known = located(points)
    weight = np.where(known[None], samples.weight, 0.0)
    middle = np.mean(np.asarray(rig.centres), axis=0)
    points = np.where(known[..., None], points, middle).reshape(count, 3)
    padded = round_up_to_bucket(count) - count

    def flat(values: np.ndarray) -> jnp.ndarray:
        rows = np.where(weight > 0.0, values, 0.0).reshape(n_camera, count)
        return jnp.asarray(np.pad(rows, ((0, 0), (0, padded))))

    views = PointViews(
        flat(samples.pixels[..., 0]),
        flat(samples.pixels[..., 1]),
        flat(weight),
        flat(samples.velocity_px[..., 0]),
        flat(samples.velocity_px[..., 1]),
    )
    points = np.concatenate([points, np.tile(middle, (padded, 1))])
    scales = (jnp.asarray(one) for one in (scale_px, scale_px / SCALE_PER_NOISE, enough))
    return adjust_points(rig, jnp.asarray(points), views, jnp.asarray(free), prior, *scales)


def robust_scale_px(
    found: PointsAdjusted, samples: Samples, points: Float[np.ndarray, "time point 3"]
) -> float:
    """Scale of the robust cost by the median error that an adjustment left.

    A point takes three of the 2 n numbers by which n cameras saw it, so that what is left of
    them is less than their errors; of two cameras' detections half is left.
    """
    count = samples.weight[0].size
    weight = np.where(located(points)[None], samples.weight, 0.0).reshape(-1, count)
    residual, seen = np.asarray(found.residual_px)[:, :count], weight > 0.0
    views = np.maximum(seen.sum(axis=0), 2)
    error = residual / np.sqrt(1.0 - 1.5 / views)
    seen &= residual > 0.0
    median = float(np.median(error[seen])) if seen.any() else 1.0
    return max(_SCALE_PER_MEDIAN * median, _LEAST_SCALE_PX)
