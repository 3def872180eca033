"""Cameras from known points, judged by OpenCV, by simulated truth and by finite differences."""

import dataclasses

import cv2
import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.scene import SceneViews, calibrate_scene, measure_scene
from diffbio.cameras.calibration.scene.placing import place_camera
from diffbio.errors import InputError, UnknownNameError
from diffbio.geometry import matrix_from_rotation_vector
from diffbio.simulation.recording import ring_of_cameras

RIG = ring_of_cameras(4)
PLACES = np.random.default_rng(0).uniform([-1.0, -1.0, 0.0], [1.0, 1.0, 1.5], (8, 3))
NAMES = tuple("abcdefgh")


def views_of(
    rig: CameraRig = RIG, places: np.ndarray = PLACES, noise_px: float = 1.0, seed: int = 1
) -> SceneViews:
    """What the cameras saw of the places, with Gaussian clicks."""
    exact = np.asarray(rig.project(jnp.asarray(places)))
    clicks = noise_px * np.random.default_rng(seed).standard_normal(exact.shape)
    count = len(places)
    return SceneViews(NAMES[:count], places, np.zeros(count), rig.names, exact + clicks)


def lens_of(rig: CameraRig, camera: int) -> tuple[np.ndarray, np.ndarray]:
    """OpenCV's matrix and distortion."""
    matrix = np.eye(3)
    matrix[[0, 1], [0, 1]] = np.asarray(rig.focal_px)[camera]
    matrix[:2, 2] = np.asarray(rig.principal_px)[camera]
    return matrix, np.asarray(rig.distortion)[camera]


def opencv_pose(rig, camera, places, pixels):
    """OpenCV's rotation, centre, and root mean square distance in pixels."""
    lens = lens_of(rig, camera)
    _, turn, shift = cv2.solvePnP(places, pixels, *lens, flags=cv2.SOLVEPNP_SQPNP)
    turn, shift = cv2.solvePnPRefineLM(
        places, pixels, *lens, turn, shift, (cv2.TERM_CRITERIA_COUNT, 200, 0.0)
    )
    miss = cv2.projectPoints(places, turn, shift, *lens)[0][:, 0] - pixels
    rotation = cv2.Rodrigues(turn)[0]
    return rotation, -rotation.T @ shift[:, 0], np.sqrt((miss**2).sum(1).mean())


def centre_error_mm(found: CameraRig, true: CameraRig = RIG) -> np.ndarray:
    return 1e3 * np.linalg.norm(np.asarray(found.centres - true.centres), axis=1)


def test_exact_clicks_give_the_exact_rig():
    found = calibrate_scene(views_of(noise_px=0.0), RIG)
    assert_allclose(found.rig.centres, RIG.centres, atol=1e-8)  # m
    assert_allclose(found.rig.camera_from_world_rotation, RIG.camera_from_world_rotation, atol=1e-9)
    assert found.used.all()


def test_an_exact_survey_gives_the_pose_that_opencv_gives():
    views = views_of()
    found = calibrate_scene(views, RIG)
    quality = measure_scene(found)
    for camera, name in enumerate(RIG.names):
        rotation, centre, rms = opencv_pose(RIG, camera, PLACES, views.pixels[camera])
        assert_allclose(found.rig.centres[camera], centre, atol=1e-5)  # m; OpenCV stops early
        assert_allclose(found.rig.camera_from_world_rotation[camera], rotation, atol=1e-5)
        assert quality.rms_px[name] <= rms * (1.0 + 1e-9)


def test_a_fisheye_lens_is_taken_as_one():
    bent = jnp.asarray([[-0.02, 0.01, 0.0, 0.0, 0.0]])
    rig = eqx.tree_at(lambda r: r.distortion, RIG.subset(("cam01",)), bent)
    rig = dataclasses.replace(rig, fisheye=(True,))
    found = calibrate_scene(views_of(rig, noise_px=0.0), rig)
    assert_allclose(found.rig.centres, rig.centres, atol=1e-7)


