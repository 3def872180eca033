"""How often the truth lies within an error bar, against how often the error bar says it does."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

LEVELS = np.arange(10, 100, 5) / 100
"""Nominal shares of the truth within a central band of a Gaussian: 10, 15, ..., 95 %."""

RESAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Errors:
    """Errors of one kind of quantity in one trial, and the standard deviations claimed for them.

    Attributes:
        error: estimate minus truth, in the quantity's own unit; NaN where there is no truth. What
            does not change in time has one moment.
        sd: claimed standard deviation.
    """

    error: Float[np.ndarray, "moment column"]
    sd: Float[np.ndarray, "moment column"]

    def corrected(self, factor: float, floor: float) -> "Errors":
        """The same errors against standard deviations `hypot(factor * sd, floor)`."""
        return Errors(self.error, np.hypot(factor * self.sd, floor))


class Interval(NamedTuple):
    """A number and the 95 % interval of it if other trials had been drawn."""

    value: float
    low: float
    high: float


class Calibration(NamedTuple):
    """How well the error bars of one kind of quantity are calibrated.

    Attributes:
        n_trial: number of trials behind it.
        coverage: share of the truth within the band of each nominal level, mean over trials.
        coverage_low: 2.5th percentile of it over trials drawn with replacement.
        coverage_high: 97.5th percentile.
        within_90: coverage at the nominal level of 90 %.
        expected_error: mean absolute difference of coverage and nominal level (ECE).
        sharpness: median claimed standard deviation.
        bias: root mean square of the errors' means over time, one per column and trial.
        spread: root mean square of what is left of the errors without those means.
        typical_error: median absolute error.
    """

    n_trial: int
    coverage: Float[np.ndarray, "level"]
    coverage_low: Float[np.ndarray, "level"]
    coverage_high: Float[np.ndarray, "level"]
    within_90: Interval
    expected_error: Interval
    sharpness: float
    bias: float
    spread: float
    typical_error: float


def trial_coverage(one: Errors) -> Float[np.ndarray, "level"]:
    """Share of one trial's truth within the central band of each level."""
    distance = np.abs(one.error / one.sd)
    distance = np.sort(distance[np.isfinite(distance)])
    edges = norm.ppf((1 + LEVELS) / 2)
    return np.searchsorted(distance, edges, side="right") / max(1, distance.size)


def expected_calibration_error(
    coverage: Float[np.ndarray, "*any level"],
) -> Float[np.ndarray, "*any"]:
    """Mean over the levels of the absolute difference between coverage and nominal level.

    Source: Kuleshov, Fenner and Ermon (2018), section 3.5, with absolute for squared differences.
    """
    return np.abs(coverage - LEVELS).mean(-1)


def calibration(trials: Sequence[Errors], *, seed: int = 0) -> Calibration:
    """Calibration over trials, each of which counts the same.

    Errors of one trial are alike, so that its many numbers say as much as a few: the intervals
    come from drawing whole trials with replacement.

    Args:
        trials: errors of the same quantity in trials of different people.
        seed: of the resampling.
    """
    each = np.stack([trial_coverage(one) for one in trials])
    drawn = np.random.default_rng(seed).integers(len(each), size=(RESAMPLES, len(each)))
    again = each[drawn].mean(1)
    low, high = np.percentile(again, [2.5, 97.5], axis=0)
    mean, at_90 = each.mean(0), int(np.argmin(np.abs(LEVELS - 0.9)))
    ece = np.percentile(expected_calibration_error(again), [2.5, 97.5])
    offsets = [np.nanmean(one.error, axis=0) for one in trials]
    rest = [one.error - offset for one, offset in zip(trials, offsets, strict=True)]
    return Calibration(
        n_trial=len(each),
        coverage=mean,
        coverage_low=low,
        coverage_high=high,
        within_90=Interval(float(mean[at_90]), float(low[at_90]), float(high[at_90])),
        expected_error=Interval(float(expected_calibration_error(mean)), *map(float, ece)),
        sharpness=float(np.median(np.concatenate([one.sd.ravel() for one in trials]))),
        bias=_root_mean_square(offsets),
        spread=_root_mean_square(rest),
        typical_error=float(
            np.nanmedian(np.concatenate([np.abs(one.error).ravel() for one in trials]))
        ),
    )


def _root_mean_square(parts: Sequence[np.ndarray]) -> float:
    return float(np.sqrt(np.nanmean(np.concatenate([part.ravel() for part in parts]) ** 2)))
