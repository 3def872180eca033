"""Rigs are recovered from simulated views, lenses as OpenCV finds them, bad views refused."""

import dataclasses

import cv2
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import calibrate_board, estimate_lens, judge, make_board, measure
from diffbio.cameras.calibration.board_equations import inverses
from diffbio.cameras.calibration.cleaning import clean
from diffbio.cameras.calibration.coverage import coverage, coverage_picture, empty_regions
from diffbio.cameras.calibration.floor import floor_of
from diffbio.cameras.calibration.lens_models import OPENCV_ORDER
from diffbio.cameras.calibration.lens_unknowns import LENS
from diffbio.cameras.calibration.sightings import BoardPoses
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.calibration.starts import spread
from diffbio.errors import InputError, UnknownNameError
from diffbio.io.board_corners import read_board_corners
from diffbio.io.rigs import read_rig

BOARD = make_board("charuco", 7, 6, 0.1)
MODEL = "focal, centre, k1 k2"


def row_of_cameras(count: int = 3) -> CameraRig:
    """Cameras beside each other, 2 m apart, turned towards a point 4 m before the middle one."""
    x = 2.0 * (np.arange(count) - (count - 1) / 2)
    centres = np.stack([x, np.zeros(count), np.full(count, 1.5)], axis=1)
    rotations = []
    for centre in centres:
        forward = np.array([0.0, 4.0, 1.2]) - centre
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        rotations.append(np.stack([right, np.cross(forward, right), forward]))
    rotation = np.stack(rotations)
    return CameraRig(
        focal_px=jnp.full((count, 2), 1100.0),
        principal_px=jnp.asarray([[645.0, 352.0]] * count),
        distortion=jnp.asarray([[-0.1, 0.03, 0.0, 0.0, 0.0]] * count),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=tuple(f"cam{i}" for i in range(count)),
        image_size=((1280, 720),) * count,
        fisheye=(False,) * count,
    )


def footage(rig, groups, per_group=20, noise_px=0.2, seed=0, tilt_deg=45.0):
    return simulate_views(
        rig, BOARD, groups, per_group,
        noise_px=noise_px, distance=(2.0, 4.0), seed=seed, tilt_deg=tilt_deg,
    )  # fmt: skip


@pytest.fixture(scope="module")
def chain():
    """Three cameras of which only neighbours see the board together, calibrated."""
    rig = row_of_cameras()
    views, poses = footage(rig, ((0, 1), (1, 2)))
    return rig, views, poses, calibrate_board(views, order=MODEL)


def error_of(found, rig):
    """Degrees and metres by which cameras miss the truth, in the reference camera's frame."""
    reference = np.asarray(rig.camera_from_world_rotation)[found.reference]
    centres = (np.asarray(rig.centres) - np.asarray(rig.centres)[found.reference]) @ reference.T
    rotation = np.asarray(rig.camera_from_world_rotation) @ reference.T
    turn = np.asarray(found.rig.camera_from_world_rotation) @ rotation.transpose(0, 2, 1)
    angle = np.degrees(Rotation.from_matrix(turn).magnitude())
    return angle, np.linalg.norm(np.asarray(found.rig.centres) - centres, axis=1)


def test_a_chain_of_cameras_is_recovered(chain):
    rig, _, _, found = chain
    degrees, metres = error_of(found, rig)
    assert found.converged and found.reference == 1
    # A few stated standard deviations, which are 0.04 degrees and 3 mm.
    assert degrees.max() < 0.15 and metres.max() < 0.012
    assert np.nanmean(found.residual_px) == pytest.approx(0.2 * np.sqrt(np.pi / 2), abs=0.02)
    assert_allclose(found.rig.focal_px, 1100.0, atol=5.0)


def test_without_noise_the_truth_is_found_exactly():
    rig = row_of_cameras()
    views, _ = footage(rig, ((0, 1), (1, 2)), noise_px=0.0)
    found = calibrate_board(views, order=MODEL)
    degrees, metres = error_of(found, rig)
    # What is left is where the adjustment stops.
    assert degrees.max() < 1e-5 and metres.max() < 1e-6
    assert_allclose(found.rig.distortion, rig.distortion, atol=1e-6)