def test_left_out_errors_are_those_of_a_fit_without_the_point():
    views = views_of(noise_px=0.3)
    found = calibrate_scene(views, RIG)
    for point in range(3):
        others = np.arange(8) != point
        rotation, centre, _ = opencv_pose(RIG, 0, PLACES[others], views.pixels[0][others])
        turn, shift = cv2.Rodrigues(rotation)[0], -rotation @ centre
        image = cv2.projectPoints(PLACES[point][None], turn, shift, *lens_of(RIG, 0))[0]
        miss = np.linalg.norm(image.ravel() - views.pixels[0, point])
        # To first order in errors of 0.3 px.
        assert_allclose(found.left_out_px[0, point], miss, atol=0.02)


def test_standard_deviations_are_those_of_many_surveys():
    scores = []
    for seed in range(16):
        found = calibrate_scene(views_of(seed=seed), RIG)
        blocks = found.covariance.reshape(4, 7, 4, 7)
        for camera in range(4):
            error = np.asarray(found.rig.centres - RIG.centres)[camera]
            covariance = blocks[camera, 3:6, camera, 3:6]
            scores.append(error @ np.linalg.solve(covariance, error))
    # Chi square of 3, over 64 poses: its mean is 3 +- 0.3; the click's error is estimated too.
    assert 2.0 < np.mean(scores) < 4.2


def test_an_uncertain_survey_widens_the_error_bars_and_moves_the_points():
    rng = np.random.default_rng(3)
    places = PLACES + 0.01 * rng.standard_normal(PLACES.shape)
    views = dataclasses.replace(views_of(noise_px=0.5), places=places)
    exact = calibrate_scene(views, RIG, click_sd_px=0.5)
    wide = calibrate_scene(
        dataclasses.replace(views, place_sd=np.full(8, 0.01)), RIG, click_sd_px=0.5
    )
    assert_allclose(exact.places, places)
    before = np.linalg.norm(places - PLACES, axis=1).mean()
    after = np.linalg.norm(wide.places - PLACES, axis=1).mean()
    assert after < 0.9 * before
    assert centre_error_mm(wide.rig).mean() < centre_error_mm(exact.rig).mean()
    sd = np.sqrt(np.diag(wide.covariance)).reshape(4, 7)[:, 3:6]
    assert np.all(np.abs(np.asarray(wide.rig.centres - RIG.centres)) < 4.0 * sd)


def test_the_covariance_is_the_inverse_of_the_curvature():
    """Finite differences of the squares, in the unknowns of one camera."""
    views = views_of(RIG.subset(("cam02",)))
    found = calibrate_scene(views, RIG)

    def cost(step: np.ndarray) -> float:
        turn = matrix_from_rotation_vector(jnp.asarray(step[:3]))
        rotation = turn @ found.rig.camera_from_world_rotation[0]
        centre = found.rig.centres[0] + jnp.asarray(step[3:])
        moved = eqx.tree_at(
            lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
            found.rig,
            (rotation[None], -(rotation @ centre)[None]),
        )
        miss = np.asarray(moved.project(jnp.asarray(PLACES)))[0] - views.pixels[0]
        return 0.5 * float((miss**2).sum()) / float(found.click_sd_px[0]) ** 2

    size, curvature = 1e-4, np.zeros((6, 6))
    for i in range(6):
        for j in range(6):
            a, b = size * np.eye(6)[i], size * np.eye(6)[j]
            curvature[i, j] = (cost(a + b) - cost(a - b) - cost(b - a) + cost(-a - b)) / 4 / size**2
    covariance = found.covariance[:6, :6]
    sd = np.sqrt(np.diag(covariance))
    # Gauss and Newton's curvature leaves out the second derivatives, times errors of a pixel.
    assert_allclose(
        np.linalg.inv(curvature) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.05
    )


