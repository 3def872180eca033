"""Force plates as wrenches on the feet, at the times and the bandwidth of a motion."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from diffbio.dynamics.external import ExternalWrenches
from diffbio.dynamics.feet import HEEL, LOADED_N, SIDES, FootPaths, foot_on_plate
from diffbio.dynamics.inverse import GRAVITY
from diffbio.dynamics.movement import FilteredMotion
from diffbio.dynamics.smoothing import smoothing_spline
from diffbio.errors import InputError
from diffbio.observations import GroundReactions

Vectors = Float[np.ndarray, "time 3"]


@dataclasses.dataclass(frozen=True)
class FootLoads:
    """What the ground did to each foot.

    Attributes:
        wrenches: on the right and the left foot, in this order.
        attributed: whether all that plates carried at a time is known to be of one foot.
        bandwidth_hz: of the smoothing spline that was put through forces and moments; None where
            they are means over the interval of a sample.
        notes: what was not attributed, as sentences.
    """

    wrenches: ExternalWrenches
    attributed: Bool[np.ndarray, "time"]
    bandwidth_hz: float | None
    notes: tuple[str, ...]


def plates_on_feet(
    reactions: GroundReactions,
    paths: FootPaths,
    motion: FilteredMotion,
    *,
    bandwidth_hz: float | None = None,
) -> FootLoads:
    """The wrench on each foot: by foot, not by plate.

    Columns whose foot is stated are that foot's; of others every contact is of the foot that
    stands where the pressure is. Where forces and moments are filtered, the centre of pressure
    follows from them: a filtered quotient is not the quotient of what was filtered.

    Args:
        reactions: plates, checked before (`check_plates`).
        paths: the feet (`foot_paths`).
        motion: at whose times they are wanted.
        bandwidth_hz: of a smoothing spline through forces and moments; by default none, which
            keeps what was measured. With impacts (running, landing) give that of the motion, for
            unequal filters of force and motion make moments of impacts that never were
            (Kristianslund 2012, J. Biomech. 45:666).

    Raises:
        InputError: the plates did not record all of the motion, or have no centre of pressure
            under load.
    """
    _check_span(reactions, motion)
    owner = [_owner(reactions, plate, paths) for plate in range(len(reactions.names))]
    height = _ground_height(reactions)
    forces, points, moments = [], [], []
    for side in range(len(SIDES)):
        force, moment = _summed(reactions, owner, side)
        force, moment = (
            _at_times(reactions.time, one, motion.time, bandwidth_hz) for one in (force, moment)
        )
        point = _pressure(force, moment, height, paths.at(motion.time)[0][:, side])
        forces.append(force)
        points.append(point)
        moments.append(moment - np.cross(point, force))
    force, point, moment = (jnp.asarray(np.stack(one, 1)) for one in (forces, points, moments))
    on = tuple(f"{HEEL}_{side}" for side in SIDES)
    wrenches = ExternalWrenches(force, point, moment, on)
    lost = np.logical_or.reduce([one == -2 for one in owner])
    attributed = np.interp(motion.time, reactions.time, lost.astype(float)) == 0.0
    notes = tuple(
        f"{name}: {np.mean(one == -2):.0%} of the recording is of no foot known: the pressure is "
        "near neither, or both stand there."
        for name, one in zip(reactions.names, owner, strict=True)
        if (one == -2).any()
    )
    return FootLoads(wrenches, attributed, bandwidth_hz, notes)


def mass_on_plates(
    reactions: GroundReactions, start: float, end: float, gravity: float = GRAVITY
) -> float:
    """Mass of a person who is wholly on plates, in kg: their mean vertical force by gravity.

    Args:
        reactions: plates.
        start: of standing still, or of a whole number of strides, in seconds.
        end: of it, in seconds.
        gravity: in m/s^2.

    Raises:
        InputError: nothing was recorded then, or the plates carried nobody.
    """
    during = (reactions.time >= start) & (reactions.time <= end)
    if not during.any():
        raise InputError(
            reactions.source,
            f"Nothing was recorded from {start:g} to {end:g} s.",
            f"It goes from {reactions.time[0]:g} to {reactions.time[-1]:g} s.",
        )
    vertical = reactions.force[during, :, 2].sum(axis=1)
    if vertical.min() < LOADED_N:
        raise InputError(
            reactions.source,
            f"From {start:g} to {end:g} s the plates carried nobody at times.",
            "Give times in which the person was wholly on plates.",
        )
    return float(vertical.mean()) / gravity


def _check_span(reactions: GroundReactions, motion: FilteredMotion) -> None:
    frame = float(np.median(np.diff(motion.time))) if len(motion.time) > 1 else 0.0
    early = reactions.time[0] - motion.time[0]
    late = motion.time[-1] - reactions.time[-1]
    if max(early, late) > frame:
        raise InputError(
            f"{reactions.source}, time",
            f"The plates recorded {reactions.time[0]:g} to {reactions.time[-1]:g} s, the motion "
            f"lasts from {motion.time[0]:g} to {motion.time[-1]:g} s.",
            "Cut the motion (`cut`), or correct the clock of the plates.",
        )


def _owner(reactions: GroundReactions, plate: int, paths: FootPaths) -> Int[np.ndarray, "time"]:
    stated = reactions.feet[plate]
    if stated is not None:
        return np.full(len(reactions.time), SIDES.index(stated))
    return foot_on_plate(reactions, plate, paths)


def _summed(
    reactions: GroundReactions, owner: list[Int[np.ndarray, "time"]], side: int
) -> tuple[Vectors, Vectors]:
    """Force of all plates on one foot, and its moment about the world's origin."""
    mine = np.stack([one == side for one in owner], axis=1)[..., None]
    force = np.where(mine, reactions.force, 0.0)
    point = reactions.centre_of_pressure
    known = np.isfinite(point).all(-1, keepdims=True)
    if ((reactions.force[..., 2:] > LOADED_N) & mine & ~known).any():
        raise InputError(
            f"{reactions.source}, centre of pressure",
            "It is missing while a plate is loaded.",
            "Export it again, with forces and centres of pressure of the same samples.",
        )
    arm = np.where(known, point, 0.0)
    # Without a centre of pressure there is next to no load, and it is left out.
    force = np.where(known, force, 0.0)
    moment = np.where(mine & known, reactions.free_moment, 0.0) + np.cross(arm, force)
    return force.sum(axis=1), moment.sum(axis=1)


