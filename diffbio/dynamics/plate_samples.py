"""Plates beside what a motion needs, where they carry all of the person."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from diffbio.dynamics.feet import FootPaths
from diffbio.dynamics.inverse import GRAVITY, InverseDynamics
from diffbio.errors import InputError
from diffbio.observations import GroundReactions

FULL = 0.75
"""Share of the most the plates carry from which all of the person is taken to be on them."""

LEAST_SHARE = 0.2
"""Of the whole load: a plate that carries less has no say in where the pressure is."""


class NeededWrench(NamedTuple):
    """What the surroundings have to do for a motion.

    Attributes:
        time: in seconds.
        force: in newtons, world frame.
        mass: of the person, in kg.
    """

    time: Float[np.ndarray, "time"]
    force: Float[np.ndarray, "time 3"]
    mass: float

    @property
    def weight(self) -> float:
        """Of the person, in newtons."""
        return self.mass * GRAVITY


def needed_wrench(dynamics: InverseDynamics) -> NeededWrench:
    """What a motion needs, whatever wrenches were given with it."""
    force = np.asarray(dynamics.efforts.total_force, float)
    return NeededWrench(dynamics.time, force, dynamics.mass)


class PlateSamples(NamedTuple):
    """Plates at the times of the motion at which they carry most.

    Attributes:
        time: in seconds.
        force: summed over the plates, in newtons.
        needed: by the motion, in newtons.
        push: force of each plate at those times.
        point: its centre of pressure.
    """

    time: Float[np.ndarray, "sample"]
    force: Float[np.ndarray, "sample 3"]
    needed: Float[np.ndarray, "sample 3"]
    push: Float[np.ndarray, "sample plate 3"]
    point: Float[np.ndarray, "sample plate 3"]


def plate_samples(reactions: GroundReactions, needed: NeededWrench) -> PlateSamples:
    """Samples at which the plates carry nearly the most they do."""
    common = (needed.time >= reactions.time[0]) & (needed.time <= reactions.time[-1])
    if common.sum() < 2:
        raise InputError(
            f"{reactions.source}, time",
            f"The plates recorded {reactions.time[0]:g} to {reactions.time[-1]:g} s, the motion "
            f"lasts from {needed.time[0]:g} to {needed.time[-1]:g} s.",
            "Give plates and motion of one trial, on one clock.",
        )
    time = needed.time[common]
    # The sample before: a mean with one that has no centre of pressure would have none.
    row = np.searchsorted(reactions.time, time, side="right") - 1
    push = reactions.force[row]
    size = np.linalg.norm(push.sum(axis=1), axis=1)
    most = float(np.percentile(size, 95))
    if most <= 0.0:
        raise InputError(
            reactions.source, "The plates carried nobody.", "Give those of this trial."
        )
    full = size >= FULL * most
    return PlateSamples(
        time[full],
        push.sum(axis=1)[full],
        needed.force[common][full],
        push[full],
        reactions.centre_of_pressure[row][full],
    )


def pressure_distance(samples: PlateSamples, paths: FootPaths) -> float:
    """Median distance from the pressure of loaded plates to the nearer foot, in metres."""
    rows, plates = loaded_plates(samples)
    if len(rows) == 0:
        return float("inf")
    distance = paths.distance(samples.time[rows], samples.point[rows, plates])
    return float(np.median(distance.min(axis=1)))


def force_ratio(samples: PlateSamples) -> float:
    """How many times as large the forces would have to be."""
    sizes = (np.linalg.norm(one, axis=1) for one in (samples.needed, samples.force))
    return float(np.median(np.divide(*sizes)))


def loaded_plates(
    samples: PlateSamples,
) -> tuple[Int[np.ndarray, "loaded"], Int[np.ndarray, "loaded"]]:
    """Samples and plates that carry a good part of the load and know where."""
    size = np.linalg.norm(samples.push, axis=-1)
    loaded = size > LEAST_SHARE * np.linalg.norm(samples.force, axis=-1)[:, None]
    rows, plates = np.nonzero(loaded & np.isfinite(samples.point).all(-1))
    return rows, plates
