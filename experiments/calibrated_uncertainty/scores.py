"""Errors of a fit against the truth, with the standard deviations claimed for them."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraAdjustment
from diffbio.fitting import Fit, Uncertainty
from diffbio.fitting.residuals.person import PROPORTION_SD, SIDE_SD, marker_sd
from diffbio.simulation import SimulatedRecording
from experiments.calibrated_uncertainty.coverage import Errors
from experiments.calibrated_uncertainty.detector_noise import LAGS, Noise

JOINT_GROUPS = {
    "trunk": ("lumbar", "neck"),
    "hip": ("hip",),
    "knee": ("knee",),
    "ankle and foot": ("ankle", "subtalar", "mtp"),
    "shoulder": ("elv_angle", "shoulder"),
    "elbow and wrist": ("elbow", "pro_sup", "wrist"),
}
"""How the names of their coordinates begin."""

MOSTLY_PRIOR = 0.5
"""Posterior over prior standard deviation above which a quantity is scored apart: there the
prior is put to the test, and simulated people are not drawn from it."""

PRIOR_JOINTS, PRIOR_OFFSETS = "joints, mostly prior", "marker offsets, mostly prior"

EVERY = 5
"""Of the frames, one in so many is scored: neighbours err alike."""


@dataclasses.dataclass(frozen=True)
class Scored:
    """One fit, compared with its truth.

    Attributes:
        errors: by quantity.
        noise: of the detections about the fit.
        claimed_noise: `Uncertainty.noise` of the fit.
        outcome: of the solver.
    """

    errors: Mapping[str, Errors]
    noise: Noise
    claimed_noise: float
    outcome: int


NO_ERROR_BARS = Scored({}, Noise(np.nan, np.nan, np.nan, np.nan, (np.nan,) * len(LAGS)), np.nan, -1)
"""What is left of a fit that ended without them."""


def score_motion(
    fit: Fit, uncertainty: Uncertainty, recording: SimulatedRecording
) -> dict[str, Errors]:
    """Root, joints and markers of a simulated trial, at its sample times."""
    motion, truth = fit.motion, recording.pose
    root = np.sqrt(np.diagonal(uncertainty.root, axis1=1, axis2=2))[::EVERY]
    place = motion.root_position - np.asarray(truth.root_position, float)
    ours = Rotation.from_quat(motion.root_quaternion, scalar_first=True)
    true = Rotation.from_quat(np.asarray(truth.root_quaternion, float), scalar_first=True)
    turn = (ours * true.inv()).as_rotvec()
    return {
        "pelvis position": Errors(place[::EVERY], root[:, :3]),
        "pelvis orientation": Errors(turn[::EVERY], root[:, 3:]),
        **_joints(fit, uncertainty, np.asarray(truth.joints, float)),
        "markers": score_markers(fit, uncertainty, recording.markers),
    }


def _joints(
    fit: Fit, uncertainty: Uncertainty, truth: Float[np.ndarray, "time joint"]
) -> dict[str, Errors]:
    error, sd = (fit.motion.joints - truth)[::EVERY], uncertainty.joints[::EVERY]
    prior = np.median(sd, axis=0) > MOSTLY_PRIOR * fit.body.joint_posture[1]
    found = {PRIOR_JOINTS: Errors(error[:, prior], sd[:, prior])}
    for group, begin in JOINT_GROUPS.items():
        columns = [name.startswith(begin) for name in fit.body.joint_names] & ~prior
        found[group] = Errors(error[:, columns], sd[:, columns])
    return _present(found)


def score_markers(
    fit: Fit, uncertainty: Uncertainty, truth: Float[np.ndarray, "time marker 3"]
) -> Errors:
    """Positions of all markers; NaN where there is no truth."""
    error = (fit.motion.markers - truth)[::EVERY]
    return Errors(
        error.reshape(len(error), -1), uncertainty.markers[::EVERY].reshape(len(error), -1)
    )


def score_person(
    fit: Fit, uncertainty: Uncertainty, recording: SimulatedRecording
) -> dict[str, Errors]:
    """Segment scales and marker offsets of a simulated person."""
    ours, true = fit.parameters, recording.parameters
    scale = np.asarray(ours.log_scale, float) - np.asarray(true.log_scale, float)
    scale_sd = np.sqrt(np.diagonal(uncertainty.log_scale))
    offset = np.asarray(ours.marker_offset, float) - np.asarray(true.marker_offset, float)
    sd = uncertainty.marker_offset
    prior = sd > MOSTLY_PRIOR * marker_sd(fit.body)[:, None]
    known = scale_sd < MOSTLY_PRIOR * np.hypot(PROPORTION_SD, SIDE_SD)
    return _present(
        {
            "segment scales": _constant(scale, scale_sd, known),
            "segment scales, mostly prior": _constant(scale, scale_sd, ~known),
            "marker offsets": _constant(offset, sd, ~prior),
            PRIOR_OFFSETS: _constant(offset, sd, prior),
        }
    )


def score_cameras(
    found: CameraAdjustment, sd: CameraAdjustment, truth: CameraAdjustment
) -> dict[str, Errors]:
    """Corrections of the cameras' poses.

    Args:
        found: what the fit found.
        sd: its standard deviations.
        truth: corrections that restore the rig that took the pictures.
    """
    pairs = {"camera orientation": "rotation", "camera position": "shift"}
    return {
        quantity: _constant(
            np.asarray(getattr(found, name), float) - np.asarray(getattr(truth, name), float),
            np.asarray(getattr(sd, name), float),
        )
        for quantity, name in pairs.items()
    }


def score_clocks(
    found: CameraAdjustment, sd: CameraAdjustment, late: Float[np.ndarray, "camera"]
) -> dict[str, Errors]:
    """Clocks against the one that is right by definition, the surest of all.

    Args:
        found: what the fit found.
        sd: its standard deviations.
        late: by how much later than its time stamps each camera took its pictures, in seconds.
    """
    claimed = np.asarray(sd.clock_offset, float)
    reference = int(np.argmin(claimed))
    error = np.asarray(found.clock_offset, float) - late
    others = np.arange(len(late)) != reference
    return {"clock offset": _constant(error - error[reference], claimed, others)}


def _constant(
    error: np.ndarray, sd: np.ndarray, chosen: Bool[np.ndarray, "*any"] | None = None
) -> Errors:
    chosen = np.ones(error.shape, bool) if chosen is None else chosen
    return Errors(error[chosen][None], sd[chosen][None])


def _present(found: dict[str, Errors]) -> dict[str, Errors]:
    return {name: one for name, one in found.items() if one.error.size}