def test_errors_agree_with_the_standard_deviations_stated(chain):
    rig, _, _, found = chain
    _, metres = error_of(found, rig)
    sd = np.linalg.norm(found.sd[:, 3:6], axis=1)
    others = np.arange(3) != found.reference
    assert np.all(sd[~others] == 0.0)
    assert np.all(metres[others] < 4.0 * sd[others])


def test_wrong_corners_hardly_matter(chain):
    rig, views, _, _ = chain
    pixels = views.pixels.copy()
    wrong = np.random.default_rng(0).random(pixels.shape[:3]) < 0.03
    pixels[wrong] += 40.0
    found = calibrate_board(dataclasses.replace(views, pixels=pixels), order=MODEL)
    assert error_of(found, rig)[1].max() < 0.02


def test_lens_is_the_one_opencv_finds_with_its_error_bars():
    rig = row_of_cameras(1)
    views, _ = footage(rig, ((0,),), per_group=25)
    one = estimate_lens(views, 0, order=OPENCV_ORDER, least_squares=True)
    pictures = list(views.pixels[0].astype(np.float32))
    objects = [BOARD.points.astype(np.float32)] * len(pictures)
    rms, matrix, distortion, *_, sd, _, _ = cv2.calibrateCameraExtended(
        objects, pictures, (1280, 720), np.eye(3), np.zeros(5)
    )
    # OpenCV takes its corners in single precision.
    assert one.rms_px == pytest.approx(rms, rel=1e-4)
    assert_allclose(one.rig.focal_px[0], [matrix[0, 0], matrix[1, 1]], atol=0.02)
    assert_allclose(one.rig.distortion[0], distortion.ravel()[:5], atol=2e-3)
    # Ours grow where views scatter more than corners do.
    assert 0.9 < one.sd[0] * matrix[0, 0] / sd.ravel()[0] < 2.0
    assert 0.9 < one.sd[LENS.index("cx")] / sd.ravel()[2] < 2.0


def test_few_terms_are_chosen_for_few_views_and_enough_for_many():
    rig = row_of_cameras(1)
    views, _ = footage(rig, ((0,),), per_group=40, noise_px=0.1)
    one = estimate_lens(views, 0)
    assert "k1 k2" in one.order and one.held_out_px["focal"] > 1.2 * one.held_out_px[one.order]


def test_given_lenses_are_held(chain):
    rig, views, _, _ = chain
    found = calibrate_board(views, lenses=rig)
    assert_allclose(found.rig.focal_px, 1100.0, atol=0.0)
    assert error_of(found, rig)[1].max() < 0.005
    wrong = dataclasses.replace(rig, image_size=((1920, 1080),) * 3)
    with pytest.raises(InputError, match=r"1280 x 720, its lens was calibrated at\s+1920"):
        calibrate_board(views, lenses=wrong)


def test_the_sd_and_held_out_error_of_a_good_rig_make_a_good_verdict(chain):
    _, _, _, found = chain
    quality = measure(found)
    assert quality.edge_rms_mm < 2.0 and abs(quality.edge_bias_percent) < 0.2
    assert all(0.1 < error < 2.0 for error in quality.held_out_px.values())
    assert judge(found, quality).level in ("ok", "check")
    bad = dataclasses.replace(quality, edge_rms_mm=20.0, median_px=4.0)
    verdict = judge(found, bad)
    assert verdict.level == "fail"
    assert any("synchronised" in reason for reason in verdict.reasons)


def test_cameras_that_share_no_view_are_named_with_the_missing_link():
    views, _ = footage(row_of_cameras(4), ((0, 1), (2, 3)))
    with pytest.raises(
        InputError, match=r"one of cam0, cam1 and to one of cam2, cam3.*both see it"
    ):
        calibrate_board(views, order=MODEL)


def test_a_mirrored_camera_is_named():
    rig = row_of_cameras()
    views, _ = footage(rig, ((0, 1), (1, 2)))
    pixels = views.pixels.copy()
    pixels[2, :, :, 0] = 1279.0 - pixels[2, :, :, 0]
    with pytest.raises(InputError, match=r"camera cam2: It shows the board mirrored"):
        calibrate_board(dataclasses.replace(views, pixels=pixels), order=MODEL)


