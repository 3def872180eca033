"""Each term of the objective against its closed form."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting.residuals import CameraPrior, JointRange, MarkerPrior, ScalePrior, Smoothness
from diffbio.fitting.residuals.cameras import POSITION_SD, ROTATION_SD
from diffbio.fitting.residuals.joints import LIMIT_SD
from diffbio.fitting.residuals.person import (
    PROPORTION_SD,
    SIDE_SD,
    SIZE_SD,
    scale_covariance,
)
from diffbio.fitting.residuals.reprojection import huber
from diffbio.fitting.residuals.smoothness import JOINT_ACCELERATION_SD, ROOT_ACCELERATION_SD


@pytest.fixture(scope="module")
def estimate(problem, unknowns):
    return eqx.filter_jit(lambda p, u: p.estimate(u))(problem, unknowns)


def with_pose(estimate, **parts):
    pose = dataclasses.replace(estimate.pose, **parts)
    return dataclasses.replace(estimate, pose=pose)


def test_huber_is_quadratic_then_linear():
    squared = jnp.asarray([0.0, 1.0, 4.0, 100.0])
    assert_allclose(huber(squared, 2.0), [0.0, 1.0, 4.0, 2 * 2 * 10 - 4])


def test_huber_gradient_is_finite_at_zero_and_continuous_at_the_threshold():
    slope = jax.grad(lambda d: huber(d * d, 2.0))
    assert slope(jnp.asarray(0.0)) == 0.0
    below, above = slope(jnp.asarray(2.0 - 1e-9)), slope(jnp.asarray(2.0 + 1e-9))
    assert_allclose(below, above, atol=1e-6)


def test_reprojection_is_zero_where_projection_and_detection_agree(problem, estimate):
    u, v = estimate.rig.project_components(estimate.markers)
    term = dataclasses.replace(problem.reprojection, u_px=u, v_px=v)
    assert_allclose(term(estimate), 0.0, atol=1e-12)


def test_reprojection_of_one_detection_three_sd_off(problem, estimate):
    u, v = estimate.rig.project_components(estimate.markers)
    sigma = problem.reprojection.sigma_px
    off = u.at[1, 2, 3].add(3.0 * sigma[1])
    weight = jnp.zeros_like(problem.reprojection.weight).at[1, 2, 3].set(0.8)
    term = dataclasses.replace(problem.reprojection, u_px=off, v_px=v, weight=weight)
    threshold = term.huber
    assert_allclose(term(estimate), 0.5 * 0.8 * (2 * threshold * 3 - threshold**2), rtol=1e-9)


def test_reprojection_ignores_whatever_stands_where_nothing_was_detected(problem, estimate):
    term = problem.reprojection
    garbage = dataclasses.replace(term, u_px=jnp.where(term.weight == 0, 1e4, term.u_px))
    assert_allclose(garbage(estimate), term(estimate), rtol=1e-12)


def test_median_px_is_over_the_detections_in_use(problem, estimate):
    u, v = estimate.rig.project_components(estimate.markers)
    term = dataclasses.replace(problem.reprojection, u_px=u + 3.0, v_px=v + 4.0)
    assert_allclose(term.median_px(estimate), 5.0, rtol=1e-9)


def test_scale_prior_is_the_gaussian_of_its_covariance(estimate):
    names = ("pelvis", "thigh_r", "thigh_l")
    covariance = scale_covariance(names)
    assert_allclose(covariance[0, 0], SIZE_SD**2 + PROPORTION_SD**2 + SIDE_SD**2 / 2)
    # Left and right differ by SIDE_SD, whatever the size of the person.
    difference = np.array([0.0, 1.0, -1.0])
    assert_allclose(difference @ covariance @ difference, SIDE_SD**2, rtol=1e-9)
    log_scale = jnp.asarray([0.1, -0.05, 0.02])
    parameters = dataclasses.replace(estimate.parameters, log_scale=log_scale)
    whitener = jnp.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))
    expected = 0.5 * np.asarray(log_scale) @ np.linalg.solve(covariance, np.asarray(log_scale))
    moved = dataclasses.replace(estimate, parameters=parameters)
    assert_allclose(ScalePrior(whitener)(moved), expected, rtol=1e-9)


def test_marker_prior(estimate):
    sd = jnp.full(estimate.parameters.marker_offset.shape[0], 0.01)
    expected = 0.5 * (np.asarray(estimate.parameters.marker_offset) ** 2).sum() / 0.01**2
    assert_allclose(MarkerPrior(sd)(estimate), expected, rtol=1e-9)


def joint_range(n_time, n_joint, weight=1.0):
    full = jnp.ones(n_joint)
    return JointRange(-full, full, 0.2 * full, 0.5 * full, jnp.full(n_time, weight))


def test_joint_beyond_its_range_costs_half_a_unit_per_sd(estimate):
    n_time, n_joint = estimate.pose.joints.shape
    inside = with_pose(estimate, joints=jnp.full((n_time, n_joint), 0.2))
    term = joint_range(n_time, n_joint)
    assert_allclose(term(inside), 0.0, atol=1e-12)
    # All frames shifted alike: no departure from the trial's own mean, one mean off by 1.8 / sd.
    beyond = inside.pose.joints.at[:, 0].set(1.0 + LIMIT_SD)
    off = (1.0 + LIMIT_SD - 0.2) / 0.5
    expected = 0.5 * (n_time + off**2)
    assert_allclose(term(with_pose(estimate, joints=beyond)), expected, rtol=1e-6)


def test_mean_posture_is_one_fact_however_long_the_trial(estimate):
    n_time, n_joint = estimate.pose.joints.shape
    leaning = with_pose(estimate, joints=jnp.full((n_time, n_joint), 0.7))
    for frames_count in (0.1, 1.0):
        cost = joint_range(n_time, n_joint, frames_count)(leaning)
        assert_allclose(cost, 0.5 * n_joint, rtol=1e-9)


def test_smoothness_of_constant_acceleration(estimate):
    n_time, n_joint = estimate.pose.joints.shape
    time = np.arange(n_time) / 50.0
    steady = np.tile([1.0, 0, 0, 0], (n_time, 1))
    joints = np.zeros((n_time, n_joint))
    joints[:, 0] = 0.5 * JOINT_ACCELERATION_SD * time**2
    root = np.zeros((n_time, 3))
    root[:, 2] = 0.5 * 2 * ROOT_ACCELERATION_SD * time**2
    moving = with_pose(
        estimate,
        joints=jnp.asarray(joints),
        root_position=jnp.asarray(root),
        root_quaternion=jnp.asarray(steady),
    )
    term = Smoothness(jnp.asarray(1 / 50.0), jnp.ones(n_time))
    assert_allclose(term(moving), 0.5 * (n_time - 2) * (1 + 4), rtol=1e-6)


def test_camera_prior_in_standard_deviations(estimate):
    moved = dataclasses.replace(
        estimate,
        camera_rotation=jnp.zeros((2, 3)).at[0, 1].set(2 * ROTATION_SD),
        camera_shift=jnp.zeros((2, 3)).at[1, 0].set(POSITION_SD),
    )
    assert_allclose(CameraPrior(jnp.asarray(1.0))(moved), 0.5 * (4 + 1), rtol=1e-9)
