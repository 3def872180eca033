import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters, Pose
from diffbio.body.jacobian import twist_kinematics
from diffbio.fitting import Outcome, fit_motion, gauss_newton, motion_fit
from diffbio.fitting.distil import start_spline
from diffbio.fitting.normal_equations import frame_system
from diffbio.fitting.problem import Unknowns, make_problem
from diffbio.fitting.spline_basis import make_spline_basis
from diffbio.fitting.start import find_start
from diffbio.geometry import (
    left_jacobian,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)
from diffbio.simulation import differences
from diffbio.trajectories.spline import pose_about

KEY = jax.random.key(0)


def fitted(recording, **options):
    rig = options.pop("rig", recording.rig).astype(np.float32)
    keypoints = options.pop("keypoints", recording.keypoints)
    return fit_motion(
        recording.body, rig, keypoints, key=KEY, **{"solver": "gauss-newton", **options}
    )


@pytest.fixture(scope="module")
def fit(recording):
    return fitted(recording)


@pytest.fixture(scope="module")
def small(recording):
    """Eight frames, in double precision: problem, basis, a state away from the optimum."""
    keypoints = recording.keypoints
    few = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :8],
        confidence=keypoints.confidence[:, :8],
        time=keypoints.time[:8],
    )
    rig = recording.rig
    start = find_start(recording.body, rig, few)
    problem = make_problem(recording.body, rig, few, start.depth, dtype=np.float64)
    trajectory = start_spline(problem, start, 6.0)
    basis = basis_of(problem, trajectory)
    rng = np.random.default_rng(0)
    moved = trajectory.control + rng.normal(size=trajectory.control.shape) * 0.05
    parameters = BodyParameters(
        start.parameters.log_scale + 0.02,
        jnp.asarray(rng.normal(size=start.parameters.marker_offset.shape) * 0.01),
    )
    cameras = jnp.asarray(rng.normal(size=(2, len(rig.names), 3)) * 0.02)
    state = gauss_newton.State(moved, parameters, cameras[0], cameras[1])
    return problem, basis, trajectory, state


def basis_of(problem, trajectory):
    return make_spline_basis(
        np.asarray(problem.time, float),
        float(trajectory.start),
        float(trajectory.spacing),
        len(trajectory.control),
        np.dtype(problem.time.dtype),
    )


def dense_detections(problem, pose, parameters, cameras):
    """J^T W J and J^T W r of the detections by automatic differentiation, one frame at a time."""

    def pixels(x, log_scale, offset, camera):
        moved = pose_about((pose.root_position, pose.root_quaternion), x)
        at = Pose(moved.root_position, moved.root_quaternion, pose.joints + moved.joints)
        rotation, shift = camera[:, :3], camera[:, 3:]
        person = BodyParameters(log_scale, offset)
        estimate = problem.estimate_at(at, person, rotation, shift)
        return jnp.stack(estimate.rig.project_components(estimate.markers))

    turn = jnp.asarray(np.random.default_rng(1).normal(size=(len(problem.time), 3)) * 0.3)
    zero = jnp.zeros_like(pose.root_position)
    x = jnp.concatenate([zero, turn, jnp.zeros_like(pose.joints)], axis=1)
    arguments = (x, parameters.log_scale, parameters.marker_offset, cameras)
    slopes = jax.jit(jax.jacfwd(pixels, (0, 1, 2, 3)))(*arguments)
    found = pixels(*arguments)
    frames = np.arange(len(problem.time))
    own = np.moveaxis(np.asarray(slopes[0])[:, :, frames, :, frames], 0, 2)
    shared = np.concatenate([np.reshape(s, (*found.shape, -1)) for s in slopes[1:]], axis=-1)
    weight = np.asarray(problem.reprojection.information(found[0], found[1]))
    error = found - jnp.stack([problem.reprojection.u_px, problem.reprojection.v_px])
    both = np.concatenate([own, shared], axis=-1)
    weighted = both * weight[None, ..., None]
    hessian = np.einsum("actmi,actmj->tij", weighted, both)
    return x, hessian, np.einsum("actmi,actm->ti", weighted, np.asarray(error))


def test_the_frames_system_equals_the_dense_one(small):
    problem, _, trajectory, state = small
    position, quaternion = trajectory.reference(problem.time)
    joints = jnp.zeros((len(problem.time), len(problem.body.joint_names))) + 0.2
    pose = Pose(position, quaternion, joints)
    cameras = jnp.concatenate([state.camera_rotation, state.camera_shift], axis=1)
    x, hessian, gradient = dense_detections(problem, pose, state.parameters, cameras)
    kinematics = twist_kinematics(problem.body)

    @jax.jit
    def system(x):
        turn = quaternion_from_rotation_vector(x[:, 3:6])
        moved = Pose(position, quaternion_multiply(turn, quaternion), joints)
        twists = kinematics(state.parameters, moved, left_jacobian(x[:, 3:6]))
        rig = problem.rig.adjusted(state.camera_rotation, state.camera_shift)
        return frame_system(
            kinematics, twists, position, problem.reprojection, rig, state.camera_rotation
        )

    found = system(x)
    n = x.shape[1]
    pairs = [
        (found.own, hessian[:, :n, :n]),
        (found.border[..., :-1], hessian[:, :n, n:]),
        (found.border[..., -1], gradient[:, :n]),
        (found.corner, hessian[:, n:, n:].sum(0)),
        (found.gradient, gradient[:, n:].sum(0)),
    ]
    for block, dense in pairs:
        # Relative to the largest element; rounding alone.
        assert_allclose(block, dense, rtol=0, atol=1e-12 * np.abs(dense).max())


