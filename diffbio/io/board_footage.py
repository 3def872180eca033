"""Pictures and videos of a calibration board, one folder or one video per camera."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from diffbio.errors import InputError

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v")

_SAME_RATE = 0.002
"""Relative: 29.97 and 30 frames per second are the same, written differently."""

_SAME_LENGTH = 3
"""Frames by which cameras that were started together may differ."""

_LAYOUT = (
    "Give a folder with one folder of pictures, or one video, per camera; pictures taken at the "
    "same time end in the same number."
)


@dataclasses.dataclass(frozen=True)
class CameraFootage:
    """What one camera recorded.

    Attributes:
        name: of the camera: its folder, or its video without ending.
        files: its pictures in order, or its one video.
        every: of a video, each so-manyth frame is read.
    """

    name: str
    files: tuple[pathlib.Path, ...]
    every: int

    @property
    def is_video(self) -> bool:
        """Whether the footage is a video."""
        return self.files[0].suffix.lower() in VIDEOS

    def __len__(self) -> int:
        """How many pictures there are to read; of a video as it claims."""
        if not self.is_video:
            return len(self.files)
        return max(-(-self.video_claims[1] // self.every), 0)

    @property
    def video_claims(self) -> tuple[float, int]:
        """Frame rate and number of frames, as the head of the video has them.

        Raises:
            InputError: it is no video.
        """
        import cv2

        video = _opened(self.files[0])
        claims = video.get(cv2.CAP_PROP_FPS), int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        video.release()
        return claims

    def pictures(self) -> Iterator[tuple[str, np.ndarray]]:
        """Label and grey picture, one after the other; of videos as players show them, upright.

        Raises:
            InputError: a file cannot be read, or pictures have different sizes.
        """
        size = None
        for label, picture, where in self._frames():
            if size is not None and picture.shape != size:
                raise InputError(
                    str(where),
                    f"It is {picture.shape[1]} x {picture.shape[0]}, the pictures before it are "
                    f"{size[1]} x {size[0]}.",
                    "Calibrate each resolution, and each way a camera was turned, by itself.",
                )
            size = picture.shape
            yield label, picture

    def _frames(self) -> Iterator[tuple[str, np.ndarray, pathlib.Path]]:
        import cv2

        if not self.is_video:
            for path in self.files:
                picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
                if picture is None:
                    raise InputError(
                        str(path), "It cannot be read as a picture.", "Remove it, or save it anew."
                    )
                yield _label(path), picture, path
            return
        path = self.files[0]
        video = _opened(path)
        frame = 0
        while video.grab():
            if frame % self.every == 0:
                there, picture = video.retrieve()
                if there:
                    yield f"{frame:06d}", cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), path
            frame += 1
        video.release()
        if frame == 0:
            raise InputError(
                str(path), "No frame of the video can be read.", "Convert it to MP4 (H.264)."
            )


def _opened(path: pathlib.Path) -> Any:
    import cv2

    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise InputError(
            str(path),
            "It cannot be opened as a video.",
            "Copy it anew, as it may be cut off, or convert it to MP4 (H.264).",
        )
    return video


def read_footage(folder: pathlib.Path, *, every: int) -> list[CameraFootage]:
    """The cameras of a folder, by name.

    Raises:
        InputError: there is no such folder, or nothing in it that a camera recorded.
    """
    if not folder.is_dir():
        raise InputError(str(folder), "It is no folder.", _LAYOUT)
    cameras = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
            videos = sorted(p for p in path.iterdir() if p.suffix.lower() in VIDEOS)
            if (files and videos) or len(videos) > 1:
                raise InputError(
                    str(path),
                    f"It holds {len(files)} pictures and {len(videos)} videos.",
                    "Leave either pictures or one video of each camera.",
                )
            _check_labels(path, files)
            if files or videos:
                cameras.append(CameraFootage(path.name, tuple(files or videos), every))
        elif path.suffix.lower() in VIDEOS:
            cameras.append(CameraFootage(path.stem, (path,), every))
    if not cameras:
        raise InputError(str(folder), "It holds no camera's pictures or videos.", _LAYOUT)
    return cameras


def without_footage(folder: pathlib.Path) -> tuple[str, ...]:
    """Folders in a folder of footage in which no camera's pictures or video are."""
    return tuple(
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir()
        and not path.name.startswith(".")
        and not any(p.suffix.lower() in PICTURES + VIDEOS for p in path.iterdir())
    )


def _check_labels(folder: pathlib.Path, files: list[pathlib.Path]) -> None:
    """Refuse pictures of one camera that would count as taken at the same time.

    Raises:
        InputError: two end in the same number.
    """
    labels: dict[str, pathlib.Path] = {}
    for path in files:
        other = labels.setdefault(_label(path), path)
        if other != path:
            raise InputError(
                str(folder),
                f"{other.name} and {path.name} end in the same number, and one camera takes one "
                "picture at a time.",
                "Number the pictures of each camera, alike for all cameras.",
            )


def check_simultaneous(cameras: list[CameraFootage]) -> tuple[str, ...]:
    """Whether frames of the same number may have been taken at the same time.

    Returns:
        What is doubtful, in sentences.

    Raises:
        InputError: some cameras have videos and others pictures, or frame rates differ.
    """
    videos = [camera for camera in cameras if camera.is_video]
    if not videos:
        return ()
    if len(videos) < len(cameras):
        raise InputError(
            str(videos[0].files[0]),
            "It is a video, and other cameras have pictures, so that nobody knows which of them "
            "were taken at the same time.",
            "Give a video of each camera, or pictures of each; or find lenses only, with "
            "--not-synchronised.",
        )
    rates, counts = zip(*(camera.video_claims for camera in videos), strict=True)
    first, last = int(np.argmin(rates)), int(np.argmax(rates))
    if rates[last] > (1.0 + _SAME_RATE) * rates[first]:
        raise InputError(
            str(videos[last].files[0]),
            f"It has {rates[last]:.2f} frames per second, and {videos[first].files[0].name} has "
            f"{rates[first]:.2f}, so that frames of the same number were taken at other times.",
            "Convert the videos to one frame rate; or find lenses only, with --not-synchronised.",
        )
    if max(counts) - min(counts) > _SAME_LENGTH:
        return (
            f"The videos have {min(counts)} to {max(counts)} frames: they must start at the same "
            "moment, wherever they end.",
        )
    return ()


def _label(path: pathlib.Path) -> str:
    """The number at the end of a picture's name; its name where there is none."""
    match = re.search(r"(\d+)$", path.stem)
    return match[1].zfill(6) if match else path.stem
