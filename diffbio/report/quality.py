"""How good a fit is, in the units people think in. Everything here is read off the fit."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Fit

MIN_MARKERS_IN_VIEW = 4
"""A camera sees the person in a frame where at least so many keypoints are used."""

MIN_VIEWS = 2
"""A point is located in space from two directions."""

DISAGREEMENT = 1.7
"""A camera is named when its median error exceeds that of the others so many times."""

DISAGREEMENT_MM = 5.0
"""... and is worth speaking of: smaller errors are the keypoints' own noise."""

_UNMOVED = 1e-5
"""Radians and metres below which a camera counts as not adjusted: single-precision rounding."""


def error_mm(fit: Fit) -> Float[np.ndarray, "camera time marker"]:
    """Reprojection error as a distance at the person: pixels / focal length * depth.

    Returns:
        Millimetres; NaN where there was no detection.
    """
    focal_px = np.asarray(fit.rig.focal_px).mean(axis=-1)
    markers = jnp.asarray(fit.motion.markers, fit.rig.focal_px.dtype)
    depth = np.asarray(fit.rig.depth(markers), float)
    return 1e3 * fit.error.px / focal_px[:, None, None] * np.abs(depth)


def in_view(fit: Fit) -> Bool[np.ndarray, "camera time"]:
    """Whether a camera saw the person in a frame (`MIN_MARKERS_IN_VIEW` keypoints used)."""
    enough = min(MIN_MARKERS_IN_VIEW, fit.error.px.shape[-1])
    return np.isfinite(fit.error.px).sum(axis=-1) >= enough


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


def camera_adjustment(fit: Fit) -> dict[str, dict[str, float]]:
    """How far each camera was moved by the fit.

    Returns:
        By camera name: `rotation_deg`, the angle between the orientations, and
        `translation_mm`, the distance between the camera centres, before and after.
    """
    before, after = _orientation(fit.rig_before), _orientation(fit.rig)
    # |R - R'| = 2 sqrt(2) sin(angle / 2), exact at small angles where arccos is not.
    difference = np.linalg.norm(after - before, axis=(1, 2))
    angle = 2.0 * np.arcsin(np.clip(difference / np.sqrt(8.0), 0.0, 1.0))
    distance = np.linalg.norm(np.asarray(fit.rig.centres - fit.rig_before.centres), axis=-1)
    return {
        name: {"rotation_deg": float(np.rad2deg(a)), "translation_mm": float(1e3 * d)}
        for name, a, d in zip(fit.error.camera_names, angle, distance, strict=True)
    }


def cameras_were_refined(fit: Fit) -> bool:
    """Whether any camera left the pose it was given."""
    return any(
        np.deg2rad(moved["rotation_deg"]) > _UNMOVED or moved["translation_mm"] > 1e3 * _UNMOVED
        for moved in camera_adjustment(fit).values()
    )


def _orientation(rig: CameraRig) -> Float[np.ndarray, "camera 3 3"]:
    return np.asarray(rig.camera_from_world_rotation)
