"""What is unknown, what is known, and the objective that ties them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio._jax import round_up_to_bucket
from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.cameras import CameraRig
from diffbio.fitting.residuals import (
    AbstractPrior,
    CameraPrior,
    Estimate,
    JointRange,
    MarkerPrior,
    Reprojection,
    ScalePrior,
    Smoothness,
)
from diffbio.fitting.residuals.person import marker_sd, scale_covariance
from diffbio.observations import MIN_CONFIDENCE, Keypoints
from diffbio.trajectories import Trajectory

DETECTOR_SD = 0.010
"""Standard deviation of a keypoint detection along one image axis, on the person, in metres."""

HUBER_SD = 1.5
"""Distance in standard deviations beyond which a detection is trusted less."""

CORRELATION_TIME = 0.1
"""In seconds: detector errors of nearer frames are alike, so frames share information."""


class Unknowns(eqx.Module):
    """Everything a fit may change.

    Attributes:
        trajectory: the motion; its network or control points change, its reference does not.
        parameters: the person.
        camera_rotation: rotation vectors about each camera's centre, camera frame, radians.
        camera_shift: movement of each camera's centre, world frame, metres.
    """

    trajectory: Trajectory
    parameters: BodyParameters
    camera_rotation: Float[Array, "camera 3"]
    camera_shift: Float[Array, "camera 3"]


class Problem(eqx.Module):
    """A body, cameras and detections, and the terms of the objective.

    Time is padded to a bucket: padded frames continue at the same rate and weigh nothing.

    Attributes:
        body: the anatomy (static: a compile-time constant).
        rig: the cameras as given.
        time: sample times, padded, in seconds.
        reprojection: the term that holds the detections.
        priors: the other terms; the objective is the sum of all.
        n_frames: number of real frames.
    """

    body: BodyModel = eqx.field(static=True)
    rig: CameraRig
    time: Float[Array, "time"]
    reprojection: Reprojection
    priors: tuple[AbstractPrior, ...]
    n_frames: Array

    def estimate(self, unknowns: Unknowns) -> Estimate:
        """Evaluate the model at the sample times."""
        pose = unknowns.trajectory(self.time)
        return self.estimate_at(
            pose, unknowns.parameters, unknowns.camera_rotation, unknowns.camera_shift
        )

    def estimate_at(
        self,
        pose: Pose,
        parameters: BodyParameters,
        camera_rotation: Float[Array, "camera 3"],
        camera_shift: Float[Array, "camera 3"],
    ) -> Estimate:
        """Evaluate the model at given poses, one per sample."""
        return Estimate(
            pose=pose,
            markers=self.body.marker_positions(parameters, pose),
            parameters=parameters,
            rig=self.rig.adjusted(camera_rotation, camera_shift),
            camera_rotation=camera_rotation,
            camera_shift=camera_shift,
        )

    def cost(self, unknowns: Unknowns) -> Float[Array, ""]:
        """The objective: minus the log posterior, up to a constant, unitless."""
        return self.cost_of(self.estimate(unknowns))

    def cost_of(self, estimate: Estimate) -> Float[Array, ""]:
        """The objective at an estimate, unitless."""
        return self.reprojection(estimate) + self.prior_cost_of(estimate)

    def prior_cost_of(self, estimate: Estimate) -> Float[Array, ""]:
        """What the priors add to the objective, unitless."""
        return sum((prior(estimate) for prior in self.priors), jnp.zeros_like(self.time[0]))


def make_problem(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    depth: Float[np.ndarray, "camera"],
    *,
    dtype: np.dtype | type = np.float32,
) -> Problem:
    """Assemble the objective of one trial.

    Args:
        body: its markers must be among the keypoints.
        rig: cameras in the order of the keypoints'.
        keypoints: detections; those below `MIN_CONFIDENCE` are ignored.
        depth: typical distance of the person along each optical axis, in metres.
    """
    n = len(keypoints.time)
    padded = round_up_to_bucket(n)
    order = [keypoints.names.index(name) for name in body.marker_names]
    pixels = np.zeros((len(rig.names), padded, len(order), 2))
    weight = np.zeros(pixels.shape[:3])
    pixels[:, :n] = keypoints.pixels[:, :, order]
    confidence = np.asarray(keypoints.confidence)[:, :, order]
    interval = float(np.median(np.diff(keypoints.time))) if n > 1 else 1.0
    share = min(1.0, interval / CORRELATION_TIME)
    weight[:, :n] = np.where(confidence >= MIN_CONFIDENCE, confidence, 0.0) * share
    frame = np.zeros(padded)
    frame[:n] = share
    time = np.concatenate(
        [keypoints.time, keypoints.time[-1] + interval * np.arange(1, padded - n + 1)]
    )
    low, high = body.joint_range.T
    mean, sd = body.joint_posture
    covariance = scale_covariance(body.segment_names)
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))

    def array(x: np.ndarray | float) -> Array:
        return jnp.asarray(x, dtype)

    sigma_px = np.asarray(rig.focal_px).mean(1) * DETECTOR_SD / depth
    reprojection = Reprojection(
        array(pixels[..., 0]), array(pixels[..., 1]), array(weight), array(sigma_px), HUBER_SD
    )
    priors = (
        ScalePrior(array(whitener)),
        MarkerPrior(array(marker_sd(body))),
        JointRange(array(low), array(high), array(mean), array(sd), array(frame)),
        Smoothness(array(interval), array(frame)),
        CameraPrior(array(1.0)),
    )
    return Problem(body, rig.astype(dtype), array(time), reprojection, priors, jnp.asarray(n))
