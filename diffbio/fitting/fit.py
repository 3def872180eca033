"""The result of a fit: what was estimated, and how well it explains what was measured."""

import dataclasses
import enum

import numpy as np
from jaxtyping import Bool, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraAdjustment, CameraRig


class Outcome(enum.IntEnum):
    """Why a solver stopped. An integer, so that it survives `jit`, `vmap` and `grad`."""

    CONVERGED = 0
    MAX_STEPS = 1
    NOT_FINITE = 2
    STALLED = 3
    """No step lowered the objective, however short."""


@dataclasses.dataclass(frozen=True)
class Motion:
    """A fitted motion, evaluated at the sample times. World frame, SI units, radians.

    Attributes:
        time: sample times, in seconds.
        root_position: origin of the root segment, in metres.
        root_quaternion: `world_from_root`, unit, wxyz.
        joints: independent joint coordinates, order of `BodyModel.joint_names`.
        joint_velocity: their first time derivative.
        joint_acceleration: their second time derivative.
        markers: model markers, order of `BodyModel.marker_names`, in metres.
        body_positions: origin of every body, order of `BodyModel.body_names`, in metres.
        body_rotations: `world_from_body` of every body.
        seen: whether any camera saw the person at that time; False means interpolated.
    """

    time: Float[np.ndarray, "time"]
    root_position: Float[np.ndarray, "time 3"]
    root_quaternion: Float[np.ndarray, "time 4"]
    joints: Float[np.ndarray, "time joint"]
    joint_velocity: Float[np.ndarray, "time joint"]
    joint_acceleration: Float[np.ndarray, "time joint"]
    markers: Float[np.ndarray, "time marker 3"]
    body_positions: Float[np.ndarray, "time body 3"]
    body_rotations: Float[np.ndarray, "time body 3 3"]
    seen: Bool[np.ndarray, "time"]


@dataclasses.dataclass(frozen=True)
class ReprojectionError:
    """Distance in pixels between projected model markers and detections.

    Attributes:
        px: one distance per detection used, NaN where there was none (confidence below
            `MIN_CONFIDENCE`). Nothing is excluded afterwards.
        projected_px: projected model markers, order of the fitted keypoints.
        confidence: of the detections.
        camera_names: order of the first axis.
    """

    px: Float[np.ndarray, "camera time marker"]
    projected_px: Float[np.ndarray, "camera time marker 2"]
    confidence: Float[np.ndarray, "camera time marker"]
    camera_names: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether there is any detection at all."""
        return bool(np.isfinite(self.px).any())

    @property
    def median_px(self) -> float:
        """Median over all detections used."""
        return float(np.nanmedian(self.px)) if self.any else float("nan")

    @property
    def mean_px(self) -> float:
        """Mean over all detections used."""
        return float(np.nanmean(self.px)) if self.any else float("nan")

    @property
    def p95_px(self) -> float:
        """95th percentile over all detections used."""
        return float(np.nanpercentile(self.px, 95)) if self.any else float("nan")

    def share_within(self, distance_px: float, min_confidence: float = 0.5) -> float:
        """Share of confident detections reprojected within a distance (GC_d of Cotton 2024)."""
        confident = np.isfinite(self.px) & (self.confidence >= min_confidence)
        return (
            float(np.mean(self.px[confident] <= distance_px)) if confident.any() else float("nan")
        )

    def per_camera(self) -> dict[str, dict[str, float]]:
        """Median and mean of every camera that contributed a detection."""
        return {
            name: {"median": float(np.nanmedian(px)), "mean": float(np.nanmean(px))}
            for name, px in zip(self.camera_names, self.px, strict=True)
            if np.isfinite(px).any()
        }


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """How far the truth may be from the estimate, as far as model and priors are right.

    Marginal posterior standard deviations, from the inverse of the Hessian with the robust
    weights of the solution, the detections' noise as this trial shows it.

    Attributes:
        root: covariance of the root's position, in metres, and of its orientation, a rotation
            vector on the left in the world frame, in radians.
        joints: standard deviation of every joint coordinate, radians or metres.
        markers: standard deviation of every model marker in the world frame, per axis, metres.
        log_scale: covariance of the log scales of the segments.
        marker_offset: standard deviation of every marker's offset, per axis, in metres.
        cameras: standard deviations of the cameras' corrections; zero where not refined.
        noise: standard deviation of the detections relative to what the objective assumes,
            time correlation included.
        undetermined: names of unknowns about which the detections say little: what is known
            of them is mostly the prior.
    """

    root: Float[np.ndarray, "time 6 6"]
    joints: Float[np.ndarray, "time joint"]
    markers: Float[np.ndarray, "time marker 3"]
    log_scale: Float[np.ndarray, "segment segment"]
    marker_offset: Float[np.ndarray, "marker 3"]
    cameras: CameraAdjustment
    noise: float
    undetermined: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """A camera the fit did not use, as evidence that pixels fell because the body got better.

    Attributes:
        name: of the camera.
        error: reprojection error of that camera alone, one row.
    """

    name: str
    error: ReprojectionError


@dataclasses.dataclass(frozen=True)
class Fit:
    """Everything a fit estimated for one trial.

    Attributes:
        body: the anatomy that was fitted; its markers are the keypoints used.
        parameters: the person.
        motion: the motion at the sample times.
        rig: the cameras, refined where that was asked for.
        rig_before: the cameras as given.
        error: reprojection error with the refined cameras.
        solver: name of the solver.
        iterations: solver steps taken.
        cost: final objective, unitless (whitened).
        outcome: why the solver stopped.
        time_s: wall time of each stage, in seconds.
        cameras: corrections that make `rig` of `rig_before`, and of the clocks; None where
            nothing was refined.
        refined: what was refined of the cameras, out of `cameras.adjustment.GROUPS`.
        uncertainty: None where it was not asked for or could not be computed.
        held_out: a camera kept out of the fit; None where there was none. It is not in `rig`
            and `error`.
        placed: distance of every optical marker from the model's, in metres, NaN where it was
            not seen; None where the fit was to keypoints alone.
    """

    body: BodyModel
    parameters: BodyParameters
    motion: Motion
    rig: CameraRig
    rig_before: CameraRig
    error: ReprojectionError
    solver: str
    iterations: int
    cost: float
    outcome: Outcome
    time_s: dict[str, float]
    cameras: CameraAdjustment | None = None
    refined: tuple[str, ...] = ()
    uncertainty: Uncertainty | None = None
    held_out: HeldOut | None = None
    placed: Float[np.ndarray, "time marker"] | None = None
