"""`overlay_CAM.mp4`: the fitted body drawn over the video of a camera, with what was detected."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial import ConvexHull, QhullError

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.posed_person import PosedPerson
from diffbio.io.read_result import FittedPerson
from diffbio.report.curves import split_side

_REMEDY = "Give the video the keypoints were detected in, as it was then."

_SIDE_BGR = {"r": (226, 144, 58), "l": (72, 72, 214), "m": (176, 196, 206)}
_DETECTED_BGR, _MARKER_BGR, _EDGE_BGR = (24, 140, 255), (255, 240, 120), (235, 225, 120)

_OPACITY = 0.38
"""Of the segments over the picture."""

_SHIFT = 3
"""Bits of a fraction of a pixel that OpenCV is told."""

_MOST_APART = 0.02
"""Share of the calibrated size by which a video may be another, and is then taken as it is: some
programs pad pictures to multiples of 16 pixels."""


@dataclasses.dataclass(frozen=True)
class Overlay:
    """What was written.

    Attributes:
        path: of the video.
        camera: its name.
        frames: number of frames that show the body.
    """

    path: pathlib.Path
    camera: str
    frames: int


def camera_of(video: pathlib.Path, rig: CameraRig) -> str | None:
    """The camera a video is of: the one whose name is the longest part of the file's name.

    Capitals, and characters other than letters and digits, do not count. None where no camera's
    name is part of it.
    """
    stem = _letters(video.stem)
    found = [name for name in rig.names if _letters(name) in stem]
    return max(found, key=len, default=None)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def write_overlay(
    person: FittedPerson,
    posed: PosedPerson,
    video: pathlib.Path,
    camera: str,
    path: pathlib.Path,
) -> Overlay:
    """Draw the body into every frame of the fit.

    Segments are filled lightly, the right side blue and the left red; lines join the body's
    markers; circles are detections, each with a line to where the body has that marker. The body
    is shown at the time each frame was taken, where the camera's clock was corrected.

    Args:
        person: the fit.
        posed: its segments.
        video: of one of its cameras, whose frame i is keypoint frame i.
        camera: name of that camera.
        path: the `.mp4` to write.

    Raises:
        InputError: the video cannot be read or is of another size, or the new one cannot be
            written.
    """
    import cv2

    index = person.rig.names.index(camera)
    body = writer = None
    count = 0
    try:
        for frame, picture in pictures_of(video, person):
            if body is None or writer is None:
                size = (picture.shape[1], picture.shape[0])
                scale = _scale(video, size, person.rig.image_size[index])
                body = _Body(person, posed, index, scale)
                code = cv2.VideoWriter.fourcc(*"mp4v")
                writer = cv2.VideoWriter(str(path), code, person.frame_rate_hz, size)
                if not writer.isOpened():
                    raise InputError(
                        str(path), "The video cannot be written.", "Choose another place with -o."
                    )
            writer.write(_drawn(cv2, picture, body, frame))
            count += 1
    finally:
        if writer is not None:
            writer.release()
    return Overlay(path, camera, count)


def pictures_of(
    video: pathlib.Path, person: FittedPerson
) -> Iterator[tuple[int, UInt8[np.ndarray, "height width 3"]]]:
    """Frames of the fit and the pictures that belong to them, as far as the video goes.

    Args:
        video: the file, whose frame i is keypoint frame i.
        person: the fit.

    Raises:
        InputError: the video cannot be read, or ends before the fit begins.
    """
    import cv2

    numbers = np.round(person.time * person.frame_rate_hz).astype(int)
    wanted = dict(zip(numbers.tolist(), range(len(numbers)), strict=True))
    capture, count = cv2.VideoCapture(str(video)), 0
    try:
        if not capture.isOpened():
            raise InputError(str(video), "It cannot be read as a video.", _REMEDY)
        for number in range(int(numbers[-1]) + 1):
            if number not in wanted:
                if not capture.grab():
                    break
                continue
            readable, picture = capture.read()
            if not readable:
                break
            count += 1
            yield wanted[number], picture
    finally:
        capture.release()
    if count == 0:
        raise InputError(str(video), "It ends before the first frame of the fit.", _REMEDY)


def _scale(video: pathlib.Path, size: tuple[int, ...], calibrated: tuple[int, int]) -> float:
    """Pixels of the video per pixel of the calibration."""
    ratio = np.array(size) / np.array(calibrated)
    if np.all(np.abs(ratio - 1.0) <= _MOST_APART):
        return 1.0
    if abs(ratio[0] / ratio[1] - 1.0) <= _MOST_APART:
        return float(ratio.mean())
    raise InputError(
        str(video),
        f"Its pictures are {size[0]} x {size[1]}, and the camera was calibrated for "
        f"{calibrated[0]} x {calibrated[1]}.",
        _REMEDY,
    )


class _Body:
    """The person as one camera sees it, in pixels of its video."""

    def __init__(self, person: FittedPerson, posed: PosedPerson, camera: int, scale: float) -> None:
        self.person, self.posed, self.camera, self.scale = person, posed, camera, scale
        self.rig = person.rig.subset((person.rig.names[camera],))
        self.late = float(person.clock_offset[camera]) * person.frame_rate_hz
        self.parts = [i for i, part in enumerate(posed.parts) if len(part.vertices) > 3]
        # What is outermost in space is outermost in any picture.
        self.hulls = [_outermost(posed.parts[i].vertices) for i in self.parts]
        self.sides = [split_side(posed.parts[i].name)[1] for i in self.parts]
        self.edges = _edges(person)

    def outlines(self, frame: int) -> list[Float[np.ndarray, "point 2"]]:
        """Outermost points of every segment, NaN where one is behind the camera."""
        places = _at(self.posed.positions, frame + self.late)
        turns = _at(self.posed.rotations, frame + self.late)
        world = [
            hull @ turns[i].T + places[i] for i, hull in zip(self.parts, self.hulls, strict=True)
        ]
        pixels = self._pixels(np.concatenate(world))
        return np.split(pixels, np.cumsum([len(hull) for hull in self.hulls])[:-1])

    def markers(self, frame: int) -> Float[np.ndarray, "marker 2"]:
        """The body's markers."""
        return self._pixels(_at(self.person.markers, frame + self.late))

    def detections(self, frame: int) -> Float[np.ndarray, "marker 2"]:
        """What was detected in this picture."""
        return self.person.detected_px[self.camera, frame] * self.scale

    def _pixels(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 2"]:
        known = jnp.asarray(np.nan_to_num(points))
        pixels = np.asarray(self.rig.project(known))[0] * self.scale
        seen = np.isfinite(points).all(axis=1) & (np.asarray(self.rig.depth(known))[0] > 0.1)
        return np.where(seen[:, None], pixels, np.nan)


def _at(values: Float[np.ndarray, "time *any"], frame: float) -> Float[np.ndarray, "*any"]:
    """Between two frames; before the first and after the last, those."""
    frame = float(np.clip(frame, 0, len(values) - 1))
    before = int(frame)
    after = min(before + 1, len(values) - 1)
    share = frame - before
    return values[before] if share < 1e-6 else (1 - share) * values[before] + share * values[after]


def _outermost(vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "fewer 3"]:
    try:
        return vertices[ConvexHull(vertices).vertices]
    except QhullError:  # flat
        return vertices


def _edges(person: FittedPerson) -> list[tuple[int, int]]:
    """Pairs of markers to join, where the keypoint set is one of ours."""
    try:
        named = load_keypoint_set(person.keypoint_set).edges
    except InputError:
        return []
    order = {name: i for i, name in enumerate(person.marker_names)}
    return [(order[a], order[b]) for a, b in named if a in order and b in order]


def _drawn(cv2: Any, picture: np.ndarray, body: _Body, frame: int) -> np.ndarray:
    """A picture with the body over it."""
    over, fine = picture.copy(), max(1, round(picture.shape[0] / 700))
    outlines = []
    for points, side in zip(body.outlines(frame), body.sides, strict=True):
        if np.isfinite(points).all() and np.abs(points).max() < 1e5:
            outline = cv2.convexHull(_whole(points))
            outlines.append((outline, _SIDE_BGR[side]))
            cv2.fillPoly(over, [outline], _SIDE_BGR[side], cv2.LINE_AA, _SHIFT)
    picture = cv2.addWeighted(over, _OPACITY, picture, 1.0 - _OPACITY, 0.0)
    for outline, colour in outlines:
        cv2.polylines(picture, [outline], True, colour, fine, cv2.LINE_AA, _SHIFT)
    markers, detected = body.markers(frame), body.detections(frame)

    def line(a: np.ndarray, b: np.ndarray, colour: tuple[int, int, int], width: int) -> None:
        ends = np.stack([a, b])
        if np.isfinite(ends).all() and np.abs(ends).max() < 1e5:
            first, second = (tuple(end) for end in _whole(ends).tolist())
            cv2.line(picture, first, second, colour, width, cv2.LINE_AA, _SHIFT)

    for first, second in body.edges:
        line(markers[first], markers[second], _EDGE_BGR, fine)
    for place, seen in zip(markers, detected, strict=True):
        line(place, seen, _DETECTED_BGR, fine)
        for point, colour, width in ((place, _MARKER_BGR, -1), (seen, _DETECTED_BGR, fine)):
            if np.isfinite(point).all() and np.abs(point).max() < 1e5:
                centre, radius = tuple(_whole(point).tolist()), (2 if width < 0 else 5) * fine
                cv2.circle(picture, centre, radius << _SHIFT, colour, width, cv2.LINE_AA, _SHIFT)
    return picture


def _whole(points: Float[np.ndarray, "*n 2"]) -> np.ndarray:
    """Pixels as OpenCV draws fractions of them."""
    return np.round(points * (1 << _SHIFT)).astype(np.int32)
