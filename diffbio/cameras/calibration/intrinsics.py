"""The lens of one camera from its views of a board, with no more unknowns than they determine."""

import dataclasses
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.bundle import WIDTH, Adjusted, adjust
from diffbio.cameras.calibration.covariance import camera_covariance, robust_scale_px
from diffbio.cameras.calibration.lens_models import (
    CLEARLY_BETTER,
    ORDERS,
    chosen,
    is_fisheye,
    lens_columns,
    lens_mask,
    orders_of,
    richest,
)
from diffbio.cameras.calibration.lens_unknowns import LENS
from diffbio.cameras.calibration.rig_arrays import bare_rig, side_by_side
from diffbio.cameras.calibration.sightings import BoardPoses, BoardViews, pack, pad_views
from diffbio.cameras.calibration.starts import camera_from_board, spread, start_lens, tilt_deg
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

MIN_VIEWS = 4
MIN_TILT_DEG = 8.0
"""Below this no view is tilted enough to tell a long lens far away from a short one nearby."""

MANY_VIEWS = 60
"""The lens is sought in so many of the most different views; the final adjustment uses all."""

FOLDS = 4

MAYBE_FISHEYE_DEG = 70.0
"""Below this angle, as an ordinary lens of the same focal length would span, a fisheye lens bends
the picture so little that the terms of an ordinary one describe it."""


@dataclasses.dataclass(frozen=True)
class LensEstimate:
    """One camera's lens, and how far the views determine it.

    Attributes:
        rig: the camera, at the origin of the world.
        order: name of the lens model, a key of `lens_models.ORDERS`.
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
    fisheye: bool | None = None,
    order: str | None = None,
    least_squares: bool = False,
    progress: Callable[[str], None] | None = None,
) -> LensEstimate:
    """The lens of one camera.

    Args:
        views: what all cameras saw.
        camera: which one.
        fisheye: whether the lens follows OpenCV's fisheye model; by default it does when that
            predicts held-out views clearly better.
        order: lens model, a key of `lens_models.ORDERS`; by default the richest that predicts
            held-out views as well as the best.
        least_squares: trust all corners alike, as OpenCV does, instead of less in those far off.
        progress: told the name of every model tried.

    Raises:
        InputError: too few views, or all of them face the camera squarely.
    """
    name = views.camera_names[camera]
    one = views.of_views(spread(views, camera, MANY_VIEWS)).of_camera(camera)
    held_out: dict[str, float] = {}

    def try_out(known: str, start: _Start) -> float:
        if known not in held_out:
            if progress:
                progress(f"{name}: {known}")
            held_out[known] = _held_out_px(start, ORDERS[known])
        return held_out[known]

    kind = is_fisheye(order) if order else fisheye
    start = _started(one, bool(kind))
    if kind is None and _angle_deg(start.rig, one) > MAYBE_FISHEYE_DEG:
        other = _started(one, True)
        ordinary = try_out(richest(False), start)
        start = other if try_out(richest(True), other) < CLEARLY_BETTER * ordinary else start
    if order is None:
        left = {known: try_out(known, start) for known in orders_of(start.rig.fisheye[0])}
        order = chosen(left)
    found = _fit(start, ORDERS[order], robust=not least_squares)
    free = lens_mask(ORDERS[order])
    return LensEstimate(
        found.rig,
        order,
        free,
        _lens_sd(found, free, start.one),
        _rms(found, start.one),
        held_out,
        start.one.pixels.shape[1],
        start.largest_tilt_deg,
    )


@dataclasses.dataclass(frozen=True)
class _Start:
    """One camera's views, an ideal lens of the right focal length, and poses of the board."""

    one: BoardViews
    rig: CameraRig
    poses: BoardPoses

    @property
    def largest_tilt_deg(self) -> float:
        return float(np.nanmax(tilt_deg(np.asarray(self.poses.world_from_board_rotation))))


