"""Simulated trials: which, and how each is made, fitted and compared with its truth."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraAdjustment, CameraRig
from diffbio.cameras.adjustment import no_adjustment
from diffbio.errors import FitError
from diffbio.fitting import Fit
from diffbio.simulation import simulate_walking
from experiments.calibrated_uncertainty.detector_noise import DETECTORS, noise_of
from experiments.calibrated_uncertainty.feet import as_detected, with_feet
from experiments.calibrated_uncertainty.fitted import fit_with_error_bars
from experiments.calibrated_uncertainty.scores import (
    NO_ERROR_BARS,
    Scored,
    score_cameras,
    score_clocks,
    score_motion,
    score_person,
)

TURN_SD, SHIFT_SD = float(np.deg2rad(0.5)), 0.010
"""By how much the calibration of trials with unknown cameras is wrong, per axis, in radians and
metres."""

LATE = 0.060
"""Clocks of trials with unknown clocks are up to this much late or early, in seconds."""

AS_PRIOR, NEARER = 0.012, 0.006
"""How far keypoints lie from their anchors, per axis, in metres: as the fit's prior says of joint
centres and bony landmarks, and half as far, as other simulations of diffbio have it."""

FIRST_SEED = 1000
"""Of the first person. Every trial has its own."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One kind of trial. Those of a kind run the same compiled program.

    Attributes:
        keypoint_set: name of the set.
        n_cameras: on the ring.
        duration: in seconds.
        frame_rate_hz: of all cameras.
        refine: what is unknown of the cameras.
    """

    keypoint_set: str
    n_cameras: int
    duration: float
    frame_rate_hz: float = 60.0
    refine: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Words that say which case it is, fit for a file name."""
        refined = "".join(f"-{group}" for group in self.refine)
        return f"{self.keypoint_set}-{self.n_cameras}cam-{self.duration:g}s{refined}"


CASES = (
    Case("coco_17", 2, 4.0),
    Case("coco_17", 4, 2.0),
    Case("halpe_26", 2, 2.0),
    Case("halpe_26", 4, 4.0),
    Case("halpe_26", 8, 2.0),
    Case("movi_87", 4, 2.0),
    # As many frames at the same rate as the walks have, so that they share a program.
    Case("falisse_markers", 8, 2.4, 100.0),
    Case("falisse_body", 8, 2.4, 100.0),
    *(Case("halpe_26", 4, 4.0, refine=(group,)) for group in ("poses", "clocks")),
    # Twice: a trial says little about cameras.
    *(Case("halpe_26", 4, 4.0, refine=(group,)) for group in ("poses", "clocks")),
)

PER_CASE = 6


@dataclasses.dataclass(frozen=True)
class SimulatedTrial:
    """One simulated person in one case.

    Attributes:
        case: the kind of trial.
        detector: whose noise is imitated, a key of `DETECTORS`.
        seed: of the person, the noise and what is wrong with the cameras.
        learning: whether a correction may be learnt from it; else it is for evaluation.
        keypoint_bias_sd: how far keypoints lie from their anchors, per axis, in metres.
    """

    case: Case
    detector: str
    seed: int
    learning: bool
    keypoint_bias_sd: float = AS_PRIOR

    @property
    def name(self) -> str:
        """Fit for a file name."""
        return f"{self.case.name}-{1e3 * self.keypoint_bias_sd:g}mm-person{self.seed}"


def simulated_trials(n: int, keypoint_bias_sd: float = AS_PRIOR) -> list[SimulatedTrial]:
    """The first trials: the cases in turn, halves and detectors alternating within each.

    Args:
        n: number of trials.
        keypoint_bias_sd: how far keypoints lie from their anchors, per axis, in metres. All else
            about these people is the same for any.
    """
    trials = []
    for index in range(n):
        turn, which = divmod(index, len(CASES))
        detector = tuple(DETECTORS)[(turn // 2 + which) % len(DETECTORS)]
        learning = turn % 2 == 0
        case, seed = CASES[which], FIRST_SEED + index
        trials.append(SimulatedTrial(case, detector, seed, learning, keypoint_bias_sd))
    return trials


def score_simulated(trial: SimulatedTrial) -> Scored:
    """Simulate, fit, and compare with the truth; `NO_ERROR_BARS` where the fit has none."""
    case, rng = trial.case, np.random.default_rng([trial.seed, 1])
    late = rng.uniform(-LATE, LATE, case.n_cameras) if "clocks" in case.refine else None
    keypoint_set = load_keypoint_set(case.keypoint_set)
    recording = simulate_walking(
        with_feet(keypoint_set),
        seed=trial.seed,
        duration=case.duration,
        frame_rate_hz=case.frame_rate_hz,
        n_cameras=case.n_cameras,
        errors=DETECTORS[trial.detector].errors(1 / case.frame_rate_hz),
        clock_offset=late,
        keypoint_bias_sd=trial.keypoint_bias_sd,
    )
    recording = as_detected(recording, keypoint_set)
    rig, correction = recording.rig, no_adjustment(case.n_cameras)
    if "poses" in case.refine:
        rig, correction = _miscalibrated(recording.rig, rng)
    try:
        fit, uncertainty = fit_with_error_bars(rig, recording.keypoints, case.refine)
    except FitError:
        return NO_ERROR_BARS
    errors = score_person(fit, uncertainty, recording)
    if late is None:
        errors |= score_motion(fit, uncertainty, recording)
    else:
        # The common time is a camera's own here, and the motion is as late as that camera is.
        errors |= score_clocks(_adjustment(fit), uncertainty.cameras, late)
    if "poses" in case.refine:
        errors |= score_cameras(_adjustment(fit), uncertainty.cameras, correction)
    noise = noise_of(fit, recording.keypoints)
    return Scored(errors, noise, uncertainty.noise, int(fit.outcome))


def _adjustment(fit: Fit) -> CameraAdjustment:
    assert fit.cameras is not None
    return fit.cameras


def _miscalibrated(rig: CameraRig, rng: np.random.Generator) -> tuple[CameraRig, CameraAdjustment]:
    """A rig as someone might have calibrated it, and the correction that restores the right one.

    The correction of small turns is their opposite, to 1e-5 rad.
    """
    n = len(rig.names)
    nothing = no_adjustment(n)

    def poses(turn: np.ndarray, shift: np.ndarray) -> CameraAdjustment:
        parts = (nothing.log_focal, nothing.distortion, nothing.clock_offset, nothing.clock_drift)
        return CameraAdjustment(jnp.asarray(turn), jnp.asarray(shift), *parts)

    turn, shift = rng.normal(size=(n, 3)) * TURN_SD, rng.normal(size=(n, 3)) * SHIFT_SD
    return rig.adjusted(poses(turn, shift)), poses(-turn, -shift)
