"""EasyMocap's two files, made as EasyMocap writes them: six digits, most without a size."""

import re

import cv2
import numpy as np
import pytest

from diffbio.errors import InputError
from diffbio.io.rigs import StatedRig, read_rig, read_rig_file, write_rig

INTRINSICS = """%YAML:1.0
---
names:
  - "01"
  - "02"
K_01: !!opencv-matrix
  rows: 3
  cols: 3
  dt: d
  data: [1200.500000, 0.000000, 960.250000, 0.000000, 1201.000000, 541.000000, 0.000000, 0.000000, 1.000000]
dist_01: !!opencv-matrix
  rows: 1
  cols: 5
  dt: d
  data: [-0.110000, 0.050000, 0.001000, -0.002000, 0.003000]
"""  # noqa: E501
ROTATION, _ = cv2.Rodrigues(np.array([1.2, -0.4, 0.7]))
EXTRINSICS = f"""%YAML:1.0
---
names:
  - "01"
  - "02"
R_01: !!opencv-matrix
  rows: 3
  cols: 1
  dt: d
  data: [1.200000, -0.400000, 0.700000]
Rot_01: !!opencv-matrix
  rows: 3
  cols: 3
  dt: d
  data: [{", ".join(f"{x:.6f}" for x in ROTATION.ravel())}]
T_01: !!opencv-matrix
  rows: 3
  cols: 1
  dt: d
  data: [0.500000, 0.200000, 4.000000]
"""
STATED = StatedRig(image_size=(1920, 1080))
MATRIX = [[1200.5, 0, 960.25], [0, 1201.0, 541.0], [0, 0, 1]]


def both_cameras(text: str) -> str:
    """The same once more for camera 02, but somewhere else."""
    body = text.partition('"02"\n')[2]
    return text + body.replace("_01:", "_02:").replace("0.500000, 0.2", "-1.500000, 0.2")


@pytest.fixture
def folder(tmp_path):
    def write(inner: str = INTRINSICS, outer: str = EXTRINSICS):
        (tmp_path / "intri.yml").write_text(both_cameras(inner))
        (tmp_path / "extri.yml").write_text(both_cameras(outer))
        return tmp_path

    return write


def test_a_folder_images_as_opencv_says(folder, assert_imaged):
    reading = read_rig_file(folder(), STATED)
    rig, lens = reading.rig, [-0.11, 0.05, 0.001, -0.002, 0.003]
    assert rig.names == ("01", "02") and rig.image_size == ((1920, 1080),) * 2
    assert_imaged(rig, "01", MATRIX, np.array([1.2, -0.4, 0.7]), [0.5, 0.2, 4.0], lens)
    assert_imaged(rig, "02", MATRIX, np.array([1.2, -0.4, 0.7]), [-1.5, 0.2, 4.0], lens)
    assert "EasyMocap writes positions in metres; they were read as such." in reading.notes


def test_either_file_may_be_named(folder):
    path = folder()
    assert read_rig(path / "intri.yml", STATED).names == ("01", "02")
    assert read_rig(path / "extri.yml", STATED).names == ("01", "02")


def test_a_size_in_the_file_is_used(folder):
    inner = INTRINSICS + "H_01: 1080\nW_01: 1920\n"
    assert read_rig(folder(inner)).image_size == ((1920, 1080),) * 2
    with pytest.raises(InputError, match=r"\(960, 540\) was stated, and the file says 1920 x 1080"):
        read_rig(folder(inner), StatedRig(image_size=(960, 540)))


def test_an_unknown_size_is_asked_for(folder):
    with pytest.raises(InputError, match=r"camera 01: `W_01` and `H_01` are missing.*--calibrated"):
        read_rig(folder())


def test_names_without_quotation_marks_and_older_lens_fields(folder):
    inner = INTRINSICS.replace('"01"', "cam_a").replace('"02"', "cam_b").replace("_01", "_cam_a")
    outer = EXTRINSICS.replace("_01", "_cam_a")
    path = folder(inner.replace("dist_", "D_"), outer)
    for name in ("intri.yml", "extri.yml"):
        text = (path / name).read_text().partition("_02:")[0]
        (path / name).write_text(re.sub("  - cam_b\n", "", text).rsplit("\n", 1)[0] + "\n")
    assert read_rig(path, STATED).names == ("cam_a",)


def test_opencv_reads_what_is_written(rig_with, tmp_path):
    rig = rig_with("pinhole")
    write_rig(rig, tmp_path, "easymocap")
    storage = cv2.FileStorage(str(tmp_path / "extri.yml"), cv2.FILE_STORAGE_READ)
    vector, matrix = (storage.getNode(f"{key}_cam_1").mat() for key in ("R", "Rot"))
    np.testing.assert_allclose(cv2.Rodrigues(vector)[0], matrix, atol=1e-12)
    np.testing.assert_allclose(matrix, rig.camera_from_world_rotation[1], atol=1e-12)
    storage = cv2.FileStorage(str(tmp_path / "intri.yml"), cv2.FILE_STORAGE_READ)
    np.testing.assert_allclose(storage.getNode("K_cam_1").mat()[0, 0], rig.focal_px[1, 0])


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("inner", "K_01", "L_01", "camera 01: The field `K_01` is missing"),
        ("inner", "dist_01", "d_01", "camera 01: The field `dist_01` is missing"),
        ("outer", "T_01", "U_01", "camera 01: The field `T_01` is missing"),
        ("outer", "R_01", "Q_01", None),
        ("outer", "Rot_01", "Q_01", None),
        ("outer", "[1.200000", "[1.100000", "Rot_01: It is another rotation than `R_01`"),
        ("inner", "names", "name", r"intri\.yml, names: Found None"),
        ("inner", '- "01"', "- {a: 1}", r"intri\.yml, names: Found \[{'a': 1.0}"),
        ("outer", "R_01: !!opencv-matrix", "R_01:", None),
        ("outer", "[1.200000", "[1e300", "camera 01|cannot"),
        ("inner", "%YAML:1.0", "%TOML", "It does not begin with `%YAML:1.0`"),
        ("inner", "data: [1200.500000, ", "data: [", "OpenCV cannot make sense of it"),
        ("inner", "[1200.500000", "[-1200.500000", "K_01: The focal lengths are -1200.5"),
    ],
)
def test_bad_files_are_refused_with_camera_and_field(folder, file, old, new, message):
    inner, outer = INTRINSICS, EXTRINSICS
    assert old in (inner if file == "inner" else outer)
    if file == "inner":
        inner = inner.replace(old, new)
    else:
        outer = outer.replace(old, new)
    if message is None:  # one of the two forms of a rotation is enough
        assert read_rig(folder(inner, outer), STATED).names == ("01", "02")
        return
    with pytest.raises(InputError, match=message):
        read_rig(folder(inner, outer), STATED)


def test_millimetres_are_refused(folder):
    path = folder()
    text = (path / "extri.yml").read_text()
    (path / "extri.yml").write_text(text.replace("[0.5", "[500.5").replace("[-1.5", "[-1500.5"))
    with pytest.raises(InputError, match=r"which looks like millimetres.*--unit mm"):
        read_rig(path, STATED)
    assert read_rig(path, StatedRig((1920, 1080), 1e-3)).names == ("01", "02")


def test_a_missing_half_is_named(folder):
    path = folder()
    (path / "extri.yml").unlink()
    with pytest.raises(InputError, match=r"extri\.yml: The rig cannot be read"):
        read_rig(path, STATED)
