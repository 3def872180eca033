"""Whether plates and motion are of one person, room and clock: by F = m (a - g) and the feet.

What a person's motion needs from the ground is known without plates. Plates in other units, axes
or clocks, with the sign of the opposite force, or stated to be of the other foot, disagree with
it. Each is named, and corrected only where that was asked for.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from diffbio.dynamics.feet import SIDES, FootPaths, feet_disagree
from diffbio.dynamics.plate_axes import look_at_direction
from diffbio.dynamics.plate_fault import Look, PlateFault
from diffbio.dynamics.plate_samples import (
    NeededWrench,
    force_ratio,
    loaded_plates,
    plate_samples,
    pressure_distance,
)
from diffbio.errors import InputError, UnknownNameError
from diffbio.observations import GroundReactions

FAULTS = ("sign", "axes", "units", "load", "clock", "place", "feet")
"""In the order in which they are looked for; `load` cannot be corrected."""

RIGHT = 0.25
"""Share by which plates may carry more or less than the motion needs: mass is known to a few per
cent, and at the peaks of walking a second foot may still be on the floor."""

CLOCK_S, SEARCH_S = 0.02, 0.5
"""Seconds: the least difference of clocks that is called one (two frames at 100 Hz, the lag of an
analogue filter), and the largest that is looked for (half a stride looks like no difference)."""

CLOCK_BETTER = 0.75
"""Another clock is called for where it leaves at most this share of the disagreement."""

PLACE = 0.25
"""Metres from pressure to foot that no foot explains."""

FAR = 0.3
"""Metres: beyond, pressure is at no foot, however far it is."""

OTHER_UNIT = 3.0
"""Metres from pressure to foot beyond which the unit is in question, not the place."""

_LENGTHS = {"millimetres": 1e-3, "centimetres": 1e-2}
_FORCES = {"kilonewtons": 1e3, "kilograms": 9.80665, "pounds": 4.44822, "millinewtons": 1e-3}


class Checked(NamedTuple):
    """Plates that agree with a motion.

    Attributes:
        reactions: as given, or corrected where that was asked for.
        corrected: what was.
    """

    reactions: GroundReactions
    corrected: tuple[PlateFault, ...]


def check_plates(
    reactions: GroundReactions,
    needed: NeededWrench,
    paths: FootPaths,
    *,
    correct: Sequence[str] = (),
) -> Checked:
    """Refuse plates that contradict the motion, or correct what was asked for.

    Args:
        reactions: as recorded.
        needed: by the motion.
        paths: the feet.
        correct: faults to correct, out of `FAULTS` but for `load`.

    Raises:
        UnknownNameError: there is no such correction.
        InputError: plates and motion have no common time, nobody stood on the plates, or they
            disagree by something that was not to be corrected.
    """
    for kind in correct:
        if kind not in FAULTS or kind == "load":
            known = tuple(name for name in FAULTS if name != "load")
            raise UnknownNameError("check_plates", "correction", kind, known)
    done: list[PlateFault] = []
    for kind, look in _LOOKS.items():
        fault, better = look(reactions, needed, paths)
        if fault is None:
            continue
        if fault.kind not in correct:
            raise InputError(f"{reactions.source}, {kind}", fault.found, fault.remedy)
        reactions = better
        done.append(fault)
    return Checked(reactions, tuple(done))


def _force_unit(reactions: GroundReactions, needed: NeededWrench, paths: FootPaths) -> Look:
    """Units of the force, or a mass that is not this person's."""
    samples = plate_samples(reactions, needed)
    ratio = force_ratio(samples)
    if abs(np.log(ratio)) < np.log1p(RIGHT):
        return None, reactions
    units = {**_FORCES, "newtons per kilogram": needed.mass, "body weights": needed.weight}
    for name, factor in units.items():
        if abs(np.log(ratio / factor)) < np.log1p(RIGHT):
            better = dataclasses.replace(
                reactions,
                force=reactions.force * factor,
                free_moment=reactions.free_moment * factor,
            )
            return PlateFault(
                "units",
                f"The forces would have to be {ratio:.3g} times as large: these are {name}.",
                "Give newtons, or ask to correct 'units'.",
            ), better
    return PlateFault(
        "load",
        f"The motion of {needed.mass:g} kg needs {ratio:.2f} times the force, and no unit explains "
        "that.",
        "Check the person's mass, the gain of the plates, and whether one is missing.",
    ), reactions


