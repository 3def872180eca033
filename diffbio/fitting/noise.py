"""How noisy the detections of a trial are, against what the objective assumes of them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from diffbio.fitting.residuals import Reprojection

LONGEST_MEMORY = 0.5
"""In seconds. Errors alike for longer are biases, which marker offsets and cameras take up."""

FORGOTTEN = 0.05
"""Correlation below which errors of two moments count as independent."""

LEAST, MOST = 0.05, 100.0
"""Bounds of the factor, for trials too short or too odd to tell."""


class NoiseFactors(NamedTuple):
    """Variance of estimates relative to the inverse of the Gauss-Newton Hessian.

    Attributes:
        moving: of the pose, were all else known.
        lasting: of what does not change in time: sizes, keypoints, cameras. Never the smaller.
    """

    moving: float
    lasting: float


def noise_factors(
    reprojection: Reprojection,
    u_px: Float[np.ndarray, "camera time marker"],
    v_px: Float[np.ndarray, "camera time marker"],
    interval: float,
    n_unknown: int,
    bandwidth_hz: float,
) -> NoiseFactors:
    """How far the errors are from those that the Hessian takes for granted.

    Three things make the factors differ from one. The spread of the errors, and what the robust
    loss makes of their tails: the variance of an M-estimator over that of its reweighted least
    squares (Huber 1964). Their memory, against the memory assumed. And the unknowns, which take
    up errors.

    What lasts averages over all errors, and its variance has the whole sum of their
    autocorrelation. For a clock that is an upper bound, since it feels errors only as they go along
    with the movement. The pose of a moment averages over what an ideal low pass of its bandwidth
    lets through: the power of the errors up to there, against as much of independent ones.

    Args:
        reprojection: detections, weights and loss at the solution.
        u_px: projected markers, to the right.
        v_px: projected markers, downwards.
        interval: time between samples, in seconds.
        n_unknown: number of unknowns the detections determine.
        bandwidth_hz: highest frequency of the pose.
    """
    sd = np.asarray(reprojection.sigma_px, float)[:, None, None]
    threshold, tail = float(reprojection.threshold), float(reprojection.tail)
    used = np.asarray(reprojection.weight) > 0
    count = int(used.sum())
    if count == 0:
        return NoiseFactors(1.0, 1.0)
    u = (u_px - np.asarray(reprojection.u_px)) / sd
    v = (v_px - np.asarray(reprojection.v_px)) / sd
    distance = np.sqrt(u * u + v * v)
    outside = distance > threshold
    trust = np.where(outside, threshold / np.maximum(distance, threshold), 1.0) ** tail
    pull = np.stack([trust * u, trust * v]) * used
    power = (pull**2).sum() / (2 * count)
    curvature = (trust * (1 - 0.5 * tail * outside) * used).sum() / count
    weight = (trust * used).sum() / count
    # A loss with a steep tail may have no curvature left where nothing fits.
    spread = power * weight / max(curvature, 0.3 * weight) ** 2
    alike = _autocorrelation(pull, used, max(1, round(LONGEST_MEMORY / interval)))
    reach = np.sinc(2 * bandwidth_hz * interval * np.arange(1, len(alike) + 1))
    freedom = 1 - min(0.5, n_unknown / (2 * count))
    # Weights hold the memory that was assumed and the detector's confidence.
    assumed = np.asarray(reprojection.weight, float)[used].mean()
    memories = 1 + 2 * np.asarray([(alike * reach).sum(), alike.sum()])
    return NoiseFactors(*map(float, np.clip(spread * memories * assumed / freedom, LEAST, MOST)))


def _autocorrelation(
    pull: Float[np.ndarray, "2 camera time marker"],
    used: Bool[np.ndarray, "camera time marker"],
    longest: int,
) -> Float[np.ndarray, "lag"]:
    """Correlation of errors one and more samples apart, until they count as independent."""
    power = (pull**2).sum() / max(1, used.sum())
    found = []
    for lag in range(1, min(longest, pull.shape[2] - 1) + 1):
        both = (used[:, lag:] & used[:, :-lag]).sum()
        if both == 0 or power == 0:
            break
        alike = (pull[:, :, lag:] * pull[:, :, :-lag]).sum() / both / power
        if alike < FORGOTTEN:
            break
        found.append(alike)
    return np.asarray(found)
