"""Rigs in TOML: what is read, what is written, and what is refused."""

import pathlib
import re

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.rigs import read_rig, write_rig

CAMERA = """
[{key}]
name = "{key}"
size = [1920.0, 1080.0]
matrix = [[1300.0, 0.0, 960.0], [0.0, 1310.0, 540.0], [0.0, 0.0, 1.0]]
distortions = [-0.1, 0.02, 0.001, -0.002]
rotation = [1.2, -0.4, 0.7]
translation = [{x}, 0.2, 4.0]
fisheye = false
"""
RIG = (
    CAMERA.format(key="left", x=0.5) + CAMERA.format(key="right", x=-1.5) + "[metadata]\nerror=0\n"
)


@pytest.fixture
def rig_file(tmp_path):
    def write(text: str = RIG) -> pathlib.Path:
        path = tmp_path / "rig.toml"
        path.write_text(text)
        return path

    return write


def test_fields_are_those_of_the_file(rig_file):
    rig = read_rig(rig_file())
    assert rig.names == ("left", "right")
    assert rig.image_size == ((1920, 1080), (1920, 1080)) and rig.fisheye == (False, False)
    assert_allclose(rig.focal_px, [[1300.0, 1310.0]] * 2)
    assert_allclose(rig.principal_px, [[960.0, 540.0]] * 2)
    assert_allclose(rig.distortion, [[-0.1, 0.02, 0.001, -0.002, 0.0]] * 2)
    oracle, _ = cv2.Rodrigues(np.array([1.2, -0.4, 0.7]))
    assert_allclose(rig.camera_from_world_rotation[0], oracle, atol=1e-12)
    assert_allclose(rig.centres[1], -oracle.T @ [-1.5, 0.2, 4.0], atol=1e-12)


def test_a_rotation_matrix_will_do(rig_file):
    matrix, _ = cv2.Rodrigues(np.array([1.2, -0.4, 0.7]))
    rig = read_rig(rig_file(RIG.replace("[1.2, -0.4, 0.7]", str(matrix.round(6).tolist()))))
    assert_allclose(rig.camera_from_world_rotation[0], matrix, atol=1e-6)


def test_name_defaults_to_the_table_and_lens_to_a_pinhole(rig_file):
    text = re.sub(r"(name|fisheye) = .*\n", "", RIG)
    rig = read_rig(rig_file(text))
    assert rig.names == ("left", "right") and rig.fisheye == (False, False)


def test_what_is_written_is_read_back(rig_file, tmp_path):
    text = RIG.replace("-0.002]", "-0.002, 0.01]").replace("fisheye = false", "fisheye = true", 1)
    text = text.replace("-0.002, 0.01]", "-0.002]", 1).replace('"left"', '"left \\"A\\""')
    rig = read_rig(rig_file(text))
    write_rig(rig, tmp_path / "again.toml")
    again = read_rig(tmp_path / "again.toml")
    assert again.names == ('left "A"', "right") and again.fisheye == (True, False)
    points = jnp.asarray([[0.1, -0.2, 1.0], [0.5, 0.3, 0.0]])
    assert_allclose(again.project(points), rig.project(points), atol=1e-8)  # px
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.toml", "rig.toml"]


def test_shipped_rigs_are_read(shared_data):
    assert read_rig(shared_data / "pose2sim-demo" / "calibration" / "calib.toml").names == (
        "cam_01",
        "cam_02",
        "cam_03",
        "cam_04",
    )
    ring = read_rig(shared_data / "rigs" / "ring-8cam.toml")
    # The file states this centre in a comment, with millimetre digits.
    assert_allclose(ring.centres[0], [4.295, 1.876, 1.25], atol=1e-3)


