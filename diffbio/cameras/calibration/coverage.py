"""Where in the pictures corners were seen: how much is covered, what is missing, and a picture."""

import numpy as np
from jaxtyping import Bool, Float, Int

from diffbio.cameras.calibration.sightings import BoardViews

CELLS = (6, 8)
"""Rows and columns that a picture is divided into."""

_PICTURE_WIDTH_PX = 960
_COLOURS = ((255, 220, 60), (60, 200, 255), (120, 255, 120), (255, 120, 255), (80, 120, 255))


def corner_counts(views: BoardViews) -> Int[np.ndarray, "camera row column"]:
    """How many corners each camera saw in each cell of its picture."""
    counts = np.zeros((len(views.camera_names), *CELLS), int)
    for camera, (width, height) in enumerate(views.image_size):
        pixels = views.pixels[camera][views.seen[camera]]
        if len(pixels):
            edges = (
                np.linspace(-0.5, height - 0.5, CELLS[0] + 1),
                np.linspace(-0.5, width - 0.5, CELLS[1] + 1),
            )
            counts[camera] = np.histogram2d(pixels[:, 1], pixels[:, 0], edges)[0]
    return counts


def coverage(views: BoardViews) -> Bool[np.ndarray, "camera row column"]:
    """Which cells hold any corner."""
    return corner_counts(views) > 0


def empty_regions(views: BoardViews) -> dict[str, str]:
    """In words, the third of each picture that holds the fewest corners."""
    places = {}
    words = (
        ("top left", "top", "top right"),
        ("left half", "middle", "right half"),
        ("bottom left", "bottom", "bottom right"),
    )
    for name, covered in zip(views.camera_names, coverage(views), strict=True):
        rows = [np.array_split(band, 3, axis=1) for band in np.array_split(covered, 3, axis=0)]
        shares = np.array([[part.mean() for part in row] for row in rows])
        order = np.argsort(shares, axis=None, kind="stable")[:2]
        chosen = [words[i // 3][i % 3] for i in order if shares.flat[i] < 1.0]
        if chosen:
            places[name] = " and ".join(chosen)
    return places


def coverage_picture(
    views: BoardViews,
    camera: int,
    residual_px: Float[np.ndarray, "view corner"],
    background: np.ndarray | None = None,
) -> np.ndarray:
    """A picture of one camera: its corners, and how often each part was covered.

    Args:
        views: what was seen.
        camera: which one.
        residual_px: distance of each corner from its detection; corners far off are red.
        background: one of its pictures, colour or grey, of the right size; else dark grey.

    Returns:
        Blue, green, red.
    """
    import cv2

    width, height = views.image_size[camera]
    scale = _PICTURE_WIDTH_PX / width
    size = (_PICTURE_WIDTH_PX, round(height * scale))
    if background is None:
        canvas = np.full((size[1], size[0], 3), 50, np.uint8)
    else:
        grey = background if background.ndim == 2 else background.mean(axis=2).astype(np.uint8)
        canvas = cv2.cvtColor(cv2.resize(grey, size) // 2, cv2.COLOR_GRAY2BGR)
    counts = corner_counts(views)[camera].astype(np.float64)
    share = (255.0 * np.sqrt(counts / max(counts.max(), 1.0))).astype(np.uint8)
    heat = cv2.applyColorMap(
        cv2.resize(share, size, interpolation=cv2.INTER_NEAREST), cv2.COLORMAP_VIRIDIS
    )
    canvas = cv2.addWeighted(canvas, 0.6, heat, 0.4, 0.0)
    limit = 5.0 * np.nanmedian(residual_px) if np.isfinite(residual_px).any() else np.inf
    for view, (pixels, seen) in enumerate(
        zip(views.pixels[camera], views.seen[camera], strict=True)
    ):
        for corner in np.flatnonzero(seen):
            at = tuple(int(x) for x in np.round(pixels[corner] * scale))
            far = residual_px[view, corner] > limit
            colour = (0, 0, 255) if far else _COLOURS[view % len(_COLOURS)]
            cv2.circle(canvas, at, 4 if far else 2, colour, -1, cv2.LINE_AA)
    text = f"{views.camera_names[camera]}: {int(views.sighted[camera].sum())} views"
    cv2.putText(canvas, text, (12, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (255, 255, 255), 2)
    return np.asarray(canvas)
