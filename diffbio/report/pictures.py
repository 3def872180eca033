"""Frames to look at: detections against reprojections, over the video where there is one."""

import base64
import dataclasses
import logging
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from diffbio.fitting.fit import Fit
from diffbio.io.netcdf_cameras import detections
from diffbio.io.trial import Trial
from diffbio.report import quality

_log = logging.getLogger(__name__)

MANY_CAMERAS = 4
"""Beyond so many cameras two frames are shown instead of three."""

PICTURE_HEIGHT_PX = 640
MAX_PICTURE_BYTES = 900_000
"""All pictures of a page together, before base64."""

_QUALITIES = (80, 65, 50, 35)
_MARGIN = 0.3
_SHAPE = 0.8


def chosen_frames(fit: Fit) -> list[tuple[int, str]]:
    """Frames worth looking at: typical ones, and the worst.

    Returns:
        Frame indices with what each stands for, in the order of time. Typical is a frame
        whose median error is nearest to that of the trial; only frames that the largest
        number of cameras saw are considered. Empty where nothing was detected.
    """
    views = quality.views(fit)
    candidates = np.flatnonzero(views == views.max())
    if views.max() == 0:
        return []
    error = quality.in_step(fit)
    medians = np.array([np.nanmedian(error[:, frame]) for frame in candidates])
    worst = int(candidates[np.argmax(medians)])
    distance = np.abs(medians - fit.error.median_px)
    halves = 2 if len(fit.error.camera_names) <= MANY_CAMERAS else 1
    labels = {}
    for part in np.array_split(np.arange(len(candidates)), halves):
        if len(part):
            labels[int(candidates[part[np.argmin(distance[part])]])] = "typical frame"
    labels[worst] = "worst frame"
    return sorted(labels.items())


def panels(fit: Fit, trial: Trial, edges: tuple[tuple[int, int], ...]) -> list[dict[str, Any]]:
    """The chosen frames in every camera, ready for the page; last a camera that was held out.

    Args:
        fit: the result.
        trial: for the detections and the videos.
        edges: pairs of markers to connect, by index.
    """
    chosen = chosen_frames(fit)
    if not chosen:
        return []
    images = _images(fit, trial)
    budget = MAX_PICTURE_BYTES // (len(chosen) * len(images))
    return [
        {
            "time": round(float(fit.motion.time[frame]), 3),
            "label": label,
            "views": [image.view(trial, frame, budget) for image in images],
        }
        for frame, label in chosen
    ]


@dataclasses.dataclass(frozen=True)
class _Images:
    """What one camera saw.

    Attributes:
        name: of the camera.
        note: what the reader should know about it.
        size: width and height, in pixels.
        picture: its frame at every sample time, -1 where it took none.
        detected: of every frame, NaN where nothing was used.
        projected: of every frame.
        px: distance between the two.
    """

    name: str
    note: str
    size: tuple[int, int]
    picture: Int[np.ndarray, "time"]
    detected: Float[np.ndarray, "time marker 2"]
    projected: Float[np.ndarray, "time marker 2"]
    px: Float[np.ndarray, "time marker"]

    def view(self, trial: Trial, sample: int, budget: int) -> dict[str, Any]:
        """One panel: what the camera saw at a sample time of the motion."""
        frame = int(self.picture[sample])
        nothing = np.full(self.projected.shape[1:], np.nan)
        detected = self.detected[frame] if frame >= 0 else nothing
        projected = self.projected[frame] if frame >= 0 else nothing
        px = self.px[frame] if frame >= 0 else nothing[:, 0]
        crop = _crop(detected, projected, self.size)
        image = None
        if self.name in trial.videos and frame >= 0:
            stamp = float(np.asarray(trial.keypoints.time)[frame])
            image = _picture(trial.videos[self.name], stamp, trial.frame_rate_hz, crop, budget)
        return {
            "camera": self.name,
            "note": self.note,
            "crop": crop.tolist(),
            "image": image,
            "detected": _points(detected),
            "projected": _points(projected),
            "median_px": round(float(np.nanmedian(px)), 1) if np.isfinite(px).any() else None,
        }