def _at_times(
    time: Float[np.ndarray, "sample"],
    values: Float[np.ndarray, "sample 3"],
    wanted: Float[np.ndarray, "time"],
    bandwidth_hz: float | None,
) -> Vectors:
    if bandwidth_hz is not None:
        return smoothing_spline(time, values, bandwidth_hz)(np.clip(wanted, time[0], time[-1]))
    frame = float(np.median(np.diff(wanted))) if len(wanted) > 1 else 0.0
    interval = float(np.median(np.diff(time)))
    if frame <= interval:
        return np.stack([np.interp(wanted, time, one) for one in values.T], axis=1)
    # The mean over a sample's interval: what is faster must not appear as something slow.
    total = np.concatenate([np.zeros((1, 3)), np.cumsum(values[:-1] * interval, axis=0)])
    first, last = (np.clip(wanted + half * frame, time[0], time[-1]) for half in (-0.5, 0.5))
    gathered = [
        (np.interp(last, time, one) - np.interp(first, time, one)) / (last - first)
        for one in total.T
    ]
    return np.stack(gathered, axis=1)


def _ground_height(reactions: GroundReactions) -> float:
    height = reactions.centre_of_pressure[..., 2]
    return float(np.nanmedian(height)) if np.isfinite(height).any() else 0.0


def _pressure(force: Vectors, moment: Vectors, height: float, otherwise: Vectors) -> Vectors:
    """Where a force in the ground's plane has a moment about the world's origin; a foot's own
    place while there is next to no force."""
    loaded = force[:, 2] > LOADED_N
    vertical = np.where(loaded, force[:, 2], 1.0)
    x = (height * force[:, 0] - moment[:, 1]) / vertical
    y = (moment[:, 0] + height * force[:, 1]) / vertical
    found = np.stack([x, y, np.full(len(x), height)], axis=1)
    return np.where(loaded[:, None], found, otherwise)
