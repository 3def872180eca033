"""What drawings connect."""

# In anatomical points of one side; a set draws those of which it has both ends.
_LIMBS = (
    ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip_seen"), ("hip_seen", "knee"),
    ("knee", "ankle"), ("ankle", "heel"), ("ankle", "big_toe"), ("big_toe", "small_toe"),
    ("heel", "small_toe"), ("heel", "foot_tip"), ("ankle", "foot_tip"), ("eye", "ear"),
    ("wrist", "index_knuckle"), ("wrist", "little_knuckle"), ("wrist", "thumb"),
    ("index_knuckle", "little_knuckle"), ("eye_inner", "eye"), ("eye", "eye_outer"),
    ("below_acromion", "elbow_lateral"), ("elbow_lateral", "wrist"), ("below_acromion", "hip"),
    ("hip", "knee"), ("knee", "malleoli"), ("malleoli", "heel_markers"), ("malleoli", "hallux"),
    ("hallux", "metatarsal_5_head"), ("heel_markers", "metatarsal_5_head"),
    ("acromion", "upper_arm"), ("upper_arm", "elbow_lateral"),
    ("acromion", "upper_arm_high"), ("upper_arm_high", "elbow_lateral"),
    ("elbow_lateral", "forearm"), ("forearm", "wrist_thumb_side"), ("forearm", "wrist_little_side"),
    ("wrist_thumb_side", "wrist_little_side"), ("wrist_thumb_side", "hand_back"),
    ("wrist_little_side", "hand_back"), ("asis", "psis"), ("asis", "knee_lateral"),
    ("knee_lateral", "knee_medial"), ("knee_lateral", "ankle_lateral"),
    ("knee_medial", "ankle_medial"), ("ankle_lateral", "heel_marker"),
    ("ankle_medial", "heel_marker"), ("metatarsal_5_head", "heel_marker"),
    ("metatarsal_1_head", "heel_marker"), ("metatarsal_1_head", "hallux"),
    ("ankle", "ball"), ("wrist", "hand_centre"),
)  # fmt: skip
_ACROSS = ("shoulder", "hip_seen", "below_acromion", "hip", "asis", "psis", "mouth")
_MIDLINE = (
    ("nose", "eye"), ("nose", "mid_shoulders"), ("mid_shoulders", "shoulder"),
    ("mid_shoulders", "mid_hips"), ("mid_hips", "hip_seen"), ("neck_base", "shoulder"),
    ("neck_base", "head_top"), ("neck_base", "mid_hips"), ("neck_middle", "shoulder"),
    ("neck_middle", "head_top"), ("mid_below_acromia", "below_acromion"), ("mid_hips", "hip"),
    ("mid_below_acromia", "mid_hips"), ("jugular_notch", "acromion"), ("c7", "acromion"),
    ("jugular_notch", "xiphoid"), ("c7", "t8"), ("head_centre", "neck_base"),
)  # fmt: skip


def edges(points: dict[str, str | None]) -> list[tuple[str, str]]:
    """Pairs of keypoints to connect, for a set given as keypoint and anatomical point."""
    keypoint_at: dict[str, str] = {}
    for keypoint, point in points.items():
        if point is not None:
            keypoint_at.setdefault(point, keypoint)
    wanted = [(f"{a}_{s}", f"{b}_{s}") for s in "lr" for a, b in _LIMBS]
    wanted += [(f"{point}_l", f"{point}_r") for point in _ACROSS]
    for a, b in _MIDLINE:
        wanted += [(a, b)] + [(a, f"{b}_{s}") for s in "lr"]
    return [(keypoint_at[a], keypoint_at[b]) for a, b in wanted if {a, b} <= keypoint_at.keys()]
