"""Corrections of cameras, one by one, against what they say they are."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.cameras.adjustment import (
    COLUMNS,
    GROUPS,
    WIDTH,
    CameraAdjustment,
    adjustment_of,
    no_adjustment,
)
from diffbio.simulation.recording import ring_of_cameras


@pytest.fixture(scope="module")
def rig():
    return ring_of_cameras(3)


@pytest.fixture(scope="module")
def columns() -> np.ndarray:
    return np.random.default_rng(0).normal(scale=0.05, size=(3, WIDTH))


def test_columns_are_the_attributes_in_their_order(columns):
    adjustment = adjustment_of(jnp.asarray(columns))
    parts = [getattr(adjustment, field.name) for field in dataclasses.fields(CameraAdjustment)]
    widths = [1 if part.ndim == 1 else part.shape[1] for part in parts]
    assert widths == [3, 3, 1, 2, 1, 1]
    assert_allclose(np.concatenate([np.reshape(p, (3, -1)) for p in parts], axis=1), columns)
    assert_allclose(adjustment.columns(), columns, atol=0)


def test_the_groups_part_the_columns():
    assert tuple(COLUMNS) == GROUPS
    together = np.concatenate([np.arange(WIDTH)[COLUMNS[group]] for group in GROUPS])
    assert together.tolist() == list(range(WIDTH))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_adjustment_changes_nothing(rig, dtype):
    nothing = no_adjustment(3, dtype)
    assert nothing.columns().dtype == dtype and not np.any(nothing.columns())
    same = rig.astype(dtype).adjusted(nothing)
    for field in ("focal_px", "principal_px", "distortion", "camera_from_world_rotation"):
        assert_allclose(getattr(same, field), getattr(rig, field), rtol=1e-6)
        assert getattr(same, field).dtype == dtype
    assert_allclose(same.centres, rig.centres, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_a_camera_is_turned_about_its_own_centre_then_moved(rig, columns):
    adjusted = rig.adjusted(adjustment_of(jnp.asarray(columns)))
    assert_allclose(adjusted.centres, rig.centres + columns[:, 3:6], atol=1e-12)
    turn = Rotation.from_rotvec(columns[:, :3]).as_matrix()
    turned = turn @ np.asarray(rig.camera_from_world_rotation)
    assert_allclose(adjusted.camera_from_world_rotation, turned, atol=1e-12)
    assert adjusted.names == rig.names


def test_a_lens_is_stretched_and_bent(rig, columns):
    adjusted = rig.adjusted(adjustment_of(jnp.asarray(columns)))
    factor = np.exp(columns[:, 6:7])
    assert_allclose(adjusted.focal_px, np.asarray(rig.focal_px) * factor, rtol=1e-12)
    assert_allclose(adjusted.distortion[:, :2], rig.distortion[:, :2] + columns[:, 7:9], atol=0)
    assert_allclose(adjusted.distortion[:, 2:], rig.distortion[:, 2:], atol=0)
    assert_allclose(adjusted.principal_px, rig.principal_px, atol=0)


def test_clocks_are_no_part_of_a_rig(rig, columns):
    without = columns * (np.arange(WIDTH) < COLUMNS["clocks"].start)
    first, second = (rig.adjusted(adjustment_of(jnp.asarray(c))) for c in (columns, without))
    points = jnp.asarray([[0.1, 0.2, 1.0]])
    assert_allclose(first.project(points), second.project(points), atol=0)
