"""What is known of a person's body before any trial: a Gaussian over sizes and marker offsets."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.fitting.residuals.person import marker_sd, scale_covariance


@dataclasses.dataclass(frozen=True)
class BodyPrior:
    """A Gaussian over a person: log scales of the segments, then marker offsets, flat.

    Attributes:
        mean: log scales unitless, offsets in metres.
        information: inverse of the covariance.
    """

    mean: Float[np.ndarray, "person"]
    information: Float[np.ndarray, "person person"]

    def cost(self, person: Float[np.ndarray, "person"]) -> float:
        """Minus the log density, up to a constant, unitless."""
        away = person - self.mean
        return 0.5 * float(away @ self.information @ away)

    def gradient(self, person: Float[np.ndarray, "person"]) -> Float[np.ndarray, "person"]:
        """Of the cost."""
        return self.information @ (person - self.mean)


def default_prior(body: BodyModel) -> BodyPrior:
    """The prior of a fit of one trial: anthropometric scales, markers near their anchors."""
    n_scale = len(body.segment_names)
    sd = np.repeat(marker_sd(body), 3)
    information = np.diag(np.concatenate([np.zeros(n_scale), 1 / sd**2]))
    information[:n_scale, :n_scale] = np.linalg.inv(scale_covariance(body.segment_names))
    return BodyPrior(np.zeros(len(information)), information)


def flat(parameters: BodyParameters) -> Float[np.ndarray, "person"]:
    """A person's numbers in one row: log scales, then marker offsets."""
    parts = (parameters.log_scale, parameters.marker_offset)
    return np.concatenate([np.asarray(part, float).reshape(-1) for part in parts])


def unflat(
    person: Float[np.ndarray, "person"], n_scale: int, dtype: np.dtype | type
) -> BodyParameters:
    """A person out of one row of numbers; see `flat`."""
    offsets = person[n_scale:].reshape(-1, 3)
    return BodyParameters(jnp.asarray(person[:n_scale], dtype), jnp.asarray(offsets, dtype))
