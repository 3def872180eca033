"""Standard deviations by the delta method against draws from the covariance."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.body import BodyParameters
from diffbio.io.coordinates import coordinates_of
from diffbio.io.deviations import (
    LEAST_KNOWN_ANGLE,
    height_sd,
    length_sd,
    pelvis_moves_with_root,
    pelvis_sd,
    scale_sd,
)
from tests.walking_figure import walking_fit, with_uncertainty

WORLD_FROM_OPENSIM = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
DRAWS = 40_000
SPREAD = 0.02
"""Relative: a deviation from so many draws is itself off by 0.4 %, and the angles bend a little."""


def covariance(rng: np.random.Generator) -> np.ndarray:
    """Of a few millimetres and a third of a degree, all six correlated."""
    root = rng.normal(size=(6, 6)) * np.array([0.003] * 3 + [0.006] * 3)[:, None]
    return root @ root.T


@pytest.mark.parametrize("seed", range(4))
def test_pelvis_follows_the_root(seed):
    """Draws of the root, and the angles by SciPy's intrinsic Z-X-Y."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform([-1.2, -1.0, -3.0], [1.2, 1.0, 3.0])
    lever = rng.normal(0.0, 0.3, 3)
    root = covariance(rng)
    opensim_from_pelvis = Rotation.from_euler("ZXY", angles)
    world_from_pelvis = Rotation.from_matrix(WORLD_FROM_OPENSIM) * opensim_from_pelvis
    draws = rng.multivariate_normal(np.zeros(6), root, DRAWS)
    turns = Rotation.from_rotvec(draws[:, 3:])
    positions = (draws[:, :3] + turns.apply(lever)) @ WORLD_FROM_OPENSIM
    turned = Rotation.from_matrix(WORLD_FROM_OPENSIM.T) * turns * world_from_pelvis
    moved = turned.as_euler("ZXY") - angles
    moved = (moved + np.pi) % (2 * np.pi) - np.pi
    expected = np.concatenate([positions.std(axis=0), moved.std(axis=0)])
    found = pelvis_sd(root[None], lever[None], angles[None])[0]
    assert_allclose(found, expected, rtol=SPREAD)


def test_a_pelvis_on_its_side_leaves_the_rest_finite():
    root = covariance(np.random.default_rng(1))[None]
    sd = pelvis_sd(root, np.zeros((1, 3)), np.array([[0.3, np.pi / 2, 0.2]]))[0]
    assert np.isfinite(sd).all()
    assert_allclose(sd[[3, 5]], LEAST_KNOWN_ANGLE)
    assert sd[4] < 0.05  # rad; the list itself is as well known as ever
    even = np.random.default_rng(2).uniform(-np.pi, np.pi, 1_000_000).std()
    assert_allclose(LEAST_KNOWN_ANGLE, even, atol=5e-3)  # rad


def test_coordinates_of_a_figure_whose_root_is_drawn():
    """The whole way: draw the root of one frame, compute coordinates, compare."""
    fit = with_uncertainty(walking_fit())
    assert fit.uncertainty is not None
    frame, n = 40, 4000
    rng = np.random.default_rng(5)
    draws = rng.multivariate_normal(np.zeros(6), fit.uncertainty.root[frame], n)
    turns = Rotation.from_rotvec(draws[:, 3:]).as_matrix()
    motion = fit.motion
    position = np.tile(motion.body_positions[frame], (n, 1, 1)) - motion.root_position[frame]
    position = np.einsum("nij,nbj->nbi", turns, position)
    position += (motion.root_position[frame] + draws[:, :3])[:, None]
    drawn = dataclasses.replace(
        motion,
        time=np.arange(n) / 50.0,
        root_position=motion.root_position[frame] + draws[:, :3],
        root_quaternion=np.tile(motion.root_quaternion[frame], (n, 1)),
        joints=np.tile(motion.joints[frame], (n, 1)),
        joint_velocity=np.zeros((n, motion.joints.shape[1])),
        joint_acceleration=np.zeros((n, motion.joints.shape[1])),
        markers=np.zeros((n, *motion.markers.shape[1:])),
        seen=np.ones(n, bool),
        body_positions=position,
        body_rotations=np.einsum("nij,bjk->nbik", turns, motion.body_rotations[frame]),
    )
    other = dataclasses.replace(fit, motion=drawn, uncertainty=None)
    expected = coordinates_of(other).values[:, :6].std(axis=0)
    sd = coordinates_of(fit).sd
    assert sd is not None
    # A deviation from 4000 draws is off by 1.1 %; the worst of six by three times that.
    assert_allclose(sd[frame, :6], expected, rtol=0.05)


