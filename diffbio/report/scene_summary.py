"""`summary.json` of cameras found from known points."""

from typing import Any

import numpy as np

from diffbio import __version__
from diffbio.cameras.calibration.scene import SceneCalibration, SceneQuality
from diffbio.cameras.calibration.verdict import Verdict


def summary_of_scene(
    calibration: SceneCalibration, quality: SceneQuality, verdict: Verdict, notes: list[str]
) -> dict[str, Any]:
    """The result in numbers, whose units are in the keys; NaN where there is no number."""
    views = calibration.views
    centres, focal = np.asarray(calibration.rig.centres), np.asarray(calibration.rig.focal_px)
    moved_mm = 1e3 * np.linalg.norm(calibration.places - views.places, axis=1)
    return {
        "diffbio_version": __version__,
        "points": {
            name: {
                "place_m": views.places[row].tolist(),
                "sd_mm": float(1e3 * views.place_sd[row]),
                "adjusted_by_mm": float(moved_mm[row]),
            }
            for row, name in enumerate(views.point_names)
        },
        "triangulated_rms_mm": quality.triangulated_mm,
        "focal_lengths": "found" if calibration.found_focal else "given",
        "cameras": {
            name: {
                "points": int(calibration.used[row].sum()),
                "left_out": _named(views.point_names, views.seen[row] & ~calibration.used[row]),
                "rms_px": quality.rms_px[name],
                "click_sd_px": float(calibration.click_sd_px[row]),
                "left_out_median_px": quality.left_out_px[name],
                "left_out_median_mm": quality.left_out_mm[name],
                "each_px": _each(views.point_names, calibration.residual_px[row]),
                "each_left_out_px": _each(views.point_names, calibration.left_out_px[row]),
                "centre_m": centres[row].tolist(),
                "centre_sd_mm": quality.centre_sd_mm[name],
                "rotation_sd_deg": quality.rotation_sd_deg[name],
                "focal_px": focal[row].tolist(),
                "focal_sd_percent": quality.focal_sd_percent[name],
                "distance_m": quality.distance_m[name],
            }
            for row, name in enumerate(views.camera_names)
        },
        "verdict": verdict.level,
        "messages": [*verdict.reasons, *notes],
    }


def _named(names: tuple[str, ...], which: np.ndarray) -> list[str]:
    return [name for name, yes in zip(names, which, strict=True) if yes]


def _each(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}
