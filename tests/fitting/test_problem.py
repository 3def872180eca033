"""The objective as a whole: padding, order, gradient."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting.problem import CORRELATION_TIME, DETECTOR_SD, make_problem
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL, HUBER_TAIL
from tests.fitting.small_walks import first_frames

DEPTH = np.full(4, 5.0)


def cost(problem, unknowns):
    return float(eqx.filter_jit(lambda p, u: p.cost(u))(problem, unknowns))


def test_padded_frames_weigh_nothing(recording, unknowns, problem):
    n = len(recording.keypoints.time)
    assert len(problem.time) >= n
    assert not np.asarray(problem.reprojection.weight)[:, n:].any()
    keypoints = recording.keypoints
    fewer = first_frames(keypoints, n - 3)
    hidden = dataclasses.replace(
        keypoints, confidence=keypoints.confidence * (np.arange(n) < n - 3)[None, :, None]
    )
    short = make_problem(recording.body, recording.rig, fewer, DEPTH, dtype=np.float64)
    masked = make_problem(recording.body, recording.rig, hidden, DEPTH, dtype=np.float64)
    assert len(short.time) == len(masked.time)
    ours, other = (p.reprojection(p.estimate(unknowns)) for p in (short, masked))
    assert_allclose(ours, other, rtol=1e-9)


def test_order_of_keypoints_does_not_matter(recording, unknowns, problem):
    keypoints = recording.keypoints
    order = np.random.default_rng(0).permutation(len(keypoints.names))
    shuffled = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :, order],
        confidence=keypoints.confidence[:, :, order],
        names=tuple(keypoints.names[i] for i in order),
    )
    other = make_problem(recording.body, recording.rig, shuffled, DEPTH, dtype=np.float64)
    assert_allclose(cost(other, unknowns), cost(problem, unknowns), rtol=1e-12)


def test_sigma_is_one_centimetre_at_the_person(recording, problem):
    focal = np.asarray(recording.rig.focal_px).mean(1)
    assert_allclose(problem.reprojection.sigma_px, focal * DETECTOR_SD / DEPTH)


def test_frames_closer_than_the_correlation_time_share_information(recording, problem):
    interval = 1 / 24.0
    assert_allclose(
        problem.reprojection.weight.max(), 0.99 * interval / CORRELATION_TIME, rtol=0.05
    )


def test_low_confidence_is_ignored(recording):
    low = dataclasses.replace(
        recording.keypoints, confidence=np.minimum(recording.keypoints.confidence, 0.29)
    )
    problem = make_problem(recording.body, recording.rig, low, DEPTH)
    assert not np.asarray(problem.reprojection.weight).any()


UNKNOWNS = {
    "network": lambda u: u.trajectory.network.layers[-1].weight,
    "log_scale": lambda u: u.parameters.log_scale,
    "marker_offset": lambda u: u.parameters.marker_offset,
    "rotation": lambda u: u.cameras.rotation,
    "shift": lambda u: u.cameras.shift,
    "log_focal": lambda u: u.cameras.log_focal,
    "distortion": lambda u: u.cameras.distortion,
    "clock_offset": lambda u: u.cameras.clock_offset,
    "clock_drift": lambda u: u.cameras.clock_drift,
}


@eqx.filter_jit
def value_and_slope(unknowns, problem, tail):
    value = eqx.filter_value_and_grad(lambda u: problem.with_tail(tail).cost(u))
    return value(unknowns)


@pytest.mark.parametrize("tail", [HUBER_TAIL, CAUCHY_TAIL], ids=["Huber", "Cauchy"])
def test_gradient_matches_central_differences(problem, unknowns, tail):
    """Along a random direction in each kind of unknown, pictures at instants of their own."""
    lag = jnp.asarray(np.random.default_rng(2).uniform(-0.02, 0.02, problem.lag.shape))
    timed, tail = dataclasses.replace(problem, timed=True, lag=lag), jnp.asarray(tail)
    # Clocks are a hundred times less wrong than the cameras of a state far from any optimum.
    unknowns = eqx.tree_at(
        lambda u: u.cameras.clock_drift, unknowns, unknowns.cameras.clock_drift / 100
    )
    _, slope = value_and_slope(unknowns, timed, tail)
    for part, where in UNKNOWNS.items():
        base = where(unknowns)
        direction = jnp.asarray(np.random.default_rng(1).normal(size=base.shape))
        step = 1e-6 * direction
        moved = [eqx.tree_at(where, unknowns, x) for x in (base + step, base - step)]
        up, down = (value_and_slope(state, timed, tail)[0] for state in moved)
        along = float((where(slope) * direction).sum())
        assert_allclose(along, (up - down) / 2e-6, rtol=1e-4, err_msg=part)


def test_without_lag_or_drift_own_instants_change_nothing(problem, unknowns):
    right = eqx.tree_at(
        lambda u: (u.cameras.clock_offset, u.cameras.clock_drift), unknowns, (jnp.zeros(4),) * 2
    )
    timed = dataclasses.replace(problem, timed=True)
    assert_allclose(cost(timed, right), cost(problem, right), rtol=1e-12)


def test_clocks_drift_about_the_middle_of_the_trial(problem, unknowns):
    n = int(problem.n_frames)
    instants = problem.instants(unknowns.cameras) - problem.time[None]
    offset, drift = unknowns.cameras.clock_offset, unknowns.cameras.clock_drift
    half = float(problem.time[n - 1]) / 2
    assert_allclose(instants[:, 0], offset - drift * half, atol=1e-15)
    assert_allclose(instants[:, n - 1], offset + drift * half, atol=1e-15)


def test_lags_are_taken_over_and_make_instants(recording):
    lag = np.random.default_rng(0).uniform(-0.02, 0.02, recording.keypoints.confidence.shape[:2])
    late = dataclasses.replace(recording.keypoints, lag=lag)
    problem = make_problem(recording.body, recording.rig, late, DEPTH, dtype=np.float64)
    n = lag.shape[1]
    assert problem.timed
    assert_allclose(problem.lag[:, :n], lag, atol=0)
    assert_allclose(problem.lag[:, n:], 0.0, atol=0)
    still = dataclasses.replace(late, lag=np.zeros_like(lag))
    assert not make_problem(recording.body, recording.rig, still, DEPTH).timed


def test_a_camera_of_half_the_rate_has_pictures_of_twice_the_weight(recording):
    confidence = np.ones_like(recording.keypoints.confidence)
    confidence[1, 1::2] = 0.0
    every = dataclasses.replace(recording.keypoints, confidence=confidence)
    problem = make_problem(recording.body, recording.rig, every, DEPTH, dtype=np.float64)
    interval = 1 / 24.0
    assert_allclose(problem.reprojection.weight[0].max(), interval / CORRELATION_TIME)
    assert_allclose(problem.reprojection.weight[1].max(), 2 * interval / CORRELATION_TIME)


def test_what_is_no_number_where_nothing_was_detected_does_no_harm(recording, problem, unknowns):
    keypoints = recording.keypoints
    pixels = np.where(keypoints.confidence[..., None] > 0, keypoints.pixels, np.nan)
    holes = dataclasses.replace(keypoints, pixels=pixels)
    other = make_problem(recording.body, recording.rig, holes, DEPTH, dtype=np.float64)
    assert_allclose(cost(other, unknowns), cost(problem, unknowns), rtol=1e-12)
    assert np.isfinite(np.asarray(other.reprojection.u_px)).all()