def _started(one: BoardViews, fisheye: bool) -> _Start:
    """Where all models of one kind of lens start: at a fit with the first distortion term.

    Raises:
        InputError: too few views, or all of them face the camera squarely.
    """
    where = f"camera {one.camera_names[0]}"
    lens = start_lens(one, 0, fisheye)
    solved = np.isfinite(camera_from_board(lens, one, 0)[1]).all(axis=1)
    one = one.of_views(np.flatnonzero(solved))
    if one.pixels.shape[1] < MIN_VIEWS:
        raise InputError(
            where,
            f"It saw the board in {one.pixels.shape[1]} views that can be used.",
            f"Its lens needs at least {MIN_VIEWS}, better 20: record more, or give its lens with "
            "--intrinsics.",
        )
    first = _Start(one, lens, BoardPoses(*camera_from_board(lens, one, 0)))
    found = _fit(first, ("focal", "k1"), robust=True)
    # No model inherits terms that it does not have.
    plain = eqx.tree_at(lambda r: r.distortion, found.rig, jnp.zeros((1, 5)))
    count = one.pixels.shape[1]
    poses = BoardPoses(
        found.poses.world_from_board_rotation[:count],
        found.poses.world_from_board_translation[:count],
    )
    start = _Start(one, plain, poses)
    if start.largest_tilt_deg < MIN_TILT_DEG:
        raise InputError(
            where,
            f"The board faces it squarely in all {count} views: it is tilted by at most "
            f"{start.largest_tilt_deg:.0f} degrees, and focal length and distance cannot be told "
            "apart.",
            "Record views with the board tilted by 30 to 45 degrees, left, right, up and down.",
        )
    return start


def _angle_deg(rig: CameraRig, one: BoardViews) -> float:
    """What the longer side of the picture spans, were there no distortion."""
    focal = float(np.asarray(rig.focal_px).mean())
    return float(np.degrees(2.0 * np.arctan(0.5 * max(one.image_size[0]) / focal)))


def _fit(
    start: _Start,
    unknowns: tuple[str, ...],
    *,
    robust: bool,
    counts: Bool[np.ndarray, "1 view"] | None = None,
) -> Adjusted:
    """Fit the lens, in the padded shape that all cameras share."""
    sightings = pack(start.one, n_sightings=MANY_VIEWS, counts=counts)
    padded = pad_views(start.poses, MANY_VIEWS)
    free = jnp.asarray(lens_columns(lens_mask(unknowns)))[None]
    points = jnp.asarray(start.one.board.points)
    found = adjust(bare_rig(start.rig), padded, points, sightings, free, jnp.asarray(jnp.inf))
    if robust:
        for _ in range(2):
            scale = robust_scale_px(np.asarray(found.residual_px), np.asarray(sightings.seen))
            found = adjust(found.rig, found.poses, points, sightings, free, jnp.asarray(scale))
    return found


def _rms(found: Adjusted, one: BoardViews) -> float:
    seen = pack(one, n_sightings=MANY_VIEWS).seen
    return float(np.sqrt(np.mean(np.asarray(found.residual_px)[np.asarray(seen)] ** 2)))


def _held_out_px(start: _Start, unknowns: tuple[str, ...]) -> float:
    """RMS over views that took no part in fitting the lens, wrong corners capped."""
    count = start.one.pixels.shape[1]
    fold = np.arange(count) % min(FOLDS, count)
    left = []
    for number in range(min(FOLDS, count)):
        train = (fold != number)[None]
        lens = _fit(start, unknowns, robust=False, counts=train)
        only = _fit(dataclasses.replace(start, rig=lens.rig), (), robust=False, counts=~train)
        which = np.asarray(pack(start.one, n_sightings=MANY_VIEWS, counts=~train).seen)
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
    rig = side_by_side([one.rig for one in lenses])
    return dataclasses.replace(rig, names=views.camera_names, image_size=views.image_size)
