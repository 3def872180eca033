"""Names of unknowns in words."""

import pytest

from diffbio.report.undetermined import in_words, listed, main_angles_among

NAMES = ("joint/pro_sup_r", "joint/pro_sup_l", "joint/neck_rotation", "segment_scale/head")
NAMES += ("segment_scale/upper_arm_l", "marker_offset/Nose/x", "marker_offset/Nose/z")
NAMES += ("marker_offset/LEar/y", "camera/cam_02/clock_offset", "camera/cam_03/clock_offset")
NAMES += ("camera/cam_02/rotation/x", "root/position/y", "a thing of its own")


def test_every_kind_in_words():
    assert in_words(NAMES) == [
        "the position of the whole body",
        "forearm rotation (right and left)",
        "neck rotation",
        "the size of the head",
        "the size of the upper arm (left)",
        "where the keypoints Nose and LEar sit on their segments",
        "the clock of cam_02 and cam_03",
        "the orientation of cam_02",
        "a thing of its own",
    ]


def test_many_are_counted():
    names = tuple(f"marker_offset/K{i}/x" for i in range(7))
    names += tuple(f"segment_scale/s{i}" for i in range(6)) + tuple(f"joint/j{i}" for i in range(6))
    names += tuple(f"camera/c{i}/clock_offset" for i in range(8))
    assert in_words(names, 5) == [
        "6 joint angles",
        "the sizes of 6 segments",
        "where 7 keypoints sit on their segments",
        "the clock of 8 cameras",
    ]
    assert len(in_words(names)) == 6 + 6 + 1 + 1


@pytest.mark.parametrize(
    ("name", "main"),
    [
        ("joint/knee_angle_r", True),
        ("joint/pro_sup_r", False),
        ("root/orientation", True),
        ("segment_scale/thigh_r", False),
    ],
)
def test_main_angles(name, main):
    assert main_angles_among((name,)) is main


def test_listed():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
