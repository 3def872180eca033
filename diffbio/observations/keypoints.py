"""Detected image keypoints of one person, seen by several synchronised cameras."""

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

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
    """

    pixels: Float[Array | np.ndarray, "camera time keypoint 2"]
    confidence: Float[Array | np.ndarray, "camera time keypoint"]
    time: Float[Array | np.ndarray, "time"]
    names: tuple[str, ...] = eqx.field(static=True)
    set_name: str = eqx.field(static=True)
    camera_names: tuple[str, ...] = eqx.field(static=True)
