"""The result in words and numbers, as Markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.table import markdown_table
from experiments.calibrated_uncertainty.coverage import Calibration, Interval
from experiments.calibrated_uncertainty.detector_noise import LAGS, Noise
from experiments.calibrated_uncertainty.learning import Correction
from experiments.calibrated_uncertainty.quantities import QUANTITIES, Quantity

Compared = Mapping[str, Calibration]
"""One quantity with several kinds of error bars, `raw` among them."""


def interval(one: Interval) -> str:
    """A share or a calibration error with its interval."""
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def calibration_table(measured: Mapping[str, Compared], kinds: Sequence[str]) -> str:
    """One row per quantity."""
    header = ["quantity", "trials", "unit", "median sd", "median error", "bias", "spread"]
    for kind in kinds:
        header += [f"ECE, {kind}", f"within 90 %, {kind}"]
    rows = []
    for name, by_kind in measured.items():
        unit = QUANTITIES[name]
        raw = by_kind["raw"]
        sizes = (raw.sharpness, raw.typical_error, raw.bias, raw.spread)
        row: list[object] = [name, raw.n_trial, unit.unit, *(unit.per_si * x for x in sizes)]
        for kind in kinds:
            row += [interval(by_kind[kind].expected_error), interval(by_kind[kind].within_90)]
        rows.append(row)
    return markdown_table(header, rows)


def short_table(first: str, measured: Mapping[str, Compared]) -> str:
    """One row per group of trials, one pair of columns per kind of error bars, of markers."""
    kinds = tuple(next(iter(measured.values())))
    header = [first, "trials", "median sd, mm", "median error", "bias", "spread"]
    for kind in kinds:
        header += [f"ECE, {kind}", f"within 90 %, {kind}"]
    rows = []
    for name, by_kind in measured.items():
        raw = by_kind["raw"]
        sizes = (raw.sharpness, raw.typical_error, raw.bias, raw.spread)
        row: list[object] = [name, raw.n_trial, *(1e3 * x for x in sizes)]
        for one in by_kind.values():
            row += [interval(one.expected_error), interval(one.within_90)]
        rows.append(row)
    return markdown_table(header, rows)


def correction_table(learnt: Mapping[str, Correction], quantities: Mapping[str, Quantity]) -> str:
    """One row per kind of quantity."""
    rows = [
        (kind, one.factor, quantities[kind].per_si * one.floor, quantities[kind].unit)
        for kind, one in learnt.items()
    ]
    return markdown_table(("kind", "factor", "floor", "unit"), rows)


def noise_table(noises: Mapping[str, Sequence[Noise]]) -> str:
    """One row per source, means over its trials."""
    header = ["fits of", "trials", "robust sd, mm", "> 3 sd, %", "> 5 sd, %", "t freedom"]
    header += [f"correlation at {1e3 * lag:.0f} ms" for lag in LAGS]
    rows = []
    for name, ones in noises.items():
        columns = [
            (n.sd_mm, 100 * n.beyond_3, 100 * n.beyond_5, n.freedom, *n.memory) for n in ones
        ]
        means = [sum(column) / len(ones) for column in zip(*columns, strict=True)]
        rows.append((name, len(ones), *means))
    return markdown_table(header, rows)
