"""OpenPose JSON of one camera, and whether cameras go together."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.openpose import (
    CameraDetections,
    check_same_frames,
    keypoint_set_for,
    read_camera_folder,
)

PERSON = [100.5, 200.0, 0.9, 300.0, 400.0, 0.4]


@pytest.fixture
def write(tmp_path):
    """Writes frames given as lists of people, by file name."""

    def write_all(**people_by_name):
        for name, people in people_by_name.items():
            content = {"people": [p and {"pose_keypoints_2d": p} for p in people]}
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write_all


def test_frames_are_ordered_by_number_and_gaps_have_nobody(write):
    folder = write(cam2_10_keypoints=[PERSON, PERSON], cam2_7_keypoints=[PERSON], cam2_8=[])
    camera = read_camera_folder(folder)
    assert camera.first_frame == 7 and camera.n_keypoints == 2
    assert [len(frame) for frame in camera.people] == [1, 0, 0, 2]
    assert_allclose(camera.people[0][0], [[100.5, 200.0, 0.9], [300.0, 400.0, 0.4]])


def test_empty_people_are_nobody(write):
    camera = read_camera_folder(write(f0=[{}], f1=[PERSON], f2=[{}, PERSON]))
    assert [len(frame) for frame in camera.people] == [0, 1, 1]


def test_zeros_and_nan_are_not_detected(write):
    folder = write(f0=[[0.0, 0.0, 0.8, 1.0, float("nan"), 0.8, 2.0, 3.0, 0.0, 4.0, 0.0, 0.7]])
    detected = read_camera_folder(folder).people[0][0]
    assert_allclose(detected, [[0, 0, 0], [0, 0, 0], [0, 0, 0], [4.0, 0.0, 0.7]])


def test_truncated_json_is_refused_with_file_and_frame(write):
    folder = write(cam_0003=[PERSON], cam_0004=[PERSON])
    whole = (folder / "cam_0004.json").read_text()
    (folder / "cam_0004.json").write_text(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cam_0004\.json, frame 4: It is not complete JSON"):
        read_camera_folder(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", 'frame 0: It has no list "people"'),
        ('{"people": 3}', 'frame 0: It has no list "people"'),
        ('{"people": [{"hands": []}]}', 'A person has no "pose_keypoints_2d"'),
        ('{"people": [{"pose_keypoints_2d": [1, 2]}]}', "holds 2 numbers, not triples"),
        ('{"people": [{"pose_keypoints_2d": ["a", 2, 3]}]}', "something that is no number"),
    ],
)
def test_other_json_is_refused(tmp_path, content, message):
    (tmp_path / "f0.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read_camera_folder(tmp_path)


def test_folder_must_hold_numbered_files_of_one_camera(tmp_path, write):
    with pytest.raises(InputError, match=r"It holds no JSON file"):
        read_camera_folder(tmp_path)
    write(a_1=[PERSON], b_1=[PERSON])
    with pytest.raises(InputError, match=r"b_1\.json: Frame 1 is also in a_1\.json"):
        read_camera_folder(tmp_path)
    (tmp_path / "b_1.json").rename(tmp_path / "people.json")
    with pytest.raises(InputError, match=r"people\.json: Its name holds no frame number"):
        read_camera_folder(tmp_path)


def test_people_must_have_equal_numbers_of_keypoints(write):
    folder = write(f0=[PERSON], f1=[[*PERSON, 1.0, 2.0, 0.5]])
    with pytest.raises(InputError, match=r"different numbers of keypoints \(2, 3\)"):
        read_camera_folder(folder)


def camera(tmp_path, n_frames=5, first=0, n_keypoints=17):
    return CameraDetections(tmp_path, first, (np.ones((1, n_keypoints, 3)),) * n_frames)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"n_frames": 4}, "different numbers of frames: left has 5, right has 4"),
        ({"first": 1}, "numbered differently: left starts at 0, right starts at 1"),
        ({"n_keypoints": 26}, "different numbers of keypoints: left has 17, right has 26"),
    ],
)
def test_cameras_that_do_not_go_together_are_each_named(tmp_path, other, message):
    with pytest.raises(InputError, match=message):
        check_same_frames({"left": camera(tmp_path), "right": camera(tmp_path, **other)})


@pytest.mark.parametrize(
    ("count", "name"),
    [(17, "coco_17"), (26, "halpe_26"), (33, "mediapipe_33"), (133, "coco_wholebody_133")],
)
def test_keypoint_set_follows_from_the_count(count, name):
    found, names = keypoint_set_for("walk", count, None)
    assert found == name and len(names) == count


def test_keypoint_set_that_is_ambiguous_or_wrong_is_refused():
    assert keypoint_set_for("walk", 25, "body_25b")[0] == "body_25b"
    message = r"25 keypoints, which may be body_25 or body_25b.*State the set: body_25, body_25b"
    with pytest.raises(InputError, match=message):
        keypoint_set_for("walk", 25, None)
    with pytest.raises(InputError, match=r"19 keypoints, as no known set has.*path of your own"):
        keypoint_set_for("walk", 19, None)
    with pytest.raises(InputError, match=r"17 keypoints, but the keypoint set halpe_26 has 26"):
        keypoint_set_for("walk", 17, "halpe_26")
    with pytest.raises(UnknownNameError, match=r"No keypoint set is called 'coco_16'"):
        keypoint_set_for("walk", 16, "coco_16")
