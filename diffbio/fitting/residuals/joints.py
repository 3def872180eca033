"""Joint coordinates stay within their ranges and, unobserved, near an upright posture."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractPrior, Curvature, Estimate

LIMIT_SD = float(np.deg2rad(3.0))
"""How far a coordinate passes its range before it costs half a unit: ranges are of groups."""


class JointRange(AbstractPrior):
    """Soft limits on the joint coordinates, and a weak prior on posture.

    A person's mean posture is one fact, however long the trial: it is held to the prior once.
    Every frame's departure from that mean is held to zero with the same standard deviation.

    Attributes:
        low: lowest admissible coordinate, radians or metres.
        high: highest admissible coordinate.
        mean: coordinates to fall back to where nothing observes them.
        sd: how far people stray from there.
        weight: information per frame, in units of one independent frame; zero for padding.
        share: of the prior on posture that counts: less than all where other trials of the same
            person, or other people who are guessed alike, are held to it too.
    """

    low: Float[Array, "joint"]
    high: Float[Array, "joint"]
    mean: Float[Array, "joint"]
    sd: Float[Array, "joint"]
    weight: Float[Array, "time"]
    share: Float[Array, ""]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        q = estimate.pose.joints
        outside = jnp.maximum(self.low[None] - q, 0) + jnp.maximum(q - self.high[None], 0)
        posture = (self.weight[:, None] * q).sum(0) / self.weight.sum()
        away = (q - posture[None]) / self.sd[None]
        limits = (self.weight * (outside * outside).sum(-1)).sum() / LIMIT_SD**2
        offset = (posture - self.mean) / self.sd
        held = (self.weight * (away * away).sum(-1)).sum() + (offset * offset).sum()
        return 0.5 * (limits + self.share * held)

    def curvature(self, estimate: Estimate) -> Curvature:
        """Of the active limits and of the posture, whose mean counts once."""
        q = estimate.pose.joints
        outside = (q < self.low[None]) | (q > self.high[None])
        once = self.share / (self.sd * self.sd)
        each = jnp.where(outside, 1 / LIMIT_SD**2, 0.0) + once[None]
        return Curvature(joints=self.weight[:, None] * each, common=(self.weight, once))
