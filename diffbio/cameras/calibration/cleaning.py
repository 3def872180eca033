"""Views that would do harm or no good are left out, and counted."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.flatness import MAX_BEND, bend
from diffbio.cameras.calibration.sightings import BoardViews

MAX_EDGE_PX = 8.0
BLURRED_AGAINST_MEDIAN = 2.5
"""An edge that wide, or so many times wider than usual in that camera, is blurred."""

MIN_MOVE_PX = 2.0
"""A view in which no camera sees the board moved by more since an earlier one adds nothing."""


@dataclasses.dataclass(frozen=True)
class Dropped:
    """How many sightings of each camera were left out, and why; and views that repeat others."""

    misdetected: dict[str, int]
    blurred: dict[str, int]
    duplicate_views: int


def clean(
    views: BoardViews, edge_width_px: Float[np.ndarray, "camera view"] | None = None
) -> tuple[BoardViews, Dropped]:
    """Leave out sightings that show no flat board, blurred ones, and repeated views.

    Args:
        views: as detected.
        edge_width_px: see `detection.edge_width_px`; NaN or none where not known.
    """
    wrong = _misdetected(views)
    blurred = np.zeros_like(wrong)
    if edge_width_px is not None:
        usual = np.full(len(edge_width_px), np.nan)
        for camera, row in enumerate(edge_width_px):
            known = row[np.isfinite(row)]
            usual[camera] = np.median(known) if len(known) else np.nan
        limit = np.fmin(BLURRED_AGAINST_MEDIAN * usual, MAX_EDGE_PX)[:, None]
        blurred = views.sighted & ~wrong & (np.nan_to_num(edge_width_px) > limit)
    pixels = np.where((wrong | blurred)[..., None, None], np.nan, views.pixels)
    left = dataclasses.replace(views, pixels=pixels)
    kept = _different(left)
    repeated = int((left.sighted.any(axis=0) & ~kept).sum())
    names = views.camera_names
    return left.of_views(kept), Dropped(
        dict(zip(names, wrong.sum(axis=1).tolist(), strict=True)),
        dict(zip(names, blurred.sum(axis=1).tolist(), strict=True)),
        repeated,
    )


def _misdetected(views: BoardViews) -> Bool[np.ndarray, "camera view"]:
    wrong = np.zeros(views.sighted.shape, bool)
    plane = views.board.points[:, :2]
    for camera, view in np.argwhere(views.sighted):
        seen = views.seen[camera, view]
        wrong[camera, view] = bend(plane[seen], views.pixels[camera, view, seen]) > MAX_BEND
    return wrong


def _different(views: BoardViews) -> Bool[np.ndarray, "view"]:
    """Views with a sighting, that no earlier one that is kept repeats."""
    kept: list[int] = []
    seen, pixels = views.seen, views.pixels
    for view in np.flatnonzero(views.sighted.any(axis=0)):
        same = [k for k in kept if (views.sighted[:, view] <= views.sighted[:, k]).all()]
        repeated = False
        if same:
            both = seen[:, same] & seen[:, view, None]
            move = np.linalg.norm(pixels[:, same] - pixels[:, view, None], axis=-1)
            move = np.where(both, move, 0.0).max(axis=(0, 2))
            shared = both.any(axis=-1).sum(axis=0) >= views.sighted[:, view].sum()
            repeated = bool(((move < MIN_MOVE_PX) & shared).any())
        if not repeated:
            kept.append(int(view))
    return np.isin(np.arange(pixels.shape[1]), kept)
