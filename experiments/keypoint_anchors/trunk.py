"""Anatomical points of the trunk."""

import numpy as np

from diffbio.body.keypoint_set import AnchorClass
from experiments.keypoint_anchors.landmark import (
    BONY_LANDMARK,
    FORWARD,
    JOINT_CENTRE,
    MARKER_RADIUS,
    PADDED_SKIN,
    RIGHT,
    SOFT_TISSUE,
    THIN_SKIN,
    UP,
    Landmark,
    between,
    furthest,
    lateral,
    near,
    pieces,
    reach,
)
from experiments.keypoint_anchors.skeleton import Skeleton

ON_SKIN = THIN_SKIN + MARKER_RADIUS
ON_PADDED_SKIN = PADDED_SKIN + MARKER_RADIUS


def sternum(skeleton: Skeleton) -> np.ndarray:
    """Vertices of the breastbone near the midline, in metres."""
    # The largest piece of the rib cage's mesh is a plaque fixed before the chest, not a bone; the
    # second is the breastbone with its cartilages.
    bone = pieces(skeleton, "torso_geom_13_ribcage_s")[1]
    return near(bone, RIGHT, 0.0, 0.012)


def spine_of(skeleton: Skeleton, vertebra: str) -> np.ndarray:
    """Tip of the spinous process of a vertebra (`thoracic8`, `lumbar4`), in metres."""
    (bone,) = [b for b in skeleton.bones if b.endswith((vertebra, f"{vertebra}_s"))]
    return furthest(skeleton.bones[bone], -FORWARD)


def trunk(skeleton: Skeleton) -> dict[str, Landmark]:
    """Neck base, breastbone, spine and the midpoints of shoulders and hips."""
    seventh = furthest(between(skeleton.bones["hat_cervical"], UP, 0.0, 0.2), -FORWARD)
    # The neck's middle at half its height: just before the vertebral bodies (its throat is as far
    # ahead of them as its nape is behind).
    fifth = furthest(between(skeleton.bones["hat_cervical"], UP, 0.35, 0.45), FORWARD)
    bone = sternum(skeleton)
    notch, tip = furthest(bone, UP), furthest(bone, -UP)
    shoulders = [skeleton.body_positions[f"humerus_{side}"] for side in "rl"]
    hips = [skeleton.body_positions[f"femur_{side}"] for side in "rl"]
    navel = skeleton.body_positions["lumbar4"]

    def torso(point: np.ndarray, kind: AnchorClass, words: str) -> Landmark:
        return Landmark("torso", point, kind, words)

    return {
        "c7": torso(seventh - ON_PADDED_SKIN * FORWARD, BONY_LANDMARK, "spine of C7, skin"),
        "t8": torso(
            spine_of(skeleton, "thoracic8") - ON_PADDED_SKIN * FORWARD,
            BONY_LANDMARK,
            "spine of T8, skin",
        ),
        "jugular_notch": torso(notch + ON_SKIN * FORWARD, BONY_LANDMARK, "jugular notch, skin"),
        "xiphoid": torso(tip + ON_SKIN * FORWARD, BONY_LANDMARK, "xiphoid process, skin"),
        "neck_base": torso((seventh + notch) / 2, JOINT_CENTRE, "mid of C7 and jugular notch"),
        "neck_middle": torso(
            fifth * [1, 1, 0] + 0.005 * FORWARD, SOFT_TISSUE, "middle of the neck at C5"
        ),
        "mid_shoulders": torso(np.mean(shoulders, axis=0), JOINT_CENTRE, "mid of the shoulders"),
        "mid_hips": Landmark("pelvis", np.mean(hips, axis=0), JOINT_CENTRE, "mid of the hips"),
        # The navel is level with the disc between L3 and L4, and the abdomen is 0.20 m deep
        # there from skin to skin; the spine is 15 mm below the skin of the back.
        "navel": Landmark(
            "lumbar3",
            np.array([spine_of(skeleton, "lumbar4")[0] - 0.015 + 0.20, navel[1] + 0.03, 0.0]),
            SOFT_TISSUE,
            "navel, level of L3-L4",
        ),
    }


def trunk_side(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Breast, waist and back of one side."""
    outward = lateral(side)
    rib_cage = np.concatenate(pieces(skeleton, "torso_geom_13_ribcage_s")[1:])
    half = rib_cage[rib_cage @ outward > 0]
    # The nipple lies over the fourth intercostal space, about a hand's breadth from the midline.
    breast_level = -reach(sternum(skeleton), -UP) + 0.05
    breast = furthest(near(near(half, UP, breast_level, 0.02), outward, 0.09, 0.02), FORWARD)
    back_level = float(spine_of(skeleton, "thoracic10") @ UP)
    back = furthest(near(near(half, UP, back_level, 0.02), outward, 0.06, 0.015), -FORWARD)
    crest = furthest(skeleton.bones[f"{side}_pelvis"], UP)
    hip_breadth = reach(skeleton.bones[f"{side}_pelvis"], outward)
    notch = furthest(sternum(skeleton), UP)
    # The clavicle's head stands about 2 cm from the midline, beside the notch.
    clavicle = notch * [1, 1, 0] + ON_SKIN * FORWARD + 0.02 * outward
    waist = np.array([crest[0], crest[1] + 0.03, 0.0]) + (hip_breadth + 0.01) * outward
    return {
        "clavicle_head": Landmark("torso", clavicle, BONY_LANDMARK, "head of the clavicle, skin"),
        "breast": Landmark(
            "torso", breast + 0.02 * FORWARD, SOFT_TISSUE, "over the ribs at the nipple's level"
        ),
        "back": Landmark(
            "torso", back - 0.025 * FORWARD, SOFT_TISSUE, "beside the spine, level of T10"
        ),
        "waist": Landmark("lumbar3", waist, SOFT_TISSUE, "side of the waist, above the crest"),
    }
