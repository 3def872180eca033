"""A room from above: cameras with their views, and the way that somebody walked."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, UInt8

from diffbio.cameras.rig import CameraRig

_LONGEST_PX, _MARGIN_PX = 900, 70
_VIEW = 1.2
"""In metres: how far the edges of a view are drawn."""

_INK, _GRID, _FAINT = (50, 50, 50), (230, 230, 230), (130, 130, 130)
_WAY, _CAMERA = (60, 120, 220), (160, 90, 20)
_FONT, _SIZE = 0, 0.45

_At: TypeAlias = Callable[[np.ndarray], tuple[int, int]]


def room_picture(
    rig: CameraRig,
    way: Float[np.ndarray, "time 3"],
    centre_sd: Float[np.ndarray, "camera"],
) -> UInt8[np.ndarray, "row column 3"]:
    """The room from above, x to the right and y upwards, on a grid of metres; blue comes first.

    Args:
        rig: cameras in a world whose z is up.
        way: places of the pelvis.
        centre_sd: standard deviation of every camera's place, in metres: discs of three of them,
            where that can be seen.
    """
    import cv2

    centres = np.asarray(rig.centres, float)
    low, high, scale = _window(np.concatenate([centres[:, :2], way[:, :2]]))
    width, height = np.round((high - low) * scale).astype(int).tolist()
    picture = np.full((height + 2 * _MARGIN_PX, width + 2 * _MARGIN_PX, 3), 255, np.uint8)

    def at(place: np.ndarray) -> tuple[int, int]:
        x, y = np.round((place[:2] - low) * scale).tolist()
        return int(x) + _MARGIN_PX, height + _MARGIN_PX - int(y)

    _draw_grid(picture, low, high, at)
    cv2.polylines(picture, [np.asarray([at(p) for p in way], np.int32)], False, _WAY, 3, 16)
    _draw_arrow(picture, way, at)
    for i, name in enumerate(rig.names):
        radius = max(4, round(3.0 * float(centre_sd[i]) * scale))
        _draw_camera(picture, rig, i, radius, at)
        _write(picture, f"{name}, {centres[i, 2]:.2f} m high", _behind(rig, i, radius, at), _INK)
    legend = "metres, from above; the line is the way of the pelvis; views with their angles"
    _write(picture, legend, (picture.shape[1] // 2, picture.shape[0] - 15), _FAINT)
    return picture


def _window(
    places: Float[np.ndarray, "place 2"],
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"], float]:
    """Lower left and upper right corner, in metres, and pixels per metre."""
    low, high = places.min(0) - 0.5, places.max(0) + 0.5
    return low, high, (_LONGEST_PX - 2 * _MARGIN_PX) / float((high - low).max())


def _draw_grid(picture: np.ndarray, low: np.ndarray, high: np.ndarray, at: _At) -> None:
    """A line per metre (or more, in a hall), with numbers at the left and at the bottom."""
    import cv2

    every = max(1, round(float((high - low).max()) / 12.0))
    for axis, name in enumerate("xy"):
        first = int(np.ceil(low[axis] / every)) * every
        for metre in range(first, int(np.floor(high[axis])) + 1, every):
            ends = np.array([low, high])
            ends[:, axis] = metre
            cv2.line(picture, at(ends[0]), at(ends[1]), _GRID, 2 if metre == 0 else 1)
            x, y = at(ends[0])
            label = f"{name} = {metre}" if metre == 0 else str(metre)
            _write(picture, label, (x, y + 18) if axis == 0 else (x - 26, y + 4), _FAINT)


def _draw_arrow(picture: np.ndarray, way: np.ndarray, at: _At) -> None:
    """The head of the way: the last half metre of it, or all there is."""
    import cv2

    left = np.linalg.norm(way[:, :2] - way[-1, :2], axis=1)
    far = np.flatnonzero(left > 0.25)
    tail = way[far[-1]] if len(far) else way[0]
    if at(tail) != at(way[-1]):
        cv2.arrowedLine(picture, at(tail), at(way[-1]), _WAY, 3, 16, 0, 0.5)
    _write(picture, "end", (at(way[-1])[0], at(way[-1])[1] - 12), _WAY)


def _draw_camera(picture: np.ndarray, rig: CameraRig, camera: int, radius: int, at: _At) -> None:
    import cv2

    centre = np.asarray(rig.centres, float)[camera, :2]
    forward = np.asarray(rig.camera_from_world_rotation, float)[camera, 2, :2]
    width, focal_px = rig.image_size[camera][0], float(np.asarray(rig.focal_px)[camera, 0])
    half, middle = np.arctan(0.5 * width / focal_px), np.arctan2(forward[1], forward[0])
    for angle in (middle - half, middle + half):
        edge = centre + _VIEW * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(picture, at(centre), at(edge), _CAMERA, 1, 16)
    cv2.circle(picture, at(centre), radius, _CAMERA, -1, 16)


def _behind(rig: CameraRig, camera: int, radius: int, at: _At) -> tuple[int, int]:
    """Where a camera's name is not in its own view."""
    x, y = at(np.asarray(rig.centres, float)[camera])
    up = float(np.asarray(rig.camera_from_world_rotation)[camera, 2, 1])
    return x, y + (radius + 16 if up > 0.0 else -radius - 8)


def _write(
    picture: np.ndarray, text: str, middle: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    """Text centred on a place, or as near to it as the picture allows."""
    import cv2

    (width, _), _ = cv2.getTextSize(text, _FONT, _SIZE, 1)
    x = min(max(middle[0] - width // 2, 4), max(picture.shape[1] - width - 4, 4))
    y = min(max(middle[1], 14), picture.shape[0] - 4)
    cv2.putText(picture, text, (x, y), _FONT, _SIZE, colour, 1, 16)
