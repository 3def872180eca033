"""Points under the soles that may touch the floor, and how surely each of them does."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.dynamics.feet import HEEL, SIDES, TOES
from diffbio.dynamics.movement import Movement
from diffbio.errors import UnknownNameError

SOLE = (
    (HEEL, 0.0, 0.0),
    (HEEL, 0.25, -0.12),
    (HEEL, 0.25, 0.12),
    (HEEL, 1.0, -0.2),
    (HEEL, 0.78, 0.25),
    (TOES, 0.3, -0.15),
    (TOES, 0.2, 0.15),
)
"""Back of the heel, its two sides, the balls of the great and the small toe, the great and the
other toes: body, and how far forwards and outwards of its origin, in lengths from the heel's
origin to the joint of the toes (about 18 cm). The places of the metatarsal heads and the heel
within a foot's outline, to half a centimetre; no person's sole was measured for them."""

HEEL_PAD = 0.02
"""Metres of soft tissue between the bones' points above and the floor."""

LOW_PERCENT = 5.0
"""Of a recording each point of the sole is taken to be on the floor at least so long."""

UNEVEN = 0.04
"""Metres that the lowest heights of a sole's points may differ by while all are thought to touch
the same floor; a heel that is never lower than that is never down."""

LIFTED = (0.02, 0.003)
"""Height above its own lowest at which a point is as likely up as down, and the width of the
change, in metres. Fitted feet are off by a centimetre and soles give by another; at 4 cm a
weight is a thousandth, which no moment of a body is worth."""

MOVING = (0.6, 0.1)
"""Speed likewise, in m/s: heels still have half of this when they touch and toes when they leave, a
swinging foot has six times as much; at 1.3 m/s a weight is a thousandth."""


class FootContacts(eqx.Module):
    """Where the soles may touch the floor, right and left.

    Attributes:
        point: on the floor's plane below each point of the sole, world frame, in metres.
        weight: from 0 (up, or moving) to 1 (down and at rest), smooth in height and speed.
        floor: height of the floor, in metres.
    """

    point: Float[Array, "time side contact 3"]
    weight: Float[Array, "time side contact"]
    floor: Float[Array, ""]

    @property
    def heel(self) -> Float[Array, "time side 3"]:
        """The back of each heel, on the floor's plane."""
        return self.point[:, :, 0]

    @property
    def toe(self) -> Float[Array, "time side 3"]:
        """Between the tips of the toes, on the floor's plane."""
        return self.point[:, :, 5:].mean(axis=2)


def foot_contacts(
    body: BodyModel,
    parameters: BodyParameters,
    movement: Movement,
    *,
    floor: float | Float[Array, ""] | None = None,
    floor_velocity: Float[Array, "3"] | None = None,
) -> FootContacts:
    """Where and how surely each point of the soles touches the floor; differentiable.

    Args:
        body: the anatomy.
        parameters: the person's size.
        movement: poses with their velocities.
        floor: its height, in metres; None for that of the lowest point of the soles, in the
            percentile LOW_PERCENT of the recording, less HEEL_PAD. Who is never down has to give
            it: without it, the lowest moment of a flight would be the floor.
        floor_velocity: of a belt, in m/s, world frame; None for a floor at rest. A foot that is
            down on a belt moves with it.

    Raises:
        UnknownNameError: the model has no body of a foot.
    """
    for name in (f"{part}_{side}" for part in (HEEL, TOES) for side in SIDES):
        if name not in body.body_names:
            raise UnknownNameError(f"{body.name}, feet", "body", name, body.body_names)

    def soles(pose: Pose) -> Float[Array, "time side point 3"]:
        return _soles(body, parameters, pose)

    point, velocity = jax.jvp(soles, (movement.pose,), (movement.velocity,))
    if floor_velocity is not None:
        velocity = velocity - floor_velocity[None, None, None]
    height = point[..., 2]
    # A sample, and none between two: half a sample more or less says nothing of a floor.
    own = jnp.sort(height, axis=0)[round(LOW_PERCENT / 100.0 * (len(height) - 1))]
    lowest = own.min() if floor is None else jnp.asarray(floor, height.dtype) + HEEL_PAD
    rest = jnp.clip(own, lowest, lowest + UNEVEN)
    speed = jnp.sqrt((velocity**2).sum(-1) + 1e-12)
    weight = _fading(height - rest[None], LIFTED) * _fading(speed, MOVING)
    ground = jnp.asarray(lowest - HEEL_PAD)
    return FootContacts(point.at[..., 2].set(ground), weight, ground)


def _fading(
    value: Float[Array, "*any"], middle_and_width: tuple[float, float]
) -> Float[Array, "*any"]:
    middle, width = middle_and_width
    return jax.nn.sigmoid((middle - value) / width)


def _soles(
    body: BodyModel, parameters: BodyParameters, pose: Pose
) -> Float[Array, "time side point 3"]:
    """Points of both soles at the height of the bones' origins."""
    origin, rotation = body.body_poses(parameters, pose)
    found = []
    for side, outwards in zip(SIDES, (1.0, -1.0), strict=True):
        heel, toes = (body.body_names.index(f"{part}_{side}") for part in (HEEL, TOES))
        # The bodies of a foot have X forward, Y up, Z right.
        length = jnp.linalg.norm(origin[:, toes] - origin[:, heel], axis=-1)[:, None, None]
        place = np.array([(forward, 0.0, outwards * out) for _, forward, out in SOLE])
        on = np.asarray([toes if part == TOES else heel for part, *_ in SOLE])
        away = length * jnp.asarray(place, origin.dtype)[None]
        found.append(origin[:, on] + jnp.einsum("tpij,tpj->tpi", rotation[:, on], away))
    return jnp.stack(found, axis=1)
