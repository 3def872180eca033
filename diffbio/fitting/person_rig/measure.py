"""What makes a rig metric: how tall the person stands, or one known distance."""

import dataclasses
from typing import TypeAlias

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras import CameraRig
from diffbio.errors import InputError, UnknownNameError

LEAST_HEIGHT, MOST_HEIGHT = 0.6, 2.5
"""In metres, of people who walk."""


@dataclasses.dataclass(frozen=True)
class Height:
    """How tall the person stands, barefoot or in the shoes of the recording, in metres."""

    metres: float

    def __post_init__(self) -> None:
        if not LEAST_HEIGHT <= self.metres <= MOST_HEIGHT:
            centimetres = LEAST_HEIGHT <= self.metres / 100 <= MOST_HEIGHT
            meant = f", such as {self.metres / 100:.2f}" if centimetres else ""
            raise InputError(
                "height",
                f"A person {self.metres:g} m tall"
                + (" was probably measured in centimetres." if centimetres else " does not exist."),
                f"Give metres{meant}.",
            )


@dataclasses.dataclass(frozen=True)
class Distance:
    """The distance between two keypoints of one rigid thing, or between two cameras, in metres."""

    first: str
    second: str
    metres: float

    def __post_init__(self) -> None:
        if not 0.02 <= self.metres <= 100.0:
            raise InputError(
                "distance", f"Found {self.metres:g} m.", "Give metres, between 0.02 and 100."
            )
        if self.first == self.second:
            raise InputError(
                "distance",
                f"It is from {self.first} to itself.",
                "Name two keypoints, or two cameras.",
            )


Measure: TypeAlias = Height | Distance


def check_names(
    measure: Measure, camera_names: tuple[str, ...], keypoint_names: tuple[str, ...]
) -> None:
    """Refuse a distance between things that nobody knows.

    Raises:
        UnknownNameError: neither two cameras nor two keypoints have these names.
    """
    if isinstance(measure, Height):
        return
    asked = (measure.first, measure.second)
    if set(asked) <= set(camera_names) or set(asked) <= set(keypoint_names):
        return
    known = (*camera_names, *keypoint_names)
    stranger = next((name for name in asked if name not in known), None)
    if stranger is None:
        raise InputError(
            "distance",
            f"{asked[0]} and {asked[1]} are a camera and a keypoint.",
            "Name two cameras, or two keypoints.",
        )
    raise UnknownNameError("distance", "camera or keypoint", stranger, known)


def measured_distance(
    measure: Distance,
    rig: CameraRig,
    points: Float[np.ndarray, "time keypoint 3"],
    keypoint_names: tuple[str, ...],
) -> tuple[float, float]:
    """The distance in the unit of the rig, and its relative standard deviation over time.

    Raises:
        InputError: the keypoints were never located at the same time.
    """
    if {measure.first, measure.second} <= set(rig.names):
        a, b = (rig.names.index(name) for name in (measure.first, measure.second))
        return float(np.linalg.norm(np.asarray(rig.centres)[a] - np.asarray(rig.centres)[b])), 0.0
    a, b = (keypoint_names.index(name) for name in (measure.first, measure.second))
    each = np.linalg.norm(points[:, a] - points[:, b], axis=-1)
    each = each[np.isfinite(each)]
    if len(each) == 0:
        raise InputError(
            "distance",
            f"{measure.first} and {measure.second} were never located at the same time.",
            "Choose two keypoints that two cameras see.",
        )
    middle = float(np.median(each))
    return middle, float(1.4826 * np.median(np.abs(each - middle)) / middle)


def resized(rig: CameraRig, factor: float) -> CameraRig:
    """The rig with all lengths multiplied."""
    translation = rig.camera_from_world_translation * jnp.asarray(factor, rig.focal_px.dtype)
    return eqx.tree_at(lambda r: r.camera_from_world_translation, rig, translation)
