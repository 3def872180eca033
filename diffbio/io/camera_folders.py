"""One folder of JSON files per camera, beside a rig: what Pose2Sim and plain folders share."""

import dataclasses
import pathlib
import re
from collections.abc import Iterable

import numpy as np

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.association import associate
from diffbio.io.openpose import (
    CameraDetections,
    check_same_frames,
    keypoint_set_for,
    read_camera_folder,
)
from diffbio.observations import Keypoints

_SUFFIX = re.compile(r"[\s_.-]*(json|pose|openpose|keypoints|img|video)$")

_VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg")

_RATE_TOLERANCE = 0.01
"""Relative; containers store 29.97 and 30 for the same recording."""


@dataclasses.dataclass(frozen=True)
class Stated:
    """What the caller states, each over what the files say; None where nothing is stated."""

    rig: pathlib.Path | None = None
    keypoint_set: str | pathlib.Path | None = None
    frame_rate_hz: float | None = None
    trial: str | None = None


def camera_folders(folder: pathlib.Path) -> list[pathlib.Path]:
    """Sub-folders that hold JSON files, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and any(path.glob("*.json")))


def read_people(
    rig: CameraRig,
    folders: list[pathlib.Path],
    keypoint_set: str | pathlib.Path | None,
    frame_rate_hz: float,
) -> tuple[CameraRig, Keypoints, tuple[str, ...]]:
    """Read the detections of several cameras and choose the person of interest.

    Args:
        rig: the calibrated cameras.
        folders: one folder per camera, named like it.
        keypoint_set: name or table of the set, where the number of keypoints does not tell.
        frame_rate_hz: of the detections.

    Returns:
        The cameras that have detections, the person's keypoints (time starts at zero), and
        what was decided on the way.

    Raises:
        InputError: a folder belongs to no camera, the frames cannot be paired, or the
            keypoint set is unknown.
    """
    where = str(folders[0].parent)
    by_camera = match_cameras(where, rig.names, {path.name: path for path in folders})
    rig, notes = keep_cameras(rig, tuple(n for n in rig.names if n in by_camera), where)
    cameras: dict[str, CameraDetections] = {
        name: read_camera_folder(by_camera[name]) for name in rig.names
    }
    check_same_frames(cameras)
    n_keypoints = max(camera.n_keypoints for camera in cameras.values())
    if n_keypoints == 0:
        raise InputError(where, "No camera detected anybody.", "Check the videos and detector.")
    set_name, names = keypoint_set_for(where, n_keypoints, keypoint_set)
    association = associate(rig, tuple(cameras.values()), frame_rate_hz)
    keypoints = Keypoints(
        pixels=association.detections[..., :2],
        confidence=association.detections[..., 2],
        time=np.arange(association.detections.shape[1]) / frame_rate_hz,
        names=names,
        set_name=set_name,
        camera_names=rig.names,
    )
    return rig, keypoints, (*notes, *association.notes)


def keep_cameras(
    rig: CameraRig, names: tuple[str, ...], where: str
) -> tuple[CameraRig, tuple[str, ...]]:
    """The cameras that have keypoints, and a note that names the others.

    One broken camera must not stop a laboratory, so it is left out and said so.
    """
    missing = [name for name in rig.names if name not in names]
    if not missing:
        return rig.subset(names), ()
    return rig.subset(names), (
        f"Left out {', '.join(missing)}: in the rig, but without keypoints in {where}.",
    )


def match_cameras(
    where: str, rig_names: tuple[str, ...], found: dict[str, pathlib.Path]
) -> dict[str, pathlib.Path]:
    """Pair files or folders with the cameras of a rig by name.

    Upper and lower case, punctuation, leading zeros and endings such as `_json` do not count
    (`cam_01` is `cam01_json`); failing that, a camera whose name is part of the other.

    Raises:
        InputError: a name fits no camera or several, or two names fit one camera.
    """
    paired: dict[str, pathlib.Path] = {}
    for name, path in found.items():
        fits = _fitting(name, rig_names)
        known = ", ".join(rig_names)
        if not fits:
            raise InputError(
                where,
                f"There are keypoints of {name}, which is not in the rig (it has {known}).",
                "Name the folder like its camera, or calibrate that camera too.",
            )
        if len(fits) > 1:
            raise InputError(
                where,
                f"{name} may be any of the cameras {', '.join(fits)}.",
                f"Name it exactly like its camera (the rig has {known}).",
            )
        if fits[0] in paired:
            raise InputError(
                where,
                f"{paired[fits[0]].name} and {name} both look like camera {fits[0]}.",
                "Remove or rename one of them.",
            )
        paired[fits[0]] = path
    return paired


def find_videos(folder: pathlib.Path, rig_names: tuple[str, ...]) -> dict[str, pathlib.Path]:
    """Videos of a folder by the camera they belong to; others are passed over."""
    if not folder.is_dir():
        return {}
    videos: dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()):
        fits = _fitting(path.stem, rig_names) if path.suffix.lower() in _VIDEO_SUFFIXES else []
        if len(fits) == 1:
            videos.setdefault(fits[0], path)
    return videos


def frame_rate_of(where: str, videos: dict[str, pathlib.Path]) -> float:
    """Frame rate the videos state, in Hz.

    Raises:
        InputError: no video, a video that cannot be read or states no rate, or videos with
            different rates.
    """
    rates = {name: _video_rate(path) for name, path in videos.items()}
    if not rates:
        raise InputError(
            where,
            "The frame rate is unknown: neither a configuration nor a video gives it.",
            "State it, in frames per second.",
        )
    slowest, fastest = min(rates.values()), max(rates.values())
    if fastest - slowest > _RATE_TOLERANCE * fastest:
        listed = ", ".join(f"{name} {rate:g} Hz" for name, rate in rates.items())
        raise InputError(
            where,
            f"The videos have different frame rates ({listed}).",
            "Bring them to one rate before detecting keypoints, or state the rate they share.",
        )
    return float(np.median(list(rates.values())))


def _video_rate(path: pathlib.Path) -> float:
    """Frame rate in the header of a video."""
    import cv2

    video = cv2.VideoCapture(str(path))
    rate = float(video.get(cv2.CAP_PROP_FPS)) if video.isOpened() else 0.0
    video.release()
    if not 1.0 <= rate <= 10_000.0:
        raise InputError(
            str(path),
            "The video cannot be opened, or states no frame rate.",
            "State the frame rate, in frames per second.",
        )
    return rate


@dataclasses.dataclass(frozen=True)
class _Normalised:
    """A name without what people write differently."""

    text: str

    def is_part_of(self, other: "_Normalised") -> bool:
        """Whether it occurs in the other, and not as the start of a longer number."""
        pattern = rf"(?<![0-9]){re.escape(self.text)}(?![0-9])"
        return bool(self.text) and re.search(pattern, other.text) is not None


def _normalised(name: str) -> _Normalised:
    name = name.lower()
    while (shorter := _SUFFIX.sub("", name)) not in (name, ""):
        name = shorter
    return _Normalised(re.sub(r"0+(?=\d)", "", re.sub(r"[^a-z0-9]", "", name)))


def _fitting(name: str, rig_names: Iterable[str]) -> list[str]:
    """Cameras a name may mean: the same name, else the same but for spelling, else a part."""
    cameras = {camera: _normalised(camera) for camera in rig_names}
    own = _normalised(name)
    return (
        [camera for camera in cameras if camera == name]
        or [camera for camera, known in cameras.items() if known == own]
        or [c for c, known in cameras.items() if known.is_part_of(own) or own.is_part_of(known)]
    )
