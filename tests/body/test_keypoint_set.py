"""Keypoint tables: complete, anatomical, and refused with a reason where malformed."""

import functools
import pathlib

import numpy as np
import pytest

from diffbio.body.keypoint_set import (
    AnchorClass,
    KeypointSet,
    keypoint_set_names,
    load_keypoint_set,
)
from diffbio.errors import UnknownNameError
from experiments.keypoint_anchors.sets import SETS
from experiments.keypoint_anchors.skeleton import Skeleton, neutral_skeleton
from experiments.keypoint_anchors.tables import table

SIZES = {
    "body_25": 25,
    "body_25b": 25,
    "coco_17": 17,
    "coco_wholebody_133": 133,
    "falisse_body": 20,
    "falisse_markers": 59,
    "halpe_26": 26,
    "lenhart_markers": 40,
    "mediapipe_33": 33,
    "movi_87": 87,
    "opencap_markers": 43,
    "rajagopal_markers": 41,
}
# Order of the detectors as they publish it, at the places where sets are easily confused.
LANDMARKS_OF_THE_ORDER = {
    "coco_17": {0: "nose", 5: "left_shoulder", 11: "left_hip", 16: "right_ankle"},
    "halpe_26": {0: "Nose", 17: "Head", 18: "Neck", 19: "Hip", 20: "LBigToe", 21: "RBigToe"},
    "body_25": {1: "Neck", 2: "RShoulder", 8: "MidHip", 9: "RHip", 15: "REye", 24: "RHeel"},
    "body_25b": {5: "LShoulder", 11: "LHip", 17: "Neck", 18: "Head", 19: "LBigToe", 24: "RHeel"},
    "coco_wholebody_133": {
        17: "left_big_toe",
        22: "right_heel",
        23: "face-0",
        90: "face-67",
        91: "left_hand_root",
        112: "right_hand_root",
        132: "right_pinky_finger4",
    },
    "mediapipe_33": {
        1: "left_eye_inner",
        9: "mouth_left",
        15: "left_wrist",
        32: "right_foot_index",
    },
    "movi_87": {
        5: "lfronthead",
        35: "lbum",
        36: "rfronthead",
        67: "Head",
        78: "LFoot",
        86: "RFoot",
    },
}


@functools.cache
def places(name: str) -> dict[str, np.ndarray]:
    """Where the anchors of a set are in the neutral pose: X forward, Y up, Z right, metres."""
    skeleton = neutral_skeleton()
    return {
        anchor.keypoint: skeleton.from_body(anchor.body, np.array(anchor.position))
        for anchor in load_keypoint_set(name).anchors
    }


def other_side(name: str, known: tuple[str, ...]) -> str | None:
    """Name of the right-hand twin of a left keypoint, or None for any other keypoint."""
    twins = [name.replace("left", "right"), name.replace("foot_l", "Foot_r")]
    twins += [name.replace("_l", "_r"), "R" + name[1:] if name[0] == "L" else name]
    twins += ["r" + name[1:] if name[0] == "l" else name]
    return next((twin for twin in twins if twin != name and twin in known), None)


def distance_to_bones(point: np.ndarray, skeleton: Skeleton) -> float:
    """Distance to the nearest vertex or joint, in metres."""
    bones = np.concatenate(
        [*skeleton.bones.values(), np.stack([*skeleton.body_positions.values()])]
    )
    return float(np.min(np.linalg.norm(bones - point, axis=1)))


