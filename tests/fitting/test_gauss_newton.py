"""The second-order solver as a whole: where it ends, why, and how near the truth."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.cameras.adjustment import adjustment_of
from diffbio.fitting import Outcome, gauss_newton
from diffbio.fitting.problem import Unknowns
from diffbio.simulation import differences
from tests.fitting.small_walks import adjusted, first_frames, fitted, marker_error_mm


@pytest.fixture(scope="module")
def fit(recording):
    return fitted(recording)


def test_it_converges(fit):
    assert fit.outcome == Outcome.CONVERGED
    assert fit.solver == "gauss-newton"
    # Two seconds from four cameras leave shoulders nearly free; better trials need about ten.
    assert fit.iterations < 45


@pytest.mark.slow
def test_its_cost_is_not_above_adamws(fit, recording):
    # Of the same spline; a network bends more freely.
    rival = fitted(recording, solver="adamw", trajectory="spline", steps=400)
    assert fit.cost < rival.cost


def test_it_finds_the_truth(fit, recording):
    assert marker_error_mm(fit, recording).mean() < 7.0
    rows = {row.name: row for row in differences(fit, recording)}
    for side in "rl":
        for angle in ("hip_flexion", "knee_angle", "ankle_angle"):
            assert rows[f"{angle}_{side}, RMS with means removed"].error < 2.5
        for segment in ("thigh", "shank"):
            row = rows[f"{segment} length {side}"]
            assert row.true is not None
            assert abs(row.error) < 0.04 * row.true


def test_frames_without_views_are_bridged(recording):
    keypoints = recording.keypoints
    confidence = np.array(keypoints.confidence)
    confidence[:, 18:26] = 0.0
    confidence[:, :3] = 0.0
    pixels = np.where(confidence[..., None] > 0, keypoints.pixels, 0.0)
    blind = dataclasses.replace(keypoints, pixels=pixels, confidence=confidence)
    fit = fitted(recording, keypoints=blind)
    assert fit.outcome == Outcome.CONVERGED
    for field in dataclasses.fields(fit.motion):
        assert np.isfinite(np.asarray(getattr(fit.motion, field.name), float)).all(), field.name
    assert marker_error_mm(fit, recording)[18:26].mean() < 60.0


def test_cameras_are_found_where_they_stand(exact_recording):
    rng = np.random.default_rng(5)
    rig = exact_recording.rig
    moved = adjusted(
        rig,
        rotation=rng.normal(size=(4, 3)) * np.deg2rad(0.5),
        shift=rng.normal(size=(4, 3)) * 0.01,
    )
    given = fitted(exact_recording, rig=moved)
    refined = fitted(exact_recording, rig=moved, refine=("poses",))
    assert refined.outcome == Outcome.CONVERGED
    assert refined.error.median_px < 0.5 * given.error.median_px


def test_a_second_trial_of_the_bucket_compiles_nothing(recording, monkeypatch):
    n = len(recording.keypoints.time) - 2
    shorter = first_frames(recording.keypoints, n)
    # Not the fixture's: its program may have been forgotten between two tests.
    fit = fitted(recording)

    def traced_again(*_):
        raise AssertionError("the solver was traced again")

    monkeypatch.setattr(gauss_newton, "_iterate", traced_again)
    again = fitted(recording, keypoints=shorter)
    assert len(again.motion.time) == n
    # Two frames fewer, one motion.
    away = np.linalg.norm(again.motion.markers - fit.motion.markers[:n], axis=-1)
    assert np.median(away[: n - 2]) < 0.001  # m


@pytest.mark.slow
def test_more_padding_changes_nothing(fit, recording, monkeypatch):
    monkeypatch.setattr("diffbio.fitting.problem.round_up_to_bucket", lambda count: count + 20)
    padded = fitted(recording)
    # Both runs stop near the minimum, not in it, and in single precision.
    assert fit.cost == pytest.approx(padded.cost, rel=1e-3)
    away = np.linalg.norm(padded.motion.markers - fit.motion.markers, axis=-1)
    assert away.mean() < 0.0005  # m


def test_rejected_steps_are_counted_and_a_problem_without_a_finite_cost_ends(small):
    problem, basis, trajectory, state = small
    broken = eqx.tree_at(lambda p: p.reprojection.u_px, problem, replace_fn=lambda u: u * jnp.nan)
    unknowns = Unknowns(trajectory, state.parameters, adjustment_of(state.cameras))
    _, done = gauss_newton.solve(
        broken, basis, unknowns, jnp.asarray(1e-2), jnp.asarray(60), refine=("poses",)
    )
    assert Outcome(int(done.outcome)) == Outcome.NOT_FINITE
    assert int(done.rejected) == int(done.iterations) > 1
