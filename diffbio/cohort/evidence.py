"""What trials say about a person, and not what is only assumed of how people move."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.fitting.nested import Offer, Share, offer
from diffbio.fitting.residuals import AbstractPrior, JointRange, Smoothness
from diffbio.fitting.system import State

SMOOTHNESS_LEFT = 0.01
"""Share of the prior on accelerations that remains in what a trial says, for the moments at which
nothing was detected: standard deviations ten times as wide, beyond those of any movement."""


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What the trials of one participant say about them, no prior included.

    Attributes:
        information: about log scales and marker offsets; positive semidefinite.
        vector: information times estimate.
    """

    information: Float[np.ndarray, "person person"]
    vector: Float[np.ndarray, "person"]


def evidence_of(offered: Offer, noise: float, person: Float[np.ndarray, "person"]) -> Evidence:
    """An offer in numbers about the person, as far as its errors let it count.

    Args:
        offered: by a trial, undamped.
        noise: variance of its estimates, relative to the inverse of what it offers.
        person: about whom, where the offer was made.
    """
    information = np.asarray(offered.information, float) / noise
    information = 0.5 * (information + information.T)
    pull = np.asarray(offered.gradient, float) / noise
    return Evidence(information, information @ person - pull)


def plain_offer(share: Share, state: State, tail: Float[Array, ""], noise: float) -> Offer:
    """What a trial says at its solution, its priors on motion taken back.

    The same movement of a marker takes a smaller angle where the marker sits farther from its
    joint. So a prior on angular acceleration moves every marker away from its joint, by little in
    one trial, but every trial of every participant says it again, and their sum outweighs all that
    is known of a base model. A prior on departures from a mean posture does the same, and limits
    of joints too, which noise passes on one side only. They hold the motion while a trial is
    solved; about the person they say nothing. The guess of the mean posture remains.

    One Gauss-Newton step of the motion towards what the detections alone say is in it, with
    derivatives at the smooth motion.

    Args:
        share: the trial.
        state: its solution.
        tail: of the robust loss.
        noise: as of `evidence_of`, by which the guess of posture is not to be divided.
    """
    priors = tuple(_plain(prior, noise) for prior in share.problem.priors)
    plain = eqx.tree_at(lambda s: s.problem.priors, share, priors)
    said, _ = offer(plain, state, jnp.zeros_like(tail), tail, jnp.asarray(True))
    return said


def _plain(prior: AbstractPrior, noise: float) -> AbstractPrior:
    if isinstance(prior, Smoothness):
        return eqx.tree_at(lambda p: p.weight, prior, SMOOTHNESS_LEFT * prior.weight)
    if isinstance(prior, JointRange):
        # With a weight of one in all, the departures of all frames count as much as their mean.
        weight = prior.weight / jnp.maximum(prior.weight.sum(), 1.0)
        return eqx.tree_at(lambda p: (p.weight, p.share), prior, (weight, noise * prior.share))
    return prior
