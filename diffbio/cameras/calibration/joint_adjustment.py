"""The adjustment of everything from first poses, and the rig that it leaves."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.bundle import WIDTH, Adjusted, adjust
from diffbio.cameras.calibration.covariance import camera_covariance, robust_scale_px
from diffbio.cameras.calibration.covisibility import first_boards
from diffbio.cameras.calibration.intrinsics import LensEstimate
from diffbio.cameras.calibration.rig_arrays import bare_rig, named
from diffbio.cameras.calibration.sightings import BoardPoses, BoardViews, pack, pad_views
from diffbio.cameras.rig import CameraRig

_ROUNDS = 3
"""Of the adjustment, each with the robust scale that the one before it left."""


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
        rig=named(found.rig, rig),
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
