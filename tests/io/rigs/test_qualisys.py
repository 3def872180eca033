"""Qualisys' calibrations: a real one, against boards it filmed, and made ones."""

import re

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.rigs import read_rig, read_rig_file

CAMERA = """
<camera active="1" serial="{serial}" model="Miqus Video" viewrotation="0" {more}>
  <fov_video left="64" top="32" right="1343" bottom="991"/>
  <fov_video_max left="0" top="0" right="1919" bottom="1087"/>
  <transform x="0" y="-4000" z="1500" r11="1" r12="0" r13="0" r21="0" r22="0" r23="1"
    r31="0" r32="-1" r33="0"/>
  <intrinsic sensorMinU="0" sensorMaxU="122879" sensorMinV="0" sensorMaxV="69631"
    focalLengthU="107520" focalLengthV="107584" centerPointU="61440" centerPointV="34880" skew="0"
    radialDistortion1="-0.045" radialDistortion2="0.14" radialDistortion3="0.01"
    tangentalDistortion1="0.0006" tangentalDistortion2="-0.0004"/>
</camera>
"""


def text(*cameras: str) -> str:
    return f"<?xml version='1.0'?><calibration><cameras>{''.join(cameras)}</cameras></calibration>"


@pytest.fixture
def qca(tmp_path):
    def write(content: str):
        path = tmp_path / "lab.qca.txt"
        path.write_text(content)
        return path

    return write


def test_a_camera_along_y_images_as_opencv_says(qca, assert_imaged):
    rig = read_rig(qca(text(CAMERA.format(serial="101", more=""))))
    # It stands 4 m behind the origin and looks along +y: x is right, -z is down.
    rotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    matrix = [[1680.0, 0, 960.0 - 64], [0, 1681.0, 545.0 - 32], [0, 0, 1]]
    lens = [-0.045, 0.14, 0.0006, -0.0004, 0.01]
    assert rig.image_size == ((1280, 960),)
    assert_allclose(rig.centres, [[0.0, -4.0, 1.5]], atol=1e-12)
    assert_imaged(rig, "101", matrix, np.array(rotation, float), [0, 1.5, 4.0], lens)


def test_real_calibration_is_the_one_pose2sim_made_of_it(shared_data):
    folder = shared_data / "pose2sim-demo" / "calibration"
    found, converted = read_rig(folder / "calib.qca.txt"), read_rig(folder / "calib.toml")
    assert found.names == converted.names and found.image_size == converted.image_size
    assert_allclose(found.focal_px, converted.focal_px, atol=1e-9)
    assert_allclose(found.principal_px, converted.principal_px, atol=1e-9)
    assert_allclose(found.centres, converted.centres, atol=1e-9)
    rotation = converted.camera_from_world_rotation
    assert_allclose(found.camera_from_world_rotation, rotation, atol=1e-9)
    # Pose2Sim divides the lens by 64, as if it were in subpixels.
    assert_allclose(found.distortion, 64 * converted.distortion, atol=1e-9)


def test_real_lens_has_no_unit_as_the_boards_it_filmed_show(shared_data):
    folder = shared_data / "pose2sim-demo" / "calibration"
    rig = read_rig(folder / "calib.qca.txt").subset(("cam_02",))
    matrix = np.diag([*rig.focal_px[0], 1.0])
    matrix[:2, 2] = rig.principal_px[0]
    lens = np.asarray(rig.distortion[0])
    board = np.zeros((28, 3), np.float32)
    board[:, :2] = 0.06 * np.mgrid[0:7, 0:4].T.reshape(-1, 2)
    thorough = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
    errors = []
    for name in ("01", "02"):
        image = cv2.imread(str(folder / "intrinsics" / "cam02" / f"{name}.jpg"), 0)
        assert image is not None
        _, corners = cv2.findChessboardCornersSB(image, (7, 4), flags=thorough)
        corners = corners.reshape(-1, 1, 2)  # OpenCV 5 leaves out the middle axis
        errors.append([])
        for factor in (1.0, 1 / 64):
            _, turn, place = cv2.solvePnP(board, corners, matrix, lens * factor)
            again, _ = cv2.projectPoints(board, turn, place, matrix, lens * factor)
            away = (again.reshape(-1, 2) - corners.reshape(-1, 2)) ** 2
            errors[-1].append(float(np.sqrt(away.sum(axis=1).mean())))
    # OpenCV numbers the corners of a board wrongly at times, and not always of the same.
    numbered = [pair for pair in errors if max(pair) < 2.0]
    assert numbered
    assert all(as_it_is < 0.9 * divided for as_it_is, divided in numbered)


