"""How noisy the detections of a trial are, against what the objective assumes of them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from diffbio.fitting.residuals import Placement, Reprojection

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


class Errors(NamedTuple):
    """What a fit left of the detections of one kind.

    Attributes:
        scaled: errors in standard deviations, one row per axis; any value where not used.
        weight: of the detections in the objective, zero where there was none.
        threshold: of the robust loss, in standard deviations.
        tail: of the robust loss.
    """

    scaled: Float[np.ndarray, "axis group time marker"]
    weight: Float[np.ndarray, "group time marker"]
    threshold: float
    tail: float


def image_errors(
    reprojection: Reprojection,
    u_px: Float[np.ndarray, "camera time marker"],
    v_px: Float[np.ndarray, "camera time marker"],
) -> Errors:
    """Errors of keypoints, a group per camera.

    Args:
        reprojection: detections, weights and loss at the solution.
        u_px: projected markers, to the right.
        v_px: projected markers, downwards.
    """
    sd = np.asarray(reprojection.sigma_px, float)[:, None, None]
    u = (u_px - np.asarray(reprojection.u_px)) / sd
    v = (v_px - np.asarray(reprojection.v_px)) / sd
    weight = np.asarray(reprojection.weight, float)
    return Errors(np.stack([u, v]), weight, float(reprojection.threshold), float(reprojection.tail))


def place_errors(placement: Placement, markers: Float[np.ndarray, "time marker 3"]) -> Errors:
    """Errors of optical markers, in one group.

    Args:
        placement: measured positions, weights and loss at the solution.
        markers: of the model, in metres.
    """
    away = (markers - np.asarray(placement.positions, float)) / float(placement.sd)
    weight = np.asarray(placement.weight, float)[None]
    scaled = np.moveaxis(away, 2, 0)[:, None]
    return Errors(scaled, weight, float(placement.threshold), float(placement.tail))


def noise_factors(
    errors: Errors, interval: float, n_unknown: int, bandwidth_hz: float
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
        errors: of the fit.
        interval: time between samples, in seconds.
        n_unknown: number of unknowns the detections determine.
        bandwidth_hz: highest frequency of the pose.
    """
    scaled, weights, threshold, tail = errors
    used = weights > 0
    count, n_axis = int(used.sum()), len(scaled)
    if count == 0:
        return NoiseFactors(1.0, 1.0)
    distance = np.sqrt((scaled * scaled).sum(0))
    outside = distance > threshold
    trust = np.where(outside, threshold / np.maximum(distance, threshold), 1.0) ** tail
    pull = trust * scaled * used
    power = (pull**2).sum() / (n_axis * count)
    curvature = (trust * (1 - tail / n_axis * outside) * used).sum() / count
    weight = (trust * used).sum() / count
    # A loss with a steep tail may have no curvature left where nothing fits.
    spread = power * weight / max(curvature, 0.3 * weight) ** 2
    alike = _autocorrelation(pull, used, max(1, round(LONGEST_MEMORY / interval)))
    reach = np.sinc(2 * bandwidth_hz * interval * np.arange(1, len(alike) + 1))
    freedom = 1 - min(0.5, n_unknown / (n_axis * count))
    # Weights hold the memory that was assumed and the detector's confidence.
    assumed = weights[used].mean()
    memories = 1 + 2 * np.asarray([(alike * reach).sum(), alike.sum()])
    return NoiseFactors(*map(float, np.clip(spread * memories * assumed / freedom, LEAST, MOST)))


def _autocorrelation(
    pull: Float[np.ndarray, "axis group time marker"],
    used: Bool[np.ndarray, "group time marker"],
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
