"""From views of a board to a rig: lenses, first poses, and the adjustment of everything."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.bundle import WIDTH, Adjusted, adjust
from diffbio.cameras.calibration.covariance import camera_covariance, robust_scale_px
from diffbio.cameras.calibration.covisibility import (
    first_boards,
    first_poses,
    mirrored_cameras,
    reference_camera,
    shared_views,
)
from diffbio.cameras.calibration.intrinsics import (
    LensEstimate,
    estimate_lens,
    lens_columns,
    unposed,
)
from diffbio.cameras.calibration.lens_unknowns import LENS
from diffbio.cameras.calibration.sightings import BoardPoses, BoardViews, pack, pad_views
from diffbio.cameras.calibration.starts import handedness
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

_ROUNDS = 3
"""Of the adjustment, each with the robust scale that the one before it left."""

MIRRORED_PX = 5.0
"""Median error of a camera beyond which no pose explains what it saw."""


@dataclasses.dataclass(frozen=True)
class BoardCalibration:
    """A calibrated rig, in the frame of one of its cameras.

    Attributes:
        rig: the cameras.
        reference: number of the camera whose frame is the world.
        views: what was used: corners beyond the robust scale count less, none is left out.
        poses: of the board, in every view.
        residual_px: distance of each corner from its detection, NaN where there is none.
        lenses: how each camera's lens was found; none where lenses were given.
        free: unknowns sought of each camera, see `bundle.WIDTH`.
        covariance: of all cameras' unknowns, in their order; 0 for what was held.
        scale_px: where the robust loss turned linear.
        steps: of all rounds of the adjustment.
        converged: whether the last round came to rest.
    """

    rig: CameraRig
    reference: int
    views: BoardViews
    poses: BoardPoses
    residual_px: Float[np.ndarray, "camera view corner"]
    lenses: tuple[LensEstimate, ...]
    free: Bool[np.ndarray, "camera column"]
    covariance: Float[np.ndarray, "unknown unknown"]
    scale_px: float
    steps: int
    converged: bool

    @property
    def sd(self) -> Float[np.ndarray, "camera column"]:
        """Standard deviations of the cameras' unknowns, in their units."""
        return np.sqrt(np.diag(self.covariance)).reshape(-1, WIDTH)


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
    fisheye: tuple[bool, ...] | None = None,
    progress: Callable[[str], None] | None = None,
) -> BoardCalibration:
    """Calibrate cameras that saw a board at the same times.

    Args:
        views: what all cameras saw at common times.
        single: further views for the lenses, each of one camera, of the same board.
        lenses: a rig whose lenses are right and are held; poses are ignored.
        order: lens model of every camera; by default chosen by held-out views.
        fisheye: which cameras have a fisheye lens; by default none.
        progress: told what is being done.

    Raises:
        InputError: the views cannot be used; the message says why and what to do.
    """
    check_views(views)
    everything = joined(views, single) if single is not None else views
    count = len(views.camera_names)
    tell = progress or (lambda _: None)
    if lenses is None:
        fish = fisheye or (False,) * count
        found = [
            estimate_lens(everything, i, fisheye=fish[i], order=order, progress=progress)
            for i in range(count)
        ]
        rig = unposed(views, found)
        masks = [_columns(one.free) for one in found]
    else:
        found, rig = [], _with_size(lenses.subset(views.camera_names), views)
        masks = [lens_columns(())] * count
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


def adjusted(
    rig: CameraRig,
    boards: Float[np.ndarray, "camera view 4 4"],
    views: BoardViews,
    free: Bool[np.ndarray, "camera column"],
    reference: int,
    lenses: tuple[LensEstimate, ...],
) -> BoardCalibration:
    """The adjustment of everything, from first poses."""
    sightings = pack(views)
    n_view = round_up_to_bucket(views.pixels.shape[1])
    points = jnp.asarray(views.board.points)
    start = bare_rig(rig)
    poses = pad_views(first_boards(start, boards, views.board.points, sightings), n_view)
    seen = np.asarray(sightings.seen)
    steps, scale = 0, 20.0
    found: Adjusted | None = None
    for _ in range(_ROUNDS):
        mask = jnp.asarray(free)
        found = adjust(start, poses, points, sightings, mask, jnp.asarray(scale))
        start, poses, steps = found.rig, found.poses, steps + int(found.steps)
        scale = robust_scale_px(np.asarray(found.residual_px), seen)
    assert found is not None
    residual = np.full(views.seen.shape, np.nan)
    view = np.asarray(sightings.view)
    for camera in range(len(rig.names)):
        rows = seen[camera].any(axis=1)
        values = np.where(seen[camera], np.asarray(found.residual_px)[camera], np.nan)
        residual[camera, view[camera, rows]] = values[rows]
    count = views.pixels.shape[1]
    return BoardCalibration(
        rig=_named(found.rig, rig),
        reference=reference,
        views=views,
        poses=BoardPoses(
            found.poses.world_from_board_rotation[:count],
            found.poses.world_from_board_translation[:count],
        ),
        residual_px=residual,
        lenses=lenses,
        free=free,
        covariance=camera_covariance(found, seen, int(free.sum())),
        scale_px=scale,
        steps=steps,
        converged=bool(found.converged),
    )


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


def _columns(lens: Bool[np.ndarray, "9"]) -> Bool[np.ndarray, "15"]:
    return np.concatenate([np.zeros(WIDTH - len(LENS), bool), lens])


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


def bare_rig(rig: CameraRig) -> CameraRig:
    """The rig as arrays in double precision; names would make every rig a program of its own."""
    bare = dataclasses.replace(
        rig,
        names=tuple(str(i) for i in range(len(rig.names))),
        image_size=((1, 1),) * len(rig.names),
    )
    return bare.astype(np.float64)


def _named(arrays: CameraRig, rig: CameraRig) -> CameraRig:
    values = (
        arrays.focal_px,
        arrays.principal_px,
        arrays.distortion,
        arrays.camera_from_world_rotation,
        arrays.camera_from_world_translation,
    )
    return eqx.tree_at(
        lambda r: (
            r.focal_px,
            r.principal_px,
            r.distortion,
            r.camera_from_world_rotation,
            r.camera_from_world_translation,
        ),
        rig,
        values,
    )
