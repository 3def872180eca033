"""Ground reactions without plates: what the motion needs, given by the feet that are down.

The sum is the motion's own: `F = m (a - g)` and the moment about the centre of mass. It is divided
between points under both soles that push within the cone of friction (`ground_split`), as freely
as they are low and at rest (`ground_contacts`). With one foot down this is no more than where the
pressure is; with both it is a choice, and the weakest part of what is found here.

Residual: what no contact can make, needed less given. It is all of the need in flight, is never
put on a foot, and is what a fit is worth: a wrong mass, a floor that is not where it is thought to
be or a hand on a rail all show there.
"""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.dynamics.external import ExternalWrenches, no_wrenches
from diffbio.dynamics.feet import HEEL, SIDES
from diffbio.dynamics.ground_contacts import FootContacts, foot_contacts
from diffbio.dynamics.ground_split import split_between_contacts
from diffbio.dynamics.inertia import PersonInertia
from diffbio.dynamics.inverse import GRAVITY, efforts
from diffbio.dynamics.movement import FilteredMotion, Movement
from diffbio.errors import InputError

LEAST_LOAD = 1e-3
"""Body weights of vertical force from which a foot has a centre of pressure."""


class NeededOfGround(eqx.Module):
    """What the ground has to do for a motion.

    Attributes:
        force: in newtons, world frame.
        moment: about the centre of mass, in newton metres.
        centre_of_mass: in metres.
        weight: of the person, in newtons.
    """

    force: Float[Array, "time 3"]
    moment: Float[Array, "time 3"]
    centre_of_mass: Float[Array, "time 3"]
    weight: Float[Array, ""]


class FootForces(eqx.Module):
    """What the ground does to each foot, right and left. A pytree.

    Attributes:
        force: in newtons, world frame.
        centre_of_pressure: on the floor, in metres; the middle of the sole without load.
        free_moment: about the vertical through it, in newton metres.
        residual_force: of the needed force what is not given, in newtons.
        residual_moment: likewise of the moment, about the centre of mass, in newton metres.
        optimality: of the division, in body weights (and metres); zero where nothing is sought.
    """

    force: Float[Array, "time side 3"]
    centre_of_pressure: Float[Array, "time side 3"]
    free_moment: Float[Array, "time side"]
    residual_force: Float[Array, "time 3"]
    residual_moment: Float[Array, "time 3"]
    optimality: Float[Array, "time"]

    def wrenches(self) -> ExternalWrenches:
        """On the right and the left foot, for `inverse_dynamics`."""
        moment = jnp.zeros_like(self.force).at[..., 2].set(self.free_moment)
        on = tuple(f"{HEEL}_{side}" for side in SIDES)
        return ExternalWrenches(self.force, self.centre_of_pressure, moment, on)


@dataclasses.dataclass(frozen=True)
class GroundReaction:
    """Ground reactions of a motion, with what they depend on.

    Attributes:
        time: in seconds.
        feet: what the ground does to each foot.
        needed: of the motion.
        contacts: of the soles; `contacts.floor` is the height the floor was taken to have.
        bandwidth_hz: of the motion.
    """

    time: Float[np.ndarray, "time"]
    feet: FootForces
    needed: NeededOfGround
    contacts: FootContacts
    bandwidth_hz: float

    @property
    def wrenches(self) -> ExternalWrenches:
        """On the right and the left foot, for `inverse_dynamics`."""
        return self.feet.wrenches()

    def residual_rms(self, when: slice | np.ndarray = slice(None)) -> tuple[float, float]:
        """Root mean square length of the residuals over some samples, in N and N m."""
        force, moment = (
            np.asarray(one, float)[when]
            for one in (self.feet.residual_force, self.feet.residual_moment)
        )
        return tuple(float(np.sqrt((one**2).sum(-1).mean())) for one in (force, moment))  # pyright: ignore[reportReturnType]


def ground_reaction(
    body: BodyModel,
    parameters: BodyParameters,
    inertia: PersonInertia,
    motion: FilteredMotion,
    *,
    floor: float | None = None,
    floor_velocity: Float[np.ndarray, "3"] | None = None,
    gravity: float = GRAVITY,
) -> GroundReaction:
    """What the ground did to each foot, from the motion alone.

    Args:
        body: the anatomy.
        parameters: the person's size.
        inertia: the person's.
        motion: poses with their derivatives.
        floor: its height, in metres; None for below the lowest points of the feet. To be given
            where nobody stands in the motion, and it is level: stairs need one motion per step.
        floor_velocity: of a treadmill's belt, in m/s; None for a floor at rest.
        gravity: acceleration towards -z, in m/s^2.

    Raises:
        InputError: the motion has no samples or is not finite.
        UnknownNameError: the model has no body of a foot.
    """
    check_motion(motion)
    belt = None if floor_velocity is None else jnp.asarray(floor_velocity)
    feet, needed, contacts = ground_forces(
        body, parameters, inertia, motion.movement, floor, belt, gravity
    )
    return GroundReaction(motion.time, feet, needed, contacts, motion.bandwidth_hz)


