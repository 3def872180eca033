"""OpenCV's YAML, written by OpenCV."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.rigs import StatedRig, read_rig, write_rig

MATRIX = np.array([[900.0, 0.0, 650.0], [0.0, 905.0, 355.0], [0.0, 0.0, 1.0]])
LENS = np.array([[-0.2, 0.05, 0.001, -0.0005, 0.01]])
VECTOR = np.array([[1.1], [0.2], [-0.6]])
PLACE = np.array([[300.0], [-100.0], [4200.0]])
SAMPLE = {
    "image_width": 1280,
    "image_height": 720,
    "camera_matrix": MATRIX,
    "distortion_coefficients": LENS.T,
    "rotation": cv2.Rodrigues(VECTOR)[0],
    "translation": PLACE,
    "length_unit": "mm",
}


@pytest.fixture
def written(tmp_path):
    """A function that has OpenCV write fields, None for those left out."""

    def write(name: str = "left.yml", **changes):
        storage = cv2.FileStorage(str(tmp_path / name), cv2.FILE_STORAGE_WRITE)
        for key, value in (SAMPLE | changes).items():
            if value is not None:
                storage.write(key, value)
        storage.release()
        return tmp_path / name

    return write


def test_a_file_of_one_camera_images_as_opencv_says(written, assert_imaged):
    rig = read_rig(written())
    assert rig.names == ("left",) and rig.image_size == ((1280, 720),)
    assert_imaged(rig, "left", MATRIX, VECTOR, PLACE / 1e3, LENS)


def test_other_names_of_fields_and_a_rodrigues_vector(written, assert_imaged):
    path = written(
        camera_matrix=None,
        distortion_coefficients=None,
        rotation=None,
        translation=None,
        **{"K": MATRIX, "D": LENS, "rvec": VECTOR, "tvec": PLACE},
    )
    assert_imaged(read_rig(path), "left", MATRIX, VECTOR, PLACE / 1e3, LENS)


def test_a_folder_of_files_is_a_rig(written, tmp_path):
    written("b.yaml")
    written("a.yml", translation=PLACE + 1000.0)
    assert read_rig(tmp_path).names == ("a", "b")


def test_a_fisheye_is_one(written):
    rig = read_rig(written(fisheye_model=1, distortion_coefficients=LENS[:, :4]))
    assert rig.fisheye == (True,)
    points = np.array([[[0.3, -0.2, 1.0]], [[-0.5, 0.4, 2.0]]])
    camera = VECTOR.ravel(), PLACE.ravel() / 1e3
    expected, _ = cv2.fisheye.projectPoints(points, *camera, MATRIX, LENS[0, :4])
    found = rig.project(jnp.asarray(points[:, 0]))[0]
    assert_allclose(found, expected[:, 0], atol=1e-8)  # px


def test_the_unit_and_the_size_may_have_to_be_stated(written):
    silent = written(length_unit=None, image_width=None)
    with pytest.raises(InputError, match=r"does not say in which unit .* --unit"):
        read_rig(silent)
    with pytest.raises(InputError, match="The field `image_width` and `image_height` is missing"):
        read_rig(silent, StatedRig(metres_per_unit=1e-3))
    stated = StatedRig((1280, 720), 1e-3)
    assert_allclose(read_rig(silent, stated).centres, read_rig(written()).centres)
    with pytest.raises(InputError, match=r"\(640, 480\) was stated, and the file says"):
        read_rig(written(), StatedRig((640, 480)))


def test_opencv_reads_what_is_written(rig_with, tmp_path):
    rig = rig_with("pinhole")
    write_rig(rig, tmp_path / "rig.yml")
    storage = cv2.FileStorage(str(tmp_path / "rig.yml"), cv2.FILE_STORAGE_READ)
    camera = storage.getNode("cameras").at(1)
    assert camera.getNode("name").string() == "cam_1"
    assert_allclose(camera.getNode("rotation").mat(), rig.camera_from_world_rotation[1], atol=1e-15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"camera_matrix": None}, "camera left: The field `camera_matrix` is missing"),
        ({"camera_matrix": MATRIX[:2]}, "camera_matrix: Found 2 x 3 numbers instead of 3 x 3"),
        ({"distortion_coefficients": None}, "The field `distortion_coefficients` is missing"),
        ({"distortion_coefficients": np.ones((1, 8))}, "distortion_coefficients: Found 8 numbers"),
        ({"rotation": None}, "It holds intrinsics only"),
        ({"rotation": -np.eye(3)}, "rotation: The matrix is not orthonormal"),
        ({"translation": None}, "The field `translation` is missing"),
        ({"image_width": 0}, "size: Found 0 x 720 pixels"),
        ({"image_width": "wide"}, r"size: Found \('wide', 720"),
        ({"length_unit": "inch"}, "length_unit: Found 'inch'. Known are m, cm, mm"),
        ({"cameras": "many"}, "cameras: It is not a list"),
    ],
)
def test_bad_files_are_refused_with_camera_and_field(written, changes, message):
    with pytest.raises(InputError, match=message):
        read_rig(written(**changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [a]\n", "It does not begin with `%YAML:1.0`"),
        ("%YAML:1.0\n---\na: [1, 2\n", "OpenCV cannot make sense of it"),
        ("%YAML:1.0\n---\n", "It holds no fields|cannot make sense"),
        ('%YAML:1.0\n---\nlength_unit: "m"\ncameras:\n   - 3\n', "cameras: Found 3.0 in it"),
    ],
)
def test_what_opencv_does_not_read_is_refused(tmp_path, text, message):
    (tmp_path / "rig.yml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_rig(tmp_path / "rig.yml")


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "rig.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="It is not text"):
        read_rig(tmp_path / "rig.yml")
