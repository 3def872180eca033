"""From views of a board to a rig: lenses, first poses, and the adjustment of everything."""

import dataclasses
from collections.abc import Callable

import numpy as np

from diffbio.cameras.calibration.covisibility import (
    first_poses,
    mirrored_cameras,
    reference_camera,
    shared_views,
)
from diffbio.cameras.calibration.intrinsics import estimate_lens, unposed
from diffbio.cameras.calibration.joint_adjustment import BoardCalibration as BoardCalibration
from diffbio.cameras.calibration.joint_adjustment import adjusted
from diffbio.cameras.calibration.lens_models import lens_columns, lens_mask
from diffbio.cameras.calibration.sightings import BoardViews
from diffbio.cameras.calibration.starts import handedness
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

MIRRORED_PX = 5.0
"""Median error of a camera beyond which no pose explains what it saw."""


def check_views(views: BoardViews) -> None:
    """Refuse views that no calibration can use.

    Raises:
        InputError: a camera never saw the board.
    """
    for camera, row in enumerate(views.sighted):
        if not row.any():
            raise InputError(
                f"camera {views.camera_names[camera]}",
                "The board was found in none of its pictures.",
                "Check the description of the board, or leave the camera out.",
            )


def check_mirrors(calibration: BoardCalibration) -> None:
    """Refuse a mirrored video, which no pose of its camera explains.

    A camera that sees the other side of a board with two printed sides also shows its corners
    the other way round; but that a pose explains.

    Raises:
        InputError: a camera shows the board mirrored.
    """
    names = calibration.views.camera_names
    each = np.array([np.nanmedian(row) for row in calibration.residual_px])
    mirrored = mirrored_cameras(handedness(calibration.views))
    wrong = mirrored & (each > MIRRORED_PX)
    if wrong.any():
        raise InputError(
            f"camera {', '.join(np.asarray(names)[wrong])}",
            "It shows the board mirrored: the order of its corners is that of a mirror image, and "
            f"no place of the camera explains them ({each[wrong].max():.0f} px).",
            "Turn off mirroring in the recording program (webcams of laptops often have it), or "
            "flip the video back.",
        )


def calibrate_board(
    views: BoardViews,
    *,
    single: BoardViews | None = None,
    lenses: CameraRig | None = None,
    order: str | None = None,
    fisheye: tuple[bool | None, ...] | None = None,
    progress: Callable[[str], None] | None = None,
) -> BoardCalibration:
    """Calibrate cameras that saw a board at the same times.

    Args:
        views: what all cameras saw at common times.
        single: further views for the lenses, each of one camera, of the same board.
        lenses: a rig whose lenses are right and are held; poses are ignored.
        order: lens model of every camera; by default chosen by held-out views.
        fisheye: which cameras have a fisheye lens; None of one, or of all, is to find out.
        progress: told what is being done.

    Raises:
        InputError: the views cannot be used; the message says why and what to do.
    """
    check_views(views)
    everything = joined(views, single) if single is not None else views
    count = len(views.camera_names)
    tell = progress or (lambda _: None)
    if lenses is None:
        fish = fisheye or (None,) * count
        found = [
            estimate_lens(everything, i, fisheye=fish[i], order=order, progress=progress)
            for i in range(count)
        ]
        rig = unposed(views, found)
        masks = [lens_columns(one.free) for one in found]
    else:
        found, rig = [], _with_size(lenses.subset(views.camera_names), views)
        masks = [lens_columns(lens_mask(()))] * count
    tell("first poses")
    reference = reference_camera(shared_views(views))
    rig, boards = first_poses(rig, everything, reference)
    free = np.stack(masks)
    free[:, :6] = True
    free[reference, :6] = False
    tell("adjusting everything")
    calibration = adjusted(rig, boards, everything, free, reference, tuple(found))
    check_mirrors(calibration)
    return calibration


def joined(views: BoardViews, single: BoardViews) -> BoardViews:
    """Views at common times, followed by views of single cameras."""
    pixels = [views.pixels]
    labels = list(views.labels)
    for camera in range(len(views.camera_names)):
        of_one = single.of_camera(camera)
        own = np.full((len(views.camera_names), *of_one.pixels.shape[1:]), np.nan)
        own[camera] = of_one.pixels[0]
        pixels.append(own)
        labels += of_one.labels
    return dataclasses.replace(views, pixels=np.concatenate(pixels, axis=1), labels=tuple(labels))


def _with_size(lenses: CameraRig, views: BoardViews) -> CameraRig:
    """Lenses for pictures of the size that was recorded.

    Raises:
        InputError: a lens was calibrated for pictures of another size.
    """
    for name, size, given in zip(
        views.camera_names, views.image_size, lenses.image_size, strict=True
    ):
        if size != given:
            raise InputError(
                f"camera {name}",
                f"Its pictures are {size[0]} x {size[1]}, its lens was calibrated at "
                f"{given[0]} x {given[1]}.",
                "Rescale or turn the calibration with `diffbio convert ... --size` or `--turn`.",
            )
    return lenses
