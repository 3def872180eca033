"""Wrenches that the surroundings exert on a person's bodies."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel
from diffbio.errors import InputError, UnknownNameError


class ExternalWrenches(eqx.Module):
    """Forces with their points of application, each on one body; world frame.

    Attributes:
        force: on the body, in newtons.
        point: where it acts, in metres. Any finite point while there is no force.
        moment: free moment besides, in newton metres.
        bodies: names of the bodies, one per wrench.
    """

    force: Float[Array, "time wrench 3"]
    point: Float[Array, "time wrench 3"]
    moment: Float[Array, "time wrench 3"]
    bodies: tuple[str, ...] = eqx.field(static=True)

    def about(
        self, centre: Float[Array, "time 3"]
    ) -> tuple[Float[Array, "time wrench 3"], Float[Array, "time wrench 3"]]:
        """Forces, and moments about a point that may move, in N and N m."""
        arm = self.point - centre[:, None]
        return self.force, self.moment + jnp.cross(arm, self.force)


def no_wrenches(n_time: int, dtype: np.dtype | type = np.float64) -> ExternalWrenches:
    """Nothing touches the person."""
    nothing = jnp.zeros((n_time, 0, 3), dtype)
    return ExternalWrenches(nothing, nothing, nothing, ())


def check_wrenches(body: BodyModel, wrenches: ExternalWrenches, n_time: int) -> None:
    """Refuse wrenches that do not go with a body and a motion.

    Raises:
        UnknownNameError: a wrench is on a body the model does not have.
        InputError: times do not go together, or a value is not finite.
    """
    for name in wrenches.bodies:
        if name not in body.body_names:
            raise UnknownNameError(f"{body.name}, wrenches", "body", name, body.body_names)
    if wrenches.force.shape != (n_time, len(wrenches.bodies), 3):
        raise InputError(
            "wrenches",
            f"Their shape is {wrenches.force.shape}, of {n_time} times and "
            f"{len(wrenches.bodies)} bodies.",
            "Give one wrench per time of the motion and body.",
        )
    for what in ("force", "point", "moment"):
        bad = ~np.isfinite(np.asarray(getattr(wrenches, what)))
        if bad.any():
            raise InputError(
                f"wrenches, {what}",
                f"{int(bad.any(axis=(1, 2)).sum())} of {n_time} times are not finite.",
                "Give zero force and any point while there is no load.",
            )
