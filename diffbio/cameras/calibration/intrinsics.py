"""The lens of one camera from its views of a board, with no more unknowns than they determine."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.bundle import WIDTH, Adjusted, adjust
from diffbio.cameras.calibration.covariance import camera_covariance, robust_scale_px
from diffbio.cameras.calibration.lens_unknowns import LENS
from diffbio.cameras.calibration.sightings import BoardPoses, BoardViews, pack, pad_views
from diffbio.cameras.calibration.starts import camera_from_board, spread, start_lens, tilt_deg
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

ORDERS = {
    "focal": ("focal",),
    "focal, k1": ("focal", "k1"),
    "focal, centre, k1": ("focal", "cx", "cy", "k1"),
    "focal, centre, k1 k2": ("focal", "cx", "cy", "k1", "k2"),
    "fx, fy, centre, k1 k2": ("focal", "aspect", "cx", "cy", "k1", "k2"),
    "fx, fy, centre, k1 k2 p1 p2": ("focal", "aspect", "cx", "cy", "k1", "k2", "p1", "p2"),
    "fx, fy, centre, k1 k2 p1 p2 k3": LENS,
}
"""Lens models, each with what the one before it has; of a fisheye lens k1 to k4 in order."""

FISHEYE_ORDERS = {
    "focal": ("focal",),
    "focal, k1": ("focal", "k1"),
    "focal, centre, k1": ("focal", "cx", "cy", "k1"),
    "focal, centre, k1 k2": ("focal", "cx", "cy", "k1", "k2"),
    "fx, fy, centre, k1 k2 k3 k4": ("focal", "aspect", "cx", "cy", "k1", "k2", "p1", "p2"),
}

OPENCV_ORDER = "fx, fy, centre, k1 k2 p1 p2 k3"

MIN_VIEWS = 4
MIN_TILT_DEG = 8.0
"""Below this no view is tilted enough to tell a long lens far away from a short one nearby."""

MANY_VIEWS = 60
"""The lens is sought in so many of the most different views; the final adjustment uses all."""

FOLDS = 4
_AS_WELL = 1.01
"""Errors on held-out views that differ by less than 1 % are taken as equal."""


@dataclasses.dataclass(frozen=True)
class LensEstimate:
    """One camera's lens, and how far the views determine it.

    Attributes:
        rig: the camera, at the origin of the world.
        order: name of the lens model, a key of `ORDERS`.
        free: which of `LENS` were sought.
        sd: standard deviation of each of `LENS`; 0 for what was not sought. Of `focal` and
            `aspect` relative.
        rms_px: of the corners used.
        held_out_px: RMS on views that took no part, per order tried; only their poses were fitted.
        n_views: how many views were used.
        largest_tilt_deg: of the board in any view.
    """

    rig: CameraRig
    order: str
    free: Bool[np.ndarray, "9"]
    sd: Float[np.ndarray, "9"]
    rms_px: float
    held_out_px: dict[str, float]
    n_views: int
    largest_tilt_deg: float


def estimate_lens(
    views: BoardViews,
    camera: int,
    *,
    fisheye: bool = False,
    order: str | None = None,
    least_squares: bool = False,
    progress: Callable[[str], None] | None = None,
) -> LensEstimate:
    """The lens of one camera.

    Args:
        views: what all cameras saw.
        camera: which one.
        fisheye: whether the lens follows OpenCV's fisheye model.
        order: lens model; by default the richest that predicts held-out views as well as the best.
        least_squares: trust all corners alike, as OpenCV does, instead of less in those far off.
        progress: told the name of every model tried.

    Raises:
        InputError: too few views, or all of them face the camera squarely.
    """
    name = views.camera_names[camera]
    one = views.of_views(spread(views, camera, MANY_VIEWS)).of_camera(camera)
    if one.pixels.shape[1] < MIN_VIEWS:
        raise InputError(
            f"camera {name}",
            f"It saw the board in {one.pixels.shape[1]} views that can be used.",
            f"Its lens needs at least {MIN_VIEWS}, better 20: record more, or give its lens with "
            "--intrinsics.",
        )
    orders = FISHEYE_ORDERS if fisheye else ORDERS
    start = start_lens(one, 0, fisheye)
    solved = np.isfinite(camera_from_board(start, one, 0)[1]).all(axis=1)
    one = one.of_views(np.flatnonzero(solved))
    start, poses = _first_fit(start, one, orders)
    largest = float(np.nanmax(tilt_deg(np.asarray(poses.world_from_board_rotation))))
    if largest < MIN_TILT_DEG:
        raise InputError(
            f"camera {name}",
            f"The board faces it squarely in all {one.pixels.shape[1]} views: it is tilted by at "
            f"most {largest:.0f} degrees, and focal length and distance cannot be told apart.",
            "Record views with the board tilted by 30 to 45 degrees, left, right, up and down.",
        )
    held_out = {}
    for known in orders if order is None else ():
        if progress:
            progress(f"{name}: {known}")
        held_out[known] = _held_out_px(_plain(start), poses, one, orders[known])
    order = order or _chosen(held_out)
    found = _fit(_plain(start), poses, one, orders[order], robust=not least_squares)
    free = _lens_mask(orders[order])
    rms = _rms(found, one)
    return LensEstimate(
        found.rig,
        order,
        free,
        _lens_sd(found, free, one),
        rms,
        held_out,
        one.pixels.shape[1],
        largest,
    )


def _chosen(held_out: dict[str, float]) -> str:
    """The richest order that predicts as well as the best one.

    A term left out bends the picture where nobody looks and turns the camera in the rig; one too
    many only widens the error bars, which say so.
    """
    limit = _AS_WELL * min(held_out.values())
    return [known for known, error in held_out.items() if error <= limit][-1]


def _plain(start: CameraRig) -> CameraRig:
    """The same camera with an ideal lens: no order inherits terms that it does not have."""
    return eqx.tree_at(lambda r: r.distortion, start, jnp.zeros((1, 5)))


def lens_columns(unknowns: tuple[str, ...]) -> Bool[np.ndarray, "15"]:
    """Which unknowns of a camera are sought when only those of the lens are."""
    return np.concatenate([np.zeros(WIDTH - len(LENS), bool), _lens_mask(unknowns)])


def _lens_mask(unknowns: tuple[str, ...]) -> Bool[np.ndarray, "9"]:
    return np.array([name in unknowns for name in LENS])


def _first_fit(
    start: CameraRig, one: BoardViews, orders: dict[str, tuple[str, ...]]
) -> tuple[CameraRig, BoardPoses]:
    """From an ideal lens to one with its first distortion term."""
    first = list(orders.values())[1]
    poses = BoardPoses(*camera_from_board(start, one, 0))
    found = _fit(start, poses, one, first, robust=True)
    return found.rig, _poses(found, one)


def _fit(
    start: CameraRig,
    poses: BoardPoses,
    one: BoardViews,
    unknowns: tuple[str, ...],
    *,
    robust: bool,
    counts: Bool[np.ndarray, "1 view"] | None = None,
) -> Adjusted:
    """Fit the lens, in the padded shape that all cameras share."""
    sightings = pack(one, n_sightings=max(MANY_VIEWS, 8), counts=counts)
    start = CameraRig(
        **{**_fields(start), "names": ("camera",), "image_size": ((1, 1),)},
    )
    padded = pad_views(poses, MANY_VIEWS)
    free = jnp.asarray(lens_columns(unknowns))[None]
    points = jnp.asarray(one.board.points)
    found = adjust(start, padded, points, sightings, free, jnp.asarray(jnp.inf))
    if robust:
        for _ in range(2):
            scale = robust_scale_px(np.asarray(found.residual_px), np.asarray(sightings.seen))
            found = adjust(found.rig, found.poses, points, sightings, free, jnp.asarray(scale))
    return found


def _fields(rig: CameraRig) -> dict:
    return {name: getattr(rig, name) for name in rig.__dataclass_fields__}


def _poses(found: Adjusted, one: BoardViews) -> BoardPoses:
    count = one.pixels.shape[1]
    return BoardPoses(
        found.poses.world_from_board_rotation[:count],
        found.poses.world_from_board_translation[:count],
    )


def _rms(found: Adjusted, one: BoardViews) -> float:
    seen = pack(one, n_sightings=MANY_VIEWS).seen
    return float(np.sqrt(np.mean(np.asarray(found.residual_px)[np.asarray(seen)] ** 2)))


def _held_out_px(
    start: CameraRig, poses: BoardPoses, one: BoardViews, unknowns: tuple[str, ...]
) -> float:
    """RMS over views that took no part in fitting the lens, wrong corners capped."""
    count = one.pixels.shape[1]
    fold = np.arange(count) % min(FOLDS, count)
    left = []
    for number in range(min(FOLDS, count)):
        train = (fold != number)[None]
        lens = _fit(start, poses, one, unknowns, robust=False, counts=train)
        only = _fit(lens.rig, poses, one, (), robust=False, counts=~train)
        which = np.asarray(pack(one, n_sightings=MANY_VIEWS, counts=~train).seen)
        left.append(np.asarray(only.residual_px)[which])
    every = np.concatenate(left)
    cap = robust_scale_px(every, np.ones_like(every, bool))
    return float(np.sqrt(np.mean(np.minimum(every, cap) ** 2)))


def _lens_sd(
    found: Adjusted, free: Bool[np.ndarray, "9"], one: BoardViews
) -> Float[np.ndarray, "9"]:
    seen = np.asarray(pack(one, n_sightings=MANY_VIEWS).seen)
    covariance = camera_covariance(found, seen, int(free.sum()))
    return np.where(free, np.sqrt(np.diag(covariance)[WIDTH - len(LENS) :]), 0.0)


def unposed(views: BoardViews, lenses: list[LensEstimate]) -> CameraRig:
    """Cameras with the lenses that were found, whose poses mean nothing."""
    count = len(lenses)
    focal, principal, distortion = (
        jnp.concatenate([jnp.asarray(getattr(one.rig, name)) for one in lenses])
        for name in ("focal_px", "principal_px", "distortion")
    )
    return CameraRig(
        focal_px=focal,
        principal_px=principal,
        distortion=distortion,
        camera_from_world_rotation=jnp.tile(jnp.eye(3), (count, 1, 1)),
        camera_from_world_translation=jnp.zeros((count, 3)),
        names=views.camera_names,
        image_size=views.image_size,
        fisheye=tuple(one.rig.fisheye[0] for one in lenses),
    )
