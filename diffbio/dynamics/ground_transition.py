"""Ground reactions by the smooth transition assumption: the baseline without optimisation.

Ren, Jones and Howard (2008, J. Biomech. 41:2750): with one foot down it bears all; from the other
foot's contact on, what the trailing foot bears fades along fixed curves, and the leading foot has
the rest. The curves are of level walking, so standing, landing on both feet and the start of a
recording in double support are none of its subject: there the load is divided by where the
pressure of both lies between the feet.
"""

import itertools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.dynamics.ground_contacts import FootContacts
from diffbio.dynamics.ground_reaction import (
    GroundReaction,
    NeededOfGround,
    check_motion,
    feet_of,
    needed_and_contacts,
)
from diffbio.dynamics.inertia import PersonInertia
from diffbio.dynamics.inverse import GRAVITY
from diffbio.dynamics.movement import FilteredMotion

DOWN = 0.5
"""Weight of a foot's surest contact from which it counts as down."""

RISE = np.exp(4 / 9)
FALL = RISE * np.exp(-16 / 9) / 2
"""Of the fore-aft curve, so that it begins at one and ends at zero."""


def fading(share: Float[np.ndarray, "sample"]) -> Float[np.ndarray, "sample"]:
    """Part of vertical and sideways force and of moments left on the trailing foot.

    Args:
        share: of the double support that is over, from 0 to 1.
    """
    return np.exp(-((2.0 * share) ** 3))


def fading_forward(share: Float[np.ndarray, "sample"]) -> Float[np.ndarray, "sample"]:
    """Likewise of the fore-aft force; it grows first, as one pushes off."""
    half = 2.0 * share
    return RISE * np.exp(-((half - 2 / 3) ** 2)) - FALL * half


def ground_reaction_by_transition(
    body: BodyModel,
    parameters: BodyParameters,
    inertia: PersonInertia,
    motion: FilteredMotion,
    *,
    floor: float | None = None,
    floor_velocity: Float[np.ndarray, "3"] | None = None,
    gravity: float = GRAVITY,
) -> GroundReaction:
    """What the ground did to each foot, by fixed curves in double support.

    Residuals are zero while a foot is down: nothing asks whether a foot can do what it is given,
    and its centre of pressure may lie off its sole. Arguments and errors: `ground_reaction`.
    """
    check_motion(motion)
    belt = None if floor_velocity is None else jnp.asarray(floor_velocity)
    given = (parameters, inertia, motion.movement, floor, belt, gravity)
    needed, contacts = needed_and_contacts(body, *given)
    force, moment = _divided(needed, contacts)
    nothing = jnp.zeros(len(motion.time), force.dtype)
    feet = feet_of(jnp.asarray(force), jnp.asarray(moment), needed, contacts, nothing)
    return GroundReaction(motion.time, feet, needed, contacts, motion.bandwidth_hz)


def _divided(
    needed: NeededOfGround, contacts: FootContacts
) -> tuple[Float[np.ndarray, "time side 3"], Float[np.ndarray, "time side 3"]]:
    """Force on each foot, and its moment about the centre of mass."""
    total, moment = np.asarray(needed.force, float), np.asarray(needed.moment, float)
    centre = np.asarray(needed.centre_of_mass, float)
    down = np.asarray(contacts.weight.max(axis=2)) > DOWN
    force, twist = np.zeros((len(total), 2, 3)), np.zeros((len(total), 2, 3))
    for start, end in _spans(down):
        here = slice(start, end)
        right, left = down[start]
        if right != left:
            side = 0 if right else 1
            force[here, side], twist[here, side] = total[here], moment[here]
        elif right and left:
            before = down[start - 1] if start else np.zeros(2, bool)
            if before.sum() == 1:
                trailing = int(np.argmax(before))
                mine = _transition(total, moment, centre, contacts, (start, end, trailing))
            else:
                trailing = 0
                share = _between(total[here], moment[here], centre[here], contacts, here)
                mine = share * total[here], share * moment[here]
            for whole, part, kept in zip((total, moment), mine, (force, twist), strict=True):
                kept[here, trailing] = part
                kept[here, 1 - trailing] = whole[here] - part
    return force, twist


def _spans(down: Bool[np.ndarray, "time side"]) -> list[tuple[int, int]]:
    """First and one-past-last sample of every stretch with the same feet down."""
    edges = np.flatnonzero((np.diff(down.astype(int), axis=0) != 0).any(axis=1)) + 1
    return list(itertools.pairwise([0, *map(int, edges), len(down)]))


def _transition(
    total: Float[np.ndarray, "time 3"],
    moment: Float[np.ndarray, "time 3"],
    centre: Float[np.ndarray, "time 3"],
    contacts: FootContacts,
    span: tuple[int, int, int],
) -> tuple[Float[np.ndarray, "sample 3"], Float[np.ndarray, "sample 3"]]:
    """The trailing foot's force in a double support, and its moment about the centre of mass."""
    start, end, trailing = span
    share = (np.arange(start, end) - start + 1) / (end - start + 1)
    # The way both feet point: on a belt the person goes nowhere.
    forward = np.array((contacts.toe - contacts.heel).mean(axis=(0, 1)), float)
    forward[2] = 0.0
    forward /= max(float(np.linalg.norm(forward)), 1e-9)
    first = total[start - 1]
    along = (first @ forward) * forward
    force = fading(share)[:, None] * (first - along) + fading_forward(share)[:, None] * along
    # Moments fade about the toes, which stay where they are while the heel rises.
    toe = np.asarray(contacts.toe[start - 1, trailing], float)
    about_toe = moment[start - 1] + np.cross(centre[start - 1] - toe, first)
    arm = toe - centre[start:end]
    return force, fading(share)[:, None] * about_toe + np.cross(arm, force)


def _between(
    total: Float[np.ndarray, "sample 3"],
    moment: Float[np.ndarray, "sample 3"],
    centre: Float[np.ndarray, "sample 3"],
    contacts: FootContacts,
    here: slice,
) -> Float[np.ndarray, "sample 1"]:
    """Part of the right foot by where the pressure of both lies between the feet."""
    drop = float(contacts.floor) - centre[:, 2]
    upward = np.maximum(total[:, 2], 1.0)
    x = centre[:, 0] + (drop * total[:, 0] - moment[:, 1]) / upward
    y = centre[:, 1] + (drop * total[:, 1] + moment[:, 0]) / upward
    right, left = np.asarray(contacts.point[here].mean(axis=2), float)[..., :2].transpose(1, 0, 2)
    line = right - left
    off = np.stack([x, y], axis=1) - left
    share = (off * line).sum(-1) / np.maximum((line**2).sum(-1), 1e-9)
    return np.clip(share, 0.0, 1.0)[:, None]
