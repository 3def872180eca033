"""How well cameras that were found from points predict each other."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.points.chain import triangulated
from diffbio.cameras.calibration.points.solve import PointsCalibration, refined_cameras
from diffbio.cameras.calibration.points.tracks import Tracks, sampled
from diffbio.cameras.triangulation import INLIER_SCALES

KEPT_OUT = 5
"""Every fifth block of the recording is kept out, to be predicted."""

BLOCK = 0.4
"""In seconds."""


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
        prior=found.prior,
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
