"""Sign and axes of plates: the turn or reflection under which they agree with a motion."""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from diffbio.dynamics.feet import FootPaths
from diffbio.dynamics.plate_fault import Look, PlateFault
from diffbio.dynamics.plate_samples import (
    NeededWrench,
    PlateSamples,
    force_ratio,
    plate_samples,
    pressure_distance,
)
from diffbio.observations import GroundReactions

BETTER = 0.8
"""Another way to read the axes is called for where it leaves at most this share of the
disagreement."""

LEAST_VARIATION = 0.02
"""Body weights: what forces along an axis are taken to vary by at least."""

NO_FOOT = 0.5
"""Metres from pressure to foot beyond which farther is not worse."""

LARGEST_ROOM = 50.0
"""Metres: centres of pressure farther from the origin are in another unit."""


def look_at_direction(reactions: GroundReactions, needed: NeededWrench, paths: FootPaths) -> Look:
    """Sign and axes: the turn or reflection under which plates and motion agree best."""
    samples = plate_samples(reactions, needed)
    ratio = force_ratio(samples)
    length = _length_unit(samples)
    candidates = _candidates()
    apart = np.asarray([_apart(samples, ratio * force, needed) for force, _ in candidates])
    away = np.asarray(
        [
            pressure_distance(samples._replace(point=samples.point @ place.T * length), paths)
            for _, place in candidates
        ]
    )
    best = int(np.argmin(apart + np.minimum(away, NO_FOOT)))
    if apart[best] > BETTER * apart[0]:
        return None, reactions
    force, place = candidates[best]
    better = dataclasses.replace(
        reactions,
        force=reactions.force @ force.T,
        centre_of_pressure=reactions.centre_of_pressure @ place.T,
        free_moment=reactions.free_moment @ _of_moment(force).T,
    )
    if np.array_equal(force, -np.eye(3)):
        found = "The forces are those of the foot on the ground: they point against what is needed."
        return PlateFault(
            "sign", found, "Give the force of the ground on the foot, or ask to correct 'sign'."
        ), better
    text = ", ".join(_axis(row) for row in force)
    where = "" if np.array_equal(place, np.eye(3)) else " (centres of pressure likewise)"
    return PlateFault(
        "axes",
        f"They agree with the motion if (x, y, z) is read as ({text}){where}.",
        "Give the world's axes, z up, as the motion has them, or ask to correct 'axes'.",
    ), better


def _apart(samples: PlateSamples, matrix: Float[np.ndarray, "3 3"], needed: NeededWrench) -> float:
    """Disagreement of forces, mean over the axes of what each varies by: those sideways are small,
    and right or wrong all the same."""
    difference = samples.force @ matrix.T - samples.needed
    varies = np.maximum(samples.needed.std(axis=0), LEAST_VARIATION * needed.weight)
    return float(np.mean(np.sqrt(np.mean(difference**2, axis=0)) / varies))


def _length_unit(samples: PlateSamples) -> float:
    """What makes centres of pressure as far from the origin as a room is large."""
    known = samples.point[np.isfinite(samples.point).all(-1)]
    far = float(np.median(np.abs(known).max(axis=-1))) if len(known) else 0.0
    return 1e-3 if far > LARGEST_ROOM else 1.0


def _candidates() -> list[tuple[np.ndarray, np.ndarray]]:
    """Matrices for forces and for centres of pressure; the first leaves both as they are."""
    same = np.eye(3)
    found = [(same, same)]
    found += [(np.diag(signs), same) for signs in itertools.product((1.0, -1.0), repeat=3)][1:]
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            turn = np.asarray(signs)[:, None] * same[list(order)]
            if np.linalg.det(turn) > 0 and not np.array_equal(turn, same):
                found += [(turn, turn), (-turn, turn)]
    return found


def _of_moment(force: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """A moment turns with its force; of a reflection it is the mirror image, but the opposite
    force has the opposite moment."""
    if np.array_equal(force, -np.eye(3)):
        return force
    return float(np.linalg.det(force)) * force


def _axis(row: Float[np.ndarray, "3"]) -> str:
    index = int(np.abs(row).argmax())
    return ("-" if row[index] < 0 else "") + "xyz"[index]
