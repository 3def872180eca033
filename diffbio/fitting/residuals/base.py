"""What every term of the objective sees, and what it returns."""

import abc

import equinox as eqx
from jaxtyping import Array, Float

from diffbio.body import BodyParameters, Pose
from diffbio.cameras import CameraAdjustment, CameraRig


class Estimate(eqx.Module):
    """One state of the fit, evaluated once and shared by all terms.

    Attributes:
        pose: at the sample times.
        markers: model markers, in the world frame, in metres.
        parameters: the person.
        rig: the cameras, adjusted.
        cameras: by how much.
        pictured: model markers at the instants the cameras took their pictures, where those
            differ from the sample times; else None.
    """

    pose: Pose
    markers: Float[Array, "time marker 3"]
    parameters: BodyParameters
    rig: CameraRig
    cameras: CameraAdjustment
    pictured: Float[Array, "camera time marker 3"] | None = None

    def project(
        self,
    ) -> tuple[Float[Array, "camera time marker"], Float[Array, "camera time marker"]]:
        """What the cameras should have seen, in pixels."""
        if self.pictured is None:
            return self.rig.project_components(self.markers)
        return self.rig.project_components(self.pictured, own=True)


class Curvature(eqx.Module):
    """Second derivatives of a prior, positive semidefinite; None where it has none.

    Attributes:
        joints: of every joint coordinate at every sample.
        acceleration: of the second time derivative of the root's position, the root's rotation
            and the joint coordinates, at every sample.
        common: what the term takes back from `joints` because it holds the mean over time only
            once: weights of the samples in that mean, and the information of one of them about
            every joint.
        log_scale: of the log scales.
        marker_offset: of every component of a marker's offset.
        cameras: of every correction of every camera, columns as in `CameraAdjustment`.
    """

    joints: Float[Array, "time joint"] | None = None
    acceleration: Float[Array, "time coordinate"] | None = None
    common: tuple[Float[Array, "time"], Float[Array, "joint"]] | None = None
    log_scale: Float[Array, "segment segment"] | None = None
    marker_offset: Float[Array, "marker"] | None = None
    cameras: Float[Array, "camera 11"] | None = None


class AbstractResidual(eqx.Module):
    """One term of the objective: half a sum of squares, or of a robust function, of whitened
    residuals."""

    @abc.abstractmethod
    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""


class AbstractPrior(AbstractResidual):
    """A term that sees no detection. Its gradient is differentiated, its curvature declared."""

    @abc.abstractmethod
    def curvature(self, estimate: Estimate) -> Curvature:
        """Second derivatives of the cost, or of a quadratic bound of it."""
