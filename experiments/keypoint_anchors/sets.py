"""The keypoint sets: each detector's names, and the anatomical point each of them is.

Names and order are facts of the detectors: COCO, Halpe and COCO-WholeBody as published with
their annotations, BODY_25 and BODY_25B as OpenPose writes them, MediaPipe Pose as documented by
its makers, MOVI as in the data set BML-MoVi, and the two Falisse sets as in the recordings.
"""

import dataclasses

_LEFT_RIGHT = {"l": "left", "r": "right"}


@dataclasses.dataclass(frozen=True)
class SetDescription:
    """One keypoint set before its positions are known.

    Attributes:
        title: what the set is, as a sentence for the head of the table.
        points: anatomical point of each keypoint in the detector's order; None where the body
            has none to offer (fingers, most of the face).
    """

    title: str
    points: dict[str, str | None]


def _sided(names: dict[str, str], order: str = "lr") -> dict[str, str | None]:
    """Both sides of each keypoint: `{side}` is left or right, `{S}` is L or R, `{s}` is l or r."""
    return {
        name.format(side=_LEFT_RIGHT[s], S=s.upper(), s=s): f"{point}_{s}"
        for name, point in names.items()
        for s in order
    }


def _one_side(names: dict[str, str], s: str) -> dict[str, str | None]:
    return _sided(names, order=s)


_COCO_17 = {"nose": "nose"} | _sided(
    {
        "{side}_eye": "eye",
        "{side}_ear": "ear",
        "{side}_shoulder": "shoulder",
        "{side}_elbow": "elbow",
        "{side}_wrist": "wrist",
        "{side}_hip": "hip_seen",
        "{side}_knee": "knee",
        "{side}_ankle": "ankle",
    }
)

_HEAD_AND_LIMBS = {"Nose": "nose"} | _sided(
    {
        "{S}Eye": "eye",
        "{S}Ear": "ear",
        "{S}Shoulder": "shoulder",
        "{S}Elbow": "elbow",
        "{S}Wrist": "wrist",
        "{S}Hip": "hip_seen",
        "{S}Knee": "knee",
        "{S}Ankle": "ankle",
    }
)

_HALPE_26 = (
    _HEAD_AND_LIMBS
    | {"Head": "head_top", "Neck": "neck_base", "Hip": "mid_hips"}
    | _sided({"{S}BigToe": "big_toe", "{S}SmallToe": "small_toe", "{S}Heel": "heel"})
)

_FOOT = {"{S}BigToe": "big_toe", "{S}SmallToe": "small_toe", "{S}Heel": "heel"}
_BOTH_FEET = _one_side(_FOOT, "l") | _one_side(_FOOT, "r")
_ARM = {"{S}Shoulder": "shoulder", "{S}Elbow": "elbow", "{S}Wrist": "wrist"}
_LEG = {"{S}Hip": "hip_seen", "{S}Knee": "knee", "{S}Ankle": "ankle"}

# OpenPose computes the neck and the middle of the hips of BODY_25 as means of the two sides.
_BODY_25 = (
    {"Nose": "nose", "Neck": "mid_shoulders"}
    | _one_side(_ARM, "r")
    | _one_side(_ARM, "l")
    | {"MidHip": "mid_hips"}
    | _one_side(_LEG, "r")
    | _one_side(_LEG, "l")
    | _sided({"{S}Eye": "eye", "{S}Ear": "ear"}, order="rl")
    | _BOTH_FEET
)

# Neck and Head of BODY_25B are those of the MPII data set: upper neck and top of the head.
_BODY_25B = _HEAD_AND_LIMBS | {"Neck": "neck_middle", "Head": "head_top"} | _BOTH_FEET

