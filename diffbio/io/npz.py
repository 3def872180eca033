"""Keypoints of all cameras in one NumPy archive."""

import pathlib
import zipfile
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.body import load_keypoint_set
from diffbio.body.keypoint_set import KeypointSet, keypoint_set_names
from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.camera_folders import keep_cameras
from diffbio.observations import Keypoints, merge_cameras

_SHAPES = {"pixels": "(camera, time, keypoint, 2)", "confidence": "(camera, time, keypoint)"}

_KEYS = ("pixels", "confidence", "keypoint_names", "camera_names")
_OPTIONAL_KEYS = ("fps", "time", "camera_time", "keypoint_set")

_FORMAT = (
    "The archive needs `pixels` (camera, time, keypoint, 2), `confidence` (camera, time, "
    "keypoint), `keypoint_names`, `camera_names`, and `fps`, `time` or `camera_time`."
)

_TIME_TOLERANCE = 0.05
"""Largest deviation of a sampling interval from the mean, as a share of it."""


def read_keypoints(
    path: pathlib.Path,
    rig: CameraRig,
    *,
    keypoint_set: str | pathlib.Path | None,
    frame_rate_hz: float | None,
) -> tuple[CameraRig, Keypoints, float, tuple[str, ...]]:
    """Read an archive of keypoints and the cameras of the rig that go with it.

    Args:
        path: `.npz` with `pixels` (NaN or zero where missing), `confidence`, `keypoint_names`,
            `camera_names`, and `fps` or `time` (seconds); optionally `keypoint_set`. Cameras
            that took their pictures at times of their own have `camera_time` instead: (camera,
            time), in seconds of one clock, NaN after the last picture of a camera.
        rig: calibrated cameras, named as in the archive.
        keypoint_set: name or table of the set; else the archive's own, else the shipped set
            that knows all names.
        frame_rate_hz: stated by the caller; None to take it from the archive.

    Returns:
        Rig, keypoints, frame rate and notes.

    Raises:
        InputError: the archive is unreadable or incomplete, or does not go with the rig.
    """
    content = _arrays(path)
    pixels, confidence = (np.asarray(content[key], dtype=float) for key in _SHAPES)
    names = tuple(map(str, content["keypoint_names"]))
    cameras = tuple(map(str, content["camera_names"]))
    _check_shapes(path, pixels, confidence, len(cameras), len(names))
    stated = keypoint_set or (str(content["keypoint_set"]) if "keypoint_set" in content else None)
    for name in cameras:
        if name not in rig.names:
            raise InputError(
                f"{path}, camera_names",
                f"There are keypoints of {name}, which is not in the rig "
                f"(it has {', '.join(rig.names)}).",
                "Give the rig these keypoints were recorded with.",
            )
    rig, notes = keep_cameras(rig, cameras, str(path))
    set_name = _set_that_knows(path, names, stated).name
    if "camera_time" in content:
        taken = _camera_times(path, content, confidence.shape[:2])
        alone = []
        for camera, name in enumerate(cameras):
            own = np.isfinite(taken[camera])
            seen = (pixels[camera, own][None], confidence[camera, own][None], taken[camera, own])
            alone.append(Keypoints(*seen, names, set_name, (name,)))
        keypoints = merge_cameras(alone)
        return rig, keypoints, 1.0 / keypoints.interval, notes
    time, frame_rate_hz = _timing(path, content, pixels.shape[1], frame_rate_hz)
    keypoints = Keypoints(pixels, confidence, time, names, set_name, cameras)
    return rig, keypoints, frame_rate_hz, notes


def _camera_times(
    path: pathlib.Path, content: dict[str, Any], shape: tuple[int, ...]
) -> Float[np.ndarray, "camera time"]:
    """When every camera took its pictures, NaN where it took none."""
    taken = np.asarray(content["camera_time"], float)
    if taken.shape != shape:
        raise InputError(
            f"{path}, camera_time",
            f"Its shape is {taken.shape}, that of the confidence {shape}.",
            "Give one time in seconds per camera and frame, NaN after a camera's last picture.",
        )
    for name, times in zip(content["camera_names"], taken, strict=True):
        times = times[np.isfinite(times)]
        if len(times) < 2 or not np.all(np.diff(times) > 0):
            raise InputError(
                f"{path}, camera_time",
                f"The times of {name} do not increase, or are fewer than two.",
                "Give times in seconds of one clock, increasing.",
            )
    return taken


