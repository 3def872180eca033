"""Detected image keypoints of one person, seen by several synchronised cameras."""

import dataclasses

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from diffbio.errors import UnknownNameError

MIN_CONFIDENCE = 0.3
"""Detections below this are ignored by fit and report alike (the fixed yardstick)."""


class Keypoints(eqx.Module):
    """Detections of one person.

    Attributes:
        pixels: u right, v down, origin at the centre of the top-left pixel, lens distortion
            not removed; zero where nothing was detected.
        confidence: 0 to 1; 0 where nothing was detected.
        time: sample times common to all cameras, in seconds.
        names: keypoint names, in array order.
        set_name: the keypoint set the names belong to, for instance `body_25b`.
        camera_names: camera names, in array order.
        lag: when each camera took its picture, after the sample time, in seconds; None where
            all cameras did at the sample times.
    """

    pixels: Float[Array | np.ndarray, "camera time keypoint 2"]
    confidence: Float[Array | np.ndarray, "camera time keypoint"]
    time: Float[Array | np.ndarray, "time"]
    names: tuple[str, ...] = eqx.field(static=True)
    set_name: str = eqx.field(static=True)
    camera_names: tuple[str, ...] = eqx.field(static=True)
    lag: Float[Array | np.ndarray, "camera time"] | None = None

    @property
    def interval(self) -> float:
        """Usual time from one sample to the next, in seconds; 1 where there is one sample."""
        return float(np.median(np.diff(self.time))) if len(self.time) > 1 else 1.0

    def of_cameras(self, names: tuple[str, ...]) -> "Keypoints":
        """What the named cameras detected, in the order asked for.

        Raises:
            UnknownNameError: there is no camera of that name.
        """
        for name in names:
            if name not in self.camera_names:
                raise UnknownNameError("keypoints", "camera", name, self.camera_names)
        rows = [self.camera_names.index(name) for name in names]
        return dataclasses.replace(
            self,
            pixels=self.pixels[rows, ...],
            confidence=self.confidence[rows, ...],
            lag=None if self.lag is None else self.lag[rows, ...],
            camera_names=tuple(names),
        )
