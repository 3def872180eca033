"""What is unknown, what is known, and the objective that ties them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.cameras import CameraAdjustment, CameraRig
from diffbio.fitting.residuals import (
    AbstractPrior,
    CameraPrior,
    Estimate,
    JointRange,
    MarkerPrior,
    Placement,
    Reprojection,
    ScalePrior,
    Smoothness,
)
from diffbio.fitting.residuals.cameras import camera_sd
from diffbio.fitting.residuals.person import marker_sd, scale_covariance
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL
from diffbio.fitting.residuals.smoothness import elevations_of
from diffbio.observations import MIN_CONFIDENCE, Keypoints
from diffbio.trajectories import Trajectory

DETECTOR_SD = 0.010
"""Standard deviation of a keypoint detection along one image axis, on the person, in metres."""

THRESHOLD_SD = 1.5
"""Distance in standard deviations beyond which a detection is trusted less."""

CORRELATION_TIME = 0.1
"""In seconds: detector errors of nearer frames are alike, so frames share information."""


POSTURE_MOMENTS = 40.0
"""Independent moments for which a person's posture and range of movement count. They are traits:
a longer trial shows them again, but says no more about them, and would drown what is said once
about sizes and keypoints."""


class Unknowns(eqx.Module):
    """Everything a fit may change.

    Attributes:
        trajectory: the motion; its network or control points change, its reference does not.
        parameters: the person.
        cameras: corrections of poses, lenses and clocks.
    """

    trajectory: Trajectory
    parameters: BodyParameters
    cameras: CameraAdjustment


class Problem(eqx.Module):
    """A body, cameras and detections, and the terms of the objective.

    Time is padded to a bucket: padded frames continue at the same rate and weigh nothing.

    Attributes:
        body: the anatomy (static: a compile-time constant).
        timed: whether each camera has instants of its own, because clocks are unknown or differ
            (static: one program more).
        rig: the cameras as given.
        time: sample times since the first, padded, in seconds.
        lag: by how much later each camera took its picture, in seconds.
        reprojection: the term that holds the detections.
        priors: the other terms; the objective is the sum of all.
        n_frames: number of real frames.
        placement: the term that holds optical markers; None where there are none.
    """

    body: BodyModel = eqx.field(static=True)
    timed: bool = eqx.field(static=True)
    rig: CameraRig
    time: Float[Array, "time"]
    lag: Float[Array, "camera time"]
    reprojection: Reprojection
    priors: tuple[AbstractPrior, ...]
    n_frames: Array
    placement: Placement | None = None

    def with_tail(self, tail: Float[Array, ""]) -> "Problem":
        """The same problem with another trust in far detections."""
        changed = eqx.tree_at(lambda p: p.reprojection.tail, self, tail)
        if self.placement is None:
            return changed
        return eqx.tree_at(lambda p: p.placement.tail, changed, tail)

    def reweighted(self, factor: float) -> "Problem":
        """The same problem with all that was measured counting more or less."""
        changed = eqx.tree_at(
            lambda p: p.reprojection.weight, self, replace_fn=lambda w: w * factor
        )
        if self.placement is None:
            return changed
        return eqx.tree_at(lambda p: p.placement.weight, changed, replace_fn=lambda w: w * factor)

    @property
    def seen(self) -> Bool[np.ndarray, "time marker"]:
        """Which markers were measured when, by any camera or in space."""
        seen = np.logical_or.reduce(np.asarray(self.reprojection.weight) > 0, axis=0)
        if self.placement is not None:
            seen = seen | (np.asarray(self.placement.weight) > 0)
        return seen

    @property
    def since_middle(self) -> Float[Array, "time"]:
        """Time since the middle of the trial, about which clocks drift, in seconds."""
        return self.time - 0.5 * (self.time[0] + self.time[self.n_frames - 1])

    def instants(self, cameras: CameraAdjustment) -> Float[Array, "camera time"]:
        """When every camera took its pictures, in common time, in seconds."""
        clock = (
            cameras.clock_offset[:, None] + cameras.clock_drift[:, None] * self.since_middle[None]
        )
        return self.time[None] + self.lag + clock

    def pictured(
        self, unknowns: Unknowns, later: Float[Array, ""] | None = None
    ) -> Float[Array, "camera time marker 3"]:
        """Markers at the instants of the cameras' pictures, in metres.

        Args:
            unknowns: a state of the fit.
            later: added to all instants, in seconds, to differentiate by.
        """
        instants = self.instants(unknowns.cameras)
        times = instants.reshape(-1) + (0.0 if later is None else later)
        markers = self.body.marker_positions(unknowns.parameters, unknowns.trajectory(times))
        return markers.reshape(*instants.shape, *markers.shape[1:])

    def estimate(self, unknowns: Unknowns) -> Estimate:
        """Evaluate the model at the sample times."""
        return self.estimate_at(unknowns.trajectory(self.time), unknowns)

    def estimate_at(self, pose: Pose, unknowns: Unknowns) -> Estimate:
        """Evaluate the model where its poses at the sample times are known already."""
        return Estimate(
            pose=pose,
            markers=self.body.marker_positions(unknowns.parameters, pose),
            parameters=unknowns.parameters,
            rig=self.rig.adjusted(unknowns.cameras),
            cameras=unknowns.cameras,
            pictured=self.pictured(unknowns) if self.timed else None,
        )

    def cost(self, unknowns: Unknowns) -> Float[Array, ""]:
        """The objective: minus the log posterior, up to a constant, unitless."""
        return self.cost_of(self.estimate(unknowns))

    def cost_of(self, estimate: Estimate) -> Float[Array, ""]:
        """The objective at an estimate, unitless."""
        seen = self.reprojection(estimate) + self.prior_cost_of(estimate)
        return seen if self.placement is None else seen + self.placement(estimate)

    def prior_cost_of(self, estimate: Estimate) -> Float[Array, ""]:
        """What the priors add to the objective, unitless."""
        return sum((prior(estimate) for prior in self.priors), jnp.zeros_like(self.time[0]))


def make_problem(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    depth: Float[np.ndarray, "camera"],
    *,
    reference_clock: int = 0,
    timed: bool = False,
    dtype: np.dtype | type = np.float32,
    padded: int | None = None,
    posture_share: float = 1.0,
) -> Problem:
    """Assemble the objective of one trial.

    Args:
        body: its markers must be among the keypoints.
        rig: cameras in the order of the keypoints'.
        keypoints: detections; those below `MIN_CONFIDENCE` are ignored.
        depth: typical distance of the person along each optical axis, in metres.
        reference_clock: the camera whose clock is right by definition.
        timed: whether clocks are to be corrected; so it is where the keypoints have lags.
        dtype: of everything.
        padded: length to pad time to; by default the bucket of the trial's own.
        posture_share: what counts of the prior on posture; see `JointRange`.
    """
    n = len(keypoints.time)
    padded = padded or round_up_to_bucket(n)

    def pad(x: np.ndarray) -> np.ndarray:
        return np.pad(x, [(0, 0), (0, padded - n), *[(0, 0)] * (x.ndim - 2)])

    order = [keypoints.names.index(name) for name in body.marker_names]
    confidence = np.asarray(keypoints.confidence)[:, :, order]
    each = np.minimum(1.0, _intervals(keypoints) / CORRELATION_TIME)[:, None, None]
    weight = np.where(confidence >= MIN_CONFIDENCE, confidence, 0.0) * each
    # What was not detected may be NaN, which no weight of zero would take away.
    pixels = np.asarray(keypoints.pixels)[:, :, order]
    pixels = pad(np.where(weight[..., None] > 0, pixels, 0.0))
    lag = np.zeros((len(rig.names), n)) if keypoints.lag is None else np.asarray(keypoints.lag)

    def array(x: np.ndarray | float) -> Array:
        return jnp.asarray(x, dtype)

    sigma_px = np.asarray(rig.focal_px).mean(1) * DETECTOR_SD / depth
    reprojection = Reprojection(
        u_px=array(pixels[..., 0]),
        v_px=array(pixels[..., 1]),
        weight=array(pad(weight)),
        sigma_px=array(sigma_px),
        threshold=array(THRESHOLD_SD),
        tail=array(CAUCHY_TAIL),
    )
    of_cameras = CameraPrior(array(camera_sd(len(rig.names), reference_clock)))
    of_person = person_priors(
        body, n, keypoints.interval, padded, dtype=dtype, posture_share=posture_share
    )
    return Problem(
        body=body,
        timed=timed or bool(np.any(lag)),
        rig=rig.astype(dtype),
        time=array(elapsed_time(np.asarray(keypoints.time), keypoints.interval, padded)),
        lag=array(pad(lag)),
        reprojection=reprojection,
        priors=(*of_person, of_cameras),
        n_frames=jnp.asarray(n),
    )


def elapsed_time(
    time: Float[np.ndarray, "time"], interval: float, padded: int
) -> Float[np.ndarray, "padded"]:
    """Time since the first sample, so that single precision holds fractions of milliseconds.

    Args:
        time: of the samples, in seconds.
        interval: at which padding continues.
        padded: length to pad to.
    """
    elapsed = np.asarray(time, float) - float(time[0])
    beyond = interval * np.arange(1, padded - len(time) + 1)
    return np.concatenate([elapsed, elapsed[-1] + beyond])


def person_priors(
    body: BodyModel,
    n_frames: int,
    interval: float,
    padded: int,
    *,
    dtype: np.dtype | type,
    posture_share: float = 1.0,
) -> tuple[AbstractPrior, ...]:
    """What is known of people and how they move, whatever observes them.

    Args:
        body: the anatomy.
        n_frames: real samples.
        interval: between them, in seconds.
        padded: length of padded time.
        dtype: of everything.
        posture_share: what counts of the prior on posture; see `JointRange`.
    """

    def array(x: np.ndarray | float) -> Array:
        return jnp.asarray(x, dtype)

    frame = np.zeros(padded)
    frame[:n_frames] = min(1.0, interval / CORRELATION_TIME)
    # The last real sample has no real neighbour: padding must not decide whether it counts.
    between = np.where(np.arange(padded) < n_frames - 1, frame, 0.0)
    covariance = scale_covariance(body.segment_names)
    posture = frame * min(1.0, POSTURE_MOMENTS / frame.sum())
    ranges = (*body.joint_range.T, *body.joint_posture, posture, posture_share)
    return (
        ScalePrior(array(np.linalg.inv(np.linalg.cholesky(covariance)))),
        MarkerPrior(array(marker_sd(body))),
        JointRange(*(array(x) for x in ranges)),
        Smoothness(array(interval), array(between), elevations_of(body.joint_names)),
    )


def _intervals(keypoints: Keypoints) -> Float[np.ndarray, "camera"]:
    """Usual time from one picture of a camera to its next, in seconds: slow ones count more."""
    time = np.asarray(keypoints.time)
    intervals = []
    for confidence in np.asarray(keypoints.confidence):
        gaps = np.diff(time[np.flatnonzero(confidence.max(1) > 0)])
        intervals.append(np.median(gaps) if gaps.size else keypoints.interval)
    return np.asarray(intervals)