def _arrays(path: pathlib.Path) -> dict[str, Any]:
    """The arrays we know; anything else in the archive is not looked at."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            content = {k: archive[k] for k in (*_KEYS, *_OPTIONAL_KEYS) if k in archive.files}
    except OSError as error:
        raise InputError(
            str(path), f"The keypoints cannot be read ({error.strerror or error}).", _FORMAT
        ) from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            str(path),
            f"It is not a complete NumPy archive of plain arrays ({error}).",
            "Write it again with numpy.savez; object arrays are not read.",
        ) from error
    for key in _KEYS:
        if key not in content:
            raise InputError(str(path), f"The array `{key}` is missing.", _FORMAT)
    return content


def _check_shapes(
    path: pathlib.Path,
    pixels: Float[np.ndarray, "..."],
    confidence: Float[np.ndarray, "..."],
    n_cameras: int,
    n_keypoints: int,
) -> None:
    expected = (n_cameras, pixels.shape[1] if pixels.ndim == 4 else -1, n_keypoints)
    for key, array, shape in (
        ("pixels", pixels, (*expected, 2)),
        ("confidence", confidence, expected),
    ):
        if array.shape != shape:
            raise InputError(
                f"{path}, {key}",
                f"Its shape is {array.shape}, with {n_cameras} camera names and {n_keypoints} "
                "keypoint names.",
                f"It must be {_SHAPES[key]}.",
            )


def _timing(
    path: pathlib.Path, content: dict[str, Any], n_frames: int, stated_hz: float | None
) -> tuple[Float[np.ndarray, "time"], float]:
    """Sample times and rate, from what the archive has."""
    if "time" not in content:
        rate = stated_hz or float(content.get("fps", 0.0))
        if not (np.isfinite(rate) and rate > 0.0):
            raise InputError(
                f"{path}, fps",
                "The frame rate is unknown: the archive has neither a positive `fps` nor `time`.",
                "Add one of them, or state the frame rate.",
            )
        return np.arange(n_frames) / rate, rate
    time = np.asarray(content["time"], dtype=float)
    steps = np.diff(time)
    if time.shape != (n_frames,) or n_frames < 2 or not np.all(steps > 0.0):
        raise InputError(
            f"{path}, time",
            f"It holds {time.size} values for {n_frames} frames, or does not increase.",
            "Give one time in seconds per frame, increasing.",
        )
    rate = 1.0 / float(steps.mean())
    if np.abs(steps * rate - 1.0).max() > _TIME_TOLERANCE:
        raise InputError(
            f"{path}, time",
            "The frames are not evenly spaced in time.",
            "Fill gaps with frames of zero confidence.",
        )
    given = stated_hz or float(content.get("fps", rate))
    if abs(given - rate) > _TIME_TOLERANCE * rate:
        raise InputError(
            f"{path}, time",
            f"It says {rate:.4g} Hz, but the frame rate is given as {given:.4g} Hz.",
            "Correct the one that is wrong; times are in seconds.",
        )
    return time, given


def _set_that_knows(
    path: pathlib.Path, names: tuple[str, ...], stated: str | pathlib.Path | None
) -> KeypointSet:
    """The stated set, or the smallest shipped one that knows every name."""
    if stated is not None:
        chosen = load_keypoint_set(stated)
        strangers = [name for name in names if name not in chosen.keypoints]
        if strangers:
            raise InputError(
                f"{path}, keypoint_names",
                f"The keypoint set {chosen.name} does not know {', '.join(strangers)}.",
                f"It knows {', '.join(chosen.keypoints)}.",
            )
        return chosen
    shipped = [load_keypoint_set(name) for name in keypoint_set_names()]
    known = [candidate for candidate in shipped if set(names) <= set(candidate.keypoints)]
    if not known:
        closest = max(shipped, key=lambda candidate: len(set(names) & set(candidate.keypoints)))
        strangers = [name for name in names if name not in closest.keypoints]
        raise InputError(
            f"{path}, keypoint_names",
            f"No keypoint set knows all names; the closest is {closest.name}, which lacks "
            f"{', '.join(strangers)}.",
            f"State the keypoint set (shipped: {', '.join(keypoint_set_names())}) or the path of "
            "your own table.",
        )
    return min(known, key=lambda candidate: len(candidate.keypoints))
