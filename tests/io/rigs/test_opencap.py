"""OpenCap's pickles, made as OpenCap makes them."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.errors import InputError
from diffbio.io.rigs import read_rig, read_rig_file, write_rig

FILE = "cameraIntrinsicsExtrinsics.pickle"
ROTATION = Rotation.from_rotvec([1.3, -0.4, 0.2]).as_matrix()
CAMERA = {
    "distortion": np.array([[0.21, -0.6, 0.0005, -0.001, 0.4]]),
    "intrinsicMat": np.array([[1010.0, 0.0, 362.0], [0.0, 1012.0, 637.0], [0.0, 0.0, 1.0]]),
    "imageSize": np.array([[1280.0], [720.0]]),
    "rotation": ROTATION,
    "translation": np.array([[310.0], [-220.0], [3900.0]]),
    "rotation_EulerAngles": np.zeros((3, 1)),
}


@pytest.fixture
def session(tmp_path):
    """A function that writes `Videos/Cam0` and `Videos/Cam1` and returns the session."""

    def write(protocol: int = 4, **changes):
        for index in range(2):
            folder = tmp_path / "Videos" / f"Cam{index}"
            folder.mkdir(parents=True, exist_ok=True)
            camera = CAMERA | {"translation": CAMERA["translation"] * (1 + index)} | changes
            camera = {key: value for key, value in camera.items() if value is not None}
            (folder / FILE).write_bytes(pickle.dumps(camera, protocol=protocol))
        return tmp_path

    return write


@pytest.mark.parametrize("protocol", range(6))
def test_a_session_images_as_opencv_says(session, assert_imaged, protocol):
    rig = read_rig(session(protocol))
    assert rig.names == ("Cam0", "Cam1") and rig.image_size == ((720, 1280),) * 2
    for name, factor in (("Cam0", 1e-3), ("Cam1", 2e-3)):
        place = CAMERA["translation"] * factor
        assert_imaged(rig, name, CAMERA["intrinsicMat"], ROTATION, place, CAMERA["distortion"])


def test_the_folder_of_videos_and_one_camera_can_be_named(session):
    path = session()
    assert read_rig(path / "Videos").names == ("Cam0", "Cam1")
    reading = read_rig_file(path / "Videos" / "Cam1" / FILE)
    assert reading.rig.names == ("Cam1",)
    assert "This is one camera, Cam1; give the session's folder for all." in reading.notes


def test_a_file_of_numpy_before_2_is_read(session):
    path = session(protocol=2) / "Videos" / "Cam0" / FILE
    content = path.read_bytes()
    path.write_bytes(content.replace(b"cnumpy._core.", b"cnumpy.core."))
    assert b"numpy._core" not in path.read_bytes() and b"cnumpy.core.multiarray" in content.replace(
        b"cnumpy._core.", b"cnumpy.core."
    )
    assert read_rig(path).image_size == ((720, 1280),)


def test_what_is_written_names_nothing_that_older_numpy_lacks(rig_with, tmp_path):
    write_rig(rig_with("pinhole"), tmp_path, "opencap")
    content = (tmp_path / "Videos" / "cam_1" / FILE).read_bytes()
    assert b"cnumpy.core.multiarray\n_reconstruct" in content and b"_core" not in content
    found = pickle.loads(content)
    assert found["imageSize"].ravel().tolist() == [1080.0, 1920.0]  # height, width
    expected = 1e3 * np.asarray(rig_with("pinhole").camera_from_world_translation[1])
    assert_allclose(found["translation"].ravel(), expected)


def test_a_size_the_other_way_round_is_seen_by_the_principal_point(session):
    reading = read_rig_file(session(imageSize=np.array([[720.0], [1280.0]])))
    assert reading.rig.image_size == ((720, 1280),) * 2
    assert "Cam0: `imageSize` was taken as width, height" in reading.notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intrinsicMat": None}, "The field `imageSize` is missing|`intrinsicMat` is missing"),
        ({"imageSize": None}, "The field `imageSize` is missing"),
        ({"imageSize": np.zeros(2)}, "imageSize: Found 0 x 0 pixels"),
        ({"imageSize": np.array([400.0, 400.0])}, r"picture of 400 x 400 pixels does not go with"),
        ({"distortion": None}, "The field `distortion` is missing"),
        ({"distortion": np.zeros((1, 8))}, "distortion: Found 8 numbers. A pinhole lens has 4"),
        ({"rotation": None}, "It holds intrinsics only"),
        ({"rotation": np.zeros(3)}, r"rotation: Found array\(\[0"),
        ({"rotation": -ROTATION}, "rotation: The matrix is not orthonormal"),
        ({"translation": ["a", "b", "c"]}, "translation: Found "),
        ({"translation": np.full(3, np.nan)}, "translation: It holds a number that is not finite"),
        ({"translation": None}, "The field `translation` is missing"),
    ],
)
def test_bad_files_are_refused_with_their_field(session, changes, message):
    with pytest.raises(InputError, match=message):
        read_rig(session(**changes))


def test_a_pickle_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.pickle").write_bytes(pickle.dumps([1.0, 2.0]))
    with pytest.raises(InputError, match=r"It holds a list. Expected: `intrinsicMat`"):
        read_rig(tmp_path / "a.pickle")
