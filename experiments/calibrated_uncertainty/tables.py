"""The result in numbers, as Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.table import markdown_table
from experiments.calibrated_uncertainty.coverage import Calibration, Interval
from experiments.calibrated_uncertainty.detector_noise import LAGS, Noise
from experiments.calibrated_uncertainty.learning import Correction
from experiments.calibrated_uncertainty.quantities import DEGREES, MILLIMETRES, UNITS
from experiments.calibrated_uncertainty.result import SHIPPED, Compared, Result
from experiments.calibrated_uncertainty.simulated import AS_PRIOR, NEARER

LEGEND = (
    "ECE is the expected calibration error, the mean over the nominal levels 10, 15, ..., 95 % of "
    "the absolute difference between nominal and observed coverage; 'within 90 %' is the share of "
    "the truth within the 90 % band. In brackets 95 % intervals over trials drawn with "
    "replacement. Bias is the root mean square of the errors' means over time, spread that of the "
    "rest."
)


def report(result: Result) -> str:
    """All tables."""
    parts = [
        LEGEND,
        "## Noise of the detections about the fits",
        noise_table(result.noises),
        "## Raw error bars, all simulated people",
        "Simulated trials whose fits did not converge, and that count nowhere: "
        f"{', '.join(result.without) or 'none'}.",
        size_table(result.all_simulated),
        "## Simulated people that nothing was learnt from",
        "'Learnt' has the correction learnt from the other half of the people, 'shipped' what "
        "`diffbio.fitting.correction` does, which was learnt from the walks.",
        compared_table("quantity", result.unseen),
        "## Simulated people whose keypoints lie nearer to their anchors",
        f"By {1e3 * NEARER:g} mm per axis, not {1e3 * AS_PRIOR:g} mm; otherwise they are "
        "the first of the same people. Nothing was learnt from them.",
        compared_table("quantity", result.nearer),
        "## Markers of all simulated people",
        compared_table("trials", result.markers),
        "## Markers of the measured walks",
        size_table(result.walks),
        compared_table("keypoints", result.walks),
        "## How far the pelvis is turned from the truth, simulated people",
        tilt_table(result.tilts),
        "## Corrections",
        correction_table(result),
    ]
    return "\n\n".join(parts)


def interval(one: Interval) -> str:
    """A share or a calibration error with its interval."""
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def size_table(measured: Mapping[str, Compared]) -> str:
    """Raw error bars, and how large they and the errors are; of markers where not a quantity."""
    header = ("quantity", "trials", "median sd", "median error", "bias", "spread", "unit", "ECE")
    rows = []
    for name, by_kind in measured.items():
        raw, unit = by_kind["raw"], UNITS.get(name, MILLIMETRES)
        sizes = (raw.sharpness, raw.typical_error, raw.bias, raw.spread)
        shown = [unit.per_si * size for size in sizes]
        rows.append((name, raw.n_trial, *shown, unit.name, *_shares(raw)))
    return markdown_table((*header, "within 90 %"), rows)


def compared_table(first: str, measured: Mapping[str, Compared]) -> str:
    """One row per group of errors, one pair of columns per kind of error bars."""
    kinds = tuple(dict.fromkeys(kind for by_kind in measured.values() for kind in by_kind))
    header = [first, "trials"]
    for kind in kinds:
        header += [f"ECE, {kind}", f"within 90 %, {kind}"]
    rows = []
    for name, by_kind in measured.items():
        shares = [share for kind in kinds for share in _shares(by_kind.get(kind))]
        rows.append((name, by_kind["raw"].n_trial, *shares))
    return markdown_table(header, rows)


def correction_table(result: Result) -> str:
    """What was learnt, and what ships."""
    rows = [_row(name, "simulated people", one) for name, one in result.learnt.items()]
    rows.append(_row("markers", "walks", result.from_walks))
    rows += [_row(name, "shipped", one) for name, one in SHIPPED.items()]
    return markdown_table(("quantity", "learnt from", "factor", "floor", "unit"), rows)


def tilt_table(tilts: Mapping[str, np.ndarray]) -> str:
    """Mean turns over time about the worst axis, one row per keypoint set."""
    header = ("keypoints", "trials", "median, deg", "worst", "trials beyond 5 deg", "beyond 10")
    rows = []
    for name, turns in tilts.items():
        degrees = DEGREES.per_si * turns
        beyond = [int((degrees > limit).sum()) for limit in (5, 10)]
        rows.append((name, len(turns), float(np.median(degrees)), float(degrees.max()), *beyond))
    return markdown_table(header, rows)


def noise_table(noises: Mapping[str, Sequence[Noise]]) -> str:
    """One row per source, means over its trials."""
    header = ["fits of", "trials", "robust sd, mm", "> 3 sd, %", "> 5 sd, %", "t freedom"]
    header += [f"correlation at {1e3 * lag:.0f} ms" for lag in LAGS]
    rows = []
    for name, ones in noises.items():
        each = [(n.sd_mm, 100 * n.beyond_3, 100 * n.beyond_5, n.freedom, *n.memory) for n in ones]
        means = [sum(column) / len(ones) for column in zip(*each, strict=True)]
        rows.append((name, len(ones), *means))
    return markdown_table(header, rows)


def _row(name: str, source: str, one: Correction) -> tuple[object, ...]:
    return name, source, one.factor, UNITS[name].per_si * one.floor, UNITS[name].name


def _shares(one: Calibration | None) -> tuple[str | None, str | None]:
    if one is None:
        return None, None
    return interval(one.expected_error), interval(one.within_90)
