"""A detector, calibrated by a cohort: bias and noise of every keypoint, and what it is worth.

The bias of a keypoint against anatomy is what the population's mean moved its anchor by; the noise
is what all fits left of the detections. Both are lengths on the person, so that they can be added.
"""

import dataclasses
import warnings
from collections.abc import Iterable

import numpy as np
from jaxtyping import Bool, Float

from diffbio.body import BodyModel
from diffbio.cohort import Population, first_population
from diffbio.errors import InputError
from diffbio.io.fit_errors import FitErrors

LEAST_PARTICIPANTS = 3
"""With fewer, what is the detector's and what is the person's cannot be told apart."""

NEAR = 3.0
"""Standard deviations within which an error is noise; beyond, the detection went astray."""

_INSIDE = 1 - 0.5 * NEAR**2 / np.expm1(0.5 * NEAR**2)
"""Variance of a normal variate of two dimensions within `NEAR` deviations, over all of it."""

LITTLE = 0.25
"""Information of the median keypoint, below this share of which a keypoint carries little."""

LEARNT = 0.2
"""Share of what was not known of an anchor, below which its bias is still mostly the guess."""

SETTLING, TINY = 5, 1e-6
"""Times that the covariance tells which errors are noise; metres, below which there is none."""

_NORMAL = 1.4826
"""Standard deviation of a normal variate over its median absolute deviation."""


@dataclasses.dataclass(frozen=True)
class KeypointNoise:
    """What fits left of the detections of every keypoint.

    Attributes:
        names: of the keypoints.
        covariance: of the errors that are noise, to the right and downwards in the image, in
            square metres at the person.
        detected: share of the samples of all cameras in which there is a detection.
        astray: share of the detections that are farther off than `NEAR` robust deviations.
        n_trials: that were looked at.
    """

    names: tuple[str, ...]
    covariance: Float[np.ndarray, "keypoint 2 2"]
    detected: Float[np.ndarray, "keypoint"]
    astray: Float[np.ndarray, "keypoint"]
    n_trials: int


@dataclasses.dataclass(frozen=True)
class KeypointQuality:
    """One keypoint of a detector, in mm and shares.

    Attributes:
        name: of the keypoint.
        body: that carries it.
        bias_mm: mean of where people's keypoints are against the anchor, in the frame of the body
            that carries it (X forward, Y up, Z right in the neutral pose).
        bias_sd_mm: of that mean as an estimate, per axis.
        between_people_mm: standard deviation between people, per axis.
        noise_mm: standard deviation of a detection to the right and downwards in the image.
        correlation: of the two.
        detected: share of the samples of all cameras.
        astray: share of the detections.
        learnt: share of what was not known of the anchor that the cohort told.
        off_mm: how far a detection of a person who was not in the cohort is to be expected from
            the anatomical point along one axis, the bias being known.
        information: of a sample about that point relative to the median keypoint.
        verdict: `good`, `little` (it carries little information) or `guess` (its bias was hardly
            learnt).
    """

    name: str
    body: str
    bias_mm: tuple[float, float, float]
    bias_sd_mm: float
    between_people_mm: float
    noise_mm: tuple[float, float]
    correlation: float
    detected: float
    astray: float
    learnt: float
    off_mm: float
    information: float
    verdict: str

    @property
    def distance_mm(self) -> float:
        """Length of the bias."""
        return float(np.linalg.norm(self.bias_mm))


def noise_of_trials(trials: Iterable[FitErrors]) -> KeypointNoise:
    """Noise of every keypoint over many trials, held in memory one at a time.

    The spread is taken about zero, since a fit leaves no offset of the body's markers, and over
    what lies within `NEAR` standard deviations of its own trial.

    Raises:
        InputError: there is no trial, or their keypoints differ.
    """
    names: tuple[str, ...] = ()
    squares, near, seen, samples, count = (np.zeros(0),) * 4 + (0,)
    for one in trials:
        error = one.error.reshape(-1, len(one.names), 2)
        if not count:
            names, n = one.names, len(one.names)
            squares, near, seen, samples = np.zeros((n, 2, 2)), *np.zeros((3, n))
        if one.names != names:
            found = f"Trials of {len(names)} and of {len(one.names)} keypoints are among them."
            raise InputError("detector", found, "Take the results of one keypoint set.")
        there = np.asarray(np.isfinite(error).all(-1))
        error = np.where(there[..., None], error, 0.0)
        kept = there & _is_noise(error, there)
        squares = squares + _squares(error, kept)
        near, seen, samples = near + kept.sum(0), seen + there.sum(0), samples + len(error)
        count += 1
    if not count:
        raise InputError("detector", "There is no trial with detections.", "Fit the study first.")
    covariance = squares / np.maximum(near, 1)[:, None, None] / _INSIDE
    return KeypointNoise(names, covariance, seen / samples, 1 - near / np.maximum(seen, 1), count)


