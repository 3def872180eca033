"""Keypoints in a recording folder of FreeMoCap.

`output_data/raw_data/` holds MediaPipe's pixels of all cameras in one array,
`*2dData_numCams_numFrames_numTrackedPoints_pixelXY.npy` (camera, frame, point, x and y), NaN where
nothing was found; the first 33 points are the body. Cameras are those of `*calibration.toml`, in
its order, which is that of the synchronised videos' names.

Source: FreeMoCap's documentation and the names its versions 1.x write.
"""

import pathlib
import zipfile

import numpy as np

from diffbio.errors import InputError
from diffbio.io.detected_camera import DetectedCamera, cleaned

BODY_POINTS = 33
"""MediaPipe's; hands and face follow."""

KEYPOINT_SET = "mediapipe_33"

_PIXELS = "*2dData_numCams_numFrames_numTrackedPoints_pixelXY.npy"
_FOLDERS = ("output_data/raw_data", "output_data", "DataArrays")
_VIDEOS = ("synchronized_videos", "SyncedVideos", "synced_videos")


def pixel_file(path: pathlib.Path) -> pathlib.Path | None:
    """The array of a recording; None where there is none."""
    for folder in _FOLDERS:
        if found := sorted((path / folder).glob(_PIXELS)):
            return found[0]
    return None


def video_folder(path: pathlib.Path) -> pathlib.Path:
    """Where the synchronised videos lie, if they do."""
    return next((path / name for name in _VIDEOS if (path / name).is_dir()), path / _VIDEOS[0])


def calibration_file(path: pathlib.Path) -> pathlib.Path | None:
    """The calibration of a recording; None where there is not exactly one."""
    found = sorted(path.glob("*calibration*.toml"))
    return found[0] if len(found) == 1 else None


def read_freemocap(path: pathlib.Path, cameras: tuple[str, ...]) -> dict[str, DetectedCamera]:
    """Read the keypoints of all cameras.

    The array has no confidence: what was found has confidence 1.

    Args:
        path: folder of the recording.
        cameras: names of the rig's cameras, in the order of its file.

    Raises:
        InputError: there is no array, it cannot be read, or it is of another number of cameras.
    """
    file = pixel_file(path)
    if file is None:
        raise InputError(str(path), f"There is no {_PIXELS}.", "Give the recording's folder.")
    try:
        pixels = np.asarray(np.load(file, allow_pickle=False), float)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            str(file), f"It is no NumPy array ({error}).", "Process the recording again."
        ) from error
    if pixels.ndim != 4 or pixels.shape[2] < BODY_POINTS or pixels.shape[3] < 2:
        raise InputError(
            str(file),
            f"Its shape is {pixels.shape}.",
            f"It must be (camera, frame, {BODY_POINTS} points or more, 2).",
        )
    if len(pixels) != len(cameras):
        raise InputError(
            str(file),
            f"It has {len(pixels)} cameras, and the rig {len(cameras)} ({', '.join(cameras)}).",
            "Give the calibration of this recording with --rig.",
        )
    found = {}
    for name, own in zip(cameras, pixels[:, :, :BODY_POINTS, :2], strict=True):
        seen = np.isfinite(own).all(axis=-1, keepdims=True)
        values = cleaned(np.concatenate([own, seen.astype(float)], axis=-1))
        people = {n: one[None] for n, one in enumerate(values) if (one[:, 2] > 0.0).any()}
        # One file for all cameras: each is told apart by a path of its own.
        found[name] = DetectedCamera(file / name, None, people, pixels.shape[1])
    return found
