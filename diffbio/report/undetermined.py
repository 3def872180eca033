"""Unknowns that the images say little about, in words.

Their names are paths: `joint/NAME`, `segment_scale/NAME`, `marker_offset/NAME/AXIS`,
`camera/NAME/FIELD` with a field of `CameraAdjustment`, and `root/position` or
`root/orientation`. A name of any other form is passed on as it is.
"""

from diffbio.report.curves import split_side, title_of

MANY = 5
"""Of so many names at most a sentence speaks; of more, it gives the number."""

MAIN_ANGLES = ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "hip_flexion", "hip_adduction")
MAIN_ANGLES += ("hip_rotation", "knee_angle", "ankle_angle")
"""Angles without their side that nearly every use of a fit is about."""

_SIDES = {"r": "right", "l": "left"}

_FIELDS = {
    "rotation": "orientation",
    "shift": "position",
    "log_focal": "focal length",
    "distortion": "lens distortion",
    "clock_offset": "clock",
    "clock_drift": "rate of the clock",
}


def in_words(names: tuple[str, ...], many: int | None = None) -> list[str]:
    """What the names stand for, grouped, each as a phrase that goes into a sentence.

    Args:
        names: `Uncertainty.undetermined`.
        many: of more names of one kind than this, only the number is given.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        kind, _, rest = name.partition("/")
        key = kind if rest and kind in _PHRASES else "other"
        groups.setdefault(key, []).append(rest if key != "other" else name)
    order = [*_PHRASES, "other"]
    phrases = []
    for kind in sorted(groups, key=order.index):
        if kind == "other":
            phrases += groups[kind]
        else:
            phrases += _PHRASES[kind](groups[kind], many)
    return phrases


def main_angles_among(names: tuple[str, ...]) -> bool:
    """Whether an angle that most uses of a fit are about is undetermined."""
    stems = (split_side(name.removeprefix("joint/"))[0] for name in names)
    return any(stem in MAIN_ANGLES for stem in stems) or "root/orientation" in names


def _angles(names: list[str], many: int | None) -> list[str]:
    titled = _paired(names, lambda stem: title_of(stem).lower())
    return [f"{len(names)} joint angles"] if many and len(titled) > many else titled


def _sizes(names: list[str], many: int | None) -> list[str]:
    paired = _paired(names, lambda stem: stem.replace("_", " "))
    if many and len(paired) > many:
        return [f"the sizes of {len(names)} segments"]
    return [f"the size of the {name}" for name in paired]


def _offsets(names: list[str], many: int | None) -> list[str]:
    keypoints = list(dict.fromkeys(name.partition("/")[0] for name in names))
    if many and len(keypoints) > many:
        return [f"where {len(keypoints)} keypoints sit on their segments"]
    verb = "sits on its segment" if len(keypoints) == 1 else "sit on their segments"
    noun = "keypoint" if len(keypoints) == 1 else "keypoints"
    return [f"where the {noun} {listed(keypoints)} {verb}"]


def _cameras(names: list[str], many: int | None) -> list[str]:
    fields: dict[str, list[str]] = {}
    for name in names:
        camera, _, field = name.partition("/")
        fields.setdefault(_FIELDS.get(field.partition("/")[0], field), []).append(camera)
    phrases = []
    for field, cameras in fields.items():
        unique = list(dict.fromkeys(cameras))
        short = f"{len(unique)} cameras" if many and len(unique) > many else listed(unique)
        phrases.append(f"the {field} of {short}")
    return phrases


def _root(names: list[str], many: int | None) -> list[str]:
    parts = dict.fromkeys(name.partition("/")[0] for name in names)
    return [f"the {part} of the whole body" for part in parts]


_PHRASES = {
    "root": _root,
    "joint": _angles,
    "segment_scale": _sizes,
    "marker_offset": _offsets,
    "camera": _cameras,
}


def listed(words: list[str]) -> str:
    """Words as a list that is read aloud: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _paired(names: list[str], words) -> list[str]:
    """Names without their sides, and the sides in brackets."""
    sides: dict[str, list[str]] = {}
    for name in names:
        stem, side = split_side(name)
        sides.setdefault(stem, []).append(side)
    return [
        f"{words(stem)} ({' and '.join(_SIDES[one] for one in found)})"
        if set(found) <= set(_SIDES)
        else words(stem)
        for stem, found in sides.items()
    ]