def keypoint_qualities(
    body: BodyModel, population: Population, noise: KeypointNoise
) -> tuple[KeypointQuality, ...]:
    """Every keypoint of a detector, the most informative first.

    Args:
        body: the base model, its markers the detector's keypoints.
        population: learnt from people whom the detector saw.
        noise: of the same detector's keypoints.

    Raises:
        InputError: the population was learnt from fewer than `LEAST_PARTICIPANTS`.
    """
    if population.n_participants < LEAST_PARTICIPANTS:
        raise InputError(
            "detector",
            f"Its population was learnt from {population.n_participants} participants, which does "
            "not tell the detector's bias from theirs.",
            f"Fit a study of at least {LEAST_PARTICIPANTS}, better ten.",
        )
    guess, n = first_population(body), len(body.segment_names)
    bias = 1e3 * (population.mean - guess.mean)[n:].reshape(-1, 3)
    known, guessed, between = (
        np.sqrt(np.diag(covariance)[n:].reshape(-1, 3).mean(axis=1)) * 1e3
        for covariance in (
            population.mean_covariance, guess.mean_covariance, population.covariance,
        )
    )  # fmt: skip
    order = [noise.names.index(name) for name in body.marker_names]
    covariance = 1e6 * noise.covariance[order]
    sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    correlation = covariance[:, 0, 1] / np.maximum(sd.prod(axis=1), 1e-12)
    detected, astray = noise.detected[order], noise.astray[order]
    off = np.sqrt(known**2 + between**2 + (sd**2).mean(axis=1))
    information = detected * (1 - astray) / off**2
    information = information / np.median(information)
    learnt = 1 - (known / guessed) ** 2
    found = [
        KeypointQuality(
            name=name,
            body=body.anchors[i].body,
            bias_mm=(float(bias[i, 0]), float(bias[i, 1]), float(bias[i, 2])),
            bias_sd_mm=float(known[i]),
            between_people_mm=float(between[i]),
            noise_mm=(float(sd[i, 0]), float(sd[i, 1])),
            correlation=float(correlation[i]),
            detected=float(detected[i]),
            astray=float(astray[i]),
            learnt=float(learnt[i]),
            off_mm=float(off[i]),
            information=float(information[i]),
            verdict=_verdict(float(information[i]), float(learnt[i])),
        )
        for i, name in enumerate(body.marker_names)
    ]
    return tuple(sorted(found, key=lambda one: -one.information))


def _is_noise(
    error: Float[np.ndarray, "sample keypoint 2"], there: Bool[np.ndarray, "sample keypoint"]
) -> Bool[np.ndarray, "sample keypoint"]:
    """Which detections are within `NEAR` deviations: by medians first, then by the covariance."""
    size = np.where(there[..., None], np.abs(error), np.nan)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a keypoint that was never detected
        sd = np.nan_to_num(_NORMAL * np.nanmedian(size, axis=0), nan=1.0)
    kept = there & (((error / np.maximum(sd, TINY)) ** 2).sum(-1) <= NEAR**2)
    for _ in range(SETTLING):
        count = np.maximum(kept.sum(0), 1)[:, None, None]
        covariance = _squares(error, kept) / count / _INSIDE + TINY**2 * np.eye(2)
        away = np.einsum("ski,kij,skj->sk", error, np.linalg.inv(covariance), error)
        kept = there & (away <= NEAR**2)
    return kept


def _squares(
    error: Float[np.ndarray, "sample keypoint 2"], kept: Bool[np.ndarray, "sample keypoint"]
) -> Float[np.ndarray, "keypoint 2 2"]:
    inside = np.where(kept[..., None], error, 0.0)
    return np.einsum("ski,skj->kij", inside, inside)


def _verdict(information: float, learnt: float) -> str:
    if information < LITTLE:
        return "little"
    return "guess" if learnt < LEARNT else "good"
