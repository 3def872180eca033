"""`gait.json`: everything on the page in numbers, under keys that stay."""

from collections import Counter
from typing import Any

import numpy as np

import diffbio
from diffbio.gait import Metric
from diffbio.gait.gait_points import SIDES
from diffbio.report.gait_analysis import GaitAnalysis
from diffbio.report.gait_comparison import GaitComparison
from diffbio.report.gait_curves import ANGLES, SideCurves
from diffbio.report.gait_indices import NO_REFERENCE
from diffbio.report.gait_quality import sight_summary

SIDE_WORDS = {"r": "right", "l": "left"}


def gait_summary(found: GaitAnalysis, compared: GaitComparison | None = None) -> dict[str, Any]:
    """Everything on the page. Units are in the keys or beside; None where there is no number.

    Args:
        found: the walk.
        compared: with another visit; None where there is none.
    """
    markers, cycles = found.walk.markers, found.table.cycles
    metrics = [_metric(one, found) for one in found.table.metrics]
    curves = [
        _curve(found.curves[side], column, found) for column in range(len(ANGLES)) for side in SIDES
    ]
    return {
        "diffbio_version": diffbio.__version__,
        "recording": {
            "name": found.walk.name,
            "source": markers.source,
            "frames": len(markers.time),
            "duration_s": number(markers.time[-1] - markers.time[0]),
            "frame_rate_hz": number(markers.frame_rate_hz),
            "simulated": bool(found.walk.fit.get("simulated", False)),
        },
        "sentence": headline(found),
        "fit": _fit(found.walk.fit),
        "sight": sight_summary(found.walk.sight),
        "events": _events(found),
        "cycles": {side: len(cycles.of(side)) for side in SIDES},
        "excluded": [
            {"side": one.side, "start_s": number(one.start), "end_s": number(one.end),
             "reason": one.reason}
            for one in cycles.excluded
        ],
        "metrics": metrics,
        "curves": curves,
        "indices": _indices(found),
        "norms": None if found.norms is None else found.norms.source,
        "comparison": None if compared is None else _comparison(compared),
        "not_determined": _not_determined(metrics, curves),
        "notes": list(found.notes),
    }  # fmt: skip


def number(value: float, digits: int = 6) -> float | None:
    """A number as JSON has it: rounded, and None where it is not finite."""
    return round(float(value), digits) if np.isfinite(value) else None


def headline(found: GaitAnalysis) -> str:
    """The walk in one sentence, or why there is none."""
    speed, cadence = found.table.metric("speed"), found.table.metric("cadence")
    n = {side: len(found.table.cycles.of(side)) for side in SIDES}
    if not any(n.values()):
        reason = str(found.table.metric("stride_time", "r").reason)
        return reason if reason.startswith("No stride") else f"No stride was measured. {reason}"
    strides = " and ".join(f"{n[side]} {SIDE_WORDS[side]}" for side in SIDES)
    words = f"{strides} stride{'' if sum(n.values()) == 1 else 's'}"
    pace = f"speed not determined ({_lower(speed.reason or '')})"
    if speed.reason is None:
        pace = f"{speed.value:.2f} m/s"
    rate = "cadence not determined" if cadence.reason else f"{cadence.value:.0f} steps/min"
    return f"{words}: {pace}, {rate}."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _metric(one: Metric, found: GaitAnalysis) -> dict[str, Any]:
    norm = None if found.norms is None else found.norms.values.get(one.name)
    return {
        "name": one.name,
        "side": one.side,
        "value": number(one.value),
        "sd": number(one.sd),
        "spread": number(one.spread),
        "n": one.n,
        "unit": one.unit,
        "reason": one.reason,
        "norm": None if norm is None else {"mean": norm[0], "sd": norm[1]},
    }


def _indices(found: GaitAnalysis) -> dict[str, Any]:
    """GDI, GPS and MAP, or why there are none."""
    indices = found.indices
    return {
        "reference": indices.source or None,
        "reason": None if indices.metrics else NO_REFERENCE,
        "metrics": [_metric(one, found) for one in indices.metrics],
        "median_of_reference": {name: number(one) for name, one in indices.reference.items()},
    }


def _comparison(compared: GaitComparison) -> dict[str, Any]:
    """What changed from another visit."""
    walk = compared.other.walk
    return {
        "name": walk.name,
        "source": walk.markers.source,
        "sentence": headline(compared.other),
        "metrics": [
            {
                "name": one.name,
                "side": one.side,
                "unit": one.unit,
                "this": number(one.this),
                "other": number(one.other),
                "difference": number(one.difference),
                "sd": number(one.sd),
                "half_width_90": number(one.half_width),
                "beyond_error": one.beyond_error,
                "reason": one.reason,
            }
            for one in compared.changes
        ],
        "curves": [
            {
                "name": one.name,
                "side": one.side,
                "rms_deg": number(one.rms),
                "mean_difference_deg": number(one.mean),
                "reason": one.reason,
            }
            for one in compared.curves
        ],
    }


def _curve(side: SideCurves, column: int, found: GaitAnalysis) -> dict[str, Any]:
    """One angle of one side, every percent of the cycle."""
    cut, angle = side.angles, ANGLES[column]
    known = angle.name not in side.reasons
    mean = cut.mean[:, column]
    sd = None if cut.sd is None or not len(cut.sd) else cut.sd[..., column].mean(axis=0)
    return {
        "name": angle.name,
        "side": cut.side,
        "unit": "deg",
        "positive": angle.positive,
        "n": len(cut.curves) if known else 0,
        "reason": side.reasons.get(angle.name),
        "toe_off_percent": number(side.toe_off),
        "minimum": number(mean.min()) if known else None,
        "maximum": number(mean.max()) if known else None,
        "between_strides": number(float(np.mean(cut.spread[:, column]))) if known else None,
        "sd_of_error": number(float(np.mean(sd))) if known and sd is not None else None,
        "mean": [number(value, 4) for value in mean] if known else None,
        "sd": None
        if sd is None or not known or not np.isfinite(sd).any()
        else [number(value, 4) for value in sd],
        "norm_from": _norm_source(found, angle.name),
    }


def _norm_source(found: GaitAnalysis, name: str) -> str | None:
    if found.norms is None or name not in found.norms.curves:
        return None
    return found.norms.source


def _events(found: GaitAnalysis) -> dict[str, Any]:
    events = found.events.events
    methods = Counter((one.kind, one.method) for one in events)
    return {
        "count": len(events),
        "least_confidence": number(min((one.confidence for one in events), default=np.nan)),
        "methods": [
            {"kind": kind, "method": method, "count": count}
            for (kind, method), count in methods.items()
        ],
    }


def _fit(summary: dict[str, Any]) -> dict[str, Any] | None:
    """What the fit says of itself, of a summary that diffbio wrote."""
    error = summary.get("reprojection_error_px")
    if not isinstance(error, dict):
        return None
    cameras = error.get("per_camera") or {}
    return {
        "verdict": summary.get("verdict"),
        "sentence": summary.get("sentence"),
        "median_px": error.get("median"),
        "median_px_of_cameras": {name: one.get("median") for name, one in cameras.items()},
    }


def _not_determined(
    metrics: list[dict[str, Any]], curves: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    return [
        {"name": one["name"], "side": one["side"], "reason": one["reason"]}
        for one in (*metrics, *curves)
        if one["reason"] is not None
    ]
