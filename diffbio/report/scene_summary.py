"""`summary.json` and the page of cameras found from known points."""

import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio import __version__
from diffbio.cameras.calibration.scene import SceneCalibration, SceneQuality
from diffbio.cameras.calibration.scene.heights import Standing
from diffbio.cameras.calibration.scene.quality import covariance_of_all
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.report.calibration_folder import shown_in
from diffbio.report.rig_page_data import CameraDeviations, ShownRig
from diffbio.report.shown_rig import expected_error


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


def shown_scene(
    folder: pathlib.Path, calibration: SceneCalibration, quality: SceneQuality, notes: list[str]
) -> ShownRig:
    """The rig that a folder is to hold, with what it can measure."""
    deviations = {
        name: CameraDeviations(
            quality.centre_sd_mm[name],
            quality.rotation_sd_deg[name],
            quality.focal_sd_percent[name],
        )
        for name in calibration.rig.names
    }
    return shown_in(folder, calibration.rig, known_covariance(calibration), deviations, notes)


def known_covariance(
    calibration: SceneCalibration,
) -> Float[np.ndarray, "unknown unknown"] | None:
    """Of all unknowns of the cameras; None where points leave some of them open."""
    covariance = covariance_of_all(calibration)
    return covariance if np.isfinite(covariance).all() else None


def further(shown: ShownRig, standing: Standing | None) -> dict[str, Any]:
    """What the page and the check of the floor add to the summary."""
    stands = standing and {
        name: {"stated_mm": stated, "found_mm": found, "sd_mm": sd}
        for name, stated, found, sd in zip(
            standing.names,
            standing.stated_mm.tolist(),
            standing.found_mm.tolist(),
            standing.sd_mm.tolist(),
            strict=True,
        )
    }
    return {"expected_error": expected_error(shown), "standing": stands}


def _named(names: tuple[str, ...], which: np.ndarray) -> list[str]:
    return [name for name, yes in zip(names, which, strict=True) if yes]


def _each(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}