def _length(reactions: GroundReactions, needed: NeededWrench, paths: FootPaths) -> Look:
    """Units of the centre of pressure."""
    samples = plate_samples(reactions, needed)
    now = pressure_distance(samples, paths)
    if now < OTHER_UNIT:
        return None, reactions
    scaled = {
        name: pressure_distance(samples._replace(point=samples.point * factor), paths)
        for name, factor in _LENGTHS.items()
    }
    name = min(scaled, key=lambda one: scaled[one])
    if scaled[name] > OTHER_UNIT:
        return None, reactions
    better = dataclasses.replace(
        reactions,
        centre_of_pressure=reactions.centre_of_pressure * _LENGTHS[name],
        free_moment=reactions.free_moment * _LENGTHS[name],
    )
    return PlateFault(
        "units",
        f"The centres of pressure are {now:.3g} m from the feet: these are {name}.",
        "Give metres and newton metres, or ask to correct 'units' (of both).",
    ), better


def _clock(reactions: GroundReactions, needed: NeededWrench, paths: FootPaths) -> Look:
    """The time by which plates and motion are apart: where force and feet agree best."""
    frame = float(np.median(np.diff(needed.time)))
    steps = int(SEARCH_S / frame)
    shifts = frame * np.arange(-steps, steps + 1)
    scores = np.asarray([_clock_score(reactions, needed, paths, shift) for shift in shifts])
    best = int(np.nanargmin(scores))
    late = float(shifts[best])
    if abs(late) < CLOCK_S - 1e-9 or not scores[best] < CLOCK_BETTER * scores[steps]:
        return None, reactions
    better = dataclasses.replace(reactions, time=reactions.time - late)
    return PlateFault(
        "clock",
        f"The plates' clock is {abs(late):.2f} s {'ahead of' if late > 0 else 'behind'} the "
        "motion's.",
        "Synchronise the recordings, or ask to correct 'clock'.",
    ), better


def _clock_score(
    reactions: GroundReactions, needed: NeededWrench, paths: FootPaths, shift: float
) -> float:
    moved = dataclasses.replace(reactions, time=reactions.time - shift)
    try:
        samples = plate_samples(moved, needed)
    except InputError:
        return float("nan")
    apart = np.sum((samples.force - samples.needed) ** 2, axis=1) / needed.weight**2
    rows, plates = loaded_plates(samples)
    distance = paths.distance(samples.time[rows], samples.point[rows, plates]).min(axis=1)
    return float(np.mean(apart) + np.mean(np.minimum(distance, FAR) ** 2) / FAR**2)


def _place(reactions: GroundReactions, needed: NeededWrench, paths: FootPaths) -> Look:
    """An origin of the plates that is not the motion's."""
    samples = plate_samples(reactions, needed)
    if (now := pressure_distance(samples, paths)) < PLACE:
        return None, reactions
    rows, plates = loaded_plates(samples)
    point = samples.point[rows, plates][:, None]
    heel, toe = paths.at(samples.time[rows])
    offset = ((heel + toe) / 2 - point)[..., :2].reshape(-1, 2)
    # Of both feet the right one is always equally far, so most offsets agree on it.
    spread = np.linalg.norm(offset[:, None] - offset[None], axis=-1)
    middle = offset[int(np.argmax((spread < PLACE).sum(axis=1)))]
    shift = np.median(offset[np.linalg.norm(offset - middle, axis=1) < PLACE], axis=0)
    moved = reactions.centre_of_pressure + np.append(shift, 0.0)
    better = dataclasses.replace(reactions, centre_of_pressure=moved)
    if pressure_distance(plate_samples(better, needed), paths) > PLACE:
        return PlateFault(
            "load",
            f"The pressure is {now:.2g} m from the feet, and no shift brings it there.",
            "Check that plates and motion are of one trial.",
        ), reactions
    return PlateFault(
        "place",
        f"The pressure is {now:.2g} m from the feet; shifted by ({shift[0]:.2f}, {shift[1]:.2f}) m "
        "it is under them.",
        "Give plates in the motion's world, or ask to correct 'place'.",
    ), better


def _feet(reactions: GroundReactions, needed: NeededWrench, paths: FootPaths) -> Look:
    """Columns stated to be of the foot that was not there."""
    wrong = feet_disagree(reactions, paths)
    if not wrong:
        return None, reactions
    names = " and ".join(
        f"{name} (stated {side}, {int(which.sum())} of {len(which)} contacts)"
        for name, (side, which) in wrong.items()
    )
    other = {side: SIDES[1 - i] for i, side in enumerate(SIDES)}
    feet = tuple(
        foot
        if name not in wrong or foot is None
        else (other[foot] if wrong[name][1].all() else None)
        for name, foot in zip(reactions.names, reactions.feet, strict=True)
    )
    return PlateFault(
        "feet",
        f"The other foot stood on {names}.",
        "State the foot that stood there, leave it open so that it is found, or ask to correct "
        "'feet'.",
    ), dataclasses.replace(reactions, feet=feet)


_LOOKS = {
    "direction": look_at_direction,
    "force": _force_unit,
    "centre of pressure": _length,
    "clock": _clock,
    "place": _place,
    "feet": _feet,
}
