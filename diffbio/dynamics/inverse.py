"""Inverse dynamics: what has to act at the joints of a person for them to move as they did.

Newton and Euler for every body, gathered at the joints: no matrix of inertia is formed, and the
cost is that of a few products with constant masks for all times together.

Signs: internal. A joint's moment is what the body itself (muscles, ligaments, contact) exerts,
positive in the direction in which its coordinate grows; the external moment is its opposite.

Coupled joints: the effort of an independent coordinate is that of its own joint and of all that
follow it, each times its slope, `tau = G^T tau_all`; leaving followers out is an error of a
quarter at the knee.

Residuals: six numbers per time that no joint can provide, since the root hangs on nothing. They
are what mass, inertia, motion and plates disagree by, are returned as they are, and are hidden in
no joint.
"""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.body.fused import along
from diffbio.body.jacobian import cross
from diffbio.dynamics.chain import BodyMotion, Chain, chain_of
from diffbio.dynamics.external import ExternalWrenches, check_wrenches, no_wrenches
from diffbio.dynamics.inertia import PersonInertia
from diffbio.dynamics.movement import FilteredMotion, Movement

GRAVITY = 9.80665
"""Standard acceleration of free fall, in m/s^2, towards -z."""


class Efforts(eqx.Module):
    """What has to act. A pytree, in the order of the body model.

    Attributes:
        joint: internal effort of every independent coordinate, in N m, or N for slides.
        all_joints: of every joint of the skeleton by itself, followers included, before they
            are gathered; what a follower's constraint or contact has to bear.
        power: of every independent coordinate, in W; positive where energy is given to the body.
        residual_force: on the pelvis, in N, world axes.
        residual_moment: about the pelvis' origin, in N m, world axes.
        carried_force: that the parent of every body exerts on it at its origin, in the axes of
            the body, in N; of the root the residual.
        carried_moment: likewise about its origin, in N m.
        total_force: of the surroundings on the person for them to move so: m (a - g), in N,
            world axes.
        total_moment: likewise, about the centre of mass, in N m.
        centre_of_mass: of the person, in the world, in metres.
    """

    joint: Float[Array, "time joint"]
    all_joints: Float[Array, "time all_joint"]
    power: Float[Array, "time joint"]
    residual_force: Float[Array, "time 3"]
    residual_moment: Float[Array, "time 3"]
    carried_force: Float[Array, "time body 3"]
    carried_moment: Float[Array, "time body 3"]
    total_force: Float[Array, "time 3"]
    total_moment: Float[Array, "time 3"]
    centre_of_mass: Float[Array, "time 3"]


@dataclasses.dataclass(frozen=True)
class InverseDynamics:
    """Efforts of a recorded motion, with what they depend on.

    Attributes:
        time: in seconds.
        efforts: at those times.
        joint_names: of the independent coordinates.
        body_names: of the bodies.
        mass: of the person, in kg.
        bandwidth_hz: of the motion; see `FilteredMotion`.
    """

    time: Float[np.ndarray, "time"]
    efforts: Efforts
    joint_names: tuple[str, ...]
    body_names: tuple[str, ...]
    mass: float
    bandwidth_hz: float

    def of(self, joint: str) -> Float[np.ndarray, "time"]:
        """Internal effort of one coordinate, in N m or N."""
        return np.asarray(self.efforts.joint[:, self.joint_names.index(joint)])

    def residual_rms(self, when: slice | np.ndarray = slice(None)) -> tuple[float, float]:
        """Root mean square length of the residuals over some samples, in N and N m."""
        force = np.asarray(self.efforts.residual_force)[when]
        moment = np.asarray(self.efforts.residual_moment)[when]
        return _root_mean_square(force), _root_mean_square(moment)


def _root_mean_square(vectors: Float[np.ndarray, "time 3"]) -> float:
    return float(np.sqrt((vectors**2).sum(-1).mean()))


def inverse_dynamics(
    body: BodyModel,
    parameters: BodyParameters,
    inertia: PersonInertia,
    motion: FilteredMotion,
    wrenches: ExternalWrenches | None = None,
    *,
    gravity: float = GRAVITY,
) -> InverseDynamics:
    """Efforts at all joints of a person in motion.

    Args:
        body: the anatomy.
        parameters: the person's size.
        inertia: the person's.
        motion: poses with their derivatives.
        wrenches: of the surroundings at the same times; None for none.
        gravity: acceleration towards -z, in m/s^2.

    Raises:
        UnknownNameError: a wrench is on a body the model does not have.
        InputError: wrenches are of other times or not finite.
    """
    given = wrenches or no_wrenches(len(motion.time), inertia.mass.dtype)
    check_wrenches(body, given, len(motion.time))
    found = efforts(body, parameters, inertia, motion.movement, given, gravity)
    return InverseDynamics(
        motion.time,
        found,
        body.joint_names,
        body.body_names,
        float(inertia.total_mass),
        motion.bandwidth_hz,
    )


