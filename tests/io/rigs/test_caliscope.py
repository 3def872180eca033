"""Caliscope's calibrations: a real one, and what may be in others."""

import tomllib

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.cameras import triangulate
from diffbio.errors import InputError
from diffbio.io.rigs import StatedRig, read_rig, read_rig_file, write_rig

CAMERA = """
[cameras.{number}]
cam_id = {number}
rotation_count = {turns}
ignore = {ignore}
size = [1280, 720]
matrix = [[900.0, 0.0, 640.0], [0.0, 901.0, 360.0], [0.0, 0.0, 1.0]]
distortions = [-0.3, 0.1, 0.001, 0.002, -0.003]
translation = [{number}.5, 0.2, 3.0]
rotation = [1.2, -0.4, 0.7]
"""


def camera(number: int, turns: int = 0, ignore: str = "false") -> str:
    return CAMERA.format(number=number, turns=turns, ignore=ignore)


@pytest.fixture
def toml(tmp_path):
    def write(*cameras: str):
        path = tmp_path / "camera_array.toml"
        path.write_text("".join(cameras))
        return path

    return write


def test_a_real_rig_images_as_opencv_says(shared_data, assert_imaged):
    path = shared_data / "caliscope-charuco" / "camera_array.toml"
    reading = read_rig_file(path)
    assert reading.format_name == "caliscope"
    assert reading.rig.names == ("cam_0", "cam_1", "cam_2", "cam_3")
    for number, table in tomllib.loads(path.read_text())["cameras"].items():
        pose = table["rotation"], table["translation"]
        assert_imaged(reading.rig, f"cam_{number}", table["matrix"], *pose, table["distortions"])
    assert [note for note in reading.notes if "picture of cam_1 turned" in note]


def test_a_real_rig_sees_its_board_as_well_as_the_data_say(shared_data):
    """The corners through the shipped cameras: 0.61 px on average, says the data's README."""
    folder = shared_data / "caliscope-charuco"
    rig = read_rig(folder / "camera_array.toml")
    rows = np.genfromtxt(folder / "charuco-xy.csv", delimiter=",", skip_header=1)
    _, corner = np.unique(rows[:, [0, 4]], axis=0, return_inverse=True)
    pixels, confidence = np.zeros((4, corner.max() + 1, 2)), np.zeros((4, corner.max() + 1))
    pixels[rows[:, 1].astype(int), corner] = rows[:, 5:7]
    confidence[rows[:, 1].astype(int), corner] = 1.0
    points = triangulate(
        rig, jnp.asarray(pixels)[:, None], jnp.asarray(confidence)[:, None]
    ).points[0]
    error = np.linalg.norm(np.asarray(rig.project(points)) - pixels, axis=-1)
    shared = (confidence > 0) & (confidence.sum(axis=0) >= 2)
    assert error[shared].mean() < 0.615


def test_ignored_and_uncalibrated_cameras_are_left_out_and_said(toml):
    bare = "\n".join(line for line in camera(3).splitlines() if "ation = [" not in line)
    reading = read_rig_file(toml(camera(0), camera(1, ignore="true"), camera(2, turns=-1), bare))
    assert reading.rig.names == ("cam_0", "cam_2")
    assert reading.notes[:3] == (
        "cam_1 was left out: Caliscope was told to ignore it.",
        "Caliscope shows the picture of cam_2 turned; its calibration, and so the keypoints must "
        "be, of the unturned picture.",
        "cam_3 was left out: it has no pose; calibrate its extrinsics.",
    )


def test_ports_of_older_versions(toml):
    assert read_rig(toml(camera(4).replace("cam_id", "port"))).names == ("port_4",)


def test_numbers_of_cameras_are_kept(rig_with, tmp_path):
    for names, numbers in (
        (("cam_2", "cam_0", "cam_10"), ["2", "0", "10"]),
        (("cam_2", "cam_02", "left"), ["0", "1", "2"]),
    ):
        write_rig(rig_with("pinhole", names), tmp_path / "rig.toml", "caliscope")
        tables = tomllib.loads((tmp_path / "rig.toml").read_text())["cameras"]
        assert list(tables) == numbers
        assert [str(table["cam_id"]) for table in tables.values()] == numbers
        assert read_rig(tmp_path / "rig.toml").names == names


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("matrix", "mat", "camera cam_0: The field `matrix` is missing"),
        ("[1.2, -0.4, 0.7]", "[1.2]", "camera cam_0, rotation: Found 1 numbers"),
        ("ignore = false", "ignore = true", "It holds no camera"),
        ("[cameras.0]", "[cameras]", r"cameras\.cam_id: Found 0"),
    ],
)
def test_bad_files_are_refused_with_camera_and_field(toml, old, new, message):
    with pytest.raises(InputError, match=message):
        read_rig(toml(camera(0).replace(old, new)))


def test_a_unit_that_contradicts_the_format_is_refused(toml):
    with pytest.raises(
        InputError, match=r"A unit of 0\.001 m was stated, but in this file it is 1"
    ):
        read_rig(toml(camera(0)), StatedRig(metres_per_unit=1e-3))
