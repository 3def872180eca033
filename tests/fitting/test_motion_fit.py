"""The whole fit by first-order training, on simulated recordings with known truth."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import DiffbioError, FitError
from diffbio.fitting import Outcome, adamw, motion_fit, solvers, stages
from diffbio.simulation import differences
from tests.fitting.small_walks import adjusted, corrections, first_frames, marker_error_mm
from tests.fitting.small_walks import fitted as fitted_by

STEPS = 400


def fitted(recording, **options):
    return fitted_by(recording, **{"solver": "adamw", "steps": STEPS, **options})


@pytest.fixture(scope="module")
def fit(recording):
    return fitted(recording)


def test_markers_are_within_a_centimetre_of_the_truth(fit, recording):
    assert fit.outcome == Outcome.MAX_STEPS
    assert marker_error_mm(fit, recording).mean() < 8.0


def test_angles_and_lengths_are_near_the_truth(fit, recording):
    rows = {row.name: row for row in differences(fit, recording)}
    for side in "rl":
        for angle in ("hip_flexion", "knee_angle", "ankle_angle"):
            assert rows[f"{angle}_{side}, RMS with means removed"].error < 3.0
        for segment in ("thigh", "shank"):
            row = rows[f"{segment} length {side}"]
            assert row.true is not None
            assert abs(row.error) < 0.05 * row.true


def test_the_error_counts_every_confident_detection(fit, recording):
    used = recording.keypoints.confidence >= 0.3
    assert np.isfinite(fit.error.px).sum() == used.sum()
    projected = np.asarray(recording.rig.project(jnp.asarray(fit.motion.markers)))
    expected = np.linalg.norm(projected - recording.keypoints.pixels, axis=-1)
    assert_allclose(fit.error.px[used], expected[used], atol=0.01)  # px, single precision
    assert fit.error.median_px < fit.error.mean_px < fit.error.p95_px


def test_velocity_is_the_derivative_of_the_motion(fit):
    knee = fit.body.joint_names.index("knee_angle_r")
    moved = fit.motion.joints[-1, knee] - fit.motion.joints[0, knee]
    velocity, time = fit.motion.joint_velocity[:, knee], fit.motion.time
    assert_allclose(np.trapezoid(velocity, time), moved, atol=0.15)  # rad, at 24 Hz
    central = np.gradient(fit.motion.joints[:, knee], time)
    assert np.corrcoef(central, velocity)[0, 1] > 0.95


def test_the_same_key_gives_the_same_fit(fit, recording):
    again = fitted(recording)
    assert_allclose(again.motion.joints, fit.motion.joints, atol=1e-6)


def test_a_second_trial_of_the_bucket_compiles_nothing(fit, recording, monkeypatch):
    n = len(recording.keypoints.time) - 2
    shorter = first_frames(recording.keypoints, n)

    def traced_again(*_):
        raise AssertionError("the training step was traced again")

    monkeypatch.setattr(adamw, "_train_call", traced_again)
    other = fitted(recording, keypoints=shorter, steps=100)
    assert len(other.motion.time) == n


def test_frames_without_views_are_filled_in(recording):
    keypoints = recording.keypoints
    blind = slice(20, 25)
    confidence = keypoints.confidence.copy()
    confidence[:, blind] = 0.0
    fit = fitted(recording, keypoints=dataclasses.replace(keypoints, confidence=confidence))
    assert not fit.motion.seen[blind].any()
    assert np.isfinite(fit.motion.markers).all()
    assert marker_error_mm(fit, recording)[blind].mean() < 40.0


def test_cameras_that_were_knocked_come_back(recording):
    rng = np.random.default_rng(5)
    n = len(recording.rig.names)
    turn = rng.normal(size=(n, 3)) * np.deg2rad(0.5)
    knocked = adjusted(recording.rig, rotation=turn)
    as_given = fitted(recording, rig=knocked)
    refined = fitted(recording, rig=knocked, refine=("poses",), steps=800)
    assert refined.error.median_px < 0.7 * as_given.error.median_px
    assert_allclose(
        as_given.rig.camera_from_world_rotation, as_given.rig_before.camera_from_world_rotation
    )
    assert marker_error_mm(refined, recording).mean() < marker_error_mm(as_given, recording).mean()


def test_a_fit_that_diverges_says_so_and_stays_finite(recording, monkeypatch):
    monkeypatch.setattr(solvers, "step_sizes", lambda *_: explode(original(*_)))
    fit = fitted(recording, steps=200)
    assert fit.outcome == Outcome.NOT_FINITE
    assert np.isfinite(fit.motion.joints).all()
    chex.assert_tree_all_finite(fit.parameters)


original = solvers.step_sizes


def explode(sizes):
    """Step sizes so large that the objective overflows in single precision."""
    return jax.tree.map(lambda x: x * 1e30, sizes)


@pytest.mark.slow
def test_mjx_fits_the_same_motion(recording):
    ours = fitted(recording, steps=100)
    other = fitted(recording, body=recording.body.with_kinematics("mjx"), steps=100)
    assert other.body.kinematics_name == "mjx"
    assert_allclose(other.motion.markers, ours.motion.markers, atol=2e-3)  # m, after 100 steps
    assert_allclose(other.error.median_px, ours.error.median_px, atol=0.05)  # px


def test_the_defaults_are_known():
    assert set(motion_fit.SOLVERS.values()) <= set(motion_fit.TRAJECTORIES)
    assert set(stages.BANDWIDTH_HZ) == set(motion_fit.TRAJECTORIES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "newton"}, r"No solver is called 'newton'.*gauss-newton, adamw"),
        ({"trajectory": "polynomial"}, r"No trajectory is called 'polynomial'.*spline, implicit"),
        ({"refine": ("poses", "lens")}, r"No group of corrections is called 'lens'.*poses, lenses"),
        ({"solver": "gauss-newton", "trajectory": "implicit"}, "with adamw, from a warm start"),
        ({"solver": "gauss-newton", "warm_start": True}, "it is for adamw to begin at"),
        ({"hold_out": "kitchen"}, r"No camera to hold out is called 'kitchen'.*cam01, cam02"),
    ],
)
def test_what_does_not_go_together_is_refused(recording, options, message):
    with pytest.raises(DiffbioError, match=message):
        fitted(recording, **options)


def test_the_last_pair_of_cameras_is_not_parted(recording):
    rig = recording.rig.subset(("cam01", "cam02"))
    pair = recording.keypoints.of_cameras(("cam01", "cam02"))
    with pytest.raises(FitError, match=r"Without cam02 there is only one camera.*Hold no camera"):
        fitted(recording, rig=rig, keypoints=pair, hold_out="cam02")


@pytest.mark.slow
@pytest.mark.parametrize("trajectory", ["implicit", "spline"])
def test_a_warm_start_keeps_the_solution(recording, trajectory):
    solved = fitted(recording, solver="gauss-newton")
    warm = fitted(recording, trajectory=trajectory, warm_start=True)
    assert warm.solver == "adamw" and warm.iterations == STEPS
    before, after = (marker_error_mm(fit, recording).mean() for fit in (solved, warm))
    assert after < 1.3 * before


@pytest.mark.slow
def test_adamw_finds_a_clock_and_a_lens(late_recording):
    recording, late = late_recording
    focal = np.array([0.01, -0.01, 0.0, 0.01])
    wrong = adjusted(recording.rig, log_focal=focal)
    options = {"rig": wrong, "trajectory": "spline", "steps": 800}
    given = fitted(recording, **options)
    found = fitted(recording, refine=("lenses", "clocks"), **options)
    offset = np.asarray(corrections(found).clock_offset)
    error = (offset - late) - (offset - late).mean()
    assert np.abs(error).max() < 0.01  # s
    assert found.error.median_px < 0.8 * given.error.median_px


def test_a_spline_with_a_knot_for_every_frame_is_refused(recording):
    with pytest.raises(FitError, match="At this frame rate ask for at most"):
        fitted_by(recording, solver="gauss-newton", bandwidth_hz=1000.0)
