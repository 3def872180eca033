"""Means, asymmetry and variability of strides, each with its error, or the reason why not."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.gait.cycles import Cycle
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.gait.strides import Measured

FEWEST_FOR_VARIABILITY = 3
"""Strides of one foot. The standard deviation of three is uncertain by half of itself, and the
error bar says so; of two it says nothing."""

UNITS = {
    "stride_time": "s",
    "step_time": "s",
    "stride_length": "m",
    "step_length": "m",
    "stance_percent": "% of cycle",
    "swing_percent": "% of cycle",
    "single_support_percent": "% of cycle",
    "double_support_percent": "% of cycle",
}
"""Of one foot, in the order of the table."""


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number of the table.

    Attributes:
        name: what it is, as `gait.strides` and the functions here define it.
        side: `r` or `l`, None where it is of both.
        value: NaN where the recording does not determine it.
        sd: standard deviation of the value by the errors of events and positions; NaN where
            those are not known.
        spread: standard deviation between the strides; NaN where there are fewer than two.
        n: how many strides it is the mean of.
        unit: of all three.
        reason: why it is not determined; None where it is.
    """

    name: str
    side: Side | None
    value: float
    sd: float
    spread: float
    n: int
    unit: str
    reason: str | None = None


@dataclasses.dataclass(frozen=True)
class Stride:
    """What one cycle measured.

    Attributes:
        cycle: its events.
        values: by name, in seconds, metres, metres per second and percent of the cycle.
        missing: for what could not be measured, the reason.
    """

    cycle: Cycle
    values: dict[str, Measured]
    missing: dict[str, str]


def _collect(
    name: str, strides: Sequence[Stride], side: Side | None = None
) -> tuple[Float[np.ndarray, "stride 3"], str | None]:
    """Values, own and shared standard deviations, and a reason where there are none."""
    own = [stride for stride in strides if side in (None, stride.cycle.side)]
    found = [stride.values[name] for stride in own if name in stride.values]
    reasons = [stride.missing[name] for stride in own if name in stride.missing]
    if found:
        return np.array(found, float), None
    return np.zeros((0, 3)), reasons[0] if reasons else None


def mean_of(
    name: str, side: Side | None, strides: Sequence[Stride], nothing: str, unit: str | None = None
) -> Metric:
    """Mean over strides, of one foot or of both.

    Args:
        name: of what the strides measured.
        side: whose strides; None for all.
        strides: straight, complete ones.
        nothing: the reason where there is no stride at all.
        unit: of names that are not in `UNITS`.
    """
    measured, reason = _collect(name, strides, side)
    unit = UNITS.get(name, "") if unit is None else unit
    n = len(measured)
    if n == 0:
        foot = {
            "r": "The right foot has no complete stride.",
            "l": "The left foot has no complete stride.",
        }
        other = foot[side] if side is not None and strides else nothing
        return _undetermined(name, side, unit, reason or other)
    values, own, shared = measured.T
    spread = float(np.std(values, ddof=1)) if n > 1 else np.nan
    # Own errors average out, shared ones do not.
    error = float(np.hypot(np.sqrt(np.sum(own**2)) / n, shared.mean()))
    return Metric(name, side, float(values.mean()), error, spread, n, unit)


def _undetermined(name: str, side: Side | None, unit: str, reason: str) -> Metric:
    return Metric(name, side, np.nan, np.nan, np.nan, 0, unit, reason)


def of_both_feet(strides: Sequence[Stride], nothing: str) -> list[Metric]:
    """Speed, cadence (two steps a stride) and step width."""
    speed = mean_of("speed", None, strides, nothing, "m/s")
    time = mean_of("stride_time", None, strides, nothing)
    width = mean_of("step_width", None, strides, nothing, "m")
    if time.reason is not None:
        cadence = _undetermined("cadence", None, "steps/min", time.reason)
    else:
        per_second = 120.0 / time.value**2
        cadence = Metric(
            "cadence",
            None,
            120.0 / time.value,
            per_second * time.sd,
            per_second * time.spread,
            time.n,
            "steps/min",
        )
    return [speed, cadence, width]


def asymmetry(name: str, strides: Sequence[Stride], nothing: str) -> Metric:
    """Right minus left in percent of their mean (Robinson, Herzog and Nigg 1987, J Manip Physiol
    Ther 10:172). Errors that all strides share cancel in it."""
    title = f"{name.removesuffix('_percent')}_asymmetry"
    right, left = (mean_of(name, side, strides, nothing) for side in SIDES)
    reason = right.reason or left.reason
    mean = (right.value + left.value) / 2.0
    if reason is None and mean <= 0.0:
        reason = "The mean of both sides is not positive."
    if reason is not None:
        return _undetermined(title, None, "%", reason)
    share = 100.0 * (right.value - left.value) / mean
    own = [_own_error(name, side, strides) for side in SIDES]
    sd = 100.0 * float(np.hypot(left.value * own[0], right.value * own[1])) / mean**2
    return Metric(title, None, share, sd, np.nan, min(right.n, left.n), "%")


def _own_error(name: str, side: Side, strides: Sequence[Stride]) -> float:
    """Standard deviation of a mean by the errors its strides do not share."""
    measured, _ = _collect(name, strides, side)
    return float(np.sqrt(np.sum(measured[:, 1] ** 2))) / len(measured)


def variability(name: str, strides: Sequence[Stride], nothing: str) -> Metric:
    """Coefficient of variation between strides of the same foot, in percent.

    Its standard deviation is that of a sample's standard deviation; errors of events and
    positions are part of the value.
    """
    title = f"{name}_variability"
    by_side = [_collect(name, strides, side) for side in SIDES]
    enough = [m[:, 0] for m, _ in by_side if len(m) >= FEWEST_FOR_VARIABILITY]
    if not enough:
        most = max(len(measured) for measured, _ in by_side)
        why = next((reason for _, reason in by_side if reason), None)
        few = f"It needs {FEWEST_FOR_VARIABILITY} strides of one foot, and there are {most}."
        return _undetermined(title, None, "%", why or (few if strides else nothing))
    freedom = sum(len(values) - 1 for values in enough)
    variance = sum(float(np.sum((values - values.mean()) ** 2)) for values in enough) / freedom
    mean = float(np.concatenate(enough).mean())
    value = 100.0 * float(np.sqrt(variance)) / mean
    n = sum(len(values) for values in enough)
    return Metric(title, None, value, value / float(np.sqrt(2.0 * freedom)), np.nan, n, "%")
