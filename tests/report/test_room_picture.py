"""The picture of a room has its cameras where they stand, x to the right and y upwards."""

import numpy as np

from diffbio.report.room_picture import room_picture
from tests.walking_figure import ring_of_cameras

CAMERA, WAY = (160, 90, 20), (60, 120, 220)


def middle_of(picture, colour) -> np.ndarray:
    """Of the pixels of a colour: column and row."""
    rows, columns = np.nonzero((picture == colour).all(-1))
    return np.array([columns.mean(), rows.mean()])


def test_a_camera_and_the_way_are_where_they_are():
    rig = ring_of_cameras(2)
    way = np.stack([np.linspace(-1.0, 1.0, 20), np.zeros(20), np.full(20, 0.9)], axis=1)
    picture = room_picture(rig, way, np.full(2, 0.01))
    assert picture.shape[2] == 3
    assert max(picture.shape) <= 1000
    # Both cameras stand opposite each other: their middle is that of the way.
    apart = middle_of(picture, CAMERA) - middle_of(picture, WAY)
    assert np.abs(apart).max() < 20.0  # px: views and the arrow's head are drawn too


def test_a_camera_that_is_little_known_is_a_larger_disc():
    rig = ring_of_cameras(4)
    way = np.zeros((2, 3))
    areas = [
        (room_picture(rig, way, np.full(4, sd)) == CAMERA).all(-1).sum() for sd in (0.001, 0.1)
    ]
    assert areas[1] > 2 * areas[0]
