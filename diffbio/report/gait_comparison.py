"""Two visits of a person, or two people: what changed, and whether by more than the error."""

import dataclasses
from typing import Any

import numpy as np
from scipy.special import stdtrit

from diffbio.gait import Metric
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.io.coordinate_values import NINETY_PERCENT
from diffbio.report.gait_analysis import GaitAnalysis
from diffbio.report.gait_curves import ANGLES

_ONE = "One of the visits has a single stride, so that it is not known how much strides differ."
_NO_SPREAD = "How much it differs from stride to stride is not known."
_NO_ERROR = "The error of one of the visits is not known."


@dataclasses.dataclass(frozen=True)
class Change:
    """One number of two visits.

    Attributes:
        name: of the metric or score.
        side: `r`, `l`, or None where it is of both.
        unit: of all numbers.
        this: value of the visit the page is about; NaN where not determined.
        other: likewise, of the one compared with.
        sd: standard deviation of the difference, by the errors of both visits and by how much
            the strides of each differ; NaN where one of these is not known.
        half_width: of the 90 % interval of the difference: with few strides wider than the
            deviation times 1.645, as Student's distribution has it (Welch 1947, Biometrika 34:28).
        reason: why there is no difference, or no standard deviation of it; None where both are.
    """

    name: str
    side: Side | None
    unit: str
    this: float
    other: float
    sd: float
    half_width: float
    reason: str | None

    @property
    def difference(self) -> float:
        """This visit minus the other."""
        return self.this - self.other

    @property
    def beyond_error(self) -> bool | None:
        """Whether the 90 % interval of the difference leaves out zero; None where not known."""
        if not np.isfinite(self.sd):
            return None
        return bool(abs(self.difference) > self.half_width)


@dataclasses.dataclass(frozen=True)
class CurveChange:
    """One angle of one side.

    Attributes:
        name: of the angle.
        side: `r` or `l`.
        rms: root mean square difference of the mean curves, in degrees; NaN where one of the
            visits does not have it.
        mean: mean difference, this visit minus the other, in degrees.
        reason: why it is not known; None where it is.
    """

    name: str
    side: Side
    rms: float
    mean: float
    reason: str | None


@dataclasses.dataclass(frozen=True)
class GaitComparison:
    """Two visits side by side.

    Attributes:
        other: the visit compared with.
        changes: of numbers and scores.
        curves: of angles.
    """

    other: GaitAnalysis
    changes: tuple[Change, ...]
    curves: tuple[CurveChange, ...]


def compare(this: GaitAnalysis, other: GaitAnalysis) -> GaitComparison:
    """What changed from another visit to this one.

    Errors of events that all strides of a visit share count fully: another marker placement, or
    another fit, may shift them.
    """
    mine = (*this.table.metrics, *this.indices.metrics)
    theirs = {(m.name, m.side): m for m in (*other.table.metrics, *other.indices.metrics)}
    changes = [
        _change(one, theirs[one.name, one.side]) for one in mine if (one.name, one.side) in theirs
    ]
    curves = [_curve(this, other, i, side) for i in range(len(ANGLES)) for side in SIDES]
    return GaitComparison(other, tuple(changes), tuple(curves))


def _change(this: Metric, other: Metric) -> Change:
    reason = _why_unknown(this, other)
    sd, half_width = (np.nan, np.nan) if reason is not None else _errors(this, other)
    return Change(this.name, this.side, this.unit, this.value, other.value, sd, half_width, reason)


def _why_unknown(this: Metric, other: Metric) -> str | None:
    for words, one in (("This visit", this), ("The other visit", other)):
        if one.reason is not None:
            return f"{words}: {one.reason}"
    if not (np.isfinite(this.sd) and np.isfinite(other.sd)):
        return _NO_ERROR
    open_ = [one for one in (this, other) if not (_of_strides(one) or np.isfinite(one.spread))]
    if open_:
        return _ONE if min(one.n for one in open_) < 2 else _NO_SPREAD
    return None


def _of_strides(one: Metric) -> bool:
    """Whether a number is about how strides differ, so that its error says all."""
    return one.name.endswith("_variability")


def _errors(this: Metric, other: Metric) -> tuple[float, float]:
    """Standard deviation of the difference, and half width of its 90 % interval."""
    variance = this.sd**2 + other.sd**2
    uncertain = 0.0  # variance of the variance, by Welch and Satterthwaite, over 2
    for one in (this, other):
        if not _of_strides(one):
            between = one.spread**2 / one.n
            variance += between
            uncertain += between**2 / (one.n - 1)
    factor = NINETY_PERCENT
    if uncertain > 0.0:
        factor = float(stdtrit(variance**2 / uncertain, 0.95))
    return float(np.sqrt(variance)), factor * float(np.sqrt(variance))


def _curve(this: GaitAnalysis, other: GaitAnalysis, column: int, side: Side) -> CurveChange:
    name = ANGLES[column].name
    for words, one in (("This visit", this), ("The other visit", other)):
        if name in one.curves[side].reasons:
            reason = f"{words}: {one.curves[side].reasons[name]}"
            return CurveChange(name, side, np.nan, np.nan, reason)
    away = this.curves[side].angles.mean[:, column] - other.curves[side].angles.mean[:, column]
    return CurveChange(name, side, float(np.sqrt(np.mean(away**2))), float(np.mean(away)), None)


def comparison_table(compared: GaitComparison) -> dict[str, list[Any]]:
    """Columns of `comparison.csv`: one row per number, then one per angle."""
    numbers = compared.changes
    table: dict[str, list[Any]] = {
        "name": [one.name for one in numbers],
        "side": [one.side or "" for one in numbers],
        "this": [one.this for one in numbers],
        "other": [one.other for one in numbers],
        "difference": [one.difference for one in numbers],
        "sd": [one.sd for one in numbers],
        "half_width_90": [one.half_width for one in numbers],
        "beyond_error": [
            "" if one.beyond_error is None else ("yes" if one.beyond_error else "no")
            for one in numbers
        ],
        "rms": [float("nan")] * len(numbers),
        "unit": [one.unit for one in numbers],
        "reason": [one.reason or "" for one in numbers],
    }
    for one in compared.curves:
        row = (one.name, one.side, np.nan, np.nan, one.mean, np.nan, np.nan, "", one.rms, "deg")
        for column, value in zip(table.values(), (*row, one.reason or ""), strict=True):
            column.append(value)
    return table
