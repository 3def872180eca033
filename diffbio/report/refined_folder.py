"""What a correction of a rig leaves: the rig, a page of it, and its numbers."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from diffbio import __version__
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.fitting.fit import Fit
from diffbio.io.rig_covariance import COVARIANCE_FILE, remove_covariance
from diffbio.io.trial import Trial
from diffbio.report.adjustments import camera_adjustments
from diffbio.report.calibration_folder import write_rig_and_summary
from diffbio.report.refinement import Evidence
from diffbio.report.rig_page import write_rig_page
from diffbio.report.rig_page_data import CameraDeviations
from diffbio.report.shown_rig import expected_error, shown_rig


def write_refined(
    folder: pathlib.Path,
    before: Fit,
    fit: Fit,
    trial: Trial,
    evidence: list[Evidence],
    verdict: Verdict,
    log: str,
) -> tuple[str, ...]:
    """Write `rig.toml`, `rig.html`, `summary.json` and `log.txt`.

    Args:
        folder: made where it is missing; each file is complete or as it was before. The
            covariance of a rig that is replaced is removed.
        before: fit of all cameras, as given.
        fit: of all cameras, refined.
        trial: what was fitted.
        evidence: of fits that left something out.
        verdict: on the rig.
        log: what was said.

    Returns:
        What else is to be known, in sentences.
    """
    shown = shown_rig(
        fit.rig.astype(np.float64),
        folder.resolve().name,
        f"{folder / 'rig.toml'}, refined from {trial.name}",
        notes=(verdict.sentence, *verdict.reasons),
        deviations=_deviations(fit),
    )
    summary = summary_of_refinement(before, fit, trial, evidence, verdict)
    summary["expected_error"] = expected_error(shown)
    notes = ()
    if remove_covariance(folder):
        notes = (
            f"{folder / COVARIANCE_FILE} was of the rig that was there before, and was removed: of "
            "a refined rig only the deviation of every camera by itself is known.",
        )
    write_rig_and_summary(folder, fit.rig, summary, log)
    write_rig_page(shown, folder / "rig.html")
    return notes


def _deviations(fit: Fit) -> dict[str, CameraDeviations]:
    """Of the corrections; none where they were not estimated."""
    if fit.uncertainty is None:
        return {}
    return {
        name: CameraDeviations(
            row["translation_sd_mm"] or 0.0,
            row["rotation_sd_deg"] or 0.0,
            row["focal_sd_percent"] or 0.0,
        )
        for name, row in camera_adjustments(fit).items()
    }


def summary_of_refinement(
    before: Fit, fit: Fit, trial: Trial, evidence: list[Evidence], verdict: Verdict
) -> dict[str, Any]:
    """The result in numbers, whose units are in the keys; None where there is no number."""
    error_before, error = before.error.per_camera(), fit.error.per_camera()
    centres = np.asarray(fit.rig.centres, float)
    nothing = {"median": float("nan"), "mean": float("nan")}
    return {
        "diffbio_version": __version__,
        "trial": trial.name,
        "frames": len(fit.motion.time),
        "refined": list(fit.refined),
        "not_used": [dataclasses.asdict(one) for one in evidence],
        "reprojection_error_px": {
            "before": before.error.median_px,
            "after": fit.error.median_px,
        },
        "cameras": {
            name: {
                "median_px_before": error_before.get(name, nothing)["median"],
                "median_px_after": error.get(name, nothing)["median"],
                "centre_m": centres[row].tolist(),
                **adjustment,
            }
            for row, (name, adjustment) in enumerate(camera_adjustments(fit).items())
        },
        "verdict": verdict.level,
        "messages": list(verdict.reasons),
    }
