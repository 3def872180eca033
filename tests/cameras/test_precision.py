"""Expected precision: closed forms, and the scatter of points that are really triangulated."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig, triangulate
from diffbio.cameras.calibration import calibrate_board, make_board
from diffbio.cameras.calibration.bundle import WIDTH
from diffbio.cameras.calibration.lens_unknowns import with_lens_moved
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.capture_volume import (
    capture_volume,
    floor_is_known,
    grid_of,
    looked_at,
    volume_box,
)
from diffbio.cameras.field_of_view import (
    horizontal_angle,
    in_view,
    largest_tangents,
    picture_edges,
)
from diffbio.cameras.precision import expected_precision
from diffbio.cameras.rig_changes import with_upward
from diffbio.geometry import matrix_from_rotation_vector

# So wide a scale makes the robust triangulation plain least squares of the reprojection.
squares = jax.jit(lambda rig, pixels: triangulate(
    rig, pixels, jnp.ones(pixels.shape[:-1]), scale_px=1e5
).points)  # fmt: skip

ORIGIN = np.array([[0.0, 0.0, 1.0]])


def looking(
    centres: list[list[float]],
    at: list[float],
    *,
    distortion: tuple[float, ...] = (0.0,) * 5,
    fisheye: bool = False,
) -> CameraRig:
    """Upright cameras that look at one place, of focal length 1000 px."""
    rotations = []
    for centre in np.asarray(centres, float):
        forward = (np.asarray(at) - centre) / np.linalg.norm(np.asarray(at) - centre)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        rotations.append(np.stack([right, np.cross(forward, right), forward]))
    count, rotation = len(centres), np.stack(rotations)
    return CameraRig(
        focal_px=jnp.full((count, 2), 1000.0),
        principal_px=jnp.tile(jnp.asarray([[959.5, 539.5]]), (count, 1)),
        distortion=jnp.tile(jnp.asarray([distortion]), (count, 1)),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=tuple(f"c{i}" for i in range(count)),
        image_size=((1920, 1080),) * count,
        fisheye=(fisheye,) * count,
    )


def test_two_cameras_at_a_right_angle_have_a_closed_form():
    rig = looking([[-4.0, 0.0, 1.0], [0.0, -2.0, 1.0]], [0.0, 0.0, 1.0])
    found = expected_precision(rig, ORIGIN, pixel_sd=2.0)
    # A pixel is 1 / 1000 of the depth: 4 mm in the first camera and 2 mm in the second. The
    # first sees y and z, the second x and z, on which the two agree with weights 1 / sd^2.
    high = 2.0 * 1e-3 / np.sqrt(1 / 4.0**2 + 1 / 2.0**2)
    assert_allclose(found.sd[0], [4e-3, 8e-3, high], atol=1e-12)
    assert_allclose(found.error[0], np.sqrt(4e-3**2 + 8e-3**2 + high**2), atol=1e-12)
    worst, direction = found.worst
    assert_allclose(worst[0], 8e-3, atol=1e-12)
    assert_allclose(np.abs(direction[0]), [0.0, 1.0, 0.0], atol=1e-9)
    assert found.n_cameras.tolist() == [2]


def test_depth_of_a_narrow_pair_is_worst_by_half_the_angle():
    angle = 0.2
    at = [[-3.0 * np.cos(s), 3.0 * np.sin(s), 1.0] for s in (angle / 2, -angle / 2)]
    found = expected_precision(looking(at, [0.0, 0.0, 1.0]), ORIGIN, pixel_sd=1.0)
    pixel = 3e-3 / np.sqrt(2.0)
    expected = [pixel / np.sin(angle / 2), pixel / np.cos(angle / 2), pixel]
    assert_allclose(found.sd[0], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("distortion", "fisheye"),
    [((-0.25, 0.08, 1e-3, -2e-3, 0.0), False), ((0.05, -0.01, 0.0, 0.0, 0.0), True)],
)
def test_points_that_are_triangulated_scatter_as_expected(distortion, fisheye):
    rig = looking(
        [[-4.0, 1.0, 1.5], [3.0, 3.0, 2.5], [0.5, -4.0, 1.0]],
        [0.0, 0.0, 1.0],
        distortion=distortion,
        fisheye=fisheye,
    )
    points = np.array([[0.3, -0.4, 0.5], [1.0, 0.8, 1.7]])
    found = expected_precision(rig, points, pixel_sd=1.5)
    assert np.all(found.seen)
    rng = np.random.default_rng(1)
    trials = 20_000
    pixels = np.asarray(rig.project(jnp.asarray(points)))[:, None]
    noisy = pixels + 1.5 * rng.standard_normal((3, trials, 2, 2))
    scattered = np.asarray(squares(rig, jnp.asarray(noisy)))
    for i, point in enumerate(points):
        off = scattered[:, i] - point
        # 20 000 draws know a covariance to 1 %; 4 % is that of the largest, with a margin.
        largest = np.trace(found.covariance[i])
        assert_allclose(off.T @ off / trials, found.covariance[i], atol=0.04 * largest)


def test_an_uncertain_rig_adds_what_moved_cameras_do():
    rig = looking(
        [[-4.0, 1.0, 1.5], [3.0, 3.0, 2.5], [0.5, -4.0, 1.0]],
        [0.0, 0.0, 1.0],
        distortion=(-0.1, 0.02, 1e-3, -1e-3, 0.0),
    )
    points = np.array([[0.3, -0.4, 0.5], [0.6, 0.8, 1.4]])
    rng = np.random.default_rng(2)
    unit = np.concatenate([np.full(3, 1e-3), np.full(3, 2e-3), [1e-3, 1e-4, 0.5, 0.5]])
    unit = np.tile(np.concatenate([unit, np.full(WIDTH - len(unit), 1e-4)]), 3)
    mixing = unit[:, None] * rng.standard_normal((3 * WIDTH, 4))
    found = expected_precision(rig, points, pixel_sd=1e-6, rig_covariance=mixing @ mixing.T)
    pixels = jnp.asarray(rig.project(jnp.asarray(points)))[:, None]
    expected = np.zeros((2, 3, 3))
    for direction in mixing.T:
        moved = []
        for sign in (0.01, -0.01):
            columns = jnp.asarray(sign * direction.reshape(3, WIDTH))
            turn = matrix_from_rotation_vector(columns[:, :3])
            rotation = turn @ rig.camera_from_world_rotation
            shift = -jnp.einsum("cij,cj->ci", rotation, rig.centres + columns[:, 3:6])
            changed = with_lens_moved(
                eqx.tree_at(
                    lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
                    rig,
                    (rotation, shift),
                ),
                columns[:, 6:],
            )
            moved.append(np.asarray(squares(changed, pixels))[0])
        off = (moved[0] - moved[1]) / 0.02
        expected += off[:, :, None] * off[:, None, :]
    # Differences of steps of a hundredth, whose curvature cancels in pairs.
    assert_allclose(found.from_rig, expected, atol=1e-3 * np.trace(expected[0]))


@pytest.mark.slow
def test_calibrated_rigs_are_as_wrong_as_their_covariance_says():
    rig = looking([[-3.0, 2.0, 1.5], [0.0, 3.5, 2.0], [3.0, 2.0, 1.5]], [0.0, 0.0, 1.0])
    points = np.random.default_rng(0).uniform([-0.8, -0.8, 0.3], [0.8, 0.8, 1.7], (30, 3))
    pixels = jnp.asarray(rig.project(jnp.asarray(points)))[:, None]
    off, expected = [], []
    for seed in range(8):
        views, _ = simulate_views(
            rig, make_board("charuco", 9, 7, 0.09), ((0, 1), (1, 2)), 12,
            noise_px=0.2, distance=(2.0, 4.0), seed=seed,
        )  # fmt: skip
        found = calibrate_board(views)
        truth = np.asarray(rig.in_camera(jnp.asarray(points)))[found.reference]
        placed = np.asarray(squares(found.rig, pixels))[0]
        off.append(np.mean(np.sum((placed - truth) ** 2, axis=1)))
        precision = expected_precision(
            found.rig, truth, pixel_sd=1e-9, rig_covariance=found.covariance
        )
        expected.append(np.mean(precision.error**2))
    # Errors of all points share one calibration, so that eight know their size to a quarter; and
    # the covariance of a calibration from few views is on the safe side, by up to a half.
    assert 0.4 < np.sqrt(np.mean(off) / np.mean(expected)) < 1.3


def test_what_one_camera_or_one_place_sees_is_not_determined():
    apart = looking([[-4.0, 0.0, 1.0], [0.0, -2.0, 1.0]], [0.0, 0.0, 1.0])
    beyond = np.array([[0.0, 0.0, 1.0], [0.0, 3.9, 1.0]])
    found = expected_precision(apart, beyond)
    assert found.n_cameras.tolist() == [2, 1]
    assert found.determined.tolist() == [True, False]
    assert np.isnan(found.error[1]) and np.isnan(found.worst[0][1])
    together = looking([[-4.0, 0.0, 1.0], [-4.0, 0.0, 1.0]], [0.0, 0.0, 1.0])
    assert not expected_precision(together, ORIGIN).determined.any()
    facing = looking([[-4.0, 0.0, 1.0], [4.0, 0.0, 1.0]], [0.0, 0.0, 1.0])
    assert not expected_precision(facing, ORIGIN).determined.any()


def test_more_points_than_one_chunk_are_the_same_points():
    rig = looking([[-4.0, 0.0, 1.0], [0.0, -2.0, 1.0]], [0.0, 0.0, 1.0])
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (5000, 3)) + [0.0, 0.0, 1.0]
    many, few = expected_precision(rig, points), expected_precision(rig, points[4500:4510])
    assert_allclose(many.error[4500:4510], few.error, atol=1e-12)


def test_a_lens_that_folds_shows_nothing_from_behind_the_fold():
    # r (1 - 0.3 r^2) grows to r = 1.054 and returns to 0 at 1.826.
    rig = looking([[0.0, -3.0, 1.0]], [0.0, 0.0, 1.0], distortion=(-0.3, 0.0, 0.0, 0.0, 0.0))
    assert_allclose(largest_tangents(rig), 1.0 / np.sqrt(0.9), atol=1e-9)
    folded = np.array([[3.0 * 1.8, 0.0, 1.0], [3.0 * 0.8, 0.0, 1.0]])
    pixels = np.asarray(rig.project(jnp.asarray(folded)))[0]
    assert np.all((pixels[:, 0] > 0) & (pixels[:, 0] < 1919))  # both would be inside the picture
    assert in_view(rig, folded)[0].tolist() == [False, True]


def test_picture_edges_end_at_the_edge_of_the_picture():
    rig = looking([[0.0, -3.0, 1.0]], [0.0, 0.0, 1.0], distortion=(-0.1, 0.0, 1e-3, 0.0, 0.0))
    edges = picture_edges(rig, per_side=4)[0]
    pixels = np.asarray(rig.project(jnp.asarray(np.asarray(rig.centres)[0] + 2.0 * edges)))[0]
    expected = [[-0.5, -0.5], [1919.5, -0.5], [1919.5, 1079.5], [-0.5, 1079.5]]
    assert_allclose(pixels[::4], expected, atol=1e-4)  # px; Newton's steps of `undistort`
    folding = dataclasses.replace(rig, distortion=jnp.asarray([[-0.6, 0.0, 0.0, 0.0, 0.0]]))
    radius = np.tan(np.arccos(picture_edges(folding)[0] @ [0.0, 1.0, 0.0])).max()
    assert 0.7 < radius <= 1.0 / np.sqrt(1.8) + 1e-9  # where the model ends


def test_horizontal_angle_is_that_of_a_pinhole():
    rig = looking([[0.0, -3.0, 1.0]], [0.0, 0.0, 1.0])
    assert_allclose(horizontal_angle(rig), 2.0 * np.arctan(0.96), atol=1e-12)


RING = [[4.0 * np.cos(a), 4.0 * np.sin(a), 2.0] for a in np.arange(6) * np.pi / 3]


def test_the_volume_lies_where_the_cameras_look():
    rig = looking(RING, [0.0, 0.0, 1.0])
    middle, reach = looked_at(rig)
    assert_allclose(middle, [0.0, 0.0, 1.0], atol=1e-9)
    assert_allclose(reach, np.sqrt(17.0), atol=1e-9)
    assert floor_is_known(rig)
    low, high = volume_box(rig)
    assert low[2] == 0.0 and 2.0 < high[2] <= 2.5
    assert np.all(np.abs(low[:2]) < 3.0) and np.all(high[:2] < 3.0)
    volume = capture_volume(rig, pixel_sd=1.0)
    counted = int((volume.precision.n_cameras >= 2).sum())
    assert_allclose(volume.size, counted * np.prod(volume.grid.step), rtol=1e-9)
    assert volume.share_within(1.0) == 1.0
    assert volume.share_within(float(np.median(volume.error))) == pytest.approx(0.5, abs=0.01)


def test_a_world_that_is_not_upright_has_no_known_floor():
    assert not floor_is_known(with_upward(looking(RING, [0.0, 0.0, 1.0]), "x"))
    buried = [[x, y, -1.0] for x, y, _ in RING]
    assert not floor_is_known(looking(buried, [0.0, 0.0, -2.0]))


def test_cameras_that_look_apart_share_nothing():
    rig = looking([[1.0, 0.0, 1.5], [-1.0, 0.0, 1.5]], [0.0, 0.0, 1.5])
    apart = eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (
            rig.camera_from_world_rotation[::-1],
            -jnp.einsum("cij,cj->ci", rig.camera_from_world_rotation[::-1], rig.centres),
        ),
    )
    volume = capture_volume(apart)
    assert volume.size == 0.0 and volume.share_within() == 0.0
    assert volume.precision.n_cameras.max() == 1


def test_a_grid_fills_its_box():
    grid = grid_of(np.array([-1.0, 0.0, 0.0]), np.array([3.0, 1.0, 2.0]))
    assert_allclose(grid.high, [3.0, 1.0, 2.0], atol=1e-12)
    assert_allclose(grid.points.min(axis=0) - np.asarray(grid.step) / 2, grid.low, atol=1e-12)
    assert len(grid.points) == np.prod(grid.shape)
    assert max(grid.shape) <= 40
