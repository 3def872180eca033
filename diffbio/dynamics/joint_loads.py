"""External moments at the knee, as the literature on its load reports them."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.dynamics.feet import SIDES
from diffbio.dynamics.inverse import GRAVITY, InverseDynamics
from diffbio.errors import InputError, UnknownNameError

SHANK = "tibia"
"""Body whose origin is the knee centre and whose axes are X forward, Y up, Z right."""


@dataclasses.dataclass(frozen=True)
class KneeMoments:
    """External moments about the knee centre in the axes of the shank, in N m.

    External: what ground, gravity and inertia of shank and foot do, and muscles, ligaments and
    contact have to resist; the opposite of the joint moments of inverse dynamics.

    Attributes:
        time: in seconds.
        side: `r` or `l`.
        adduction: KAM; positive where the foot would be turned towards the other leg.
        flexion: KFM; positive where the knee would bend. KEM is its opposite.
        rotation: positive where the toes would be turned inwards.
        mass: of the person, in kg.
        height: of the person, in metres; None where not known.
    """

    time: Float[np.ndarray, "time"]
    side: str
    adduction: Float[np.ndarray, "time"]
    flexion: Float[np.ndarray, "time"]
    rotation: Float[np.ndarray, "time"]
    mass: float
    height: float | None

    def per_kg(self, moment: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
        """A moment by body mass, in N m/kg."""
        return moment / self.mass

    def percent(self, moment: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
        """A moment in per cent of body weight times height.

        Raises:
            InputError: the height is not known.
        """
        if self.height is None:
            raise InputError(
                "height",
                "The person's height is not known.",
                "Give it (`knee_moments(..., height=1.70)`), or report N m/kg.",
            )
        return 100.0 * moment / (self.mass * GRAVITY * self.height)

    def impulse(self, start: float, end: float) -> float:
        """Integral of the positive adduction moment over a stance, in N m s."""
        during = (self.time >= start) & (self.time <= end)
        positive = np.maximum(self.adduction[during], 0.0)
        return float(np.trapezoid(positive, self.time[during]))


def knee_moments(
    body: BodyModel,
    parameters: BodyParameters,
    dynamics: InverseDynamics,
    side: str,
    *,
    height: float | None = None,
) -> KneeMoments:
    """External moments about one knee.

    Args:
        body: the anatomy.
        parameters: the person's size.
        dynamics: with the ground's wrenches on the feet; without them the moments of a leg in
            stance mean nothing.
        side: `r` or `l`.
        height: of the person, in metres; that of the model by default.

    Raises:
        InputError: the side is neither.
        UnknownNameError: the model has no shank.
    """
    if side not in SIDES:
        raise InputError("knee_moments, side", f"It is {side!r}.", "Give 'r' or 'l'.")
    name = f"{SHANK}_{side}"
    if name not in dynamics.body_names:
        raise UnknownNameError(f"{body.name}, knee", "body", name, dynamics.body_names)
    moment = dynamics.efforts.carried_moment[:, dynamics.body_names.index(name)]
    x, y, z = -np.asarray(moment, float).T
    # Turning the shank about X swings a right foot to the left and a left foot likewise; about Y
    # it turns toes to the left; about Z it swings the foot forwards.
    inwards = 1.0 if side == "r" else -1.0
    stature = height if height is not None else body.height(parameters)
    return KneeMoments(dynamics.time, side, inwards * x, -z, inwards * y, dynamics.mass, stature)
