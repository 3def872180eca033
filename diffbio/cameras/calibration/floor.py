"""A world with z up, from a view in which the board lay on the floor."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffbio.cameras.calibration.calibrate import BoardCalibration
from diffbio.cameras.rig import CameraRig
from diffbio.errors import UnknownNameError

WORLD_FROM_BOARD = np.diag([1.0, -1.0, -1.0])
"""The board's y axis points down its page and its z axis into it."""


def with_floor(calibration: BoardCalibration, label: str) -> CameraRig:
    """The rig in the world whose floor is the board in one view.

    Args:
        calibration: a calibrated rig.
        label: of the view in which the board lay flat on the floor, face up.

    Returns:
        The rig; its world has its origin at the board's, x along its columns, and z up.

    Raises:
        UnknownNameError: there is no such view among those used.
    """
    labels = calibration.views.labels
    if label not in labels:
        raise UnknownNameError("--floor", "view that was used", label, labels)
    view = labels.index(label)
    turn = np.asarray(calibration.poses.world_from_board_rotation)[view]
    origin = np.asarray(calibration.poses.world_from_board_translation)[view]
    floor_from_world = WORLD_FROM_BOARD @ turn.T
    rig = calibration.rig
    rotation = np.asarray(rig.camera_from_world_rotation) @ floor_from_world.T
    centres = (np.asarray(rig.centres) - origin) @ floor_from_world.T
    translation = -np.einsum("cij,cj->ci", rotation, centres)
    return eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (jnp.asarray(rotation), jnp.asarray(translation)),
    )