# Points of the 68 face points that do not slide along an outline, from the right ear to the left.
_FACE = {
    0: "ear_r",
    4: "jaw_angle_r",
    8: "chin",
    12: "jaw_angle_l",
    16: "ear_l",
    19: "brow_r",
    24: "brow_l",
    27: "nose_root",
    30: "nose",
    31: "nostril_r",
    33: "nose_base",
    35: "nostril_l",
    36: "eye_outer_r",
    39: "eye_inner_r",
    42: "eye_inner_l",
    45: "eye_outer_l",
    48: "mouth_r",
    54: "mouth_l",
}
_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
_WHOLEBODY_FOOT = {
    "{side}_big_toe": "big_toe",
    "{side}_small_toe": "small_toe",
    "{side}_heel": "heel",
}


def _wholebody_hand(s: str) -> dict[str, str | None]:
    side = _LEFT_RIGHT[s]
    fingers = {f"{side}_{finger}{joint}": None for finger in _FINGERS for joint in range(1, 5)}
    return {f"{side}_hand_root": f"wrist_{s}"} | fingers


_COCO_WHOLEBODY_133 = (
    _COCO_17
    | _one_side(_WHOLEBODY_FOOT, "l")
    | _one_side(_WHOLEBODY_FOOT, "r")
    | {f"face-{index}": _FACE.get(index) for index in range(68)}
    | _wholebody_hand("l")
    | _wholebody_hand("r")
)

_MEDIAPIPE_EYE = {
    "{side}_eye_inner": "eye_inner",
    "{side}_eye": "eye",
    "{side}_eye_outer": "eye_outer",
}
_MEDIAPIPE_33 = (
    {"nose": "nose"}
    | _one_side(_MEDIAPIPE_EYE, "l")
    | _one_side(_MEDIAPIPE_EYE, "r")
    | _sided({"{side}_ear": "ear"})
    | _sided({"mouth_{side}": "mouth"})
    | _sided(
        {
            "{side}_shoulder": "shoulder",
            "{side}_elbow": "elbow",
            "{side}_wrist": "wrist",
            "{side}_pinky": "little_knuckle",
            "{side}_index": "index_knuckle",
            "{side}_thumb": "thumb",
            "{side}_hip": "hip_seen",
            "{side}_knee": "knee",
            "{side}_ankle": "ankle",
            "{side}_heel": "heel",
            "{side}_foot_index": "foot_tip",
        }
    )
)

_MOVI_MARKERS = {
    "{s}fronthead": "forehead",
    "{s}backhead": "hindhead",
    "{s}back": "back",
    "{s}shom": "acromion",
    "{s}upperarm": "upper_arm",
    "{s}elbm": "elbow_lateral",
    "{s}forearm": "forearm",
    "{s}writhumbside": "wrist_thumb_side",
    "{s}wripinkieside": "wrist_little_side",
    "{s}fin": "middle_knuckle",
    "{s}asis": "asis",
    "{s}psis": "psis",
    "{s}frontthigh": "thigh_front",
    "{s}thigh": "thigh_side",
    "{s}knem": "knee_lateral",
    "{s}ankm": "ankle_lateral",
    "{S}Heel": "heel_marker",
    "{s}fifthmetatarsal": "metatarsal_5_head",
    "{S}BigToe": "hallux_nail",
    "{s}cheek": "cheek",
    "{s}breast": "breast",
    "{s}elbinner": "elbow_medial",
    "{s}waist": "waist",
    "{s}thumb": "thumb",
    "{s}frontinnerthigh": "thigh_inner_front",
    "{s}innerknee": "knee_medial",
    "{s}shin": "shin",
    "{s}firstmetatarsal": "metatarsal_1_head",
    "{s}fourthtoe": "fourth_toe",
    "{s}scapula": "scapula_angle",
    "{s}bum": "buttock",
}
_MOVI_JOINTS = {
    "{S}Ankle": "ankle",
    "{S}Elbow": "elbow",
    "{S}Hip": "hip",
    "{S}Hand": "hand_centre",
    "{S}Knee": "knee",
    "{S}Shoulder": "shoulder",
    "{S}Wrist": "wrist",
    "{S}Foot": "ball",
}