def test_views_that_all_face_the_camera_are_refused():
    views, _ = footage(row_of_cameras(1), ((0,),), tilt_deg=1.0)
    # Only the tilt that perspective leaves for boards aside: the axis is level here.
    facing = views.of_views(np.arange(6))
    with pytest.raises(InputError, match="faces it squarely in all 6 views"):
        estimate_lens(_squarely(facing), 0)


def _squarely(views):
    """The same number of views, each parallel to the picture."""
    pixels = np.empty_like(views.pixels)
    for view in range(pixels.shape[1]):
        scale, shift = 500.0 + 60.0 * view, 300.0 + 20.0 * view
        pixels[0, view] = views.board.points[:, :2] * scale + [shift, 150.0]
    return dataclasses.replace(views, pixels=pixels)


def test_too_few_views_and_no_views_are_refused(chain):
    _, views, _, _ = chain
    with pytest.raises(InputError, match="at least 4, better 20"):
        estimate_lens(views.of_views(np.arange(3)), 0)
    blind = dataclasses.replace(views, pixels=views.pixels.copy())
    blind.pixels[0] = np.nan
    with pytest.raises(InputError, match="camera cam0: The board was found in none"):
        calibrate_board(blind)


def test_wrong_blurred_and_repeated_views_are_left_out_and_counted(chain):
    _, views, _, _ = chain
    pixels = views.pixels.copy()
    pixels[1, 0] = pixels[1, 0][::-1] + np.random.default_rng(0).normal(0, 60, (30, 2))
    pixels[:, 3] = pixels[:, 2] + 0.3
    widths = np.where(views.sighted, 2.0, np.nan)
    widths[1, 25] = 9.0
    left, dropped = clean(dataclasses.replace(views, pixels=pixels), widths)
    assert dropped.misdetected == {"cam0": 0, "cam1": 1, "cam2": 0}
    assert dropped.blurred == {"cam0": 0, "cam1": 1, "cam2": 0}
    assert dropped.duplicate_views == 1 and left.pixels.shape[1] == views.pixels.shape[1] - 1


def test_the_floor_is_where_the_board_lay(chain):
    _, views, _, found = chain
    label = views.labels[4]
    floor = floor_of(found, (label,))
    seen = np.asarray(floor.rig.project(jnp.asarray(views.board.points * [1.0, -1.0, -1.0])))
    there = views.sighted[:, 4]
    assert np.abs(seen - views.pixels[:, 4])[there].max() < 2.0
    assert "nothing else checks it" in floor.sentence
    with pytest.raises(UnknownNameError, match="No view that was used is called 'nowhere'"):
        floor_of(found, ("nowhere",))


def lying(found, heights, faces=(0.0, 0.0, 0.0), down=0.0):
    """The same calibration, in whose first three views the board lies on a floor.

    Args:
        found: a calibration, in the frame of an upright camera.
        heights: of the board, in metres.
        faces: by how much it is tilted, in radians.
        down: by how much the floor is lower than the cameras, beyond 1.5 m.
    """
    # x right, y down, z ahead; the floor slopes up a little ahead.
    slope = Rotation.from_euler("x", 0.1).as_matrix()
    # Face up and its top ahead: x right, y back, z down.
    flat = slope @ np.stack([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]], axis=1)
    turns = np.asarray(found.poses.world_from_board_rotation).copy()
    places = np.asarray(found.poses.world_from_board_translation).copy()
    for view, (height, face) in enumerate(zip(heights, faces, strict=True)):
        turns[view] = flat @ Rotation.from_euler("zx", [0.7 * view, face]).as_matrix()
        middle = found.views.board.points.mean(0)
        place = slope @ np.array([view - 1.0, 1.5 + down - height, 3.0 + 0.5 * view**2])
        places[view] = place - turns[view] @ middle
    return dataclasses.replace(found, poses=BoardPoses(jnp.asarray(turns), jnp.asarray(places)))


