"""Every anatomical point of the default body, in one place."""

import functools

from experiments.keypoint_anchors import head, lower_limb, trunk, upper_limb
from experiments.keypoint_anchors.landmark import Landmark
from experiments.keypoint_anchors.skeleton import neutral_skeleton

_MIDLINE = (trunk.trunk, head.head)
# Both sides follow the same rule on their own bones; nothing is mirrored.
_SIDED = (
    lower_limb.pelvis,
    lower_limb.thigh,
    lower_limb.shank,
    lower_limb.foot,
    upper_limb.shoulder,
    upper_limb.arm,
    upper_limb.forearm,
    upper_limb.hand,
    trunk.trunk_side,
    head.head_side,
)


@functools.cache
def landmarks() -> dict[str, Landmark]:
    """The points by name; those of one side end in `_r` or `_l`."""
    skeleton = neutral_skeleton()
    found: dict[str, Landmark] = {}
    for rule in _MIDLINE:
        found |= rule(skeleton)
    for side in "rl":
        for rule in _SIDED:
            found |= {f"{name}_{side}": point for name, point in rule(skeleton, side).items()}
    spines = [found[f"iliac_spines_{side}"] for side in "rl"]
    found["pelvis_centre"] = Landmark(
        "pelvis",
        (spines[0].position + spines[1].position) / 2,
        spines[0].kind,
        "mean of the four iliac spines",
    )
    # The spine of S2 is level with the back iliac spines and stands out as far as they do.
    behind = [found[f"psis_{side}"].position for side in "rl"]
    found["sacrum"] = Landmark(
        "pelvis",
        (behind[0] + behind[1]) / 2,
        found["psis_r"].kind,
        "between the back iliac spines, skin",
    )
    acromia = [found[f"below_acromion_{side}"].position for side in "rl"]
    found["mid_below_acromia"] = Landmark(
        "torso",
        (acromia[0] + acromia[1]) / 2,
        found["shoulder_r"].kind,
        "mid of the shoulder points",
    )
    return found
