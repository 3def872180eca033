"""How tall a scaled body would stand, by what keypoints can know of it and by anthropometry.

The crown of the head is no keypoint. Where the head is seen, the ear is as near to it as can be;
else the shoulders and the hips are, and how high those are on people is known. The body model's
own crown is not used: it stands 4 cm nearer to its shoulders than people's does.
"""

from typing import NamedTuple

import numpy as np

from diffbio.body import BodyModel, BodyParameters
from diffbio.body.write_mjcf import Sites, neutral_sites

HEAD = "head"
_SOLE = ("calcn", (0.05, -0.03, 0.0))


class _Landmark(NamedTuple):
    """A point of the body whose height people's stature follows.

    Attributes:
        body: name of the body without its side.
        position: in it, of the right side, in metres on the base model.
        share: of the stature, at which people have it.
        sd: of the stature that follows from it, as a share: how much people differ and, as much
            again or more, how well the model's place for it is theirs.
    """

    body: str
    position: tuple[float, float, float]
    share: float
    sd: float


# Shares: ANSUR II (Gordon 2014), men and women together: stature 1714 mm, acromial height 1406,
# trochanterion 883 (the hip's centre is as high), tragion 130 below the crown.
TRAGION = _Landmark(HEAD, (-0.0008, 0.037, 0.0697), 0.9244, 0.012)
ACROMION = _Landmark("scapula", (-0.0269, 0.0158, -0.0024), 0.8202, 0.020)
TROCHANTERION = _Landmark("femur", (0.0, 0.0, 0.0), 0.5150, 0.025)


class Stature(NamedTuple):
    """An estimate of how tall a person stands.

    Attributes:
        height: in metres.
        sd: of its error, as a share of it, were all segments measured without error.
        rests_on: what it was taken from.
    """

    height: float
    sd: float
    rests_on: tuple[str, ...]


def stature(body: BodyModel, parameters: BodyParameters) -> Stature | None:
    """How tall a person with these proportions stands.

    Args:
        body: its anchors say which bodies are seen.
        parameters: the person.

    Returns:
        None where the model has no pelvis, feet, or any of the landmarks.
    """
    if body.pelvis_name is None:
        return None
    known = _heights(body, parameters)
    seen_head = any(anchor.body == HEAD for anchor in body.anchors)
    wanted = {"ear": TRAGION} if seen_head else {"shoulders": ACROMION, "hips": TROCHANTERION}
    found = {name: (known[mark.body] / mark.share, mark.sd) for name, mark in wanted.items()
             if mark.body in known}  # fmt: skip
    if not found:
        return None
    heights, sds = np.asarray(list(found.values())).T
    weight = sds**-2.0
    # The model's errors are not independent, so that two landmarks are no surer than one.
    return Stature(float(weight @ heights / weight.sum()), float(sds.min()), tuple(found))


def _heights(body: BodyModel, parameters: BodyParameters) -> dict[str, float]:
    """Height of the landmarks over the soles in the neutral pose, means of both sides."""
    scale = body.body_scale(parameters)
    sites: Sites = {}

    def put(name: str, carrier: str, position: tuple[float, float, float], mirror: bool) -> None:
        if carrier in body.body_names:
            x, y, z = position
            local = np.array([x, y, -z if mirror else z])
            sites[name] = (carrier, local * scale[body.body_names.index(carrier)])

    for side in "rl":
        put(f"sole_{side}", f"{_SOLE[0]}_{side}", _SOLE[1], side == "l")
        for mark in (TRAGION, ACROMION, TROCHANTERION):
            own = HEAD if mark.body == HEAD else f"{mark.body}_{side}"
            put(f"{mark.body}/{side}", own, mark.position, side == "l")
    pelvis = body.pelvis_name
    assert pelvis is not None
    sites["pelvis"] = (pelvis, np.zeros(3))
    sites["above"] = (pelvis, np.array([0.0, 1.0, 0.0]))
    there = neutral_sites(body.skeleton, scale, sites)
    up = there["above"] - there["pelvis"]
    soles = [there[name] @ up for name in there if name.startswith("sole")]
    if not soles:
        return {}
    each: dict[str, list[float]] = {}
    for name, place in there.items():
        stem, cut, _ = name.partition("/")
        if cut:
            each.setdefault(stem, []).append(float(place @ up - np.mean(soles)))
    return {stem: float(np.mean(heights)) for stem, heights in each.items()}
