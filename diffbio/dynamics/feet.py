"""Which foot a plate carries: by where its pressure is and where the feet are."""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from diffbio.body import BodyModel, BodyParameters
from diffbio.dynamics.movement import FilteredMotion
from diffbio.errors import UnknownNameError
from diffbio.observations import GroundReactions

SIDES = ("r", "l")
"""Order of the sides in every array here."""

HEEL, TOES = "calcn", "toes"
"""Bodies of a foot, before `_r` and `_l`. Plates act on the first, as in OpenSim's examples."""

TOES_BEYOND = 0.35
"""Length of the toes relative to that from the heel to the joint they turn in."""

LOADED_N = 20.0
"""Vertical force from which a plate carries somebody (Tirosh and Sparrow 2003)."""

NEAR = 0.15
"""Metres between the centre of pressure and the line from heel to toe: half a foot's width and
what the model's foot is off, and less than the distance between two feet side by side."""

SHORTEST_STEP = 0.1
"""Seconds. Sprinters stand for 0.1 s; nothing shorter is a step."""


class FootPaths(NamedTuple):
    """The line from heel to toe of both feet over time.

    Attributes:
        time: in seconds.
        heel: world frame, in metres.
        toe: likewise, the tip of the toes.
    """

    time: Float[np.ndarray, "time"]
    heel: Float[np.ndarray, "time side 3"]
    toe: Float[np.ndarray, "time side 3"]

    def distance(
        self, when: Float[np.ndarray, "sample"], point: Float[np.ndarray, "sample 3"]
    ) -> Float[np.ndarray, "sample side"]:
        """Horizontal distance of points from each foot's line at their times, in metres."""
        heel, toe = self.at(when)
        along = (toe - heel)[..., :2]
        away = point[:, None, :2] - heel[..., :2]
        share = (away * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
        share = np.clip(share, 0.0, 1.0)[..., None]
        return np.linalg.norm(away - share * along, axis=-1)

    def at(
        self, when: Float[np.ndarray, "sample"]
    ) -> tuple[Float[np.ndarray, "sample side 3"], Float[np.ndarray, "sample side 3"]]:
        """Heels and toes between the samples; those of the ends beyond them."""
        return tuple(  # pyright: ignore[reportReturnType]
            np.stack(
                [np.interp(when, self.time, one) for one in path.reshape(len(path), -1).T], axis=1
            ).reshape(len(when), 2, 3)
            for path in (self.heel, self.toe)
        )


def foot_paths(body: BodyModel, parameters: BodyParameters, motion: FilteredMotion) -> FootPaths:
    """Where the feet of a moving person are.

    Raises:
        UnknownNameError: the model has no body of a foot.
    """
    for name in (f"{part}_{side}" for part in (HEEL, TOES) for side in SIDES):
        if name not in body.body_names:
            raise UnknownNameError(f"{body.name}, feet", "body", name, body.body_names)
    positions, _ = body.body_poses(parameters, motion.movement.pose)
    positions = np.asarray(positions, float)
    heel, toes = (
        positions[:, [body.body_names.index(f"{part}_{side}") for side in SIDES]]
        for part in (HEEL, TOES)
    )
    return FootPaths(motion.time, heel, toes + TOES_BEYOND * (toes - heel))


def contacts(
    time: Float[np.ndarray, "time"], vertical: Float[np.ndarray, "time"]
) -> list[tuple[int, int]]:
    """First and one-past-last sample of every time a plate carries somebody.

    What is shorter than a step is none, unless the recording begins or ends in it.
    """
    return [
        (start, end)
        for start, end in _runs((vertical > LOADED_N).astype(int))
        if vertical[start] > LOADED_N
        and (start == 0 or end == len(time) or time[end - 1] - time[start] >= SHORTEST_STEP)
    ]


def foot_on_plate(
    reactions: GroundReactions, plate: int, paths: FootPaths
) -> Int[np.ndarray, "time"]:
    """Index of the side that stands on a plate at every time; -1 for none, -2 for unknown.

    A contact belongs to the foot its pressure is near to. Where the nearer foot changes during a
    contact, the second foot came before the plate was unloaded, and the contact is split there.
    Pressure near no foot (two feet at once have theirs between them) is of nobody known.
    """
    side = np.full(len(reactions.time), -1)
    for start, end in contacts(reactions.time, reactions.force[:, plate, 2]):
        when = reactions.time[start:end]
        distance = paths.distance(when, reactions.centre_of_pressure[start:end, plate])
        nearest = np.where(np.isfinite(distance).all(1), distance.argmin(1), -2)
        labels = _without_short(when, nearest)
        for a, b in _runs(labels):
            one = labels[a]
            close = one >= 0 and np.nanmedian(distance[a:b, one]) < NEAR
            side[start + a : start + b] = one if close else -2
    return side


def _without_short(
    when: Float[np.ndarray, "sample"], labels: Int[np.ndarray, "sample"]
) -> Int[np.ndarray, "sample"]:
    """Labels without stretches shorter than a step: they take the longest neighbour's."""
    labels = labels.copy()
    while True:
        spans = _runs(labels)
        length = [when[b - 1] - when[a] for a, b in spans]
        shortest = int(np.argmin(length))
        if len(spans) == 1 or length[shortest] >= SHORTEST_STEP:
            return labels
        beside = [i for i in (shortest - 1, shortest + 1) if 0 <= i < len(spans)]
        taken = spans[max(beside, key=lambda i: length[i])][0]
        labels[slice(*spans[shortest])] = labels[taken]


def _runs(labels: Int[np.ndarray, "sample"]) -> list[tuple[int, int]]:
    """First and one-past-last index of every stretch of one label."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    bounds = [0, *map(int, edges), len(labels)]
    return list(itertools.pairwise(bounds))


def feet_disagree(
    reactions: GroundReactions, paths: FootPaths
) -> dict[str, tuple[str, Bool[np.ndarray, "contact"]]]:
    """Plates stated to be of one foot on which the other stood.

    Returns:
        By name of the plate: the foot that was stated, and of every contact whether the other
        foot stood there.
    """
    found = {}
    for plate, (name, stated) in enumerate(zip(reactions.names, reactions.feet, strict=True)):
        if stated is None:
            continue
        spans = contacts(reactions.time, reactions.force[:, plate, 2])
        on = foot_on_plate(reactions, plate, paths)
        other = 1 - SIDES.index(stated)
        wrong = np.asarray([np.mean(on[a:b] == other) > 0.5 for a, b in spans], bool)
        if wrong.any():
            found[name] = (stated, wrong)
    return found
