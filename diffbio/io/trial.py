"""A trial as it was read, whatever the folder looked like."""

import dataclasses
import pathlib

from diffbio.cameras import CameraRig
from diffbio.observations import Keypoints


@dataclasses.dataclass(frozen=True)
class Trial:
    """One recording, ready to fit.

    Attributes:
        name: short name of the trial, used in titles and messages.
        source: the file or folder it was read from.
        rig: cameras in the order of `keypoints.camera_names`.
        keypoints: detections of the person of interest.
        frame_rate_hz: sampling rate of the keypoints.
        videos: video file of each camera that has one, by camera name.
        notes: what the reader decided on the way, as plain sentences for the log.
    """

    name: str
    source: pathlib.Path
    rig: CameraRig
    keypoints: Keypoints
    frame_rate_hz: float
    videos: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
