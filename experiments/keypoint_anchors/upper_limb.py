"""Anatomical points of the shoulder, arm, forearm and hand."""

from experiments.keypoint_anchors.landmark import (
    BONY_LANDMARK,
    CLUSTER,
    FORWARD,
    JOINT_CENTRE,
    MARKER_RADIUS,
    PADDED_SKIN,
    SOFT_TISSUE,
    THIN_SKIN,
    UP,
    Landmark,
    around_shaft,
    between,
    furthest,
    lateral,
)
from experiments.keypoint_anchors.skeleton import Skeleton

# Circumferences of about 0.28 m (upper arm) and 0.22 m (forearm) of an adult, plus a marker.
ARM_RADIUS = 0.050
FOREARM_RADIUS = 0.040
# Definition of the shoulder point in the body keypoints of falisse-virtual-cameras.
BELOW_ACROMION = 0.040
# Carpals and metacarpals two to five are rigid with the lunate in this model.
HAND = "lunate"


def shoulder(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Shoulder joint, acromion and inferior angle of one side.

    The centre of the shoulder is a fixed point of the scapula and of the humerus alike. It is
    carried by the scapula, because what a detector adds to it (the deltoid's bulk) follows the
    shoulder and does not spin with the rotation of the arm.
    """
    body, outward = f"scapula_{side}", lateral(side)
    bone, joint = skeleton.bones[f"scapula_{side}"], skeleton.body_positions[f"humerus_{side}"]
    above = bone[bone @ UP > joint @ UP + 0.02]
    # The acromion is the outer 25 mm of what lies above the joint: middle of its upper surface.
    roof = above[above @ outward > (above @ outward).max() - 0.025]
    acromion = roof.mean(axis=0)
    acromion = acromion + (furthest(roof, UP) - acromion) @ UP * UP
    marker = acromion + (THIN_SKIN + MARKER_RADIUS) * UP
    blade = furthest(bone, -UP) - (PADDED_SKIN + MARKER_RADIUS) * FORWARD
    return {
        "shoulder": Landmark(body, joint, JOINT_CENTRE, "origin of the humerus"),
        "acromion": Landmark(body, marker, BONY_LANDMARK, "top of the acromion, skin"),
        "below_acromion": Landmark(
            body, marker - BELOW_ACROMION * UP, JOINT_CENTRE, "4 cm below the acromion's marker"
        ),
        "scapula_angle": Landmark(body, blade, SOFT_TISSUE, "inferior angle of the scapula, skin"),
        "scapula_cluster": Landmark(body, blade, CLUSTER, "anywhere on the shoulder blade"),
    }


def arm(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Epicondyles, elbow centre and skin of the upper arm of one side."""
    body, outward = f"humerus_{side}", lateral(side)
    condyles = between(skeleton.bones[f"humerus_{side}"], UP, 0.0, 0.15)
    outer, inner = furthest(condyles, outward), furthest(condyles, -outward)
    elbow = (outer + inner) / 2
    shaft = (skeleton.body_positions[body], elbow)
    on_skin = (THIN_SKIN + MARKER_RADIUS) * outward

    def skin(fraction: float, words: str) -> Landmark:
        point = around_shaft(shaft, side, fraction, -20, ARM_RADIUS)
        return Landmark(body, point, SOFT_TISSUE, words)

    # In front of the arm or at its side, above the elbow: half way between the two.
    somewhere = around_shaft(shaft, side, 0.60, 45, ARM_RADIUS)
    return {
        "arm_cluster": Landmark(body, somewhere, CLUSTER, "anywhere on the upper arm"),
        "elbow": Landmark(body, elbow, JOINT_CENTRE, "mid of the epicondyles"),
        "elbow_lateral": Landmark(body, outer + on_skin, BONY_LANDMARK, "lateral epicondyle, skin"),
        "elbow_medial": Landmark(body, inner - on_skin, BONY_LANDMARK, "medial epicondyle, skin"),
        "upper_arm": skin(0.45, "side of the upper arm, 45 % of its length"),
        # Half the way from the acromion's marker to the epicondyle's is 40 % from the joint down.
        "upper_arm_high": skin(0.40, "side of the upper arm, 40 % of its length"),
    }


def forearm(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Styloid processes, wrist centre and skin of the forearm of one side.

    The forearm of the neutral pose is midway between pronation and supination, thumb ahead.
    """
    radius, ulna = f"radius_{side}", f"ulna_{side}"
    end_of_radius = between(skeleton.bones[radius], UP, 0.0, 0.12)
    end_of_ulna = between(skeleton.bones[ulna], UP, 0.0, 0.08)
    thumb_side, little_side = furthest(end_of_radius, FORWARD), furthest(end_of_ulna, -FORWARD)
    wrist = (thumb_side + little_side) / 2
    elbow = skeleton.body_positions[ulna]
    on_skin = (THIN_SKIN + MARKER_RADIUS) * FORWARD
    back = around_shaft((elbow, wrist), side, 0.6, 0, FOREARM_RADIUS)
    return {
        "wrist": Landmark(radius, wrist, JOINT_CENTRE, "mid of the styloid processes"),
        "wrist_thumb_side": Landmark(
            radius, thumb_side + on_skin, BONY_LANDMARK, "radial styloid, skin"
        ),
        "wrist_little_side": Landmark(
            ulna, little_side - on_skin, BONY_LANDMARK, "ulnar styloid, skin"
        ),
        "forearm": Landmark(radius, back, SOFT_TISSUE, "back of the forearm, 60 % of its length"),
        "forearm_cluster": Landmark(radius, back, CLUSTER, "anywhere on the forearm"),
    }


def hand(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Knuckles and the back of the hand of one side; the thumb rests as in the neutral pose."""
    body, outward = f"{HAND}_{side}", lateral(side)
    knuckle = {
        ray: between(skeleton.bones_of(f"{name}mc_{side}"), UP, 0.0, 0.2).mean(axis=0)
        for ray, name in ((2, "second"), (3, "third"), (5, "fifth"))
    }
    thumb = between(skeleton.bones_of(f"proximal_thumb_{side}"), UP, 0.0, 0.2).mean(axis=0)
    metacarpal = skeleton.bones_of(f"thirdmc_{side}")
    middle = between(metacarpal, UP, 0.4, 0.6).mean(axis=0)
    # Half the thickness of a metacarpal (6 mm, 8 mm at the knuckle) under the skin and a marker.
    back = (0.006 + THIN_SKIN + MARKER_RADIUS) * outward
    return {
        "hand_back": Landmark(
            body, middle + back, BONY_LANDMARK, "back of the third metacarpal, skin"
        ),
        "hand_centre": Landmark(body, middle, SOFT_TISSUE, "middle of the third metacarpal"),
        "index_knuckle": Landmark(body, knuckle[2], BONY_LANDMARK, "head of the second metacarpal"),
        "middle_knuckle": Landmark(
            body, knuckle[3] + back, BONY_LANDMARK, "head of the third metacarpal, skin"
        ),
        "little_knuckle": Landmark(body, knuckle[5], BONY_LANDMARK, "head of the fifth metacarpal"),
        "thumb": Landmark(body, thumb, SOFT_TISSUE, "end of the thumb's proximal phalanx, at rest"),
    }
