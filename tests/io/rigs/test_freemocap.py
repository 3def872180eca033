"""FreeMoCap's calibrations: millimetres, unless the square of the board was left at 1."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.rigs import StatedRig, read_rig, read_rig_file

CAMERA = """
[cam_{number}]
name = "cam_{number}"
size = [1280, 720]
matrix = [[900.0, 0.0, 640.0], [0.0, 900.0, 360.0], [0.0, 0.0, 1.0]]
distortions = [-0.3, 0.0, 0.0, 0.0, 0.0]
rotation = [1.2, -0.4, {number}.7]
translation = [{place}, 200.0, 3000.0]
"""
CAMERAS = CAMERA.format(number=0, place=500.0) + CAMERA.format(number=1, place=-900.0)
METADATA = """
[metadata]
adjusted = false
error = 0.0
charuco_square_size = {square}
charuco_board_object = "CharucoBoardDefinition(name='charuco_5x3')"
"""


@pytest.fixture
def toml(tmp_path):
    def write(text: str):
        path = tmp_path / "walk_camera_calibration.toml"
        path.write_text(text)
        return path

    return write


def test_millimetres_are_read_as_such_and_it_is_said(toml, assert_imaged):
    reading = read_rig_file(toml(CAMERAS + METADATA.format(square=39)))
    assert reading.format_name == "freemocap"
    assert "FreeMoCap writes positions in millimetres; they were read as such." in reading.notes
    matrix, lens = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]]), [-0.3, 0, 0, 0, 0]
    place, vector = [0.5, 0.2, 3.0], np.array([1.2, -0.4, 0.7])
    assert_imaged(reading.rig, "cam_0", matrix, vector, place, lens)


def test_squares_of_unknown_size_are_asked_for(toml):
    path = toml(CAMERAS + METADATA.format(square=1))
    with pytest.raises(InputError, match=r"It was left at 1, .* --unit 0\.039"):
        read_rig(path)
    millimetres = read_rig(toml(CAMERAS + METADATA.format(square=39)))
    squares = read_rig(toml(CAMERAS + METADATA.format(square=1)), StatedRig(metres_per_unit=0.01))
    assert_allclose(squares.centres, 10.0 * millimetres.centres)


def test_metres_are_not_taken_for_millimetres(toml):
    text = CAMERAS.replace("00.0, 200.0, 3000.0", "0.5, 0.2, 3.0") + METADATA.format(square=0.039)
    text = text.replace("[50.5", "[0.5").replace("[-90.5", "[-0.9")
    with pytest.raises(InputError, match=r"stand within .* mm .* looks like another unit"):
        read_rig(toml(text))


def test_an_unknown_unit_is_refused(toml):
    with pytest.raises(InputError, match=r'metadata\.length_unit: Found \'inch\'. Expected "mm"'):
        read_rig(toml(CAMERAS + '[metadata]\nlength_unit = "inch"\n'))
