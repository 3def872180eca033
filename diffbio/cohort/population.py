"""What people of a cohort have in common, from what each one's trials say (empirical Bayes)."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.prior import BodyPrior, default_prior
from diffbio.errors import FitError

MEAN_SCALE_SD = 0.05
"""Of the log scales of a population against the base model's: a few per cent of stature."""

MEAN_OFFSET_SD = 0.015
"""In metres and per axis: how far anchors read off a model are from what a detector means."""

OWN_OFFSET_SD = 0.008
"""In metres and per axis: how differently a keypoint sits on different people, before any data."""

STRENGTH = 8.0
"""Participants that the guesses above are worth where spreads are estimated."""

STEPS, SETTLED = 500, 1e-6
"""Of expectation and maximisation at most; relative change of the spreads at which they end."""


@dataclasses.dataclass(frozen=True)
class Population:
    """A Gaussian population of people.

    Attributes:
        mean: log scales, then marker offsets in metres: those offsets are what the base model's
            anchors are wrong by.
        covariance: between people: full over the log scales, one variance per axis of a marker.
        mean_covariance: of the mean as an estimate.
        n_participants: it was learnt from.
    """

    mean: Float[np.ndarray, "person"]
    covariance: Float[np.ndarray, "person person"]
    mean_covariance: Float[np.ndarray, "person person"]
    n_participants: int

    def as_prior(self) -> BodyPrior:
        """On a person who was not among them: how people differ, and how little is known of the
        mean."""
        return BodyPrior(self.mean, np.linalg.inv(self.covariance + self.mean_covariance))


def first_population(body: BodyModel) -> Population:
    """What is guessed before any participant is seen."""
    n_scale = len(body.segment_names)
    known = np.linalg.inv(default_prior(body).information)
    n = len(known)
    covariance = np.zeros((n, n))
    covariance[:n_scale, :n_scale] = known[:n_scale, :n_scale]
    offsets = np.arange(n_scale, n)
    covariance[offsets, offsets] = OWN_OFFSET_SD**2
    sd = np.where(np.arange(n) < n_scale, MEAN_SCALE_SD, MEAN_OFFSET_SD)
    return Population(np.zeros(n), covariance, np.diag(sd**2), 0)


def estimate_population(
    evidence: Sequence[Evidence], guess: Population, n_scale: int
) -> Population:
    """The population under which what the participants' trials say is most likely.

    Expectation and maximisation (Dempster 1977) of the Gaussian hierarchy: a person is drawn from
    the population, their trials speak about the person. The mean has a Gaussian prior, the
    spreads an inverse Wishart (inverse gamma) prior about the guess.

    Args:
        evidence: of each participant.
        guess: mean with its covariance, and spreads worth `STRENGTH` participants.
        n_scale: number of log scales among a person's numbers.

    Raises:
        FitError: nobody says anything.
    """
    if not evidence:
        raise FitError("A population cannot be learnt from nobody: no participant has a fit.")
    about_mean = np.linalg.inv(guess.mean_covariance)
    mean, covariance = guess.mean, guess.covariance
    for _ in range(STEPS):
        precision = np.linalg.inv(covariance)
        owns = [np.linalg.inv(one.information + precision) for one in evidence]
        # The mean with everybody's own deviation integrated out: generalised least squares.
        told = [precision - precision @ own @ precision for own in owns]
        pulls = [precision @ own @ one.vector for own, one in zip(owns, evidence, strict=True)]
        mean_covariance = np.linalg.inv(sum(told) + about_mean)
        mean = mean_covariance @ (sum(pulls) + about_mean @ guess.mean)
        away = [
            own @ (one.vector + precision @ mean) - mean
            for own, one in zip(owns, evidence, strict=True)
        ]
        scatter = sum(own + np.outer(d, d) for own, d in zip(owns, away, strict=True))
        updated = (STRENGTH * guess.covariance + scatter) / (STRENGTH + len(evidence))
        updated = _structured(updated, n_scale)
        change = np.abs(np.diag(updated) / np.diag(covariance) - 1).max()
        covariance = updated
        if change < SETTLED:
            break
    return Population(mean, covariance, mean_covariance, len(evidence))


def _structured(
    covariance: Float[np.ndarray, "person person"], n_scale: int
) -> Float[np.ndarray, "person person"]:
    """Full over the log scales; of the offsets one variance per axis."""
    kept = np.diag(np.diag(covariance))
    kept[:n_scale, :n_scale] = covariance[:n_scale, :n_scale]
    return kept
