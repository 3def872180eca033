"""Sizes of the body and corrections of the cameras as the page's tables show them.

Every `within` is the half width of a band of 90 %, in the unit of its number; None where the fit
has no standard deviations.
"""

import numpy as np

from diffbio.fitting.fit import Fit
from diffbio.io.deviations import NINETY_PERCENT, scale_sd
from diffbio.report import quality
from diffbio.report.adjustments import camera_adjustments, sd_key
from diffbio.report.curves import split_side

SHORTEST_BONE_M = 0.03
"""Distances between joints below this are the inside of one joint, not a segment."""

_CORRECTIONS = {
    "rotation_deg": ("turned, deg", 2),
    "translation_mm": ("moved, mm", 1),
    "focal_percent": ("focal length, %", 2),
    "k1": ("k1", 4),
    "k2": ("k2", 4),
    "time_offset_ms": ("clock, ms", 1),
    "time_drift_ppm": ("clock drift, ppm", 0),
}
"""Heading and digits of every correction."""


def scale_rows(fit: Fit) -> list[dict[str, object]]:
    """Size of every segment against the base model, in percent."""
    scales, sd = quality.scales(fit), scale_sd(fit)
    within = [None] * len(scales) if sd is None else (100 * NINETY_PERCENT * sd).tolist()
    return [
        {"name": name, "percent": rounded(100 * (scale - 1), 1), "within": rounded(own, 1)}
        for (name, scale), own in zip(scales.items(), within, strict=True)
    ]


def length_rows(fit: Fit) -> list[dict[str, object]]:
    """Distances between the origins of joined bodies of the limbs, median over time, in mm.

    The band of a length is that of its segment's scale, the band of right minus left takes
    their covariance into account.
    """
    found: dict[str, dict[str, tuple[float, int]]] = {}
    positions, names = fit.motion.body_positions, fit.body.body_names
    for parent, child, side in bones(fit):
        steps = np.linalg.norm(positions[:, child] - positions[:, parent], axis=-1)
        length = float(np.median(steps))
        if side == "m" or not length > SHORTEST_BONE_M:
            continue
        stems = split_side(names[parent])[0], split_side(names[child])[0]
        segment = fit.body.segment_of_body[parent]
        found.setdefault(" to ".join(stems), {})[side] = 1e3 * length, segment
    return [{"name": name, **_sides(fit, row)} for name, row in found.items()]


def bones(fit: Fit) -> list[tuple[int, int, str]]:
    """Parent, child and side of every line of the stick figure."""
    body = fit.body
    return [
        (parent, child, split_side(body.body_names[child])[1])
        for child, parent in enumerate(body.body_parents)
        # The world body, if it is among them, is not part of the person.
        if parent >= 0 and body.body_names[parent] != "world"
    ]


def adjustment_rows(fit: Fit, frame_rate_hz: float) -> dict[str, object] | None:
    """Headings, and one row per camera of numbers and their bands; None where none was refined."""
    if not fit.refined:
        return None
    rows = camera_adjustments(fit)
    kept = [key for key in _CORRECTIONS if any(row[key] is not None for row in rows.values())]
    headings = [_CORRECTIONS[key][0] for key in kept]
    cells = {name: [_cell(row, key) for key in kept] for name, row in rows.items()}
    if "time_offset_ms" in kept:
        column = kept.index("time_offset_ms") + 1
        headings.insert(column, "in frames")
        for name, row in rows.items():
            offset_ms = row["time_offset_ms"]
            frames = None if offset_ms is None else rounded(offset_ms * frame_rate_hz / 1e3, 1)
            cells[name].insert(column, {"value": frames, "within": None, "digits": 1})
    return {
        "headings": headings,
        "rows": [{"name": name, "cells": own} for name, own in cells.items()],
    }


def rounded(value: float | None, digits: int) -> float | None:
    """For JSON, which has no NaN."""
    return round(float(value), digits) if value is not None and np.isfinite(value) else None


def _sides(fit: Fit, row: dict[str, tuple[float, int]]) -> dict[str, object]:
    """Lengths of the right and the left, their difference, and the bands of the three."""
    n_segments = len(fit.body.segment_names)
    slopes = {side: length * np.eye(n_segments)[segment] for side, (length, segment) in row.items()}
    sides: dict[str, object] = {"r": None, "l": None, "difference": None}
    sides |= {side: rounded(length, 0) for side, (length, _) in row.items()}
    if set(row) == {"r", "l"}:
        sides["difference"] = rounded(row["r"][0] - row["l"][0], 0)
        slopes["difference"] = slopes["r"] - slopes["l"]
    within: dict[str, float | None] = {"r": None, "l": None, "difference": None}
    if fit.uncertainty is not None:
        for side, slope in slopes.items():
            variance = max(slope @ fit.uncertainty.log_scale @ slope, 0.0)
            within[side] = rounded(NINETY_PERCENT * np.sqrt(variance), 0)
    return sides | {"within": within}


def _cell(row: dict[str, float | None], key: str) -> dict[str, float | None]:
    sd, digits = row[sd_key(key)], _CORRECTIONS[key][1]
    within = None if sd is None else NINETY_PERCENT * sd
    return {
        "value": rounded(row[key], digits),
        "within": rounded(within, digits),
        "digits": digits,
    }