def _movi_left_markers() -> dict[str, str | None]:
    """The left markers, with those of the trunk's midline that the data set lists before them."""
    midline = {
        "backneck": "c7",
        "upperback": "t8",
        "clavicle": "jugular_notch",
        "sternum": "xiphoid",
        "umbilicus": "navel",
    }
    return midline | _one_side(_MOVI_MARKERS, "l")


_MOVI_87 = (
    _movi_left_markers()
    | _one_side(_MOVI_MARKERS, "r")
    | {"Head": "head_centre", "mhip": "mid_hips", "CHip": "pelvis_centre", "Neck": "neck_base"}
    | _one_side(_MOVI_JOINTS, "l")
    | _one_side(_MOVI_JOINTS, "r")
)

_FALISSE_MARKERS = {
    "CLAV": "jugular_notch",
    # The clusters of the two thighs are fixed at different heights and sides.
    "RTHI1": "thigh_high_front_r",
    "RTHI2": "thigh_high_back_r",
    "RTHI3": "thigh_high_low_r",
    "LTHI1": "thigh_mid_front_l",
    "LTHI2": "thigh_mid_back_l",
    "LTHI3": "thigh_mid_low_l",
} | _sided(
    {
        "{S}SHO": "acromion",
        "hum_{s}2": "upper_arm_high",
        "{S}ELB": "elbow_lateral",
        "rad_{s}2": "forearm",
        "{S}W1": "wrist_thumb_side",
        "{S}W2": "wrist_little_side",
        "{S}H": "hand_back",
        "{S}ASI": "asis",
        "{S}PSI": "psis",
        "{S}KNE": "knee_lateral",
        "{S}KNE_med": "knee_medial",
        "{S}TIB1": "shank_front",
        "{S}TIB2": "shank_back",
        "{S}TIB3": "shank_low",
        "{S}ANK": "ankle_lateral",
        "{S}ANK_med": "ankle_medial",
    }
)
# Read off the standing trial: from the heel outwards around the foot and back on its inner side.
_FALISSE_FOOT = {
    1: "heel_upper",
    2: "heel_marker",
    3: "heel_outer",
    4: "metatarsal_5_base",
    5: "metatarsal_5_head",
    6: "metatarsal_23_heads",
    7: "hallux",
    8: "metatarsal_1_head",
    9: "metatarsal_1_base",
    10: "heel_inner",
}
_FALISSE_MARKERS |= {f"foot_l{index}": f"{point}_l" for index, point in _FALISSE_FOOT.items()}
_FALISSE_MARKERS |= {f"Foot_r{index}": f"{point}_r" for index, point in _FALISSE_FOOT.items()}

_FALISSE_BODY = {"neck": "mid_below_acromia", "mid_hip": "mid_hips"} | _sided(
    {
        "{side}_shoulder": "below_acromion",
        "{side}_elbow": "elbow_lateral",
        "{side}_wrist": "wrist",
        "{side}_hip": "hip",
        "{side}_knee": "knee",
        "{side}_ankle": "malleoli",
        "{side}_heel": "heel_markers",
        "{side}_big_toe": "hallux",
        "{side}_small_toe": "metatarsal_5_head",
    }
)

# Cluster markers were put where they hold, differently on the two legs.
_OPENCAP = (
    {"C7": "c7"}
    | _sided(
        {
            "{S}_Sternum": "clavicle_head",
            "{S}_Shoulder": "acromion",
            "{S}_elbow_lat": "elbow_lateral",
            "{S}_elbow_med": "elbow_medial",
            "{S}_wrist_radius": "wrist_thumb_side",
            "{S}_wrist_ulna": "wrist_little_side",
        }
    )
    | {
        f"{trunk}.{bone}": f"{bone.lower()}_{s}"
        for s, trunk in (("r", "r"), ("l", "L"))
        for bone in ("ASIS", "PSIS")
    }
    | {
        f"{leg}_{name}": f"{point}_{s}"
        for s, leg in (("r", "r"), ("l", "L"))
        for name, point in {
            "knee": "knee_lateral",
            "ankle": "ankle_lateral",
            "calc": "heel_marker",
            "5meta": "metatarsal_5_head",
            "toe": "metatarsal_23_heads",
            "shank_antsup": "shank_cluster",
        }.items()
    }
    | {
        f"{leg}_thigh{i}": f"thigh_cluster_{s}"
        for s, leg, count in (("r", "r", 5), ("l", "L", 4))
        for i in range(1, count + 1)
    }
    | {
        f"{leg}_sh{i}": f"shank_cluster_{s}"
        for s, leg, count in (("r", "r", 4), ("l", "L", 3))
        for i in range(2, count + 1)
    }
)


