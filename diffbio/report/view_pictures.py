"""Pictures of videos for the viewer: small, and with the distortion of their lenses removed."""

import base64
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from diffbio.cameras import CameraRig
from diffbio.io.read_result import FittedPerson
from diffbio.report.overlay_video import pictures_of

BUDGET = 12_000_000
"""Bytes of all pictures on a page, as they stand in it."""

_HEIGHT_PX, _LEAST_HEIGHT_PX = 540, 270
_QUALITY = 62
_MOST_PICTURES = 60
"""Of each camera: two a second of half a minute."""


@dataclasses.dataclass(frozen=True)
class CameraPictures:
    """Pictures of one camera.

    Attributes:
        frames: of the fit, in their order.
        images: JPEG data addresses, as the pinhole with the camera's focal length would see it.
    """

    frames: list[int]
    images: list[str]


def camera_pictures(
    person: FittedPerson, videos: Sequence[tuple[pathlib.Path, str]], budget: int = BUDGET
) -> dict[str, CameraPictures]:
    """Pictures evenly spread over the fit, by camera.

    Args:
        person: the fit.
        videos: files and the cameras they are of; frame i is keypoint frame i.
        budget: largest size of all, in bytes.
    """
    share = budget // max(1, len(videos))
    return {camera: _pictures(person, video, camera, share) for video, camera in videos}


def _pictures(
    person: FittedPerson, video: pathlib.Path, camera: str, budget: int
) -> CameraPictures:
    """As many as fit, first at the full height, then smaller."""
    import cv2

    step = -(-len(person.time) // _MOST_PICTURES)
    rig, maps, kept = person.rig.subset((camera,)), None, []
    for frame, picture in pictures_of(video, person):
        if frame % step:
            continue
        height = min(_HEIGHT_PX, picture.shape[0])
        width = round(picture.shape[1] * height / picture.shape[0])
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        if maps is None:
            maps = _straightening(rig, width, height)
        kept.append((frame, cv2.remap(small, maps[0], maps[1], cv2.INTER_LINEAR)))
    for height in (_HEIGHT_PX, 400, _LEAST_HEIGHT_PX):
        images = [_address(cv2, picture, height) for _, picture in kept]
        if sum(map(len, images)) <= budget:
            break
    frames = [frame for frame, _ in kept]
    while images and sum(map(len, images)) > budget:
        frames, images = frames[::2], images[::2]
        if len(images) == 1:
            break
    return CameraPictures(frames, images)


def _straightening(rig: CameraRig, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of the straight picture, where it is in the one that was taken."""
    size = np.asarray(rig.image_size[0], float)
    scale = size / np.array([width, height])
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    # Centres of pixels, in those of the calibration.
    pixels = (np.stack([u, v], axis=-1) + 0.5) * scale - 0.5
    focal, principal = np.asarray(rig.focal_px[0]), np.asarray(rig.principal_px[0])
    bent = np.asarray(rig.image_from_normalised(jnp.asarray((pixels - principal) / focal)[None]))
    places = ((bent[0] + 0.5) / scale - 0.5).astype(np.float32)
    return places[..., 0].copy(), places[..., 1].copy()


def _address(cv2: Any, picture: np.ndarray, height: int) -> str:
    if picture.shape[0] > height:
        width = round(picture.shape[1] * height / picture.shape[0])
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")
