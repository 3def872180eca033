"""Fisheye lenses are recognised and found as OpenCV finds them, and rigs of them are recovered."""

import dataclasses

import cv2
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import calibrate_board, estimate_lens, make_board
from diffbio.cameras.calibration.flatness import (
    MAX_BEND,
    bend,
    bend_in_fisheye,
    faced,
)
from diffbio.cameras.calibration.lens_models import (
    CLEARLY_BETTER,
    OPENCV_FISHEYE_ORDER,
    OPENCV_ORDER,
    is_fisheye,
)
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.simulation.recording import ring_of_cameras

BOARD = make_board("charuco", 7, 6, 0.1)
SIZE = (1280, 720)
FOCAL_PX = 640.0 / np.radians(70.0)
BENT = (0.03, -0.01, 0.002, -0.0005, 0.0)


def wide_rig(count: int, fisheye: tuple[bool, ...]) -> CameraRig:
    """Cameras of 140 degrees on a ring of 2 m, or ordinary ones of 80 degrees."""
    rig = ring_of_cameras(8, radius=2.0)
    rig = rig.subset(rig.names[:count])
    wide = np.asarray(fisheye)[:, None]
    return dataclasses.replace(
        eqx.tree_at(
            lambda r: (r.focal_px, r.principal_px, r.distortion),
            rig,
            (
                jnp.asarray(np.where(wide, FOCAL_PX, 760.0) * np.ones(2)),
                jnp.asarray([[643.0, 356.0]] * count),
                jnp.asarray(np.where(wide, BENT, [-0.2, 0.06, 0.0, 0.0, 0.0])),
            ),
        ),
        image_size=(SIZE,) * count,
        fisheye=fisheye,
    )


def views_of(rig, groups, per_group, noise_px=0.2):
    return simulate_views(
        rig, BOARD, groups, per_group,
        noise_px=noise_px, distance=(0.7, 1.6), seed=2, breadth=1.1,
    )[0]  # fmt: skip


@pytest.fixture(scope="module")
def single():
    """A camera with a fisheye lens, and what it saw."""
    rig = wide_rig(1, (True,))
    return rig, views_of(rig, ((0,),), 30)


def test_the_lens_is_the_one_opencv_finds(single):
    _, views = single
    one = estimate_lens(views, 0, order=OPENCV_FISHEYE_ORDER, least_squares=True)
    pictures = list(views.pixels[0][:, None])
    objects = [BOARD.points[None]] * len(pictures)
    matrix = np.array([[500.0, 0.0, 639.5], [0.0, 500.0, 359.5], [0.0, 0.0, 1.0]])
    flags = cv2.CALIB_RECOMPUTE_EXTRINSIC | cv2.CALIB_FIX_SKEW | cv2.CALIB_USE_INTRINSIC_GUESS
    rms, matrix, bent, *_ = cv2.fisheye.calibrate(
        objects, pictures, SIZE, matrix, np.zeros(4), flags=flags, criteria=(3, 200, 1e-12)
    )
    assert one.rms_px <= rms * (1.0 + 1e-4)
    # OpenCV's search ends a little before the minimum.
    assert_allclose(one.rig.focal_px[0], [matrix[0, 0], matrix[1, 1]], atol=0.3)
    assert_allclose(one.rig.distortion[0, :4], bent.ravel(), atol=5e-3)


@pytest.mark.slow
def test_a_fisheye_lens_is_recognised(single):
    rig, views = single
    one = estimate_lens(views, 0)
    held = one.held_out_px
    assert is_fisheye(one.order) and one.rig.fisheye == (True,)
    assert held[OPENCV_FISHEYE_ORDER] < CLEARLY_BETTER * held[OPENCV_ORDER]
    assert abs(float(one.rig.focal_px[0, 0]) / FOCAL_PX - 1.0) < 4.0 * one.sd[0]
    # In the picture; a turn of the camera makes good for where its principal point is taken to be.
    rays = jnp.asarray(np.random.default_rng(0).uniform(-1.5, 1.5, (1, 50, 2)))
    miss = one.rig.image_from_normalised(rays) - rig.image_from_normalised(rays)
    assert np.abs(miss).max() < 5.0


@pytest.mark.slow
def test_an_ordinary_wide_lens_stays_one():
    views = views_of(wide_rig(1, (False,)), ((0,),), 30)
    one = estimate_lens(views, 0)
    assert OPENCV_FISHEYE_ORDER in one.held_out_px  # it was tried
    assert not is_fisheye(one.order) and one.rig.fisheye == (False,)


@pytest.mark.slow
def test_a_rig_of_both_kinds_is_recovered():
    rig = wide_rig(3, (True, False, True))
    views = views_of(rig, ((0, 1), (1, 2)), 25)
    found = calibrate_board(views)
    assert found.converged and found.rig.fisheye == (True, False, True)
    frame = np.asarray(rig.camera_from_world_rotation)[found.reference]
    centres = (np.asarray(rig.centres) - np.asarray(rig.centres)[found.reference]) @ frame.T
    rotation = np.asarray(rig.camera_from_world_rotation) @ frame.T
    turn = np.asarray(found.rig.camera_from_world_rotation) @ rotation.transpose(0, 2, 1)
    metres = np.linalg.norm(np.asarray(found.rig.centres) - centres, axis=1)
    sd = np.linalg.norm(found.sd[:, 3:6], axis=1)
    # 0.2 px over 500 px and 50 views: a few millimetres in 1.5 m, as is stated.
    assert metres.max() < 0.012 and np.all(metres <= 4.0 * sd)
    assert np.degrees(Rotation.from_matrix(turn).magnitude()).max() < 0.3


def test_a_flat_board_is_flat_behind_the_lens_that_shows_it(single):
    rig, _ = single
    # So near that the board spans a hundred degrees.
    views, _ = simulate_views(
        rig, BOARD, ((0,),), 12, noise_px=0.2, distance=(0.31, 0.4), seed=0, breadth=0.1
    )
    plane = BOARD.points[:, :2]
    bends = [bend(plane, seen) for seen in views.pixels[0]]
    within = [bend_in_fisheye(plane, seen, SIZE, FOCAL_PX) for seen in views.pixels[0]]
    worst = int(np.argmax(bends))
    assert within[worst] < 0.2 * bends[worst]
    # Still flat enough to count as detected rightly; a wrong board is far from it.
    assert bends[worst] < MAX_BEND
    shuffled = np.random.default_rng(0).permutation(views.pixels[0, worst])
    assert bend(plane, shuffled) > 3.0 * MAX_BEND


def test_a_camera_turned_towards_rays_has_them_about_its_axis():
    rays = np.array([[9.0, 1.0, 1.0], [11.0, -1.0, 1.0], [10.0, 2.0, 1.2]])
    turn, seen = faced(rays)
    assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    expected = rays @ turn.T
    assert_allclose(seen, expected[:, :2] / expected[:, 2:], atol=1e-12)
    assert np.abs(seen).max() < 0.3
    assert np.isnan(
        faced(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, -1.2]]))[1][2]
    ).all()