def test_the_gradient_is_that_of_the_objective(small):
    problem, basis, trajectory, state = small
    system = gauss_newton._System(problem, basis, trajectory, True)
    _, _, _, own, shared, _ = jax.jit(system.normal_equations)(state)
    by_state = jax.jit(jax.grad(system.cost))(state)
    scale = np.abs(by_state.control).max()
    assert_allclose(own, by_state.control, rtol=0, atol=1e-11 * scale)
    cameras = np.concatenate([by_state.camera_rotation, by_state.camera_shift], axis=1)
    parts = [by_state.parameters.log_scale, by_state.parameters.marker_offset, cameras]
    expected = np.concatenate([np.ravel(part) for part in parts])
    n = len(expected)
    assert_allclose(shared[:n], expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    assert_allclose(shared[n:], 0.0, atol=0)


def test_the_priors_curvature_is_that_of_the_priors(small):
    """Without detections the Hessian is the priors' alone; the mean posture's share of it is
    in the border."""
    problem, basis, trajectory, state = small
    blind = dataclasses.replace(
        problem,
        reprojection=dataclasses.replace(
            problem.reprojection, weight=jnp.zeros_like(problem.reprojection.weight)
        ),
        # Its curvature is a bound, and its own test is below.
        priors=tuple(p for p in problem.priors if type(p).__name__ != "Smoothness"),
    )
    system = gauss_newton._System(blind, basis, trajectory, True)
    band, border, corner, *_ = jax.jit(system.normal_equations)(state)
    n_control, n = state.control.shape

    def cost(control, log_scale):
        parameters = BodyParameters(log_scale, state.parameters.marker_offset)
        return system.cost(dataclasses.replace(state, control=control, parameters=parameters))

    dense = jax.jit(jax.hessian(cost))(state.control, state.parameters.log_scale)
    dense = np.reshape(dense, (n_control * n, n_control * n))
    found = np.zeros((n_control, n, n_control, n))
    for d in range(4):
        for k in range(n_control - d):
            found[k, :, k + d] = band[d, k]
            found[k + d, :, k] = np.asarray(band[d, k]).T
    found = found.reshape(n_control * n, n_control * n)
    means = np.asarray(border).reshape(n_control * n, -1)
    found -= means @ np.linalg.solve(corner, means.T)
    assert_allclose(found, dense, rtol=0, atol=1e-10 * np.abs(dense).max())
    by_scale = jax.jit(jax.hessian(cost, 1))(state.control, state.parameters.log_scale)
    n_scale = len(by_scale)
    assert_allclose(corner[:n_scale, :n_scale], by_scale, rtol=1e-9)


def test_the_smoothness_bound_holds(small):
    problem, basis, trajectory, state = small
    (smoothness,) = [p for p in problem.priors if type(p).__name__ == "Smoothness"]
    rng = np.random.default_rng(2)
    system = gauss_newton._System(problem, basis, trajectory, True)
    curvature = smoothness.curvature(system.estimate(state))
    position, quaternion = trajectory.reference(problem.time)

    def cost(joints):
        pose = Pose(position, quaternion, joints)
        return smoothness(
            problem.estimate_at(pose, state.parameters, state.camera_rotation, state.camera_shift)
        )

    still = cost(jnp.zeros((len(problem.time), len(problem.body.joint_names))))
    n_interval = len(basis.bend)
    for _ in range(5):
        control = np.asarray(rng.normal(size=state.control.shape))
        windows = np.stack([control[j : j + n_interval] for j in range(4)], axis=1)
        slots = np.einsum("isj,ijn->isn", basis.bend, windows).reshape(-1, control.shape[1])
        bend = slots[np.asarray(basis.slot)]
        bound = 0.5 * (np.asarray(curvature.acceleration) * bend**2)[:, 6:].sum()
        joints = basis.values(jnp.asarray(control))[:, 6:]
        assert float(cost(joints) - still) <= bound


def marker_gap_mm(a, b):
    return 1000 * np.linalg.norm(a - b, axis=-1)


def test_it_converges(fit):
    assert fit.outcome == Outcome.CONVERGED
    assert fit.solver == "gauss-newton"
    # Two seconds from four cameras leave shoulders nearly free; better trials need about ten.
    assert fit.iterations < 45


def test_its_cost_is_not_above_adamws(recording):
    # At 24 Hz the default bandwidth has a knot every other frame; a network bends more freely.
    fine = fitted(recording, bandwidth_hz=12.0)
    rival = fitted(recording, bandwidth_hz=12.0, solver="adamw", steps=400)
    assert fine.cost < rival.cost


def test_it_finds_the_truth(fit, recording):
    assert marker_gap_mm(fit.motion.markers, recording.markers).mean() < 7.0
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
    error = marker_gap_mm(fit.motion.markers, recording.markers)
    assert error[18:26].mean() < 60.0


def test_cameras_are_found_where_they_stand(exact_recording):
    rng = np.random.default_rng(5)
    rig = exact_recording.rig
    moved = rig.adjusted(
        jnp.asarray(rng.normal(size=(4, 3)) * np.deg2rad(0.5)),
        jnp.asarray(rng.normal(size=(4, 3)) * 0.01),
    )
    given = fitted(exact_recording, rig=moved)
    refined = fitted(exact_recording, rig=moved, refine_cameras=True)
    assert refined.outcome == Outcome.CONVERGED
    assert refined.error.median_px < 0.5 * given.error.median_px


def test_a_second_trial_of_the_bucket_compiles_nothing(fit, recording, monkeypatch):
    keypoints = recording.keypoints
    n = len(keypoints.time) - 2
    shorter = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :n],
        confidence=keypoints.confidence[:, :n],
        time=keypoints.time[:n],
    )

    def traced_again(*_):
        raise AssertionError("the solver was traced again")

    monkeypatch.setattr(gauss_newton, "_iterate", traced_again)
    again = fitted(recording, keypoints=shorter)
    assert len(again.motion.time) == n
    # Two frames fewer, one motion.
    away = marker_gap_mm(again.motion.markers[: n - 2], fit.motion.markers[: n - 2])
    assert np.median(away) < 1.0


