"""What is known of a person's body without any trial: how tall they stand, how long their legs are.

A stated length is a measurement of the scaled body with a standard deviation, and counts as
evidence beside that of the trials. Where trials determine the size it changes little; where they do
not (cameras whose scale is not known, a body half of which is seen) it sets the scale.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.body.write_mjcf import neutral_sites
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.prior import BodyPrior, unflat
from diffbio.errors import UnknownNameError
from diffbio.fitting.person_rig.stature import stature

LENGTHS = ("height", "leg_length_r", "leg_length_l")

STATED_SD = {"height": 0.015, "leg_length_r": 0.010, "leg_length_l": 0.010}
"""In metres, where none is given. Height as people state it is 1 to 2 cm off (Spencer 2002); a leg
measured twice with a tape, from the anterior iliac spine to the medial malleolus, 1 cm (Beattie
1990)."""

LEG_PLACE_SD = 0.012
"""In metres: how well the model's iliac spine and malleolus are those of the person under the
tape, two bony landmarks of a few millimetres along the leg each and the flesh over them."""

_SPINE = (0.0170, 0.0, 0.1208)
_MALLEOLUS = (0.0011, -0.3891, -0.0394)
"""Of the right side, in metres on the base model, in pelvis and tibia; see
experiments/keypoint_anchors."""

_BELIEVED = 3.0
"""Standard deviations, of statement and model together, beyond which trials contradict one."""

_STEP = 1e-3
"""Of a log scale, to differentiate by: far above the rounding of single precision."""

_SETTLING = 3
"""Times that the lengths are made linear, each time where the last evidence led."""


@dataclasses.dataclass(frozen=True)
class StatedLength:
    """A length of a person that somebody measured or stated.

    Attributes:
        what: one of `LENGTHS`; legs from the anterior iliac spine to the medial malleolus.
        value: in metres.
        sd: of its error, in metres; None for `STATED_SD`.
    """

    what: str
    value: float
    sd: float | None = None

    def __post_init__(self) -> None:
        if self.what not in LENGTHS:
            raise UnknownNameError("StatedLength", "length", self.what, LENGTHS)


def stated_evidence(
    body: BodyModel, stated: tuple[StatedLength, ...], prior: BodyPrior
) -> Evidence:
    """What stated lengths say about a person's scales, as a quadratic near where they lead.

    Args:
        body: the base model; a length that it does not have says nothing.
        stated: lengths.
        prior: on the person before any of them.
    """
    n, n_scale = len(prior.mean), len(body.segment_names)
    told, person = Evidence(np.zeros((n, n)), np.zeros(n)), prior.mean
    for _ in range(_SETTLING if stated else 0):
        here = person[:n_scale]
        at, slope = log_lengths(body, person), {}
        for i in range(n_scale):
            moved = person.copy()
            moved[i] += _STEP
            for what, (value, _) in log_lengths(body, moved).items():
                slope.setdefault(what, np.zeros(n_scale))[i] = (value - at[what][0]) / _STEP
        information, vector = np.zeros((n, n)), np.zeros(n)
        for one in stated:
            if one.what not in at:
                continue
            value, own = at[one.what]
            sd, row = _share(one, own), slope[one.what]
            information[:n_scale, :n_scale] += np.outer(row, row) / sd**2
            vector[:n_scale] += row * (row @ here + np.log(one.value) - value) / sd**2
        told = Evidence(information, vector)
        person = informed(prior, told).mean
    return told


def informed(prior: BodyPrior, evidence: Evidence) -> BodyPrior:
    """A prior with evidence added to it."""
    information = prior.information + evidence.information
    pull = prior.information @ prior.mean + evidence.vector
    return BodyPrior(np.linalg.solve(information, pull), information)


def contradicted(
    body: BodyModel, stated: tuple[StatedLength, ...], person: Float[np.ndarray, "person"]
) -> tuple[StatedLength, ...]:
    """Stated lengths that a fitted person does not have."""
    at = log_lengths(body, person) if stated else {}
    return tuple(
        one
        for one in stated
        if one.what in at
        and abs(np.log(one.value) - at[one.what][0]) > _BELIEVED * _share(one, at[one.what][1])
    )


def _share(stated: StatedLength, own: float) -> float:
    """Standard deviation of the logarithm of a length, the model's own error included."""
    return float(np.hypot((stated.sd or STATED_SD[stated.what]) / stated.value, own))


def log_lengths(
    body: BodyModel, person: Float[np.ndarray, "person"]
) -> dict[str, tuple[float, float]]:
    """Logarithms of the lengths the body has, and the model's own share of error in each."""
    parameters = unflat(person, len(body.segment_names), np.float32)
    found = {}
    standing = stature(body, parameters)
    if standing is not None:
        found["height"] = (float(np.log(standing.height)), standing.sd)
    scale = body.body_scale(parameters)
    for side, sign in (("r", 1.0), ("l", -1.0)):
        shank = f"tibia_{side}"
        if body.pelvis_name is None or shank not in body.body_names:
            continue
        sites = {
            end: (
                carrier,
                np.array([x, y, sign * z]) * scale[body.body_names.index(carrier)],
            )
            for end, carrier, (x, y, z) in (
                ("spine", body.pelvis_name, _SPINE),
                ("malleolus", shank, _MALLEOLUS),
            )
        }
        there = neutral_sites(body.skeleton, scale, sites)
        length = float(np.linalg.norm(there["spine"] - there["malleolus"]))
        found[f"leg_length_{side}"] = (float(np.log(length)), LEG_PLACE_SD / length)
    return found
