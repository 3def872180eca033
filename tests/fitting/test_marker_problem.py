"""Fits to optical markers: the linear system by automatic differentiation, and a known person."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters
from diffbio.cameras.adjustment import no_adjustment
from diffbio.cohort import fit_participant
from diffbio.errors import FitError
from diffbio.fitting.distil import start_spline
from diffbio.fitting.marker_problem import make_marker_problem, start_at_markers
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.solvers import basis_of
from diffbio.fitting.system import State, System
from diffbio.observations import Markers
from diffbio.trajectories import SplineTrajectory


def measured(recording, noise: float, seed: int = 0, count: int | None = None) -> Markers:
    """The recording's true markers, some of them lost, as optical motion capture has them."""
    rng = np.random.default_rng(seed)
    true = np.asarray(recording.markers)[:count]
    positions = true + rng.normal(size=true.shape) * noise
    lost = rng.random(true.shape[:2]) < 0.05
    positions[lost] = np.nan
    time = np.asarray(recording.keypoints.time)[:count]
    return Markers(recording.body.marker_names, positions, time, "simulated")


def started(recording, markers: Markers, dtype) -> tuple[Problem, SplineTrajectory, Unknowns]:
    problem = make_marker_problem(recording.body, markers, dtype=dtype)
    start = start_at_markers(recording.body, markers, dtype=dtype)
    spline = start_spline(problem, start, 7.5)
    return problem, spline, Unknowns(spline, start.parameters, no_adjustment(0, dtype))


@pytest.fixture(scope="module")
def eight_frames(recording) -> tuple[System, State]:
    """In double precision, away from the minimum."""
    problem, spline, unknowns = started(recording, measured(recording, 0.02, count=8), np.float64)
    system = System(problem, basis_of(problem, unknowns), spline, ())
    rng = np.random.default_rng(1)
    state = State(
        spline.control + rng.normal(size=spline.control.shape) * 0.02,
        jax.tree.map(lambda x: x + rng.normal(size=x.shape) * 0.01, unknowns.parameters),
        unknowns.cameras.columns(),
    )
    return system, state


def test_gradient_is_that_of_the_cost(eight_frames):
    system, state = eight_frames
    tail = jnp.asarray(1.5)
    arrow = jax.jit(system.normal_equations)(state, tail)
    slope = jax.jit(jax.grad(system.cost))(state, tail)
    assert_allclose(arrow.own_gradient, slope.control, rtol=0, atol=1e-9 * _peak(slope.control))
    by_person = [slope.parameters.log_scale, slope.parameters.marker_offset.reshape(-1)]
    by_person = np.concatenate(by_person)
    got = arrow.shared_gradient[: by_person.size]
    assert_allclose(got, by_person, rtol=0, atol=1e-9 * _peak(by_person))


def test_second_derivatives_are_gauss_newtons(eight_frames):
    """Of the markers alone: a system with them less one whose markers weigh nothing."""
    system, state = eight_frames
    problem, tail = system.problem, jnp.asarray(1.5)
    assert problem.placement is not None
    silent = eqx.tree_at(
        lambda p: p.placement.weight, problem, jnp.zeros_like(problem.placement.weight)
    )
    without = System(silent, system.basis, system.trajectory, ())
    parts = [jax.jit(one.normal_equations)(state, tail) for one in (system, without)]
    band, border, corner = (
        np.asarray(getattr(parts[0], name) - getattr(parts[1], name))
        for name in ("band", "border", "corner")
    )
    weight, _ = eqx.tree_at(lambda p: p.tail, problem.placement, tail).information(
        system.estimate(state).markers
    )
    root = jnp.sqrt(weight)[..., None]

    def whitened(control, log_scale, offset):
        moved = State(control, BodyParameters(log_scale, offset), state.cameras)
        return (root * system.estimate(moved).markers).reshape(-1)

    person = state.parameters
    slopes = jax.jit(jax.jacfwd(whitened, (0, 1, 2)))(
        state.control, person.log_scale, person.marker_offset
    )
    by_control, by_scale, by_offset = (np.asarray(x) for x in slopes)
    rows, n_control = len(by_control), len(state.control)
    known = np.concatenate([by_scale, by_offset.reshape(rows, -1)], axis=1)
    n = known.shape[1]
    assert_allclose(corner[:n, :n], known.T @ known, rtol=0, atol=1e-8 * _peak(corner))
    across = np.einsum("rkn,rs->kns", by_control, known)
    assert_allclose(border[..., :n], across, rtol=0, atol=1e-8 * _peak(across))
    for d in range(4):
        for k in range(n_control - d):
            block = by_control[:, k].T @ by_control[:, k + d]
            assert_allclose(band[d, k], block, rtol=0, atol=1e-8 * _peak(band))


def _peak(x) -> float:
    return float(np.abs(x).max())


def test_a_participant_of_optical_markers_is_fitted(recording):
    markers = measured(recording, 0.003)
    fit = fit_participant(recording.body, {"walk": markers}).fits["walk"]
    true = np.asarray(recording.markers)
    # Markers are measured to 5 mm, as a distance. Smoothness and the body make less of it.
    assert np.linalg.norm(fit.motion.markers - true, axis=-1).mean() < 0.0035  # m
    assert fit.placed is not None
    assert_allclose(np.isnan(fit.placed), np.isnan(markers.positions).any(-1))
    expected = np.linalg.norm(fit.motion.markers - markers.positions, axis=-1)
    assert_allclose(fit.placed, expected, rtol=0, atol=1e-5)
    assert fit.uncertainty is not None and np.isfinite(fit.uncertainty.markers).all()
    # What is assumed of skin, 10 mm, is far more than what is simulated here.
    assert fit.uncertainty.noise < 0.6
    assert np.isnan(fit.error.median_px)


def test_cameras_and_optical_markers_together_are_one_participant(recording):
    trials = {"filmed": (recording.rig.astype(np.float32), recording.keypoints)}
    alone = fit_participant(recording.body, trials)
    both = fit_participant(recording.body, trials | {"optical": measured(recording, 0.003)})
    true = np.asarray(recording.markers)
    error = [
        np.linalg.norm(one.fits["filmed"].motion.markers - true, axis=-1).mean()
        for one in (alone, both)
    ]
    assert error[1] < error[0]
    assert np.trace(both.covariance) < np.trace(alone.covariance)


def test_a_marker_that_was_not_measured_is_named(recording):
    markers = measured(recording, 0.0, count=4)
    fewer = Markers(markers.names[1:], markers.positions[:, 1:], markers.time, "walk.trc")
    with pytest.raises(FitError, match=rf"walk\.trc has no marker {markers.names[0]}"):
        make_marker_problem(recording.body, fewer)


def test_one_sample_of_markers_has_a_finite_problem(recording):
    problem = make_marker_problem(recording.body, measured(recording, 0.0, count=1))
    assert all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(problem.priors))
    assert np.isfinite(np.asarray(problem.time)).all()
