"""What makes a recording useless is said in one sentence."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.errors import InputError, UnknownNameError
from diffbio.fitting.person_rig.measure import Distance, Height, check_names
from diffbio.fitting.person_rig.recording import (
    check_image_size,
    check_recording,
    handedness,
    movement,
    partners,
    tracks_of,
)
from diffbio.observations import Keypoints
from tests.cameras.calibration.points.moving_points import recorded

NAMES = tuple(f"point_{i}" for i in range(12))


def seen(moving=True, n_cameras=3):
    rig, tracks = recorded(n_cameras, moving=moving)
    names = tuple(f"cam{i}" for i in range(n_cameras))
    keypoints = Keypoints(tracks.pixels, tracks.weight, tracks.stamps[0], NAMES, "swarm", names)
    return rig, keypoints


def test_height_in_centimetres_is_refused():
    with pytest.raises(
        InputError,
        match=r"170 m tall was probably measured in centimetres\. Give metres, such as 1\.70",
    ):
        Height(170.0)


def test_height_of_nobody_is_refused():
    with pytest.raises(InputError, match="4 m tall does not exist"):
        Height(4.0)


def test_distance_names_things_that_exist():
    with pytest.raises(UnknownNameError, match="'cam9'"):
        check_names(Distance("cam0", "cam9", 1.0), ("cam0", "cam1"), ("nose",))
    with pytest.raises(InputError, match="a camera and a keypoint"):
        check_names(Distance("cam0", "nose", 1.0), ("cam0", "cam1"), ("nose",))
    with pytest.raises(InputError, match="from cam0 to itself"):
        Distance("cam0", "cam0", 1.0)
    with pytest.raises(InputError, match=r"between 0\.02 and 100"):
        Distance("cam0", "cam1", 1000.0)


def test_a_person_who_stands_still_is_refused():
    _, keypoints = seen(moving=False)
    assert movement(tracks_of(keypoints)) < 1e-9
    with pytest.raises(InputError, match="The person hardly moves"):
        check_recording(keypoints, tracks_of(keypoints))


def test_the_same_file_twice_is_refused():
    _, keypoints = seen()
    keypoints.pixels[1] = keypoints.pixels[0]
    with pytest.raises(InputError, match="camera cam1: Its keypoints are those of cam0"):
        check_recording(keypoints, tracks_of(keypoints))


def test_a_camera_with_few_detections_is_named():
    _, keypoints = seen()
    keypoints.confidence[2, 5:] = 0.0
    with pytest.raises(InputError, match=r"cam2 \(60\): It has fewer than 200"):
        check_recording(keypoints, tracks_of(keypoints))


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_lenses_of_other_pictures_are_refused(factor):
    """Half as large: detections lie outside; twice: all of them towards the upper left."""
    rig, keypoints = seen()
    width, height = rig.image_size[0]
    size = (round(factor * width), round(factor * height))
    lenses = dataclasses.replace(rig, image_size=(size,) * len(rig.names))
    if factor == 1.0:
        check_image_size(lenses, tracks_of(keypoints))
        return
    found = rf"They are of pictures of {size[0]} x {size[1]}.*--image-size"
    with pytest.raises(InputError, match=found):
        check_image_size(lenses, tracks_of(keypoints))


def test_one_camera_is_refused():
    _, keypoints = seen()
    alone = keypoints.of_cameras(("cam0",))
    with pytest.raises(InputError, match="There is only cam0"):
        check_recording(alone, tracks_of(alone))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("nose", "left_hip", "right_hip"), (0, 2, 1)),
        (("Nose", "LHip", "RHip", "Neck"), (0, 2, 1, 3)),
        (("foot_l1", "foot_r1", "CLAV"), (1, 0, 2)),
    ],
)
def test_sides_are_paired_by_name(names, expected):
    assert partners(names) == expected


def test_a_mirror_image_is_told_from_a_body():
    rng = np.random.default_rng(0)
    neutral = rng.normal(size=(12, 3)) * [0.2, 0.3, 0.6]
    points = neutral + 0.02 * rng.normal(size=(20, 12, 3))
    assert handedness(neutral, points) == 1.0
    assert handedness(neutral, points * [1.0, -1.0, 1.0]) == 0.0
    assert jnp.isfinite(handedness(neutral, np.full((2, 12, 3), np.nan)))
