"""A camera that is kept out of a fit, and measured by it."""

import dataclasses

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting import Fit
from diffbio.fitting.fit import HeldOut
from diffbio.observations import MIN_CONFIDENCE
from tests.fitting.small_walks import fitted

NAME = "cam03"


@pytest.fixture(scope="module")
def fit(recording):
    return fitted(recording, hold_out=NAME)


def evidence(fit: Fit) -> HeldOut:
    assert fit.held_out is not None
    return fit.held_out


def opencv_error_px(recording, camera, markers):
    """Distance of every confident detection of one camera from the projected markers."""
    rig, keypoints = recording.rig, recording.keypoints
    (fx, fy), (cx, cy) = rig.focal_px[camera], rig.principal_px[camera]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    rotation, _ = cv2.Rodrigues(np.asarray(rig.camera_from_world_rotation[camera]))
    translation = np.asarray(rig.camera_from_world_translation[camera])
    distortion = np.asarray(rig.distortion[camera])
    points = markers.reshape(-1, 1, 3)
    images, _ = cv2.projectPoints(points, rotation, translation, matrix, distortion)
    order = [keypoints.names.index(name) for name in recording.body.marker_names]
    away = images.reshape(*markers.shape[:2], 2) - keypoints.pixels[camera][:, order]
    confident = keypoints.confidence[camera][:, order] >= MIN_CONFIDENCE
    return np.where(confident, np.linalg.norm(away, axis=-1), np.nan)


def test_the_camera_is_no_part_of_the_fit(fit, recording):
    others = tuple(name for name in recording.rig.names if name != NAME)
    assert fit.rig.names == fit.rig_before.names == fit.error.camera_names == others
    assert fit.error.px.shape[0] == 3


def test_what_the_camera_saw_does_not_matter(fit, recording):
    nonsense = dataclasses.replace(recording.keypoints, pixels=recording.keypoints.pixels.copy())
    nonsense.pixels[2] = 7.0
    again = fitted(recording, keypoints=nonsense, hold_out=NAME)
    assert_allclose(again.motion.markers, fit.motion.markers, atol=1e-9)
    assert evidence(again).error.median_px > 100.0


def test_its_error_is_that_of_opencv(fit, recording):
    held_out = evidence(fit)
    assert held_out.name == NAME and held_out.error.camera_names == (NAME,)
    expected = opencv_error_px(recording, 2, fit.motion.markers)
    assert np.isfinite(expected).any()
    assert_allclose(held_out.error.px[0], expected, atol=0.01)  # px, single precision
    assert np.isfinite(held_out.error.median_px)
    # It did not help to fit its own noise, and is predicted nearly as well all the same.
    assert held_out.error.median_px > fit.error.per_camera()["cam02"]["median"]
    assert held_out.error.median_px < 3 * fit.error.median_px


def test_a_fit_with_all_cameras_holds_none_out(recording):
    assert fitted(recording).held_out is None


def test_pictures_of_the_camera_count_at_their_own_instants(fit, recording):
    """A lag that is known, as `merge_cameras` leaves it, is the camera's as given."""
    keypoints = recording.keypoints
    time, late = np.asarray(keypoints.time), 1.0 / 24.0
    lag = np.zeros(keypoints.confidence.shape[:2])
    lag[2] = -late
    moved = dataclasses.replace(
        keypoints, pixels=keypoints.pixels.copy(), confidence=keypoints.confidence.copy(), lag=lag
    )
    # The same pictures, each said to belong to the sample after the one it was taken at.
    moved.pixels[2, 1:], moved.confidence[2, 1:] = (
        keypoints.pixels[2, :-1],
        keypoints.confidence[2, :-1],
    )
    moved.confidence[2, 0] = 0.0
    again = fitted(recording, keypoints=moved, hold_out=NAME)
    assert_allclose(again.motion.markers, fit.motion.markers, atol=1e-6)
    found, expected = evidence(again).error.px[0, 2:], evidence(fit).error.px[0, 1:-1]
    assert len(time) == len(fit.motion.time)
    assert_allclose(found, expected, atol=0.05)  # px, single precision
