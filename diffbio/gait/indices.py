"""Scores that say in one number how far a gait is from a reference population's.

The Gait Deviation Index of Schwartz and Rozumalski (2008, Gait Posture 28:351), and the Gait
Profile Score with its Movement Analysis Profile of Baker et al. (2009, Gait Posture 30:265). No
population is shipped: the reference is the user's own, or one whose licence the user has.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError

N_FEATURES = 15
"""Gait features kept (Schwartz and Rozumalski 2008: 98 % of the variance of 6702 strides)."""

PELVIS_ANGLES = 3
"""How many angles, the first, are of the pelvis: of both sides they are counted once."""


@dataclasses.dataclass(frozen=True)
class ReferencePopulation:
    """Angle curves of people without gait disorder.

    Attributes:
        names: of the angles, in array order; those of the pelvis first.
        curves: one mean curve per person (and side), in degrees; the papers use nine angles
            (`angles.CLINICAL_ANGLES`) at 51 points, every 2 % of the cycle.
        source: the file, for messages.

    Raises:
        InputError: fewer than three people, or a value is missing.
    """

    names: tuple[str, ...]
    curves: Float[np.ndarray, "person percent angle"]
    source: str

    def __post_init__(self) -> None:
        if len(self.curves) < 3:
            raise InputError(
                self.source,
                f"The reference population has {len(self.curves)} curves.",
                "Give three or more; the papers have 166.",
            )
        if self.curves.shape[2] != len(self.names):
            raise InputError(
                self.source,
                f"There are {len(self.names)} names for {self.curves.shape[2]} angles.",
                "Name each.",
            )
        if not np.isfinite(self.curves).all():
            raise InputError(self.source, "A value is missing.", "Give complete curves only.")

    @property
    def mean(self) -> Float[np.ndarray, "percent angle"]:
        """Mean curve, in degrees."""
        return self.curves.mean(axis=0)


@dataclasses.dataclass(frozen=True)
class ReferenceMean:
    """The mean curves of people without gait disorder, where their own curves are not at hand.

    Profile scores need no more; a deviation index does.

    Attributes:
        names: of the angles, in array order; those of the pelvis first.
        mean: in degrees.
        source: the file, for messages.

    Raises:
        InputError: names and angles do not go together, or a value is missing.
    """

    names: tuple[str, ...]
    mean: Float[np.ndarray, "percent angle"]
    source: str

    def __post_init__(self) -> None:
        if self.mean.shape[1] != len(self.names) or not np.isfinite(self.mean).all():
            raise InputError(
                self.source,
                f"{len(self.names)} names, {self.mean.shape[1]} curves, or a value is missing.",
                "Give one complete curve per angle.",
            )


Reference = ReferencePopulation | ReferenceMean


@dataclasses.dataclass(frozen=True)
class DeviationScale:
    """What the Gait Deviation Index is read from, made once by `deviation_scale`.

    Attributes:
        reference: people without disorder.
        features: orthonormal gait features, in columns.
        mean_log: mean of the logarithm of the reference's distances from their mean.
        sd_log: its standard deviation over the reference.
    """

    reference: ReferencePopulation
    features: Float[np.ndarray, "value feature"]
    mean_log: float
    sd_log: float

    def index(self, curves: Float[np.ndarray, "percent angle"]) -> float:
        """GDI of one side: 100 is the reference's mean, 10 its standard deviation.

        Args:
            curves: in degrees, the angles of the reference at its points.

        Returns:
            Infinite for the reference's mean curve itself.

        Raises:
            InputError: the curves do not go with the reference, or a value is missing.
        """
        _check_curves(curves, self.reference)
        away = np.linalg.norm((curves - self.reference.mean).ravel() @ self.features)
        with np.errstate(divide="ignore"):
            return 100.0 - 10.0 * (float(np.log(away)) - self.mean_log) / self.sd_log


def deviation_scale(
    reference: ReferencePopulation,
    *,
    n_features: int = N_FEATURES,
    spanning: Float[np.ndarray, "stride point joint"] | None = None,
) -> DeviationScale:
    """The scale of the Gait Deviation Index.

    Curves are projected on the first gait features, the singular vectors of many strides; the
    index is the logarithm of the distance to the reference's mean among them, scaled.

    Args:
        reference: people without disorder.
        n_features: how many features; all where there are fewer.
        spanning: the strides whose singular vectors are the features, angles and points as of
            the reference. The paper takes a mixed clinical population's; None takes the
            reference's own deviations from its mean, in which a deviation that nobody of the
            reference has is less visible.

    Raises:
        InputError: the strides do not go with the reference.
    """
    people = reference.curves.reshape(len(reference.curves), -1)
    centred = people - people.mean(axis=0)
    span = centred if spanning is None else spanning.reshape(len(spanning), -1)
    if span.shape[1] != people.shape[1]:
        raise InputError(
            "spanning strides", f"They have {span.shape[1]} values.", f"Give {people.shape[1]}."
        )
    _, sizes, vectors = np.linalg.svd(span, full_matrices=False)
    features = vectors[: min(n_features, int((sizes > 1e-9 * sizes[0]).sum()))].T
    logs = np.log(np.linalg.norm(centred @ features, axis=1))
    return DeviationScale(reference, features, float(logs.mean()), float(logs.std(ddof=1)))


@dataclasses.dataclass(frozen=True)
class GaitProfile:
    """Root mean square differences from the reference's mean, in degrees.

    Attributes:
        names: of the angles.
        variable_scores: one per angle (GVS); together the Movement Analysis Profile.
        score: over the angles (GPS).
    """

    names: tuple[str, ...]
    variable_scores: Float[np.ndarray, "angle"]
    score: float


def gait_profile(curves: Float[np.ndarray, "percent angle"], reference: Reference) -> GaitProfile:
    """MAP and GPS of one side.

    Args:
        curves: of one side, in degrees, the angles of the reference at its points.
        reference: people without disorder, of whom the mean is used.

    Raises:
        InputError: the curves do not go with the reference, or a value is missing.
    """
    _check_curves(curves, reference)
    scores = np.sqrt(np.mean((curves - reference.mean) ** 2, axis=0))
    return GaitProfile(reference.names, scores, float(np.sqrt(np.mean(scores**2))))


def overall_profile_score(sides: Sequence[GaitProfile], first: int = 0) -> float:
    """GPS of both sides together, in degrees: the pelvis is counted once, of side `first`.

    Raises:
        InputError: there are not two sides with the same angles.
    """
    if len(sides) != 2 or sides[0].names != sides[1].names:
        raise InputError("gait profiles", "They are not two of the same angles.", "Give r and l.")
    once, other = sides[first], sides[1 - first]
    scores = np.concatenate([once.variable_scores, other.variable_scores[PELVIS_ANGLES:]])
    return float(np.sqrt(np.mean(scores**2)))


def _check_curves(curves: Float[np.ndarray, "percent angle"], reference: Reference) -> None:
    if curves.shape != reference.mean.shape:
        raise InputError(
            "gait curves",
            f"They have shape {curves.shape}, those of {reference.source} {reference.mean.shape}.",
            "Give the same angles at the same points of the cycle.",
        )
    missing = np.flatnonzero(~np.isfinite(curves).all(axis=0))
    if len(missing):
        raise InputError(
            f"gait curves, {reference.names[missing[0]]}",
            "A value is missing.",
            "Give complete cycles only.",
        )
