"""Trials in which a person held a posture that they were asked for: standing still, say.

Turning all markers of a segment about its joint is the same as reading its angle from another
zero. Where no second joint farther out tells the two apart (hands, feet, toes) movement never
does, however much of it is recorded. A posture that is known does.
"""

import dataclasses
from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffbio.body import BodyModel
from diffbio.errors import UnknownNameError
from diffbio.fitting.batch import Recording
from diffbio.fitting.problem import Problem
from diffbio.fitting.residuals import AbstractPrior, JointRange
from diffbio.observations import Markers


@dataclasses.dataclass(frozen=True)
class Stance:
    """A trial of a posture that was asked for.

    Attributes:
        trial: cameras and what they detected, or optical markers.
        posture: mean and standard deviation, over people, of the joint coordinates that were asked
            for, by name; radians or metres. People stray from it each in their own way: a mistake
            common to all is not foreseen.
    """

    trial: Recording | Markers
    posture: Mapping[str, tuple[float, float]]


def posed(problem: Problem, body: BodyModel, stance: Stance) -> Problem:
    """A trial's problem with the posture of a stance in place of the guess of everybody's.

    Args:
        problem: of the trial.
        body: the anatomy.
        stance: what was asked for.

    Raises:
        UnknownNameError: the body has no such coordinate.
    """
    for name in stance.posture:
        if name not in body.joint_names:
            raise UnknownNameError("Stance", "joint coordinate", name, body.joint_names)

    def informed(prior: AbstractPrior) -> AbstractPrior:
        if not isinstance(prior, JointRange):
            return prior
        mean, sd = np.array(prior.mean), np.array(prior.sd)
        # One guess is shared among trials and people, what this person was asked for is not.
        shared = float(np.sqrt(prior.share))
        for name, (expected, spread) in stance.posture.items():
            joint = body.joint_names.index(name)
            mean[joint], sd[joint] = expected, spread * shared
        return eqx.tree_at(lambda p: (p.mean, p.sd), prior, (jnp.asarray(mean), jnp.asarray(sd)))

    return dataclasses.replace(problem, priors=tuple(map(informed, problem.priors)))
