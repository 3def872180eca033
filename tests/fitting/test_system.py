"""The linear system of a trial against dense matrices and derivatives of the objective."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters, Pose
from diffbio.cameras.adjustment import adjustment_of
from diffbio.fitting.problem import Unknowns, make_problem
from diffbio.fitting.residuals import Smoothness
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL
from diffbio.fitting.solvers import basis_of
from diffbio.fitting.system import System
from tests.fitting.small_walks import first_frames

TAIL = jnp.asarray(CAUCHY_TAIL)


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
    cost, few = padded_system(small, recording, monkeypatch, 0)
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
