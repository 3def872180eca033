"""OpenSim's axes (X forward, Y up, Z right) and the world's (x forward, y left, z up).

This is the one place where the two meet; everything else in diffbio is in the world frame.
"""

import numpy as np
from jaxtyping import Float

OPENSIM_FROM_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""`opensim_from_world`: (x, y, z) becomes (x, z, -y)."""

PELVIS_ANGLES = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
PELVIS_TRANSLATIONS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")


def opensim_from_world(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Points or free vectors of the world frame, in OpenSim's axes (same unit)."""
    return points @ OPENSIM_FROM_WORLD.T


def world_from_opensim(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Points or free vectors in OpenSim's axes, in the world frame (same unit)."""
    return points @ OPENSIM_FROM_WORLD


def pelvis_angles(
    world_from_pelvis: Float[np.ndarray, "time 3 3"],
) -> Float[np.ndarray, "time 3"]:
    """OpenSim's pelvis tilt, list and rotation.

    Args:
        world_from_pelvis: orientation of a pelvis whose own axes are X forward, Y up,
            Z right.

    Returns:
        Tilt (backward tilt positive), list (right side down positive) and rotation (to the
        left positive), in radians: the intrinsic Z-X-Y angles of `opensim_from_pelvis`.
        Tilt and rotation are continuous in time, so that a person who turns round does not
        jump from 180 to -180 degrees. All three are zero for a person upright facing +x.
    """
    opensim_from_pelvis = OPENSIM_FROM_WORLD @ world_from_pelvis
    tilt = np.arctan2(-opensim_from_pelvis[:, 0, 1], opensim_from_pelvis[:, 1, 1])
    # Rounding can carry the sine a hair beyond one.
    pelvis_list = np.arcsin(np.clip(opensim_from_pelvis[:, 2, 1], -1.0, 1.0))
    rotation = np.arctan2(-opensim_from_pelvis[:, 2, 0], opensim_from_pelvis[:, 2, 2])
    return np.stack([np.unwrap(tilt), pelvis_list, np.unwrap(rotation)], axis=-1)
