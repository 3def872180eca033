"""How good a fit is, in the units people think in. Everything here is read off the fit."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Fit, ReprojectionError
from diffbio.io.trial import Trial

MIN_MARKERS_IN_VIEW = 4
"""A camera sees the person in a frame where at least so many keypoints are used."""

MIN_VIEWS = 2
"""A point is located in space from two directions."""

DISAGREEMENT = 1.7
"""A camera is named when its median error exceeds that of the others so many times."""

DISAGREEMENT_MM = 5.0
"""... and is worth speaking of: smaller errors are the keypoints' own noise."""


def error_mm(fit: Fit) -> Float[np.ndarray, "camera time marker"]:
    """Reprojection error as a distance at the person: pixels / focal length * depth.

    Returns:
        Millimetres; NaN where there was no detection.
    """
    return _at_the_person(fit, fit.rig, fit.error)


def held_out_mm(fit: Fit, trial: Trial) -> Float[np.ndarray, "1 time marker"] | None:
    """As `error_mm`, of the camera the fit did not use; None where there was none."""
    if fit.held_out is None:
        return None
    return _at_the_person(fit, trial.rig.subset((fit.held_out.name,)), fit.held_out.error)


def _at_the_person(
    fit: Fit, rig: CameraRig, error: ReprojectionError
) -> Float[np.ndarray, "camera time marker"]:
    focal_px = np.asarray(rig.focal_px).mean(axis=-1)
    # A clock's correction moves the person by centimetres, which a depth of metres does not feel.
    depth = np.asarray(rig.depth(jnp.asarray(fit.motion.markers, rig.focal_px.dtype)), float)
    return 1e3 * error.px / focal_px[:, None, None] * np.abs(depth)


def pictures(fit: Fit) -> Int[np.ndarray, "camera time"]:
    """Which recorded frame of each camera shows the person at each sample time.

    Where clocks were corrected it is the frame nearest in corrected time, -1 where the camera
    took none within half the usual interval; otherwise every frame is its own.
    """
    time = fit.motion.time
    own = np.tile(np.arange(len(time)), (len(fit.error.camera_names), 1))
    if fit.cameras is None or "clocks" not in fit.refined or len(time) < 2:
        return own
    offset, drift = np.asarray(fit.cameras.clock_offset), np.asarray(fit.cameras.clock_drift)
    since_middle = time - 0.5 * (time[0] + time[-1])
    taken = time + offset[:, None] + drift[:, None] * since_middle
    for row, instants in zip(own, taken, strict=True):
        row[:] = np.searchsorted((instants[1:] + instants[:-1]) / 2, time)
        # A little more, because an offset of exactly half an interval is rounded either way.
        row[np.abs(instants[row] - time) > 0.51 * np.median(np.diff(time))] = -1
    return own


def in_step(fit: Fit) -> Float[np.ndarray, "camera time marker"]:
    """Reprojection error, in pixels, of what the cameras saw at the sample times of the motion.

    `Fit.error` is in the frames as recorded; this follows the corrected clocks.
    """
    chosen = pictures(fit)
    error = np.take_along_axis(fit.error.px, np.maximum(chosen, 0)[..., None], axis=1)
    return np.where(chosen[..., None] >= 0, error, np.nan)


def in_view(fit: Fit) -> Bool[np.ndarray, "camera time"]:
    """Whether a camera saw the person at a sample time (`MIN_MARKERS_IN_VIEW` keypoints used)."""
    enough = min(MIN_MARKERS_IN_VIEW, fit.error.px.shape[-1])
    return np.isfinite(in_step(fit)).sum(axis=-1) >= enough


def views(fit: Fit) -> Int[np.ndarray, "time"]:
    """In how many cameras the person was seen, frame by frame."""
    return in_view(fit).sum(axis=0)


def share_poorly_seen(fit: Fit) -> float:
    """Share of frames in which fewer than two cameras saw the person."""
    return float(np.mean(views(fit) < MIN_VIEWS))


def active_cameras(fit: Fit) -> tuple[str, ...]:
    """Names of the cameras that contributed at least one detection."""
    active = [bool(np.isfinite(px).any()) for px in fit.error.px]
    return tuple(name for name, used in zip(fit.error.camera_names, active, strict=True) if used)


def disagreeing_cameras(fit: Fit) -> dict[str, tuple[float, float]]:
    """Cameras much worse than the others.

    Returns:
        By camera name: its own median error and the median of the other cameras', in pixels.
        Empty with fewer than three cameras, where nobody can say which one is wrong.
    """
    px = {name: error["median"] for name, error in fit.error.per_camera().items()}
    mm = dict(zip(fit.error.camera_names, error_mm(fit), strict=True))
    found = {}
    for name, own in px.items():
        others = [error for other, error in px.items() if other != name]
        if len(others) < 2 or np.nanmedian(mm[name]) <= DISAGREEMENT_MM:
            continue
        if own > DISAGREEMENT * np.median(others):
            found[name] = (own, float(np.median(others)))
    return found


def scales(fit: Fit) -> dict[str, float]:
    """Size of each segment group relative to the base model."""
    values = np.exp(np.asarray(fit.parameters.log_scale))
    return dict(zip(fit.body.segment_names, map(float, values), strict=True))