def test_views_of_one_floor_agree_on_it(chain):
    _, views, _, found = chain
    labels = views.labels[:3]
    calibration = lying(found, (0.0, 0.0, 0.0))
    floor = floor_of(calibration, labels)
    assert max(map(abs, floor.height_mm.values())) < 1e-6
    assert max(floor.tilt_deg.values()) < 1e-4
    assert floor.lowest_camera == pytest.approx(np.asarray(floor.rig.centres)[:, 2].min())
    assert "In the 3 views of the floor the board lies within 0.0 mm of z = 0" in floor.sentence
    # The rig is moved as a whole: distances between cameras stay.
    before, after = (np.asarray(rig.centres) for rig in (found.rig, floor.rig))
    assert_allclose(
        np.linalg.norm(after[0] - after[2]), np.linalg.norm(before[0] - before[2]), atol=1e-9
    )
    rough = floor_of(lying(found, (0.0, 0.004, 0.0)), labels)
    assert 0.5 < max(map(abs, rough.height_mm.values())) < 4.0


@pytest.mark.parametrize(
    ("heights", "faces", "down", "complaint"),
    [
        ((0.0, 0.3, 0.0), (0.0, 0.0, 0.0), 0.0, r"mm off the floor through all 3 views"),
        ((0.0, 0.0, 0.0), (0.0, 0.2, 0.0), 0.0, r"In view view 2 the board is .* tilted by"),
        ((0.0, 0.0, 0.0), (np.pi, np.pi, np.pi), 0.0, r"In view view 1 the board lies face down"),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), -1.5, r"Of the cameras . would stand on one side"),
    ],
)
def test_views_that_show_no_floor_are_named(chain, heights, faces, down, complaint):
    _, views, _, found = chain
    with pytest.raises(InputError, match=complaint):
        floor_of(lying(found, heights, faces, down), views.labels[:3])


def test_coverage_says_where_nothing_was_seen(chain):
    _, views, _, found = chain
    pixels = np.where(views.pixels[..., :1] > 600.0, views.pixels, np.nan)
    half = dataclasses.replace(views, pixels=pixels)
    assert coverage(half)[:, :, :3].sum() == 0
    assert "left" in empty_regions(half)["cam1"]
    picture = coverage_picture(views, 1, found.residual_px[1])
    assert picture.shape == (540, 960, 3)


def test_spread_chooses_views_that_differ(chain):
    _, views, _, _ = chain
    chosen = spread(views, 1, 10)
    assert chosen.sum() == 10 and not (chosen & ~views.sighted[1]).any()


def test_fisheye_lens_is_recovered():
    rig = row_of_cameras(1)
    rig = eqx.tree_at(lambda r: r.focal_px, rig, jnp.full((1, 2), 500.0))
    rig = eqx.tree_at(lambda r: r.distortion, rig, jnp.asarray([[0.02, -0.01, 0.0, 0.0, 0.0]]))
    rig = dataclasses.replace(rig, fisheye=(True,))
    views, _ = footage(rig, ((0,),), per_group=25, noise_px=0.0)
    one = estimate_lens(views, 0, order="fisheye: focal, centre, k1 k2")
    assert_allclose(one.rig.focal_px, 500.0, atol=0.1)
    assert_allclose(one.rig.distortion, rig.distortion, atol=1e-3)


def test_shipped_corners_give_the_shipped_rig(shared_data):
    folder = shared_data / "caliscope-charuco"
    shipped = read_rig(folder / "camera_array.toml")
    sizes = dict(zip(shipped.names, shipped.image_size, strict=True))
    views, _ = clean(read_board_corners(folder / "charuco-xy.csv", sizes))
    found = calibrate_board(views, lenses=shipped)
    quality = measure(found)
    # The shipped calibration's 0.61 px are of corners triangulated one by one.
    assert quality.free_corner_px < 0.61 and quality.edge_rms_mm < 1.0
    degrees, metres = error_of(found, shipped)
    assert degrees.max() < 0.5 and metres.max() < 0.01


def test_inverses_of_many_blocks_are_those_of_lapack():
    rows = np.random.default_rng(0).normal(size=(50, 6, 9))
    blocks = rows @ rows.transpose(0, 2, 1)
    exact = np.linalg.inv(blocks)
    assert_allclose(inverses(jnp.asarray(blocks)), exact, rtol=0, atol=1e-11 * np.abs(exact).max())
