"""The coordinates of a fitted motion under OpenSim's names, ready to be written."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.fitting.fit import Fit
from diffbio.geometry import matrix_from_quaternion
from diffbio.io.axes import (
    OPENSIM_FROM_WORLD,
    PELVIS_ANGLES,
    PELVIS_TRANSLATIONS,
    opensim_from_world,
    pelvis_angles,
)
from diffbio.io.coordinate_values import Coordinates as Coordinates
from diffbio.io.deviations import pelvis_moves_with_root, pelvis_sd


def coordinates_of(fit: Fit) -> Coordinates:
    """Pelvis position and orientation in OpenSim's axes, then every independent joint.

    The pelvis is `BodyModel.pelvis_name`. A body without one is described by its root
    segment, whose axes are then taken as MuJoCo's (x forward, y left, z up).
    """
    position, world_from_pelvis = _pelvis(fit)
    angles = pelvis_angles(world_from_pelvis)
    joint_units = tuple("m" if kind == "slide" else "rad" for kind in fit.body.joint_kinds)
    return Coordinates(
        names=PELVIS_TRANSLATIONS + PELVIS_ANGLES + tuple(fit.body.joint_names),
        units=("m",) * 3 + ("rad",) * 3 + joint_units,
        values=np.concatenate([opensim_from_world(position), angles, fit.motion.joints], axis=1),
        sd=_sd(fit, position, angles),
    )


def _sd(
    fit: Fit, position: Float[np.ndarray, "time 3"], angles: Float[np.ndarray, "time 3"]
) -> Float[np.ndarray, "time coordinate"] | None:
    if fit.uncertainty is None:
        return None
    if pelvis_moves_with_root(fit.body):
        pelvis = pelvis_sd(fit.uncertainty.root, position - fit.motion.root_position, angles)
    else:
        # What the joints between add is correlated with the root, and that is not kept.
        pelvis = np.full((len(position), 6), np.nan)
    return np.concatenate([pelvis, fit.uncertainty.joints], axis=1)


def _pelvis(fit: Fit) -> tuple[Float[np.ndarray, "time 3"], Float[np.ndarray, "time 3 3"]]:
    """Position (m) and orientation in the world of a pelvis with axes X forward, Y up, Z right."""
    motion, name = fit.motion, fit.body.pelvis_name
    if name is None:
        world_from_root = np.asarray(matrix_from_quaternion(jnp.asarray(motion.root_quaternion)))
        return motion.root_position, world_from_root @ OPENSIM_FROM_WORLD.T
    pelvis = fit.body.body_names.index(name)
    return motion.body_positions[:, pelvis], motion.body_rotations[:, pelvis]
