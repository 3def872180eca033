"""What the fit corrected of every camera, in the units people think in."""

import numpy as np
from jaxtyping import Float

from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Fit
from diffbio.fitting.residuals.cameras import LOG_FOCAL_SD, POSITION_SD, ROTATION_SD
from diffbio.io.deviations import length_sd

_SINGLE = {
    "focal_percent": ("lenses", "log_focal", None, 100.0),
    "k1": ("lenses", "distortion", 0, 1.0),
    "k2": ("lenses", "distortion", 1, 1.0),
    "time_offset_ms": ("clocks", "clock_offset", None, 1e3),
    "time_drift_ppm": ("clocks", "clock_drift", None, 1e6),
}
"""Key, then group, field of `CameraAdjustment`, column and factor of corrections of one number."""


def camera_adjustments(fit: Fit) -> dict[str, dict[str, float | None]]:
    """Corrections of every fitted camera and their standard deviations, by camera name.

    Returns:
        `rotation_deg`, the angle between the orientations, and `translation_mm`, the distance
        between the centres, before and after; `focal_percent`, `k1`, `k2`, what was added;
        `time_offset_ms`, what is added to the time stamps (positive: taken later than they
        say), and `time_drift_ppm`, its growth. Each has a deviation, `rotation_sd_deg` and so
        on. None where it was not refined, or its deviation not estimated.
    """
    columns: dict[str, np.ndarray] = {}
    if "poses" in fit.refined:
        columns |= {
            "rotation_deg": np.rad2deg(_angle(fit.rig_before, fit.rig)),
            "translation_mm": 1e3 * _distance(fit.rig_before, fit.rig),
        } | _pose_sd(fit)
    for key, (group, field, column, factor) in _SINGLE.items():
        if fit.cameras is None or group not in fit.refined:
            continue
        columns[key] = factor * _column(getattr(fit.cameras, field), column)
        if fit.uncertainty is not None:
            sd = _column(getattr(fit.uncertainty.cameras, field), column)
            # log and percent agree to first order, as the deviation does.
            columns[sd_key(key)] = factor * sd
    if "focal_percent" in columns:
        columns["focal_percent"] = 100 * np.expm1(columns["focal_percent"] / 100)
    keys = ("rotation_deg", "translation_mm", *_SINGLE)
    return {
        name: {
            entry: float(columns[entry][i]) if entry in columns else None
            for key in keys
            for entry in (key, sd_key(key))
        }
        for i, name in enumerate(fit.error.camera_names)
    }


def sd_key(key: str) -> str:
    """Key of the standard deviation that belongs to a key; a unit stays at the end."""
    stem, _, unit = key.rpartition("_")
    return f"{stem}_sd_{unit}" if stem else f"{key}_sd"


def in_prior_sd(fit: Fit) -> Float[np.ndarray, "camera"]:
    """How far each camera was moved, in deviations of what a careful calibration leaves wrong.

    The largest over its rotation, its position and its focal length; zero where not refined.
    """
    if fit.cameras is None:
        return np.zeros(len(fit.error.camera_names))
    parts = [
        np.abs(np.asarray(fit.cameras.rotation)).max(axis=1) / ROTATION_SD,
        np.abs(np.asarray(fit.cameras.shift)).max(axis=1) / POSITION_SD,
        np.abs(np.asarray(fit.cameras.log_focal)) / LOG_FOCAL_SD,
    ]
    return np.max(parts, axis=0)


def _pose_sd(fit: Fit) -> dict[str, Float[np.ndarray, "camera"]]:
    if fit.cameras is None or fit.uncertainty is None:
        return {}
    moved, sd = fit.cameras, fit.uncertainty.cameras
    turn = length_sd(np.asarray(moved.rotation), np.asarray(sd.rotation))
    shift = length_sd(np.asarray(moved.shift), np.asarray(sd.shift))
    return {"rotation_sd_deg": np.rad2deg(turn), "translation_sd_mm": 1e3 * shift}


def _column(values: object, column: int | None) -> Float[np.ndarray, "camera"]:
    array = np.asarray(values, float)
    return array if column is None else array[:, column]


def _angle(before: CameraRig, after: CameraRig) -> Float[np.ndarray, "camera"]:
    """Between the orientations, in radians."""
    given, fitted = (np.asarray(rig.camera_from_world_rotation, float) for rig in (before, after))
    # |R - R'| = 2 sqrt(2) sin(angle / 2), exact at small angles where arccos is not.
    difference = np.linalg.norm(fitted - given, axis=(1, 2))
    return 2.0 * np.arcsin(np.clip(difference / np.sqrt(8.0), 0.0, 1.0))


def _distance(before: CameraRig, after: CameraRig) -> Float[np.ndarray, "camera"]:
    """Between the centres, in metres."""
    return np.linalg.norm(np.asarray(after.centres - before.centres, float), axis=-1)