def _rajagopal(arm: str, toe: dict[str, str]) -> dict[str, str | None]:
    """One convention of marking, on which several published models rest.

    Where their markers sit says which points are meant: that of the wrist is on the side of the
    little finger, that of the toe on the nail of the hallux, S2 between the back iliac spines.

    Args:
        arm: name of the upper arm's marker.
        toe: of the marker on the toe, where there is one.
    """
    limbs = {
        "{S}.Shoulder": "acromion",
        "{S}.Clavicle": "clavicle_head",
        f"{{S}}.{arm}": "arm_cluster",
        "{S}.Elbow": "elbow_lateral",
        "{S}.Forearm": "forearm_cluster",
        "{S}.Wrist": "wrist_little_side",
        "{S}.ASIS": "asis",
        "{S}.PSIS": "psis",
        "{S}.TH1": "thigh_cluster",
        "{S}.TH2": "thigh_cluster",
        "{S}.TH3": "thigh_cluster",
        "{S}.Knee": "knee_lateral",
        "{S}.SH1": "shank_cluster",
        "{S}.SH2": "shank_cluster",
        "{S}.SH3": "shank_cluster",
        "{S}.Ankle": "ankle_lateral",
        "{S}.Heel": "heel_marker",
        "{S}.MT5": "metatarsal_5_head",
        **toe,
    }
    # A fourth marker on the thigh of one leg and on the shank of the other tells them apart.
    fourth: dict[str, str | None] = {"L.TH4": "thigh_cluster_l", "R.SH4": "shank_cluster_r"}
    return _sided(limbs, order="rl") | {"S2": "sacrum"} | fourth


SETS = {
    "coco_17": SetDescription("COCO: seventeen points of the body.", _COCO_17),
    "halpe_26": SetDescription("Halpe: body, head, neck, hip and feet.", _HALPE_26),
    "body_25": SetDescription("OpenPose BODY_25.", _BODY_25),
    "body_25b": SetDescription("OpenPose BODY_25B.", _BODY_25B),
    "coco_wholebody_133": SetDescription(
        "COCO-WholeBody: body, feet, face, hands; fingers and most of the face are not anchored.",
        _COCO_WHOLEBODY_133,
    ),
    "mediapipe_33": SetDescription("MediaPipe Pose (BlazePose).", _MEDIAPIPE_33),
    "movi_87": SetDescription("BML-MoVi: 67 markers and 20 joints.", _MOVI_87),
    "falisse_markers": SetDescription(
        "The 59 optical markers of the Falisse walking trials.",
        dict(sorted(_FALISSE_MARKERS.items(), key=lambda item: item[0].lower())),
    ),
    "falisse_body": SetDescription(
        "Twenty body points computed from the markers of the Falisse walking trials.", _FALISSE_BODY
    ),
    "opencap_markers": SetDescription(
        "The optical markers of the OpenCap validation recordings.", _OPENCAP
    ),
    "rajagopal_markers": SetDescription(
        "The optical markers of the walk that comes with the model of Rajagopal (2016).",
        _rajagopal("Biceps", {"{S}.Toe": "hallux_nail"}),
    ),
    "lenhart_markers": SetDescription(
        "The optical markers of the walk that comes with the model of Lenhart (2015).",
        _rajagopal("Bicep", {}) | {"L.Scapula": "scapula_cluster_l"},
    ),
}