def check_motion(motion: FilteredMotion) -> None:
    """Refuse a motion of which no forces follow.

    Raises:
        InputError: it has no samples or is not finite.
    """
    parts = jax.tree.leaves(motion.movement)
    if len(motion.time) == 0 or not all(np.isfinite(np.asarray(one)).all() for one in parts):
        raise InputError(
            f"{motion.source}, ground reaction",
            "The motion has no samples." if len(motion.time) == 0 else "A pose is not a number.",
            "Cut the motion to where it is known (`cut`).",
        )


def ground_forces(
    body: BodyModel,
    parameters: BodyParameters,
    inertia: PersonInertia,
    movement: Movement,
    floor: float | Float[Array, ""] | None = None,
    floor_velocity: Float[Array, "3"] | None = None,
    gravity: float | Float[Array, ""] = GRAVITY,
) -> tuple[FootForces, NeededOfGround, FootContacts]:
    """For all times at once; differentiable in everything but the body. See `ground_reaction`."""
    given = (parameters, inertia, movement, floor, floor_velocity, gravity)
    needed, contacts = needed_and_contacts(body, *given)
    return _optimised(needed, contacts), needed, contacts


@functools.partial(jax.jit, static_argnums=0)
def needed_and_contacts(
    body: BodyModel,
    parameters: BodyParameters,
    inertia: PersonInertia,
    movement: Movement,
    floor: float | Float[Array, ""] | None = None,
    floor_velocity: Float[Array, "3"] | None = None,
    gravity: float | Float[Array, ""] = GRAVITY,
) -> tuple[NeededOfGround, FootContacts]:
    """Newton and Euler for the whole person, and where they may touch the floor."""
    n_time = len(movement.pose.root_position)
    nothing = no_wrenches(n_time, movement.pose.root_position.dtype)
    found = efforts(body, parameters, inertia, movement, nothing, gravity)
    weight = inertia.mass.sum() * gravity
    needed = NeededOfGround(found.total_force, found.total_moment, found.centre_of_mass, weight)
    contacts = foot_contacts(body, parameters, movement, floor=floor, floor_velocity=floor_velocity)
    return needed, contacts


@jax.jit
def _optimised(needed: NeededOfGround, contacts: FootContacts) -> FootForces:
    relative = (needed.force / needed.weight, needed.moment / needed.weight)
    split = split_between_contacts(contacts, needed.centre_of_mass, *relative)
    force = split.force * needed.weight
    arm = contacts.point - needed.centre_of_mass[:, None, None]
    moment = jnp.cross(arm, force).sum(axis=2)
    return feet_of(force.sum(axis=2), moment, needed, contacts, split.optimality)


def feet_of(
    force: Float[Array, "time side 3"],
    moment: Float[Array, "time side 3"],
    needed: NeededOfGround,
    contacts: FootContacts,
    optimality: Float[Array, "time"],
) -> FootForces:
    """Feet's wrenches with their centres of pressure.

    Args:
        force: on each foot, in newtons.
        moment: of each foot's force about the centre of mass, in newton metres.
        needed: of which they are parts.
        contacts: for the floor, and the middle of a sole without load.
        optimality: of the division.
    """
    drop = (contacts.floor - needed.centre_of_mass[:, 2])[:, None]
    loaded = force[..., 2] > LEAST_LOAD * needed.weight
    upward = jnp.where(loaded, force[..., 2], 1.0)
    x = (drop * force[..., 0] - moment[..., 1]) / upward
    y = (drop * force[..., 1] + moment[..., 0]) / upward
    away = jnp.stack([x, y, jnp.broadcast_to(drop, x.shape)], axis=-1)
    found = needed.centre_of_mass[:, None] + away
    point = jnp.where(loaded[..., None], found, contacts.point.mean(axis=2))
    turning = moment - jnp.cross(point - needed.centre_of_mass[:, None], force)
    residual_force = needed.force - force.sum(axis=1)
    # What a foot without load has of moments besides that about the vertical is in the residual.
    kept = turning.at[..., :2].set(0.0) + jnp.cross(point - needed.centre_of_mass[:, None], force)
    residual_moment = needed.moment - kept.sum(axis=1)
    return FootForces(force, point, turning[..., 2], residual_force, residual_moment, optimality)
