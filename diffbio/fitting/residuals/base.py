"""What every term of the objective sees, and what it returns."""

import abc

import equinox as eqx
from jaxtyping import Array, Float

from diffbio.body import BodyParameters, Pose
from diffbio.cameras import CameraRig


class Estimate(eqx.Module):
    """One state of the fit, evaluated once and shared by all terms.

    Attributes:
        pose: at the sample times.
        markers: model markers, in the world frame, in metres.
        parameters: the person.
        rig: the cameras, adjusted.
        camera_rotation: adjustment of every camera, rotation vector, radians.
        camera_shift: adjustment of every camera's centre, in metres.
    """

    pose: Pose
    markers: Float[Array, "time marker 3"]
    parameters: BodyParameters
    rig: CameraRig
    camera_rotation: Float[Array, "camera 3"]
    camera_shift: Float[Array, "camera 3"]


class AbstractResidual(eqx.Module):
    """One term of the objective: half a sum of squares, or of a robust function, of whitened
    residuals."""

    @abc.abstractmethod
    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