def test_more_padding_changes_nothing(recording, monkeypatch):
    plain = fitted(recording)
    monkeypatch.setattr("diffbio.fitting.problem.round_up_to_bucket", lambda count: count + 20)
    padded = fitted(recording)
    # Both runs stop near the minimum, not in it, and in single precision.
    assert plain.cost == pytest.approx(padded.cost, rel=1e-3)
    assert marker_gap_mm(padded.motion.markers, plain.motion.markers).mean() < 1.5


def padded_system(small, recording, monkeypatch, more):
    """Cost and normal equations of the eight frames, padded by so many more."""
    problem, _, trajectory, state = small
    monkeypatch.setattr("diffbio.fitting.problem.round_up_to_bucket", lambda count: count + more)
    keypoints = recording.keypoints
    few = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :8],
        confidence=keypoints.confidence[:, :8],
        time=keypoints.time[:8],
    )
    depth = np.full(len(problem.rig.names), 5.0)
    longer = make_problem(recording.body, recording.rig, few, depth, dtype=np.float64)
    last = jnp.repeat(state.control[-1:], more, axis=0)
    state = dataclasses.replace(state, control=jnp.concatenate([state.control, last]))
    trajectory = dataclasses.replace(trajectory, control=state.control)
    system = gauss_newton._System(longer, basis_of(longer, trajectory), trajectory, True)
    return jax.jit(lambda s: (system.cost(s), system.normal_equations(s)))(state)


def test_padding_adds_nothing_to_the_system(small, recording, monkeypatch):
    n = len(small[3].control)
    cost, few = padded_system(small, recording, monkeypatch, 4)
    same, more = padded_system(small, recording, monkeypatch, 12)
    assert_allclose(same, cost, rtol=1e-12)
    band, border, corner, own, shared, _ = few
    pairs = [(band[:, :n], more[0][:, :n]), (border[:n], more[1][:n]), (own[:n], more[3][:n])]
    for a, b in [*pairs, (corner, more[2]), (shared, more[4])]:
        assert_allclose(a, b, rtol=0, atol=1e-11 * np.abs(b).max())
    # Nothing at all is known of the control points that only padding feels.
    assert_allclose(more[0][:, n + 4 :], 0.0, atol=0)
    assert_allclose(more[3][n + 4 :], 0.0, atol=0)


def test_rejected_steps_are_counted_and_a_problem_without_a_finite_cost_ends(small):
    problem, basis, trajectory, state = small
    broken = dataclasses.replace(
        problem,
        reprojection=dataclasses.replace(
            problem.reprojection, u_px=problem.reprojection.u_px * jnp.nan
        ),
    )
    unknowns = Unknowns(trajectory, state.parameters, state.camera_rotation, state.camera_shift)
    _, done = gauss_newton.solve(
        broken, basis, unknowns, jnp.asarray(1e-2), jnp.asarray(60), refine_cameras=True
    )
    assert Outcome(int(done.outcome)) == Outcome.NOT_FINITE
    assert int(done.rejected) == int(done.iterations) > 1


def test_an_unknown_solver_is_refused(recording):
    with pytest.raises(ValueError, match="No solver is called 'newton'"):
        fitted(recording, solver="newton")


def test_the_defaults_are_known():
    assert set(motion_fit.BANDWIDTH_HZ) == set(motion_fit.SOLVERS)
