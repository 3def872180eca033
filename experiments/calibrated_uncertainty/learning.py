"""A correction with two numbers per quantity, learnt from errors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from experiments.calibrated_uncertainty.coverage import (
    LEVELS,
    Errors,
    expected_calibration_error,
    trial_coverage,
)

GROUPS = 3
"""Errors are grouped by the claimed standard deviation, so that a factor, which widens all error
bars alike, can be told from a floor, which widens the narrow ones."""

WORTH_IT = 0.01
"""By so much a floor must lower the calibration error on the learning trials to be kept."""


class Correction(NamedTuple):
    """Standard deviations become `hypot(factor * sd, floor)`.

    Attributes:
        factor: of the claimed standard deviation.
        floor: what is never known better, in the quantity's unit.
    """

    factor: float
    floor: float


NOTHING = Correction(1.0, 0.0)


def learn_correction(trials: Sequence[Errors], *, with_floor: bool = True) -> Correction:
    """The correction under which coverage comes nearest to its nominal level.

    Least squares over all levels, for narrow, middling and wide error bars alike.

    Args:
        trials: errors of one kind of quantity, of the learning trials.
        with_floor: whether an additive floor may be used; it is where it helps by `WORTH_IT`.
    """
    groups = _by_claim(trials)
    scale = float(np.median(np.concatenate([one.sd.ravel() for one in trials])))
    found = _best(groups, scale, (0.0,))
    if not with_floor:
        return found
    starts = [(np.log(found.factor), np.log(floor)) for floor in (0.3, 1.5)]
    tried = [_best(groups, scale, start) for start in starts]
    other = min(tried, key=lambda one: _distance(groups, one))
    gain = np.sqrt(_distance(groups, found)) - np.sqrt(_distance(groups, other))
    return other if gain > WORTH_IT else found


def learn_floor(trials: Sequence[Errors]) -> Correction:
    """The floor under which coverage comes nearest to its nominal level; nothing is narrowed.

    Args:
        trials: errors of one kind of quantity, of the learning trials.
    """
    groups = _by_claim(trials)
    scale = float(np.median(np.concatenate([one.sd.ravel() for one in trials])))

    def read(x: float) -> Correction:
        return Correction(1.0, float(scale * np.exp(x)))

    found = minimize_scalar(
        lambda x: _distance(groups, read(x)), bounds=(-5.0, 3.0), method="bounded"
    )
    return read(found.x)


def calibration_error(trials: Sequence[Errors], correction: Correction) -> float:
    """Expected calibration error of the trials under a correction."""
    return float(expected_calibration_error(_coverage(trials, correction)))


def _by_claim(trials: Sequence[Errors]) -> list[list[Errors]]:
    """The errors in groups of equal size, by the claimed standard deviation."""
    edges = np.quantile(
        np.concatenate([one.sd.ravel() for one in trials]), np.arange(GROUPS + 1) / GROUPS
    )
    groups = []
    for low, high in zip([-np.inf, *edges[1:-1]], [*edges[1:-1], np.inf], strict=True):
        chosen = [(one, (one.sd > low) & (one.sd <= high)) for one in trials]
        groups.append([Errors(one.error[c][None], one.sd[c][None]) for one, c in chosen if c.any()])
    return [group for group in groups if group]


def _coverage(trials: Sequence[Errors], correction: Correction) -> np.ndarray:
    return np.mean([trial_coverage(one.corrected(*correction)) for one in trials], axis=0)


def _distance(groups: Sequence[Sequence[Errors]], correction: Correction) -> float:
    """Mean square of the difference between coverage and level, over groups and levels."""
    return float(np.mean([(_coverage(group, correction) - LEVELS) ** 2 for group in groups]))


def _best(groups: Sequence[Sequence[Errors]], scale: float, start: tuple[float, ...]) -> Correction:
    """From a start: the logarithms of the factor and, if there is one, of the floor over scale."""

    def read(x: np.ndarray) -> Correction:
        return Correction(float(np.exp(x[0])), float(scale * np.exp(x[1])) if len(x) > 1 else 0.0)

    x0 = np.asarray(start)
    simplex = np.vstack([x0, *(x0 + 0.4 * row for row in np.eye(len(x0)))])
    options = {"initial_simplex": simplex, "xatol": 2e-3, "fatol": 1e-8, "maxiter": 120}
    found = minimize(
        lambda x: _distance(groups, read(x)), x0, method="Nelder-Mead", options=options
    )
    return read(found.x)