def test_every_published_set_is_there():
    assert keypoint_set_names() == tuple(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_set_has_the_detectors_names(name: str):
    keypoints = load_keypoint_set(name)
    assert keypoints.name == name
    assert len(keypoints.keypoints) == len(set(keypoints.keypoints)) == SIZES[name]
    for index, keypoint in LANDMARKS_OF_THE_ORDER.get(name, {}).items():
        assert keypoints.keypoints[index] == keypoint
    # Only fingers and most of the face are left out.
    assert len(keypoints.anchors) == (43 if name == "coco_wholebody_133" else SIZES[name])
    ends = {end for edge in keypoints.edges for end in edge}
    assert ends and ends <= {anchor.keypoint for anchor in keypoints.anchors}


@pytest.mark.parametrize(
    ("name", "kind"), [("falisse_markers", "markers"), ("falisse_body", "body")]
)
def test_falisse_names_are_those_of_the_recordings(name: str, kind: str, shared_data: pathlib.Path):
    recordings = sorted((shared_data / "falisse-virtual-cameras").glob(f"*-{kind}.npz"))
    assert recordings
    for recording in recordings:
        with np.load(recording) as arrays:
            assert load_keypoint_set(name).keypoints == tuple(map(str, arrays["keypoint_names"]))


@pytest.mark.parametrize("name", SIZES)
def test_table_is_what_the_rules_give(name: str):
    committed = pathlib.Path(__file__).parents[2] / "diffbio/body/keypoint_sets" / f"{name}.toml"
    assert committed.read_text(encoding="utf-8") == table(name)


@pytest.mark.parametrize("name", SIZES)
def test_anchors_are_on_the_body(name: str):
    skeleton = neutral_skeleton()
    # 6 cm: the thickest flesh over a bone that any of these points has, but for the skin of
    # thigh, belly and buttock, where muscle lies 12 cm deep.
    thick = ("THI", ".TH", "thigh", "umbilicus", "waist", "bum")
    for keypoint, place in places(name).items():
        limit = 0.12 if any(word in keypoint for word in thick) else 0.06
        assert distance_to_bones(place, skeleton) < limit, keypoint


@pytest.mark.parametrize("name", SIZES)
def test_left_and_right_mirror_each_other(name: str):
    found = places(name)
    pairs = {k: twin for k in found if (twin := other_side(k, tuple(found))) is not None}
    assert len(pairs) >= 6
    for left, right in pairs.items():
        if left[1:4] == "THI":
            continue  # the clusters of the two thighs are fixed at different heights
        assert found[left][2] < 0 < found[right][2], left
        # 2 mm: how far the bones of the two sides differ at the rules' vertices.
        np.testing.assert_allclose(found[left] * [1, 1, -1], found[right], atol=0.002, err_msg=left)


def test_joints_stand_above_one_another():
    for name in ("halpe_26", "body_25", "body_25b"):
        found = places(name)
        names = ("RHeel", "RAnkle", "RKnee", "RHip", "RShoulder", "REye")
        heights = [found[keypoint][1] for keypoint in names]
        assert np.all(np.diff(heights) > 0.03), name
        assert found["RBigToe"][0] > found["RAnkle"][0] > found["RHeel"][0]
        assert found["Nose"][0] > found["REye"][0] > found["REar"][0]


def test_distances_between_anatomical_points_are_those_of_an_adult():
    markers, joints = places("falisse_markers"), places("halpe_26")

    def distance(found: dict[str, np.ndarray], a: str, b: str) -> float:
        return float(np.linalg.norm(found[a] - found[b]))

    # Metres; ranges of the fifth to the ninety-fifth percentile of men and women, rounded outwards.
    assert 0.20 < distance(markers, "LASI", "RASI") < 0.30
    assert 0.08 < distance(markers, "RKNE", "RKNE_med") < 0.13
    assert 0.06 < distance(markers, "RANK", "RANK_med") < 0.10
    assert 0.05 < distance(markers, "RW1", "RW2") < 0.09
    assert 0.28 < distance(markers, "LSHO", "RSHO") < 0.43
    assert 0.14 < distance(joints, "LHip", "RHip") < 0.20
    assert 0.36 < distance(joints, "RHip", "RKnee") < 0.48
    assert 0.34 < distance(joints, "RKnee", "RAnkle") < 0.46
    assert 0.055 < distance(joints, "LEye", "REye") < 0.072
    assert 0.13 < distance(joints, "LEar", "REar") < 0.16
    assert 0.22 < distance(joints, "RHeel", "RBigToe") < 0.29


def test_knee_agrees_with_the_joint_of_the_model():
    skeleton = neutral_skeleton()
    for side in "rl":
        knee = places("halpe_26")[f"{side.upper()}Knee"]
        # 5 mm: the model's knee is the mid of the epicondyles of another drawing of the femur.
        np.testing.assert_allclose(knee, skeleton.body_positions[f"tibia_{side}"], atol=0.005)


def test_sets_of_one_body_share_their_points():
    np.testing.assert_array_equal(places("coco_17")["left_knee"], places("halpe_26")["LKnee"])
    assert set(SETS) == set(SIZES)


def test_unknown_set_names_those_that_exist():
    with pytest.raises(
        UnknownNameError, match=r"No keypoint set is called 'halpe26'\. The 12 known .*halpe_26"
    ):
        load_keypoint_set("halpe26")


GOOD = """
name = "pair"
keypoints = ["hip", "knee", "tail"]
edges = [["hip", "knee"]]
[anchors]
hip = { body = "pelvis", position = [0, 0.5, -0.25], class = "joint_centre" }
knee = { body = "femur_r", position = [0.0, -0.4, 0.0], class = "soft_tissue" }
"""


def read(text: str, folder: pathlib.Path) -> KeypointSet:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load_keypoint_set(path)


def test_own_table_is_read(tmp_path: pathlib.Path):
    found = read(GOOD, tmp_path)
    assert found.keypoints == ("hip", "knee", "tail")
    assert found.edges == (("hip", "knee"),)
    assert found.anchors[0].position == (0.0, 0.5, -0.25)
    assert found.anchors[1].kind is AnchorClass.SOFT_TISSUE


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "pair"', "", r"mine\.toml, name: Found None\. Give the set a name"),
        ("keypoints =", "points =", r"keypoints: Found None\. List every keypoint"),
        ('"tail"]', "3]", r"keypoints: Found \['hip', 'knee', 3\]"),
        ('"tail"]', '"hip"]', r"'hip' is listed more than once\. Keypoints are told apart"),
        ("[anchors]", "[places]", r"\[anchors\] is missing or empty\. Give at least one"),
        ("hip = {", "nose = {", r"anchors: 'nose' is not in `keypoints`\. Add it to the list"),
        ('[["hip", "knee"]]', '[["hip", "toe"]]', r"edges: 'toe' is not in `keypoints`"),
        ('[["hip", "knee"]]', '["hip", "knee"]', r"edges: It is not a list of pairs"),
        ('body = "pelvis", ', "", r"anchors\.hip\.body: Found None\. Name the body"),
        ("[0, 0.5, -0.25]", "[0, 0.5]", r"anchors\.hip\.position: Found \[0, 0\.5\]\. Give three"),
        ("[0, 0.5, -0.25]", "[0, 0.5, nan]", r"position: Found .*nan\]\. Give three numbers"),
        ("joint_centre", "joint", r"class: Found 'joint'\. It is one of: joint_centre, bony_l"),
        ("[anchors]", "[anchors", r"mine\.toml: It is not TOML \(.*\)\. See the tables"),
    ],
)
def test_malformed_table_is_refused(old: str, new: str, message: str, tmp_path: pathlib.Path):
    with pytest.raises(ValueError, match=message):
        read(GOOD.replace(old, new), tmp_path)


def test_missing_table_is_refused(tmp_path: pathlib.Path):
    with pytest.raises(ValueError, match=r"nowhere\.toml: The file cannot be read \(No such file"):
        load_keypoint_set(tmp_path / "nowhere.toml")


def test_anchor_that_is_no_table_is_refused(tmp_path: pathlib.Path):
    text = GOOD[: GOOD.index("hip = {")] + "hip = 3\n"
    with pytest.raises(ValueError, match=r"anchors\.hip: It is not a table\. Give it `body`"):
        read(text, tmp_path)
