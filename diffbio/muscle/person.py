"""One person's muscles: a fitted body's sizes and joints, and fibres that suit the paths."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import qmc

from diffbio.body import BodyModel, BodyParameters
from diffbio.errors import InputError
from diffbio.muscle.force import Muscles
from diffbio.muscle.paths import MusclePaths, PathState

POSES = 1024
"""Over the range of motion, in which the shortest and the longest path are sought: within 2 % of a
muscle's range of lengths of what 65536 poses find."""


class MuscleState(NamedTuple):
    """Muscles in motion.

    Attributes:
        path: lengths and moment arms.
        velocity: of the paths, m/s, positive where they lengthen.
        capacity: moment of each muscle about each coordinate when fully active, Nm (N of a slide),
            passive force excluded.
        passive: moment of all muscles together without activation, Nm.
    """

    path: PathState
    velocity: Float[Array, "time muscle"]
    capacity: Float[Array, "time coordinate muscle"]
    passive: Float[Array, "time coordinate"]


class FromFit:
    """How a fitted body's numbers become those of the body that muscle paths have.

    Segments that the fit has not, because nothing of them was seen, have the size of the segment
    they hang on; joints stay at their reference.
    """

    def __init__(self, paths: MusclePaths, fitted: BodyModel) -> None:
        """
        Raises:
            InputError: the fitted body has none of the joints that the muscles move.
        """
        target = paths.body
        self._segment = np.asarray([_origin(target, s, fitted) for s in target.segment_names])
        known = {name: i for i, name in enumerate(fitted.joint_names)}
        self._joint = np.asarray([known.get(name, -1) for name in target.joint_names])
        self._reference = target.joint_reference
        if (self._joint < 0).all():
            raise InputError(
                fitted.name,
                "It has none of the joints that these muscles move.",
                f"Fit a body with, for instance, {target.joint_names[0]!r}.",
            )
        self.missing = tuple(n for n in target.joint_names if n not in known)
        """Joints that the fit does not move."""

    def log_scale(self, parameters: BodyParameters) -> Float[Array, "segment"]:
        """Of the segments of the muscles' body."""
        return jnp.append(parameters.log_scale, 0.0)[self._segment]

    def joints(self, fitted: Float[Array, "time joint"]) -> Float[Array, "time coordinate"]:
        """Coordinates of the muscles' body."""
        reference = jnp.asarray(self._reference, fitted.dtype)
        return jnp.where(self._joint >= 0, fitted[:, self._joint], reference)

    def rates(self, fitted: Float[Array, "time joint"]) -> Float[Array, "time coordinate"]:
        """Of those coordinates, or anything else that is zero where a joint does not move."""
        return jnp.where(self._joint >= 0, fitted[:, self._joint], 0.0)


def _origin(target: BodyModel, segment: str, fitted: BodyModel) -> int:
    """Index of the fitted segment that gives a segment its size; -1 for the base model's."""
    body = target.segment_of_body.index(target.segment_names.index(segment))
    while body >= 0:
        name = target.segment_names[target.segment_of_body[body]]
        if name in fitted.segment_names:
            return fitted.segment_names.index(name)
        body = target.body_parents[body]
    return -1


def scaled_muscles(
    paths: MusclePaths, muscles: Muscles, log_scale: Float[Array, "segment"]
) -> Muscles:
    """Muscles whose fibres and tendons suit a person's paths. Differentiable.

    Optimal fibre and slack lengths change such that fibres have, where the person's path is
    shortest and longest over the range of motion, the length (in optimal lengths) that they have on
    the base model: every muscle keeps its part of the force-length curve. Maximal forces stay; see
    `Muscles.for_mass`.

    Args:
        paths: of the muscles.
        muscles: of the base model.
        log_scale: of the segments of `paths.body`.

    Raises:
        InputError: paths and muscles are not the same muscles.
    """
    if paths.names != muscles.names:
        found = f"There are paths of {len(paths.names)} and forces of {len(muscles.names)} muscles."
        raise InputError("muscles", found, "Give both of the same muscles in the same order.")
    poses = jnp.asarray(_range_of_motion(paths.body), log_scale.dtype)
    base, own = (paths(size, poses).length for size in (jnp.zeros_like(log_scale), log_scale))
    shortest, stretch = base.min(0), jnp.ptp(own, axis=0) / jnp.ptp(base, axis=0)
    path_range = own.min(0)[:, None] + stretch[:, None] * (muscles.path_range - shortest[:, None])
    return eqx.tree_at(lambda m: m.path_range, muscles, path_range)


def _range_of_motion(body: BodyModel) -> Float[np.ndarray, "pose coordinate"]:
    """Poses that fill the ranges of all joints evenly, the same ones every time."""
    low, high = body.joint_range.T
    return qmc.scale(qmc.Sobol(len(low), rng=0).random(POSES), low, high)


def muscle_state(
    paths: MusclePaths,
    muscles: Muscles,
    log_scale: Float[Array, "segment"],
    joints: Float[Array, "time coordinate"],
    rates: Float[Array, "time coordinate"],
) -> MuscleState:
    """What muscles can do in a motion.

    Args:
        paths: of the muscles.
        muscles: of the person; see `scaled_muscles`.
        log_scale: of the segments of `paths.body`.
        joints: its coordinates.
        rates: their derivatives by time, per second.
    """
    path = paths(log_scale, joints)
    velocity = -jnp.einsum("tcm,tc->tm", path.moment_arm, rates)
    active = jax.vmap(muscles.active_force)(path.length, velocity)
    resting = jax.vmap(muscles.passive_force)(path.length)
    return MuscleState(
        path,
        velocity,
        path.moment_arm * active[:, None],
        jnp.einsum("tcm,tm->tc", path.moment_arm, resting),
    )
