"""A world with z up, from views in which the board lay on the floor."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.joint_adjustment import BoardCalibration
from diffbio.cameras.rig import CameraRig
from diffbio.cameras.world_axes import floor_height_mm, heading, level_on
from diffbio.errors import InputError, UnknownNameError

MOST_TILT_DEG = 5.0
MOST_HEIGHT_MM = 30.0
"""A board that lies on a floor is neither tilted nor raised by more against the other views."""


@dataclasses.dataclass(frozen=True)
class Floor:
    """A floor, and how well what lies on it agrees.

    Attributes:
        rig: the cameras in its world: origin and x along the columns of the board in the first
            view, z up.
        height_mm: of the board above the floor in every view, by label.
        tilt_deg: of the board against the floor, by label.
        lowest_camera: its height above the floor, in metres.
    """

    rig: CameraRig
    height_mm: dict[str, float]
    tilt_deg: dict[str, float]
    lowest_camera: float

    @property
    def sentence(self) -> str:
        """What was checked."""
        stands = f"the lowest camera stands {self.lowest_camera:.2f} m above it"
        if len(self.height_mm) == 1:
            return (
                f"The floor is the board in one view, and {stands}; nothing else checks it. Lay "
                "the board down at other places too, and give those views to --floor as well."
            )
        return (
            f"In the {len(self.height_mm)} views of the floor the board lies within "
            f"{max(map(abs, self.height_mm.values())):.1f} mm of z = 0, tilted by at most "
            f"{max(self.tilt_deg.values()):.2f} degrees; {stands}."
        )


def floor_of(calibration: BoardCalibration, labels: tuple[str, ...]) -> Floor:
    """The floor through the board in some views.

    Args:
        calibration: a calibrated rig.
        labels: of the views in which the board lay flat on the floor, face up.

    Raises:
        UnknownNameError: there is no such view among those used.
        InputError: the board does not lie on one floor in all of them, or a camera is below it.
    """
    known, rig = calibration.views.labels, calibration.rig
    for label in labels:
        if label not in known:
            raise UnknownNameError("--floor", "view that was used", label, known)
    views = [known.index(label) for label in labels]
    turn = np.asarray(calibration.poses.world_from_board_rotation)[views]
    origin = np.asarray(calibration.poses.world_from_board_translation)[views]
    corners = origin[:, None] + calibration.views.board.points @ turn.swapaxes(1, 2)
    height, tilt = _off_one_plane(corners, -turn[:, :, 2])
    _check_agreement(labels, height, tilt)
    level = level_on(corners.reshape(-1, 3), np.asarray(rig.centres))
    # The board's z axis points into its page, so down where it lies face up.
    if np.sum(turn[:, :, 2] @ level.turn[2]) > 0.0:
        raise InputError(
            "--floor",
            f"In view {labels[0]} the board lies face down, as the cameras stand on its back.",
            "Check the label: the board must lie on the floor, face up.",
        )
    start = level.of_points(origin[0])
    ahead = heading(start, start + level.turn @ turn[0, :, 0])
    world = ahead.of_rig(level.of_rig(rig))
    floor_height_mm(world, ahead.of_points(level.of_points(corners.reshape(-1, 3))))
    return Floor(
        world,
        dict(zip(labels, (1e3 * height).tolist(), strict=True)),
        dict(zip(labels, tilt.tolist(), strict=True)),
        float(np.asarray(world.centres)[:, 2].min()),
    )


def _off_one_plane(
    corners: Float[np.ndarray, "view corner 3"], up: Float[np.ndarray, "view 3"]
) -> tuple[Float[np.ndarray, "view"], Float[np.ndarray, "view"]]:
    """Height (metres) and tilt (degrees) of each board against the plane through all of them."""
    points = corners.reshape(-1, 3)
    normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2]
    normal = normal * (1.0 if np.sum(up @ normal) > 0.0 else -1.0)
    tilt = np.degrees(np.arccos(np.clip(up @ normal, -1.0, 1.0)))
    return (corners.mean(axis=1) - points.mean(axis=0)) @ normal, tilt


def _check_agreement(
    labels: tuple[str, ...], height: Float[np.ndarray, "view"], tilt: Float[np.ndarray, "view"]
) -> None:
    worst = int(np.argmax(tilt / MOST_TILT_DEG + 1e3 * np.abs(height) / MOST_HEIGHT_MM))
    if tilt[worst] > MOST_TILT_DEG or 1e3 * abs(height[worst]) > MOST_HEIGHT_MM:
        raise InputError(
            "--floor",
            f"In view {labels[worst]} the board is {1e3 * abs(height[worst]):.0f} mm off the floor "
            f"through all {len(labels)} views and tilted by {tilt[worst]:.1f} degrees.",
            "Leave out views in which it does not lie on the floor.",
        )
