"""Rigs for pictures turned or resized, judged by OpenCV doing the same to a picture."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cameras.rig_changes import quarter_turned, rescaled, upward_axis, with_upward
from diffbio.errors import InputError

POINTS = jnp.asarray([[0.1, -0.2, 3.0], [-0.4, 0.3, 2.5], [0.5, 0.25, 4.0]])


def rig(fisheye: bool = False, size: tuple[int, int] = (640, 480)) -> CameraRig:
    """One camera that looks along z of the world."""
    pinhole, wide = [-0.2, 0.05, 0.03, -0.02, 0.01], [-0.02, 0.007, -0.003, 0.0004, 0.0]
    return CameraRig(
        focal_px=jnp.asarray([[700.0, 690.0]]),
        principal_px=jnp.asarray([[310.0, 250.0]]),
        distortion=jnp.asarray([wide if fisheye else pinhole]),
        camera_from_world_rotation=jnp.asarray([cv2.Rodrigues(np.array([0.1, -0.05, 0.2]))[0]]),
        camera_from_world_translation=jnp.asarray([[0.05, -0.1, 0.2]]),
        names=("front",),
        image_size=(size,),
        fisheye=(fisheye,),
    )


def centroid(picture: np.ndarray) -> np.ndarray:
    """Where the light is, with (0, 0) in the middle of the first pixel."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(picture * columns).sum(), (picture * rows).sum()]) / picture.sum()


def picture_of(pixel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture with a spot of light."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    return np.exp(-((columns - pixel[0]) ** 2 + (rows - pixel[1]) ** 2) / (2 * 8.0**2))


@pytest.mark.parametrize("fisheye", [False, True])
@pytest.mark.parametrize("size", [(320, 240), (1280, 960)])
def test_a_resized_picture_shows_a_point_where_the_rescaled_rig_says(fisheye, size):
    before = np.asarray(rig(fisheye).project(POINTS))[0]
    changed = rescaled(rig(fisheye), *size)
    assert changed.image_size == (size,)
    for pixel, expected in zip(before, np.asarray(changed.project(POINTS))[0], strict=True):
        small = size[0] < 640
        resized = cv2.resize(
            picture_of(pixel, (640, 480)),
            size,
            interpolation=cv2.INTER_AREA if small else cv2.INTER_LINEAR,
        )
        assert_allclose(centroid(resized), expected, atol=1e-3)  # px, of the sampled spot


TURNS = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}


@pytest.mark.parametrize("fisheye", [False, True])
@pytest.mark.parametrize("turns", TURNS)
def test_a_turned_picture_shows_a_point_where_the_turned_rig_says(fisheye, turns):
    before = np.asarray(rig(fisheye).project(POINTS))[0]
    changed = quarter_turned(rig(fisheye), turns)
    assert changed.image_size == (((640, 480) if turns == 2 else (480, 640)),)
    assert_allclose(changed.centres, rig(fisheye).centres, atol=1e-12)
    for pixel, expected in zip(before, np.asarray(changed.project(POINTS))[0], strict=True):
        turned = cv2.rotate(picture_of(pixel, (640, 480)), TURNS[turns])
        assert_allclose(centroid(turned), expected, atol=1e-6)  # px, of the sampled spot


def test_four_quarters_are_none():
    for changed in (quarter_turned(quarter_turned(rig(), 3), 1), quarter_turned(rig(), 4)):
        assert_allclose(changed.project(POINTS), rig().project(POINTS), atol=1e-10)


def test_a_size_rounded_to_whole_pixels_fits():
    changed = rescaled(rig(size=(1920, 1080)), 853, 480)
    assert changed.image_size == ((853, 480),)
    assert_allclose(changed.focal_px[0, 1], 690.0 * 480 / 1080)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((640, 360), r"calibrated at 640 x 480, and 640 x 360 has other proportions. Resize the"),
        ((640, 488), r"camera front: .* has other proportions"),
        ((480, 640), r"480 x 640 is that picture turned. Turn the pictures back, or the camera"),
        ((960, 1280), r"960 x 1280 is that picture turned"),
    ],
)
def test_a_picture_cropped_or_turned_is_refused(size, message):
    with pytest.raises(InputError, match=message):
        rescaled(rig(), *size)


@pytest.mark.parametrize("axis", ["x", "-x", "y", "-y", "z", "-z"])
def test_the_axis_that_was_up_is_z(axis):
    changed = with_upward(rig(), axis)
    assert_allclose(jnp.linalg.det(changed.camera_from_world_rotation), [1.0], atol=1e-12)
    up = np.eye(3)["xyz".index(axis[-1])] * (-1.0 if axis[0] == "-" else 1.0)
    # A point a metre up from the camera is so in either world.
    above = rig().in_camera(rig().centres[0] + jnp.asarray(up))
    assert_allclose(
        changed.in_camera(changed.centres[0] + jnp.asarray([0.0, 0.0, 1.0])), above, atol=1e-12
    )


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"up: Found 'north'. Give one of x, -x, y, -y, z, -z"):
        with_upward(rig(), "north")


def test_a_camera_held_upright_tells_what_is_up():
    # OpenCV's y points down, so a camera that looks along z has -y up.
    assert upward_axis(rig()) == "-y"
    assert upward_axis(with_upward(rig(), "-y")) == "z"
    assert upward_axis(with_upward(rig(), "-z")) == "y"
