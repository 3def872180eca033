"""Walks fitted from simulated images: their strides against those of the measured markers.

Both are measured by the same method, so that what it is off by against force plates cancels: the
bands are judged as the table states them, and without the method's own part.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.one_fit import HowToFit, fit_keypoints
from benchmarks.table import markdown_table
from benchmarks.walks import RECORDINGS, RIG, walk_names
from diffbio.fitting import Fit
from diffbio.gait import GaitEvents, gait_points, marker_events, spatiotemporal
from diffbio.gait.metrics import Stride
from diffbio.io.deviations import NINETY_PERCENT
from diffbio.io.read import read_trial
from diffbio.io.read_trc import read_trc
from diffbio.observations import Markers

NAMES = ("stride_time", "step_time", "stride_length", "step_length", "step_width", "speed")
MEASURED = pathlib.Path("falisse-walking", "markers")

SAME_STRIDE = 0.1
"""Seconds between the contacts of one stride, found twice."""

HEADER = ("keypoints, quantity", "unit", "strides", "mean", "median of sizes", "95 %")
HEADER += ("median sd", "in 90 % band", "in band without the method's part")


def against_true_markers(recordings: pathlib.Path) -> dict[str, list[dict[str, Any]]]:
    """Every stride of every fitted walk: error, and standard deviations as stated and in part.

    The measured markers are opened after the fit.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name in walk_names(recordings):
        trial = read_trial(recordings / RECORDINGS / f"{name}.npz", rig=recordings / RIG)
        fit = fit_keypoints(trial.rig, trial.keypoints, HowToFit())
        walk, _, kind = name.rpartition("-")
        true = gait_points(read_trc(recordings / MEASURED / f"{walk}.trc"))
        truth = spatiotemporal(true, marker_events(true)).strides
        for quantity, rows in _errors(fitted_markers(fit, name), truth).items():
            found.setdefault(f"{kind}, {quantity}", []).extend(
                {"walk": walk, **row} for row in rows
            )
    return found


def fitted_markers(fit: Fit, source: str) -> Markers:
    """Markers of the fitted body, with their standard deviations."""
    motion = fit.motion
    sd = None if fit.uncertainty is None else np.asarray(fit.uncertainty.markers, float)
    seen = np.asarray(motion.seen, bool)[:, None, None]
    positions = np.where(seen, motion.markers, np.nan)
    return Markers(fit.body.marker_names, positions, np.asarray(motion.time, float), source, sd)


def _errors(markers: Markers, truth: Sequence[Stride]) -> dict[str, list[dict[str, Any]]]:
    points = gait_points(markers)
    events = marker_events(points)
    stated = spatiotemporal(points, events).strides
    part = spatiotemporal(points, of_positions(events)).strides
    found: dict[str, list[dict[str, Any]]] = {}
    for true in truth:
        for one, own in zip(stated, part, strict=True):
            if not _same(true, one):
                continue
            for name in NAMES:
                if name in true.values and name in one.values:
                    row = {
                        "error": one.values[name].value - true.values[name].value,
                        "sd": one.values[name].sd,
                        "sd_of_positions": own.values[name].sd,
                    }
                    found.setdefault(name, []).append(row)
    return found


def of_positions(events: GaitEvents) -> GaitEvents:
    """The same, uncertain by the errors of positions only."""
    return GaitEvents(
        tuple(dataclasses.replace(one, sd=one.position_sd, shared_sd=0.0) for one in events.events),
        events.notes,
    )


def _same(one: Stride, other: Stride) -> bool:
    ends = ((one.cycle.start, other.cycle.start), (one.cycle.end, other.cycle.end))
    return one.cycle.side == other.cycle.side and all(
        abs(a.time - b.time) < SAME_STRIDE for a, b in ends
    )


def fitted_table(found: dict[str, list[dict[str, Any]]]) -> str:
    """As Markdown, in milliseconds and millimetres."""
    rows = []
    for name, strides in found.items():
        error, sd, part = (
            1e3 * np.array([one[key] for one in strides])
            for key in ("error", "sd", "sd_of_positions")
        )
        size = np.abs(error)
        unit = "ms" if name.endswith("_time") else "mm/s" if name.endswith("speed") else "mm"
        rows.append(
            (
                name,
                unit,
                len(error),
                float(error.mean()),
                float(np.median(size)),
                float(np.percentile(size, 95)),
                float(np.median(sd)),
                *(f"{100 * np.mean(size <= NINETY_PERCENT * one):.0f} %" for one in (sd, part)),
            )
        )
    return markdown_table(HEADER, rows)
