"""Each term of the objective against its closed form."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras.adjustment import adjustment_of
from diffbio.fitting.residuals import CameraPrior, JointRange, MarkerPrior, ScalePrior, Smoothness
from diffbio.fitting.residuals.cameras import (
    CLOCK_DRIFT_SD,
    CLOCK_OFFSET_SD,
    DISTORTION_SD,
    LOG_FOCAL_SD,
    POSITION_SD,
    REFERENCE_CLOCK_SD,
    ROTATION_SD,
    camera_sd,
)
from diffbio.fitting.residuals.joints import LIMIT_SD
from diffbio.fitting.residuals.person import (
    PROPORTION_SD,
    SIDE_SD,
    SIZE_SD,
    scale_covariance,
)
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL, HUBER_TAIL, robust
from diffbio.fitting.residuals.smoothness import (
    JOINT_ACCELERATION_SD,
    ROOT_ACCELERATION_SD,
    elevations_of,
)


@pytest.fixture(scope="module")
def estimate(problem, unknowns):
    return eqx.filter_jit(lambda p, u: p.estimate(u))(problem, unknowns)


def with_pose(estimate, **parts):
    pose = dataclasses.replace(estimate.pose, **parts)
    return dataclasses.replace(estimate, pose=pose)


@pytest.mark.parametrize("threshold", [0.5, 1.5, 2.0])
def test_robust_is_hubers_function_and_a_logarithm(threshold):
    distance = np.asarray([0.0, 0.2, 0.99, 1.0, 1.01, 3.0, 50.0]) * threshold
    limit, squared = jnp.asarray(threshold), jnp.asarray(distance**2)
    near = distance <= threshold
    linear = np.where(near, distance**2, 2 * threshold * distance - threshold**2)
    assert_allclose(robust(squared, limit, jnp.asarray(HUBER_TAIL)), linear, rtol=1e-12)
    with np.errstate(divide="ignore"):
        far = threshold**2 * (1 + 2 * np.log(distance / threshold))
    logarithm = np.where(near, distance**2, far)
    assert_allclose(robust(squared, limit, jnp.asarray(CAUCHY_TAIL)), logarithm, rtol=1e-12)


@pytest.mark.parametrize("tail", [0.0, 1.0, 1.5, 2.0, 2.5])
def test_robust_trusts_a_detection_by_its_distance(tail):
    """The derivative by the squared distance, against the integral of it that it stands for."""
    threshold, distance = 1.5, np.asarray([0.1, 1.4, 1.6, 4.0, 30.0])
    slope = jax.vmap(jax.grad(robust), (0, None, None))
    squared = jnp.asarray(distance**2)
    found = slope(squared, jnp.asarray(threshold), jnp.asarray(tail))
    trust = np.minimum(1.0, (threshold / distance) ** tail)
    assert_allclose(found, trust, rtol=1e-9)
    for end in distance:
        steps = np.linspace(0.0, end**2, 200_001)
        trust = np.minimum(1.0, (threshold / np.sqrt(np.maximum(steps, 1e-12))) ** tail)
        value = robust(jnp.asarray(end**2), jnp.asarray(threshold), jnp.asarray(tail))
        assert_allclose(value, np.trapezoid(trust, steps), rtol=1e-6)


@pytest.mark.parametrize("tail", [1.0, 1.5, 2.0])
def test_robust_and_its_gradient_are_continuous_at_the_threshold_and_finite_at_zero(tail):
    threshold, tail = jnp.asarray(2.0), jnp.asarray(tail)

    def of_distance(distance):
        return robust(distance * distance, threshold, tail)

    slope = jax.grad(of_distance)
    assert slope(jnp.asarray(0.0)) == 0.0
    below, above = jnp.asarray(2.0 - 1e-9), jnp.asarray(2.0 + 1e-9)
    assert_allclose(of_distance(below), of_distance(above), atol=1e-8)
    assert_allclose(slope(below), slope(above), atol=1e-6)


@pytest.mark.parametrize("away", [1e-2, 1e-3, 1.1e-4, 0.9e-4, 1e-6, 1e-12])
def test_robust_approaches_the_logarithm_from_both_sides(away):
    squared, threshold = jnp.asarray([1.0, 2.3, 9.0, 1e4, 1e8]), jnp.asarray(1.5)
    at = robust(squared, threshold, jnp.asarray(2.0))
    for tail in (2.0 - away, 2.0 + away):
        found = robust(squared, threshold, jnp.asarray(tail))
        # The relative derivative by the tail is at most the logarithm of the distance.
        assert_allclose(found, at, rtol=away * np.log(1e4))
        slope = jax.grad(lambda x, t=tail: robust(x, threshold, jnp.asarray(t)).sum())(squared)
        assert_allclose(slope, np.minimum(1, (2.25 / squared) ** (tail / 2)), rtol=1e-8)


def test_information_is_the_derivative_of_the_term(problem, estimate):
    """Iterated reweighting solves for the objective and for no other."""
    term = problem.reprojection
    u, v = estimate.rig.project_components(estimate.markers)

    def by_image(u, v):
        sd = term.sigma_px[:, None, None]
        squared = ((u - term.u_px) ** 2 + (v - term.v_px) ** 2) / sd**2
        return 0.5 * (term.weight * robust(squared, term.threshold, term.tail)).sum()

    slope = jax.grad(by_image, (0, 1))(u, v)
    weight = np.asarray(term.information(u, v))
    errors = np.asarray(u - term.u_px), np.asarray(v - term.v_px)
    for found, error in zip(slope, errors, strict=True):
        assert_allclose(weight * error, found, rtol=1e-9, atol=1e-12)


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
    threshold = term.threshold
    huber = dataclasses.replace(term, tail=jnp.asarray(HUBER_TAIL))
    assert_allclose(huber(estimate), 0.5 * 0.8 * (2 * threshold * 3 - threshold**2), rtol=1e-9)
    expected = 0.5 * 0.8 * threshold**2 * (1 + 2 * np.log(3 / threshold))
    assert_allclose(term(estimate), expected, rtol=1e-9)


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
    return JointRange(
        -full, full, 0.2 * full, 0.5 * full, jnp.full(n_time, weight), jnp.asarray(1.0)
    )


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


def test_a_share_is_taken_of_posture_and_not_of_limits(estimate):
    n_time, n_joint = estimate.pose.joints.shape
    whole = joint_range(n_time, n_joint)
    half = dataclasses.replace(whole, share=jnp.asarray(0.5))
    leaning = with_pose(estimate, joints=jnp.full((n_time, n_joint), 0.7))
    assert_allclose(half(leaning), 0.5 * whole(leaning), rtol=1e-9)
    beyond = leaning.pose.joints.at[:, 0].set(1.0 + LIMIT_SD)
    off = (1.0 + LIMIT_SD - 0.2) / 0.5
    held = 0.5 * 0.5 * (off**2 + n_joint - 1)
    assert_allclose(half(with_pose(estimate, joints=beyond)), 0.5 * n_time + held, rtol=1e-6)


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


def still_but(estimate, joints):
    """The estimate with a root at rest and these joint coordinates over time."""
    n_time = len(joints)
    return with_pose(
        estimate,
        joints=jnp.asarray(joints),
        root_position=jnp.zeros((n_time, 3)),
        root_quaternion=jnp.tile(jnp.asarray([1.0, 0, 0, 0]), (n_time, 1)),
    )


def passing_by(estimate, nearest):
    """Plane and angle of an arm that passes the pole at a constant rate of rotation."""
    joints = np.zeros(estimate.pose.joints.shape)
    swing = np.linspace(-0.3, 0.3, len(joints))
    joints[:, 0] = np.arctan2(swing, nearest)
    joints[:, 1] = np.hypot(swing, nearest)
    return joints


@pytest.mark.parametrize("nearest", [0.2, 1e-3])
def test_an_arm_that_swings_past_its_pole_costs_nothing(estimate, nearest):
    joints = passing_by(estimate, nearest)
    weight, interval = jnp.ones(len(joints)), jnp.asarray(1 / 50.0)
    swinging = still_but(estimate, joints)
    assert_allclose(Smoothness(interval, weight, ((0, 1),))(swinging), 0.0, atol=1e-12)
    # As coordinates they accelerate, the faster the nearer the pole.
    assert Smoothness(interval, weight)(swinging) > 1e-3


def test_smoothness_of_an_elevation_is_that_of_its_rotation_vector(estimate):
    joints = np.random.default_rng(1).normal(size=estimate.pose.joints.shape)
    flat = joints.copy()
    vector = joints[:, 1] * np.exp(1j * joints[:, 0])
    flat[:, 0], flat[:, 1] = vector.imag, vector.real
    weight, interval = jnp.ones(len(joints)), jnp.asarray(1 / 50.0)
    cost = Smoothness(interval, weight, ((0, 1),))(still_but(estimate, joints))
    assert_allclose(cost, Smoothness(interval, weight)(still_but(estimate, flat)), rtol=1e-12)


def test_smoothness_of_a_hanging_arm_has_a_gradient_but_none_by_its_plane(estimate):
    joints = np.zeros(estimate.pose.joints.shape)
    weight, interval = jnp.ones(len(joints)), jnp.asarray(1 / 50.0)
    term = Smoothness(interval, weight, ((0, 1),))
    gradient = jax.grad(lambda q: term(still_but(estimate, q)))(jnp.asarray(joints))
    assert_allclose(gradient, 0.0, atol=0)
    curvature = term.curvature(still_but(estimate, joints)).acceleration
    assert curvature is not None
    assert_allclose(curvature[:, 6], 0.0, atol=0)
    assert_allclose(curvature[1:-1, 7], JOINT_ACCELERATION_SD**-2.0, rtol=1e-12)


def test_curvature_of_an_elevation_grows_with_its_angle(estimate):
    """A frame in the middle takes part in three central differences, by 1, -2 and 1: six times
    the curvature of one, at an interval of a second."""
    joints = np.full(estimate.pose.joints.shape, 0.4)
    weight, interval = jnp.ones(len(joints)), jnp.asarray(1.0)
    term, middle = Smoothness(interval, weight, ((0, 1),)), len(joints) // 2

    def cost(plane):
        moved = jnp.asarray(joints).at[middle, 0].set(plane)
        return term(still_but(estimate, moved))

    curvature = term.curvature(still_but(estimate, joints)).acceleration
    assert curvature is not None
    second = jax.grad(jax.grad(cost))(jnp.asarray(0.4))
    assert_allclose(second, 6 * curvature[middle, 6], rtol=1e-9)


def test_elevations_are_found_by_their_names():
    names = ("hip_flexion_r", "elv_angle_r", "shoulder_elv_r", "elv_angle_l", "shoulder_elv_l")
    assert elevations_of(names) == ((1, 2), (3, 4))
    assert elevations_of(("elv_angle_r", "knee")) == ()


def test_camera_prior_in_standard_deviations(estimate):
    sd = camera_sd(4, reference_clock=2)
    away = np.zeros((4, 11))
    away[0, 1] = 2 * ROTATION_SD
    away[1, 3] = POSITION_SD
    away[1, 6], away[3, 7:9] = 3 * LOG_FOCAL_SD, DISTORTION_SD
    away[0, 9:] = CLOCK_OFFSET_SD, CLOCK_DRIFT_SD
    away[2, 9:] = np.asarray(REFERENCE_CLOCK_SD) * [1, 2]
    moved = dataclasses.replace(estimate, cameras=adjustment_of(jnp.asarray(away)))
    expected = 0.5 * (4 + 1 + 9 + 2 + 2 + 5)
    prior = CameraPrior(jnp.asarray(sd))
    assert_allclose(prior(moved), expected, rtol=1e-9)
    curvature = prior.curvature(moved).cameras
    assert curvature is not None
    assert_allclose(curvature, sd**-2.0, rtol=1e-12)
    # The clocks of the other cameras are as free as each other.
    assert_allclose(sd[[0, 1, 3], 9:], [[CLOCK_OFFSET_SD, CLOCK_DRIFT_SD]] * 3)