def test_a_focal_length_is_found_within_its_error_bar():
    lenses = eqx.tree_at(lambda r: r.focal_px, RIG, RIG.focal_px * 1.3)
    found = calibrate_scene(views_of(noise_px=0.3), lenses, click_sd_px=0.3, focal=True)
    sd = np.sqrt(np.diag(found.covariance)).reshape(4, 7)[:, 6]
    relative = np.log(np.asarray(found.rig.focal_px[:, 0]) / 1150.0)
    assert np.all(np.abs(relative) < 4.0 * sd)
    assert np.all(sd < 0.1)


def test_two_labels_exchanged_do_not_spoil_the_pose():
    views = views_of()
    views.pixels[0, [2, 5]] = views.pixels[0, [5, 2]]
    found = calibrate_scene(views, RIG)
    assert np.flatnonzero(~found.used[0]).tolist() == [2, 5]
    assert found.used[1:].all()
    assert centre_error_mm(found.rig).max() < 80.0


def test_one_wrong_click_of_many_is_left_out():
    views = views_of()
    views.pixels[1, 3] += [40.0, 10.0]
    found = calibrate_scene(views, RIG)
    assert np.argwhere(~found.used).tolist() == [[1, 3]]


def test_four_coplanar_points_far_away_have_two_poses():
    square = np.array([[-0.1, -0.1, 1.0], [0.1, -0.1, 1.0], [0.1, 0.1, 1.0], [-0.1, 0.1, 1.0]])
    found = calibrate_scene(views_of(places=square), RIG)
    assert min(worse for worse, _ in found.other_pose) < 9.0
    # Near and large they have one.
    near = calibrate_scene(views_of(places=5.0 * square - [0.0, 0.0, 4.5]), RIG)
    assert min(worse for worse, _ in near.other_pose) > 25.0


def test_what_is_not_seen_does_not_count():
    views = views_of()
    views.pixels[2, [0, 4]] = np.nan
    found = calibrate_scene(views, RIG)
    assert np.isnan(found.residual_px[2, [0, 4]]).all()
    rest = np.array([1, 2, 3, 5, 6, 7])
    _, centre, _ = opencv_pose(RIG, 2, PLACES[rest], views.pixels[2][rest])
    assert_allclose(found.rig.centres[2], centre, atol=1e-5)


def test_one_camera_alone_has_the_pose_it_has_among_others():
    views = views_of()
    alone = place_camera(RIG.subset(("cam03",)), PLACES, views.pixels[2], 1.0)
    found = calibrate_scene(views, RIG)
    assert_allclose(alone.rig.centres[0], found.rig.centres[2], atol=1e-7)


LINE = np.linspace([-1.0, 0.0, 0.3], [1.0, 0.2, 0.8], 6)
FLAT = PLACES * [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("places", "focal", "message"),
    [
        (PLACES[:3], False, r"camera cam01: It saw 3 points of known places. Give at least 4"),
        (PLACES[:5], True, r"It saw 5 points .* Give at least 6 for a focal length"),
        (LINE, False, r"Its 6 points lie on one line"),
        (FLAT, True, r"Its 8 points lie in one plane, and a focal length cannot be told"),
    ],
)
def test_what_determines_no_pose_is_refused(places, focal, message):
    with pytest.raises(InputError, match=message):
        calibrate_scene(views_of(places=places), RIG, focal=focal)


def test_clicks_outside_the_picture_are_refused():
    views = views_of()
    views.pixels[0] *= 2.0
    with pytest.raises(InputError, match=r"cam01: Point .* outside its picture of 1920 x 1080"):
        calibrate_scene(views, RIG)


def test_a_camera_without_a_lens_is_named():
    with pytest.raises(UnknownNameError, match="cam04"):
        calibrate_scene(views_of(), RIG.subset(("cam01", "cam02", "cam03")))
