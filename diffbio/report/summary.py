"""`summary.json`: the result in a few numbers under keys that stay."""

import json
import math
import pathlib
from typing import Any

import numpy as np

import diffbio
from diffbio.fitting.fit import Fit
from diffbio.io.coordinates import coordinates_of
from diffbio.io.deviations import height_sd, scale_sd
from diffbio.io.trial import Trial
from diffbio.report import quality
from diffbio.report.adjustments import camera_adjustments
from diffbio.report.curves import split_side
from diffbio.report.held_out import held_out_errors
from diffbio.report.undetermined import MAIN_ANGLES
from diffbio.report.verdict import Verdict

STAGES = ("load", "compile", "solve", "write", "total")


def summary_of(fit: Fit, trial: Trial, verdict: Verdict) -> dict[str, object]:
    """The result in a few numbers. Units are in the keys; None where there is no number.

    Standard deviations are None where the fit has none, corrections of the cameras where
    they were not refined.
    """
    error = fit.error
    return {
        "diffbio_version": diffbio.__version__,
        "trial": trial.name,
        "frames": len(fit.motion.time),
        "frame_rate_hz": _number(trial.frame_rate_hz),
        "cameras": list(error.camera_names),
        "keypoint_set": trial.keypoints.set_name,
        "detections_used": int(np.isfinite(error.px).sum()),
        "reprojection_error_px": _reprojection_error(fit),
        "heldout_camera": _held_out(fit, trial),
        "body": {
            "height_m": _number(fit.body.height(fit.parameters)),
            "height_sd_m": _number(height_sd(fit)),
            "mass_kg": _number(fit.body.mass(fit.parameters)),
            "scales": _scales(fit),
        },
        "camera_adjustment": {
            name: {key: _number(value) for key, value in adjustment.items()}
            for name, adjustment in camera_adjustments(fit).items()
        },
        "uncertainty": _uncertainty(fit),
        "solver": {
            "name": fit.solver,
            "iterations": int(fit.iterations),
            "outcome": fit.outcome.name.lower(),
            "cost": _number(fit.cost),
        },
        "time_s": _times(fit),
        "verdict": verdict.level,
        "sentence": verdict.sentence,
        "messages": list(verdict.messages),
    }


def write_summary(path: pathlib.Path, summary: dict[str, object]) -> None:
    """Write a summary as JSON. A number that is not finite is a fault of ours and raises."""
    text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _reprojection_error(fit: Fit) -> dict[str, Any]:
    error = fit.error
    if not np.isfinite(error.px).any():
        return dict.fromkeys(("median", "mean", "p95", "gc5", "gc10")) | {"per_camera": {}}
    return {
        "median": _number(error.median_px),
        "mean": _number(error.mean_px),
        "p95": _number(error.p95_px),
        "gc5": _number(error.share_within(5.0)),
        "gc10": _number(error.share_within(10.0)),
        "per_camera": {
            name: {key: _number(value) for key, value in px.items()}
            for name, px in error.per_camera().items()
        },
    }


def _held_out(fit: Fit, trial: Trial) -> dict[str, Any] | None:
    if fit.held_out is None:
        return None
    found = {"name": fit.held_out.name, "median_px": None, "mean_px": None}
    errors = held_out_errors(fit, trial)
    if errors is None:
        return found | {"median_px_pose_refitted": None}
    return found | {
        "median_px": _number(errors.given_px),
        "mean_px": _number(fit.held_out.error.mean_px),
        "median_px_pose_refitted": _number(errors.refitted_px),
    }


def _scales(fit: Fit) -> dict[str, dict[str, float | None]]:
    scales, sd = quality.scales(fit), scale_sd(fit)
    known = [None] * len(scales) if sd is None else sd.tolist()
    return {
        name: {"value": _number(scale), "sd": _number(own)}
        for (name, scale), own in zip(scales.items(), known, strict=True)
    }


def _uncertainty(fit: Fit) -> dict[str, Any] | None:
    """Median over time of the main angles' deviations, and what else is known of knowing."""
    coordinates = coordinates_of(fit).in_degrees()
    if fit.uncertainty is None or coordinates.sd is None:
        return None
    median = {
        name: _number(float(np.median(sd)), 4)
        for name, sd in zip(coordinates.names, coordinates.sd.T, strict=True)
        if split_side(name)[0] in MAIN_ANGLES
    }
    return {
        "noise": _number(fit.uncertainty.noise),
        "median_sd_deg": median,
        "undetermined": list(fit.uncertainty.undetermined),
    }


def _times(fit: Fit) -> dict[str, float | None]:
    """Wall time of every stage; the total is the sum of the stages where none is given."""
    times = dict(fit.time_s)
    times.setdefault("total", sum(times.values()))
    names = (*STAGES, *(name for name in times if name not in STAGES))
    return {name: _number(times[name]) if name in times else None for name in names}


def _number(value: float | None, digits: int = 6) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)