def _images(fit: Fit, trial: Trial) -> list[_Images]:
    names = fit.body.marker_names
    detected, picture = detections(fit.error, trial, names), quality.pictures(fit)
    columns = (fit.error.camera_names, fit.rig.image_size, picture, detected)
    errors = (fit.error.projected_px, fit.error.px)
    images = [
        _Images(name, "", size, pictures, seen, projected, px)
        for name, size, pictures, seen, projected, px in zip(*columns, *errors, strict=True)
    ]
    if fit.held_out is not None:
        name, error = fit.held_out.name, fit.held_out.error
        (size,) = trial.rig.subset((name,)).image_size
        (seen,) = detections(error, trial, names)
        every = np.arange(len(fit.motion.time))
        images.append(
            _Images(name, "not used", size, every, seen, error.projected_px[0], error.px[0])
        )
    return images


def _crop(
    detected: Float[np.ndarray, "marker 2"],
    projected: Float[np.ndarray, "marker 2"],
    size: tuple[int, int],
) -> Int[np.ndarray, "4"]:
    """Left, top, width and height of the part of the image the person is in, in pixels."""
    points = np.concatenate([detected, projected])
    inside = np.all((points >= 0) & (points < np.array(size)), axis=-1)
    if not inside.any():
        return np.array([0, 0, *size])
    low, high = points[inside].min(axis=0), points[inside].max(axis=0)
    height = max((1 + _MARGIN) * (high - low)[1], (1 + _MARGIN) * (high - low)[0] / _SHAPE, 40.0)
    extent = np.minimum([_SHAPE * height, height], size)
    corner = np.clip((low + high - extent) / 2, 0, np.array(size) - extent)
    return np.concatenate([np.floor(corner), np.ceil(extent)]).astype(int)


def _points(pixels: Float[np.ndarray, "marker 2"]) -> list[list[float] | None]:
    return [
        [round(float(u), 1), round(float(v), 1)] if np.isfinite(u) and np.isfinite(v) else None
        for u, v in pixels
    ]


def _picture(
    video: pathlib.Path, time: float, frame_rate_hz: float, crop: Int[np.ndarray, "4"], budget: int
) -> str | None:
    """The cropped video image as a JPEG data address; None, and why in the log, if there is none.

    Args:
        video: the file.
        time: of the frame, in seconds.
        frame_rate_hz: of the keypoints; keypoint frame i belongs to video frame i.
        crop: left, top, width, height in pixels.
        budget: largest size, in bytes.
    """
    try:
        import cv2  # here, because the page is complete without pictures and cv2 may be absent
    except ImportError:
        _log.warning("No pictures in the report: OpenCV (cv2) is not installed.")
        return None
    capture = cv2.VideoCapture(str(video))
    try:
        capture.set(cv2.CAP_PROP_POS_FRAMES, round(time * frame_rate_hz))
        readable, image = capture.read()
    finally:
        capture.release()
    left, top, width, height = map(int, crop)
    if not readable or image.shape[0] <= top or image.shape[1] <= left:
        _log.warning("No picture of %s at %.3f s: the video has no such frame.", video, time)
        return None
    image = cv2.copyMakeBorder(
        image[top : top + height, left : left + width],
        0,
        max(0, top + height - image.shape[0]),
        0,
        max(0, left + width - image.shape[1]),
        cv2.BORDER_CONSTANT,
    )
    for shrink in (1.0, 0.75, 0.5, 0.35):
        scale = min(1.0, PICTURE_HEIGHT_PX / height) * shrink
        shape = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
        for jpeg_quality in _QUALITIES:
            _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
            if jpeg.size <= budget:
                return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
    _log.warning("No picture of %s at %.3f s: it does not fit into the page.", video, time)
    return None
