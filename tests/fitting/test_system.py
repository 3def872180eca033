"""The linear system of a trial against dense matrices and derivatives of the objective."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters, Pose
from diffbio.body.jacobian import twist_kinematics
from diffbio.cameras.adjustment import adjustment_of
from diffbio.fitting.normal_equations import ToParameters, frame_system
from diffbio.fitting.problem import Unknowns, make_problem
from diffbio.fitting.residuals import Smoothness
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL
from diffbio.fitting.sight import Instruments, look
from diffbio.fitting.solvers import basis_of
from diffbio.fitting.system import System
from diffbio.geometry import (
    left_jacobian,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)
from diffbio.trajectories.spline import pose_about
from tests.fitting.small_walks import first_frames

TAIL = jnp.asarray(CAUCHY_TAIL)


def dense_detections(problem, pose, parameters, cameras):
    """J^T W J and J^T W r of the detections by automatic differentiation, one frame at a time."""
    known = jnp.zeros((len(cameras), 5))

    def pixels(x, log_scale, offset, camera):
        moved = pose_about((pose.root_position, pose.root_quaternion), x)
        at = Pose(moved.root_position, moved.root_quaternion, pose.joints + moved.joints)
        markers = problem.body.marker_positions(BodyParameters(log_scale, offset), at)
        rig = problem.rig.adjusted(adjustment_of(jnp.concatenate([camera, known], axis=1)))
        return jnp.stack(rig.project_components(markers))

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
    cameras = state.cameras[:, :6]
    x, hessian, gradient = dense_detections(problem, pose, state.parameters, cameras)
    kinematics = twist_kinematics(problem.body)
    known = jnp.zeros((len(cameras), 5))

    @jax.jit
    def system(x):
        turn = quaternion_from_rotation_vector(x[:, 3:6])
        moved = Pose(position, quaternion_multiply(turn, quaternion), joints)
        twists = kinematics(state.parameters, moved, left_jacobian(x[:, 3:6]))
        rig = problem.rig.adjusted(adjustment_of(jnp.concatenate([cameras, known], axis=1)))
        points = jnp.transpose(twists.arm, (1, 2, 0)) + position[:, None]
        instruments = Instruments(rig, cameras[:, :3], None)
        sight = look(problem.reprojection, rig, points)
        found = frame_system(kinematics, twists, position, sight, instruments)
        to_parameters = ToParameters(kinematics, twists, instruments)
        border = jnp.concatenate([found.scales, found.offsets, found.cameras], axis=-1)
        corner = to_parameters(to_parameters(found.corner).T)
        gradient = to_parameters(found.gradient[None])[0]
        return found.own, to_parameters(border), found.pull, corner, gradient

    own, border, pull, corner, shared = system(x)
    n = x.shape[1]
    pairs = [
        (own, hessian[:, :n, :n]),
        (border, hessian[:, :n, n:]),
        (pull, gradient[:, :n]),
        (corner, hessian[:, n:, n:].sum(0)),
        (shared, gradient[:, n:].sum(0)),
    ]
    for block, dense in pairs:
        # Relative to the largest element; rounding alone.
        assert_allclose(block, dense, rtol=0, atol=1e-12 * np.abs(dense).max())


@pytest.mark.parametrize("tail", [1.0, 1.5, 2.0])
def test_the_gradient_is_that_of_the_objective(small, poses_arrow, tail):
    problem, basis, trajectory, state = small
    system = System(problem, basis, trajectory, ("poses",))
    found = poses_arrow(problem, state, jnp.asarray(tail))
    by_state = jax.jit(jax.grad(system.cost))(state, jnp.asarray(tail))
    scale = np.abs(by_state.control).max()
    assert_allclose(found.own_gradient, by_state.control, rtol=0, atol=1e-11 * scale)
    parts = [by_state.parameters.log_scale, by_state.parameters.marker_offset]
    parts.append(by_state.cameras[:, :6])
    expected = np.concatenate([np.ravel(part) for part in parts])
    n = len(expected)
    assert_allclose(found.shared_gradient[:n], expected, rtol=0, atol=1e-11 * abs(expected).max())
    assert_allclose(found.shared_gradient[n:], 0.0, atol=0)


@pytest.fixture(scope="module")
def poses_arrow(small):
    """Normal equations of the eight frames with unknown poses of cameras, compiled once."""
    _, basis, trajectory, _ = small

    @eqx.filter_jit
    def arrow(problem, state, tail):
        return System(problem, basis, trajectory, ("poses",)).normal_equations(state, tail)

    return arrow


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
        priors=tuple(p for p in problem.priors if not isinstance(p, Smoothness)),
    )
    system = System(blind, basis, trajectory, ("poses", "lenses"))
    found = jax.jit(system.normal_equations)(state, TAIL)
    n_control, n = state.control.shape

    def cost(control, log_scale):
        parameters = BodyParameters(log_scale, state.parameters.marker_offset)
        moved = dataclasses.replace(state, control=control, parameters=parameters)
        return system.cost(moved, TAIL)

    dense = jax.jit(jax.hessian(cost))(state.control, state.parameters.log_scale)
    dense = np.reshape(dense, (n_control * n, n_control * n))
    banded = np.zeros((n_control, n, n_control, n))
    for d in range(4):
        for k in range(n_control - d):
            banded[k, :, k + d] = found.band[d, k]
            banded[k + d, :, k] = np.asarray(found.band[d, k]).T
    banded = banded.reshape(n_control * n, n_control * n)
    means = np.asarray(found.border).reshape(n_control * n, -1)
    banded -= means @ np.linalg.solve(found.corner, means.T)
    assert_allclose(banded, dense, rtol=0, atol=1e-10 * np.abs(dense).max())
    by_scale = jax.jit(jax.hessian(cost, 1))(state.control, state.parameters.log_scale)
    n_scale = len(by_scale)
    assert_allclose(found.corner[:n_scale, :n_scale], by_scale, rtol=1e-9)


def test_the_smoothness_bound_holds(small):
    problem, basis, trajectory, state = small
    (smoothness,) = [p for p in problem.priors if isinstance(p, Smoothness)]
    rng = np.random.default_rng(2)
    system = System(problem, basis, trajectory, ())
    estimate = system.estimate(state)
    curvature = smoothness.curvature(estimate)
    position, quaternion = trajectory.reference(problem.time)

    def cost(joints):
        pose = Pose(position, quaternion, joints)
        return smoothness(dataclasses.replace(estimate, pose=pose))

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


def padded_system(small, recording, monkeypatch, more):
    """Cost and normal equations of the eight frames, padded by so many more."""
    problem, _, trajectory, state = small
    monkeypatch.setattr("diffbio.fitting.problem.round_up_to_bucket", lambda count: count + more)
    few = first_frames(recording.keypoints, 8)
    depth = np.full(len(problem.rig.names), 5.0)
    longer = make_problem(recording.body, recording.rig, few, depth, dtype=np.float64)
    last = jnp.repeat(state.control[-1:], more, axis=0)
    state = dataclasses.replace(state, control=jnp.concatenate([state.control, last]))
    trajectory = dataclasses.replace(trajectory, control=state.control)
    unknowns = Unknowns(trajectory, state.parameters, adjustment_of(state.cameras))
    system = System(longer, basis_of(longer, unknowns), trajectory, ("poses",))
    return jax.jit(lambda s: (system.cost(s, TAIL), system.normal_equations(s, TAIL)))(state)


def test_padding_adds_nothing_to_the_system(small, recording, monkeypatch):
    n = len(small.state.control)
    cost, few = padded_system(small, recording, monkeypatch, 4)
    same, more = padded_system(small, recording, monkeypatch, 12)
    assert_allclose(same, cost, rtol=1e-12)
    pairs = [
        (few.band[:, :n], more.band[:, :n]),
        (few.border[:n], more.border[:n]),
        (few.own_gradient[:n], more.own_gradient[:n]),
        (few.corner, more.corner),
        (few.shared_gradient, more.shared_gradient),
    ]
    for a, b in pairs:
        assert_allclose(a, b, rtol=0, atol=1e-11 * np.abs(b).max())
    # Nothing at all is known of the control points that only padding feels.
    assert_allclose(more.band[:, n + 4 :], 0.0, atol=0)
    assert_allclose(more.own_gradient[n + 4 :], 0.0, atol=0)