def test_an_export_in_pixels_is_told_by_its_sensor(qca):
    content = text(CAMERA.format(serial="101", more=""))
    whole = read_rig(qca(content))
    for old, new in (
        ("122879", "1919"),
        ("107520", "1680"),
        ("107584", "1681"),
        ("61440", "960"),
        ("34880", "545"),
    ):
        content = content.replace(f'"{old}"', f'"{new}"')
    pixels = read_rig(qca(content))
    assert_allclose(pixels.focal_px, whole.focal_px)
    assert_allclose(pixels.principal_px, whole.principal_px)


def test_an_export_of_theia_has_no_field_of_view(qca):
    content = re.sub(r"<fov_video.*/>\n", "", text(CAMERA.format(serial="a.avi", more="")))
    content = content.replace('sensorMinU="0"', 'sensorDimU="1920" sensorDimV="1088"')
    rig = read_rig(qca(content.replace('"107520"', '"1680"').replace('"61440"', '"960"')))
    assert rig.image_size == ((1920, 1088),)
    assert_allclose([rig.focal_px[0, 0], rig.principal_px[0, 0]], [1680.0, 960.0])


def test_cameras_that_cannot_be_used_are_left_out_and_said(qca):
    marker = CAMERA.format(serial="7", more="").replace("Miqus Video", "Miqus M3")
    off = CAMERA.format(serial="8", more='calibrated="false"')
    bare = re.sub(r"<transform.*?/>", "", CAMERA.format(serial="9", more=""), flags=re.DOTALL)
    reading = read_rig_file(qca(text(CAMERA.format(serial="1", more=""), marker, off, bare)))
    assert reading.rig.names == ("1",)
    assert reading.notes[:2] == (
        "Not calibrated, and so left out: 8, 9.",
        "Cameras that see only markers were left out: 7.",
    )


def test_cameras_of_unknown_kind_are_all_kept(qca):
    oqus = CAMERA.format(serial="7", more="").replace("Miqus Video", "Oqus 300+")
    assert read_rig(qca(text(oqus))).names == ("7",)


def test_a_picture_turned_or_made_smaller_is_pointed_out(qca):
    camera = CAMERA.format(serial="7", more='video_resolution="540p"')
    reading = read_rig_file(qca(text(camera.replace('viewrotation="0"', 'viewrotation="90"'))))
    assert "turned by 90 degrees" in reading.notes[0] and "--turn" in reading.notes[0]
    assert "filmed in 540p" in reading.notes[1] and "--size" in reading.notes[1]
    full = CAMERA.format(serial="7", more='video_resolution="1080p"')
    assert read_rig_file(qca(text(full))).notes == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</cameras>", "", r"lab\.qca\.txt: It is not complete XML"),
        ("<calibration>", "<!DOCTYPE a><calibration>", "declares a document type or entities"),
        ("<intrinsic", "<other", "camera 1: The field `intrinsic` is missing"),
        ("<fov_video ", "<other ", "camera 1: The field `fov_video` is missing"),
        ('r22="0"', "", "camera 1: `transform` has no attribute `r22`"),
        ('x="0"', 'x="left"', "camera 1, x: Found 'left'. Expected one number"),
        ('x="0"', 'x="nan"', "camera 1, x: Found 'nan'. Expected one number"),
        ('r11="1"', 'r11="-1"', "camera 1, transform: The matrix is not orthonormal"),
        ('skew="0"', 'skew="64"', "camera 1, intrinsic: The skew is 1"),
        (
            '"122879"',
            '"9999"',
            "camera 1, sensorMaxU: The sensor reaches to 9999 .* neither in pix",
        ),
        ('serial="1"', "", "`camera` has no attribute `serial`"),
        ('model="Miqus Video"', 'active="0"', "It holds no camera"),
    ],
)
def test_bad_files_are_refused_with_camera_and_field(qca, old, new, message):
    content = text(CAMERA.format(serial="1", more="").replace('active="1" ', ""))
    assert old in content
    with pytest.raises(InputError, match=message):
        read_rig(qca(content.replace(old, new, 1)))


def test_two_cameras_of_one_number_are_refused(qca):
    camera = CAMERA.format(serial="1", more="")
    with pytest.raises(InputError, match="Two cameras are called '1'"):
        read_rig(qca(text(camera, camera)))
