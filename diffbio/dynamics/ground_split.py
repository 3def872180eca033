"""Forces at points of the floor that together make a wrench as nearly as contacts can.

Per time: the least of `|w - B s|^2 / sd^2 + |s|^2` over `s >= 0`, where a column of `B` is the
wrench of one direction a contact can push in, times how freely it is used. Contacts push and do not
pull, within the cone of friction, for all directions are in it. The dual has six unknowns however
many contacts there are, is convex and piecewise quadratic, and Newton's method with a line search
ends on its optimum in a handful of steps (Mangasarian 2006, Optim. Methods Softw. 21:1).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.dynamics.ground_contacts import FootContacts

FRICTION = 0.8
"""Of shoes and bare feet on laboratory floors, at the low end."""

EDGES = 8
"""Of the pyramid that lies within the cone of friction."""

ASIDE = 0.1
"""How freely a contact pushes past the centre of mass, by how freely towards it. Forces of walking
pass within a tenth of its height of the centre of mass, as the little whole-body angular momentum
shows (Herr and Popovic 2008, J. Exp. Biol. 211:467)."""

SD_FORCE = 0.01
"""Body weights the contacts' sum may be off the needed force: next to nothing, so that they make
it wherever they can."""

SD_MOMENT = 0.02
"""Body weights times metres of the moment about the centre of mass: what OpenSim's residual moment
is on walks with plates (17 N m at 835 N)."""

STEPS = 25
"""Of Newton's method; `optimality` says where they were too few."""

_LENGTHS = 0.5 ** np.arange(8)


class Split(NamedTuple):
    """Forces at the contacts, in body weights.

    Attributes:
        force: at each point of each foot, world frame.
        optimality: largest component of the dual's gradient, in body weights and metres; rounding
            where the optimum was found.
    """

    force: Float[Array, "time side contact 3"]
    optimality: Float[Array, "time"]


def split_between_contacts(
    contacts: FootContacts,
    centre_of_mass: Float[Array, "time 3"],
    force: Float[Array, "time 3"],
    moment: Float[Array, "time 3"],
    friction: float = FRICTION,
) -> Split:
    """Forces at the points of the soles; differentiable.

    Args:
        contacts: the points and how freely they may be used.
        centre_of_mass: of the person, in metres.
        force: needed, in body weights.
        moment: needed about the centre of mass, in body weights times metres.
        friction: largest horizontal part of a contact's force by its vertical part.
    """

    def one(point, weight, centre, wrench):
        pushes = directions(centre[None] - point, friction)
        # The square root: the penalty of a contact's force is divided by its weight. A weight of
        # nothing keeps a derivative, and is worth nothing.
        aside = jnp.full(EDGES, ASIDE / friction, point.dtype)
        freely = jnp.concatenate([jnp.ones(1, point.dtype), aside])
        pushes = pushes * (jnp.sqrt(weight + 1e-12)[:, None] * freely[None])[..., None]
        arm = jnp.broadcast_to((point - centre[None])[:, None], pushes.shape)
        columns = jnp.concatenate([pushes, jnp.cross(arm, pushes)], axis=-1)
        flat = columns.reshape(-1, 6).T
        sd = jnp.asarray([SD_FORCE] * 3 + [SD_MOMENT] * 3, flat.dtype)
        strength, gradient = nonnegative_strengths(flat, wrench, sd)
        strength = strength.reshape(pushes.shape[:2])
        return (strength[..., None] * pushes).sum(1), jnp.abs(gradient).max()

    n_time, *per_foot, _ = contacts.point.shape
    points = contacts.point.reshape(n_time, -1, 3)
    wrench = jnp.concatenate([force, moment], axis=-1)
    weight = contacts.weight.reshape(n_time, -1)
    forces, optimality = jax.vmap(one)(points, weight, centre_of_mass, wrench)
    return Split(forces.reshape(n_time, *per_foot, 3), optimality)


def directions(
    leg: Float[Array, "contact 3"], friction: float
) -> Float[Array, "contact direction 3"]:
    """Pushes of unit vertical force: along the leg, and along the edges of the pyramid.

    Args:
        leg: from the contact to the centre of mass, in metres.
        friction: a leg flatter than the cone of friction pushes along its edge.
    """
    up = jnp.maximum(leg[:, 2:], 0.1)  # a centre of mass on the floor has no leg below it
    slope = leg[:, :2] / up
    steep = jnp.sqrt((slope**2).sum(-1, keepdims=True) + 1e-12)
    # Inside the pyramid, and not only the cone, so that what is stated of it holds for both.
    most = friction * np.cos(np.pi / EDGES)
    slope = slope * jnp.minimum(1.0, most / steep)
    turn = 2.0 * np.pi * np.arange(EDGES) / EDGES
    edge = np.stack([friction * np.cos(turn), friction * np.sin(turn)], axis=-1)
    edges = jnp.broadcast_to(jnp.asarray(edge, leg.dtype)[None], (len(leg), EDGES, 2))
    level = jnp.concatenate([slope[:, None], edges], axis=1)
    return jnp.concatenate([level, jnp.ones_like(level[..., :1])], axis=-1)


def nonnegative_strengths(
    columns: Float[Array, "6 direction"], wrench: Float[Array, "6"], sd: Float[Array, "6"]
) -> tuple[Float[Array, "direction"], Float[Array, "6"]]:
    """The strengths of the least cost, and the dual's gradient at them.

    The derivative is that of the optimum: one step of Newton's from where the search ended, whose
    matrix is held.
    """
    slack = jnp.diag(sd**2)
    held = jax.lax.stop_gradient((columns, wrench, slack))

    def gradient(dual, columns, wrench, slack):
        return columns @ jnp.maximum(columns.T @ dual, 0.0) + slack @ dual - wrench

    def curvature(dual):
        active = (held[0].T @ dual > 0.0).astype(dual.dtype)
        return (held[0] * active[None]) @ held[0].T + held[2]

    def cost(dual):
        pushed = jnp.maximum(held[0].T @ dual, 0.0)
        return 0.5 * (pushed**2).sum() + 0.5 * dual @ held[2] @ dual - held[1] @ dual

    def step(_, dual):
        towards = -jnp.linalg.solve(curvature(dual), gradient(dual, *held))
        tried = dual[None] + jnp.asarray(_LENGTHS, dual.dtype)[:, None] * towards[None]
        tried = jnp.concatenate([dual[None], tried])
        return tried[jnp.argmin(jax.vmap(cost)(tried))]

    everything = held[0] @ held[0].T + held[2]
    found = jax.lax.fori_loop(0, STEPS, step, jnp.linalg.solve(everything, held[1]))
    found = jax.lax.stop_gradient(found)
    off = gradient(found, columns, wrench, slack)
    dual = found - jnp.linalg.solve(jax.lax.stop_gradient(curvature(found)), off)
    left = gradient(jax.lax.stop_gradient(dual), *held)
    return jnp.maximum(columns.T @ dual, 0.0), left
