"""Pictures and videos of a calibration board, one folder or one video per camera."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

import numpy as np

from diffbio.errors import InputError

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v")

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
        import cv2

        count = int(cv2.VideoCapture(str(self.files[0])).get(cv2.CAP_PROP_FRAME_COUNT))
        return max(-(-count // self.every), 0)

    def pictures(self) -> Iterator[tuple[str, np.ndarray]]:
        """Label and grey picture, one after the other.

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
        video = cv2.VideoCapture(str(path))
        frame = 0
        while video.grab():
            if frame % self.every == 0:
                there, picture = video.retrieve()
                if there:
                    yield f"{frame:06d}", cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), path
            frame += 1
        if frame == 0:
            raise InputError(
                str(path), "No frame of the video can be read.", "Convert it to MP4 (H.264)."
            )


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
            if files or videos:
                cameras.append(CameraFootage(path.name, tuple(files or videos), every))
        elif path.suffix.lower() in VIDEOS:
            cameras.append(CameraFootage(path.stem, (path,), every))
    if not cameras:
        raise InputError(str(folder), "It holds no camera's pictures or videos.", _LAYOUT)
    return cameras


def _label(path: pathlib.Path) -> str:
    """The number at the end of a picture's name; its name where there is none."""
    match = re.search(r"(\d+)$", path.stem)
    return match[1].zfill(6) if match else path.stem
