"""A smooth path of the root segment, about which a trajectory is expressed."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffbio.signals import evaluate, fit_control_points

KNOT_SPACING = 0.2
"""In seconds: follows turns and steps, not noise."""


class RootReference(eqx.Module):
    """Position and orientation of the root over time, from splines.

    The orientation is a spline through sign-aligned quaternions, normalised: free of
    singularities however often the person turns.

    Attributes:
        position_control: control points of the position, in metres.
        quaternion_control: control points of `world_from_root`, wxyz, not normalised.
        start: time of the first knot, in seconds.
        spacing: time between knots, in seconds.
    """

    position_control: Float[Array, "control 3"]
    quaternion_control: Float[Array, "control 4"]
    start: Float[Array, ""]
    spacing: Float[Array, ""]

    def __call__(
        self, time: Float[Array, "time"]
    ) -> tuple[Float[Array, "time 3"], Float[Array, "time 4"]]:
        """Position in metres and unit `world_from_root`."""
        position = evaluate(self.position_control, self.start, self.spacing, time)
        q = evaluate(self.quaternion_control, self.start, self.spacing, time)
        return position, q / jnp.sqrt((q * q).sum(-1, keepdims=True))


def fit_root_reference(
    time: Float[np.ndarray, "time"],
    position: Float[np.ndarray, "time 3"],
    quaternion: Float[np.ndarray, "time 4"],
    valid: Bool[np.ndarray, "time"],
    n_control: int,
    dtype: np.dtype | type,
) -> RootReference:
    """A root path through the valid samples.

    Args:
        n_control: number of control points; the knots span `time`, at least `KNOT_SPACING`
            apart, so that trials of one padded length share a program.
    """
    start = float(time[0])
    spacing = max(float(time[-1] - time[0]) / (n_control - 3), KNOT_SPACING)
    aligned = quaternion.copy()
    last = None
    for i in np.flatnonzero(valid):
        if last is not None and aligned[i] @ aligned[last] < 0:
            aligned[i] *= -1
        last = i
    samples = np.concatenate([position, aligned], axis=1)
    control = fit_control_points(time, samples, valid, start, spacing, n_control)
    return RootReference(
        jnp.asarray(control[:, :3], dtype),
        jnp.asarray(control[:, 3:], dtype),
        jnp.asarray(start, dtype),
        jnp.asarray(spacing, dtype),
    )