@functools.partial(jax.jit, static_argnums=0)
def efforts(
    body: BodyModel,
    parameters: BodyParameters,
    inertia: PersonInertia,
    movement: Movement,
    wrenches: ExternalWrenches,
    gravity: float | Float[Array, ""] = GRAVITY,
) -> Efforts:
    """Newton-Euler for all times at once; differentiable in everything but the body.

    Args:
        body: the anatomy.
        parameters: the person's size.
        inertia: the person's.
        movement: poses and their derivatives.
        wrenches: at the same times, on bodies of the model.
        gravity: acceleration towards -z, in m/s^2.
    """
    chain = chain_of(body)
    # Without barriers XLA computes what several sums need once for each of them.
    motion = jax.lax.optimization_barrier(chain(parameters, movement))
    up = jnp.zeros((3, 1, 1), motion.origin.dtype).at[2].set(gravity)
    force, moment, centre = _needed(motion, inertia, up)
    total, about_root = force.sum(1), moment.sum(1)
    middle = (centre * inertia.mass[None, :, None]).sum(1) / inertia.mass.sum()
    force, moment = _less_wrenches(body, movement, wrenches, force, moment)
    force, moment = jax.lax.optimization_barrier((force, moment))
    all_joints = _at_joints(chain, motion, force, moment)
    gathered = np.eye(len(body.joint_names))[:, chain.source]
    joint = along(gathered, (motion.slope * all_joints)[None])[0]
    carried_force, carried_moment = _carried(chain, motion, force, moment)
    pelvis = body.body_names.index(body.pelvis_name) if body.pelvis_name else 0
    residual = force.sum(1)
    return Efforts(
        joint=joint.T,
        all_joints=all_joints.T,
        power=(joint * motion.joint_rate).T,
        residual_force=residual.T,
        residual_moment=(moment.sum(1) - cross(motion.origin[:, pelvis], residual)).T,
        carried_force=jnp.transpose(carried_force, (2, 1, 0)),
        carried_moment=jnp.transpose(carried_moment, (2, 1, 0)),
        total_force=total.T,
        total_moment=(about_root - cross(middle, total)).T,
        centre_of_mass=middle.T + movement.pose.root_position,
    )


def _needed(
    motion: BodyMotion, inertia: PersonInertia, up: Float[Array, "3 1 1"]
) -> tuple[Float[Array, "3 body time"], Float[Array, "3 body time"], Float[Array, "3 body time"]]:
    """Force on every body for it to move so, its moment about the root's origin, and the centre
    of mass relative to it."""
    arm = _turned(motion.rotation, inertia.centre.T[:, :, None])
    w, a = motion.turning, motion.turning_rate
    acceleration = motion.acceleration + cross(a, arm) + cross(w, cross(w, arm))
    force = inertia.mass[None, :, None] * (acceleration + up)
    own_w, own_a = (_turned(jnp.swapaxes(motion.rotation, 0, 1), one) for one in (w, a))
    tensor = jnp.transpose(inertia.tensor, (1, 2, 0))[..., None]
    spin, spin_rate = (_turned(tensor, one) for one in (own_w, own_a))
    moment = _turned(motion.rotation, spin_rate + cross(own_w, spin))
    centre = motion.origin + arm
    return force, moment + cross(centre, force), centre


def _less_wrenches(
    body: BodyModel,
    movement: Movement,
    wrenches: ExternalWrenches,
    force: Float[Array, "3 body time"],
    moment: Float[Array, "3 body time"],
) -> tuple[Float[Array, "3 body time"], Float[Array, "3 body time"]]:
    """What is left for the joints, after the surroundings had their share."""
    on = np.asarray([body.body_names.index(name) for name in wrenches.bodies], int)
    push, twist = wrenches.about(movement.pose.root_position)
    return (
        force.at[:, on].add(-jnp.transpose(push, (2, 1, 0))),
        moment.at[:, on].add(-jnp.transpose(twist, (2, 1, 0))),
    )


def _at_joints(
    chain: Chain,
    motion: BodyMotion,
    force: Float[Array, "3 body time"],
    moment: Float[Array, "3 body time"],
) -> Float[Array, "all_joint time"]:
    """Effort of every joint of the skeleton for what is beyond it, per unit of its displacement."""
    beyond, twist = along(chain.beyond_hinge, force), along(chain.beyond_hinge, moment)
    hinge = (motion.hinge_axis * (twist - cross(motion.hinge_anchor, beyond))).sum(0)
    slide = (motion.slide_axis * along(chain.beyond_slide, force)).sum(0)
    every = jnp.zeros((len(chain.source), force.shape[-1]), force.dtype)
    return every.at[chain.hinges].add(hinge).at[chain.slides].add(slide)


def _carried(
    chain: Chain,
    motion: BodyMotion,
    force: Float[Array, "3 body time"],
    moment: Float[Array, "3 body time"],
) -> tuple[Float[Array, "3 body time"], Float[Array, "3 body time"]]:
    """Force and moment at the origin of every body, in its own axes, that bear all beyond it."""
    beyond, twist = along(chain.beyond_body, force), along(chain.beyond_body, moment)
    twist = twist - cross(motion.origin, beyond)
    back = jnp.swapaxes(motion.rotation, 0, 1)
    return _turned(back, beyond), _turned(back, twist)


def _turned(
    rotation: Float[Array, "3 3 body #time"], vector: Float[Array, "3 body #time"]
) -> Float[Array, "3 body time"]:
    x, y, z = vector[0], vector[1], vector[2]
    return rotation[:, 0] * x[None] + rotation[:, 1] * y[None] + rotation[:, 2] * z[None]
