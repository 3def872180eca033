"""An implicit trajectory: a small network from time to pose."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from diffbio.body import Pose
from diffbio.geometry import quaternion_from_rotation_vector, quaternion_multiply
from diffbio.trajectories.reference import RootReference

N_FREQUENCIES = 20
WIDTH = 256
DEPTH = 3


class ImplicitTrajectory(eqx.Module):
    """Pose as a continuous function of time (Cotton 2024, after Mildenhall 2020).

    Sinusoidal features of time, geometrically spaced from half a period per trial up to a
    stated bandwidth, feed a multilayer perceptron. It returns the root's departure from a smooth
    reference path, as a translation and a rotation vector, and the joint coordinates.

    Attributes:
        network: from features to scaled coordinates.
        reference: path of the root about which the network's output is expressed.
        frequency: of the sinusoidal features, in Hz.
        start: beginning of the trial, in seconds.
        duration: of the trial, in seconds.
        centre: joint coordinates where the network returns zero.
        spread: one network unit, per coordinate (root position and rotation, joints).
    """

    network: eqx.nn.MLP
    reference: RootReference
    frequency: Float[Array, "frequency"]
    start: Float[Array, ""]
    duration: Float[Array, ""]
    centre: Float[Array, "joint"]
    spread: Float[Array, "coordinate"]

    def __call__(self, time: Float[Array, "time"]) -> Pose:
        """Pose at any times, in seconds."""
        out = self.coordinates(time) * self.spread[None]
        position, q = self.reference(time)
        turn = quaternion_from_rotation_vector(out[:, 3:6])
        return Pose(
            position + out[:, :3],
            quaternion_multiply(turn, q),
            self.centre[None] + out[:, 6:],
        )

    def coordinates(self, time: Float[Array, "time"]) -> Float[Array, "time coordinate"]:
        """Output of the network: departures from reference and centre, in units of `spread`."""
        return jax.vmap(self.network)(self._features(time))

    def velocity(self, time: Float[Array, "time"]) -> Pose:
        """Time derivative of every component of the pose, analytic.

        The root's orientation is returned as the derivative of its quaternion.
        """
        return jax.jvp(self.__call__, (time,), (jnp.ones_like(time),))[1]

    def acceleration(self, time: Float[Array, "time"]) -> Pose:
        """Second time derivative of every component of the pose, analytic."""
        return jax.jvp(self.velocity, (time,), (jnp.ones_like(time),))[1]

    def _features(self, time: Float[Array, "time"]) -> Float[Array, "time feature"]:
        elapsed = (time - self.start)[:, None]
        phase = 2 * np.pi * elapsed * self.frequency[None]
        return jnp.concatenate(
            [2 * elapsed / self.duration - 1, jnp.sin(phase), jnp.cos(phase)], axis=1
        )


def make_implicit_trajectory(
    reference: RootReference,
    centre: Float[np.ndarray, "joint"],
    spread: Float[np.ndarray, "coordinate"],
    start: float,
    duration: float,
    *,
    bandwidth_hz: float,
    key: PRNGKeyArray,
) -> ImplicitTrajectory:
    """A fresh trajectory that stays near its reference.

    Args:
        bandwidth_hz: highest frequency among the features, whatever the trial's length.
    """
    dtype = reference.start.dtype
    lowest = min(0.5 / duration, bandwidth_hz / 2)
    frequency = np.geomspace(lowest, bandwidth_hz, N_FREQUENCIES)
    network = eqx.nn.MLP(
        1 + 2 * N_FREQUENCIES,
        len(spread),
        WIDTH,
        DEPTH,
        activation=jax.nn.gelu,
        dtype=dtype,
        key=key,
    )
    # A small last layer: training starts at the reference, not at a random pose.
    last = network.layers[-1]
    assert last.bias is not None
    network = eqx.tree_at(
        lambda n: (n.layers[-1].weight, n.layers[-1].bias),
        network,
        (last.weight * 0.1, jnp.zeros_like(last.bias)),
    )
    return ImplicitTrajectory(
        network,
        reference,
        jnp.asarray(frequency, dtype),
        jnp.asarray(start, dtype),
        jnp.asarray(duration, dtype),
        jnp.asarray(centre, dtype),
        jnp.asarray(spread, dtype),
    )