def test_missing_rig_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml: The rig cannot be read \(No such file"):
        read_rig(tmp_path / "nowhere.toml")


def test_a_folder_that_does_not_exist_is_not_written(rig_file, tmp_path):
    rig = read_rig(rig_file())
    with pytest.raises(InputError, match=r"The rig cannot be written.*Choose a folder that exists"):
        write_rig(rig, tmp_path / "nowhere" / "rig.toml")


def test_an_interrupted_write_leaves_the_old_rig_and_nothing_else(rig_file, monkeypatch):
    path = rig_file()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("diffbio.io.rigs.formats.os.replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_rig(read_rig(path), path)
    assert path.read_text() == RIG and list(path.parent.iterdir()) == [path]


SHEARED = "[[1.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]"
MIRROR = "[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (RIG, "size = [", r"rig\.toml: It is not TOML \("),
        (RIG, "[metadata]\nerror = 0\n", "It holds no camera"),
        ("size = [1920.0, 1080.0]\n", "", r"camera left: The field `size` is missing"),
        ("matrix", "matrices", "camera left: The field `matrix` is missing"),
        ("rotation", "rotations", "camera left: The field `rotation` is missing"),
        ("translation", "t", "camera left: The field `translation` is missing"),
        ("distortions", "lens", "camera left: The field `distortions` is missing"),
        ("1920.0, 1080.0", "1920.5, 1080.0", r"camera left, size: Found 1920\.5 x 1080 pixels"),
        ("1920.0, 1080.0", "0, 1080", "camera left, size: Found 0 x 1080 pixels"),
        ("1920.0, 1080.0", "1920.0", "camera left, size: Found 1 numbers instead of 2"),
        ("[1920.0, 1080.0]", '"HD"', "camera left, size: Found 'HD'"),
        ("[1.2, -0.4, 0.7]", "[nan, 0.0, 0.0]", "camera left, rotation: .* not finite"),
        ("[0.5, 0.2, 4.0]", "[0.5, inf, 4.0]", "camera left, translation: .* not finite"),
        ("1300.0, 0.0, 960.0", "1300.0, 2.0, 960.0", "camera left, matrix: The skew is 2"),
        ("1300.0, 0.0, 960.0", "-1300.0, 0.0, 960.0", "focal lengths are -1300 and 1310 px"),
        ("[0.0, 0.0, 1.0]]", "[960.0, 540.0, 1.0]]", "matrix: It is not of the form"),
        (", -0.002]", "]", "camera left, distortions: Found 3 numbers. A pinhole lens has 4"),
        (", -0.002]", ", 0, 0, 0, 0, 0]", "camera left, distortions: Found 8 numbers"),
        ("[1.2, -0.4, 0.7]", "[1.0, 0.0, 0.0, 0.0]", "camera left, rotation: Found 4 numbers"),
        ("[1.2, -0.4, 0.7]", SHEARED, r"rotation: The matrix is not orthonormal .*0\.1 off"),
        ("[1.2, -0.4, 0.7]", MIRROR, "rotation: The matrix is not orthonormal .*determinant is -1"),
        ('name = "right"', 'name = "left"', "Two cameras are called 'left'"),
        ("[0.5, 0.2, 4.0]", "[500, 200, 4000]", r"stands \d+ m .* looks like millimetres"),
        ("fisheye = false", 'fisheye = "no"', "camera left, fisheye: Found 'no'"),
    ],
)
def test_bad_rig_is_refused_with_camera_and_field(rig_file, old, new, message):
    assert old in RIG
    count = -1 if old == 'name = "right"' else 1
    with pytest.raises(InputError, match=message):
        read_rig(rig_file(RIG.replace(old, new, count)))


def test_a_fisheye_has_four_coefficients(rig_file):
    text = RIG.replace("-0.002]", "-0.002, 0.0]", 1).replace("fisheye = false", "fisheye = true")
    with pytest.raises(InputError, match=r"Found 5 numbers. A fisheye lens has 4"):
        read_rig(rig_file(text))


def test_a_rig_all_in_millimetres_is_refused(rig_file):
    text = RIG.replace("0.2, 4.0]", "200.0, 4000.0]").replace("[0.5,", "[500.0,")
    with pytest.raises(InputError, match=r"looks like millimetres. Write translations in metres"):
        read_rig(rig_file(text.replace("[-1.5,", "[-1500.0,")))