def test_joints_before_the_pelvis_leave_it_unknown():
    fit = with_uncertainty(walking_fit())
    assert pelvis_moves_with_root(fit.body)
    body = dataclasses.replace(fit.body, pelvis_name="femur_r")
    assert not pelvis_moves_with_root(body)
    assert pelvis_moves_with_root(dataclasses.replace(body, pelvis_name=None))
    sd = coordinates_of(dataclasses.replace(fit, body=body)).sd
    assert sd is not None
    assert np.isnan(sd[:, :6]).all() and np.isfinite(sd[:, 6:]).all()


def test_height_and_scales_of_people_drawn():
    fit = with_uncertainty(walking_fit())
    assert fit.uncertainty is not None
    rng = np.random.default_rng(9)
    own = np.asarray(fit.parameters.log_scale)
    draws = rng.multivariate_normal(own, fit.uncertainty.log_scale, 200)
    offset = fit.parameters.marker_offset
    people = [BodyParameters(jnp.array(one), offset) for one in draws]
    heights = np.array([fit.body.height(person) for person in people], float)
    found, sizes = height_sd(fit), scale_sd(fit)
    assert found is not None and sizes is not None
    # A deviation from 200 draws is off by 5 %.
    assert_allclose(found, heights.std(), rtol=0.15)
    many = rng.multivariate_normal(own, fit.uncertainty.log_scale, DRAWS)
    assert_allclose(sizes, np.exp(many).std(axis=0), rtol=SPREAD)


def test_height_moves_with_one_scale_as_its_central_difference():
    fit = with_uncertainty(walking_fit())
    assert fit.uncertainty is not None
    thigh = fit.body.segment_names.index("thigh_r")
    only = np.zeros_like(fit.uncertainty.log_scale)
    only[thigh, thigh] = 0.01**2
    known = dataclasses.replace(fit.uncertainty, log_scale=only)
    step = 1e-4 * np.eye(len(only))[thigh]
    low, high = [
        fit.body.height(
            BodyParameters(fit.parameters.log_scale + sign * step, fit.parameters.marker_offset)
        )
        for sign in (-1, 1)
    ]
    sd = height_sd(dataclasses.replace(fit, uncertainty=known))
    assert sd is not None and low is not None and high is not None
    slope = (high - low) / 2e-4
    assert_allclose(sd, 0.01 * abs(slope), atol=1e-8)  # m


def test_nothing_known_is_none():
    fit = walking_fit()
    assert height_sd(fit) is None and scale_sd(fit) is None
    nameless = dataclasses.replace(fit.body, height_points=None)
    assert height_sd(dataclasses.replace(with_uncertainty(fit), body=nameless)) is None


def test_length_of_drawn_vectors():
    rng = np.random.default_rng(4)
    vector, sd = np.array([[3.0, -1.0, 2.0]]), np.array([[0.01, 0.03, 0.02]])
    lengths = np.linalg.norm(rng.normal(vector, sd, (DRAWS, 3)), axis=-1)
    assert_allclose(length_sd(vector, sd)[0], lengths.std(), rtol=SPREAD)
    assert_allclose(length_sd(np.zeros((1, 3)), np.full((1, 3), 0.2))[0], 0.2)
