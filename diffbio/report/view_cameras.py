"""The cameras of the viewer: where they stand, what they detected, where detections meet."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.cameras import CameraRig
from diffbio.cameras.triangulation import least_squares_points
from diffbio.io.read_result import FittedPerson
from diffbio.report.body_rows import rounded
from diffbio.report.packed_arrays import MISSING, Packed

_PIXELS_SHOWN = 32000
"""Steps along the longer side of a picture and a bit beyond: at most a tenth of a pixel each."""

_TRIANGULATION_ROUNDS, _TRIANGULATION_SCALE_PX = 3, 10.0


def shown_cameras(packed: Packed, person: FittedPerson) -> list[dict[str, Any]]:
    """Cameras as pinholes, and what they saw with the distortion of their lenses removed."""
    rig, pixels = person.rig, in_step(person)
    seen = np.isfinite(pixels[..., 0])
    straight = straightened(rig, jnp.asarray(np.where(seen[..., None], pixels, 0.0)))
    rows, stored = [], []
    for i, name in enumerate(rig.names):
        size = max(rig.image_size[i])
        unit = max(0.02, 1.3 * size / _PIXELS_SHOWN)
        middle = np.asarray(rig.image_size[i]) / 2.0
        whole = np.round((straight[i] - middle) / unit)
        shown = seen[i] & np.all(np.abs(whole) < -MISSING, axis=-1)
        stored.append(np.where(shown[..., None], whole, MISSING))
        rows.append(
            {
                "name": name,
                "size": list(rig.image_size[i]),
                "focal": _list(rig.focal_px[i], 4),
                "principal": _list(rig.principal_px[i], 4),
                "rotation": _list(rig.camera_from_world_rotation[i], 8),
                "centre": _list(rig.centres[i], 5),
                "unit": unit,
                "seen": rounded(100.0 * float(seen[i].any(axis=1).mean()), 0),
            }
        )
    by_time = np.stack(stored, axis=1) if stored else np.zeros((len(person.time), 0, 0, 2))
    packed.add("detections", by_time, "int16", moving=True)
    return rows


def straightened(
    rig: CameraRig, pixels: Float[Array, "camera time marker 2"]
) -> Float[np.ndarray, "camera time marker 2"]:
    """Pixels of the pinhole that has the same focal length and principal point."""
    normal = np.asarray(rig.normalised_from_image(pixels))
    focal, principal = np.asarray(rig.focal_px), np.asarray(rig.principal_px)
    return normal * focal[:, None, None] + principal[:, None, None]


def triangulated(person: FittedPerson) -> Float[np.ndarray, "time marker 3"]:
    """Where the detections of all cameras meet, without any body, in metres; NaN where unknown.

    Linear least squares, reweighted so that detections far off the others count little.
    """
    rig, pixels = person.rig, in_step(person)
    seen = np.isfinite(pixels[..., 0])
    known = jnp.asarray(np.where(seen[..., None], pixels, 0.0))
    rays = rig.normalised_from_image(known)
    trust = jnp.asarray(np.where(seen, 1.0, 0.0))
    weight, points = trust, jnp.zeros((*pixels.shape[1:3], 3))
    for _ in range(_TRIANGULATION_ROUNDS):
        points = least_squares_points(rig, rays, weight)
        miss = jnp.linalg.norm(rig.project(points) - known, axis=-1)
        weight = trust / (1.0 + (miss / _TRIANGULATION_SCALE_PX) ** 2)
    enough = seen.sum(axis=0) >= 2
    return np.where(enough[..., None], np.asarray(points), np.nan)


def in_step(person: FittedPerson) -> Float[np.ndarray, "camera time marker 2"]:
    """Detections at the times of the frames, where clocks were corrected: between two pictures."""
    pixels, period = person.detected_px, 1.0 / person.frame_rate_hz
    moved = []
    for of_camera, offset in zip(pixels, person.clock_offset, strict=True):
        late = offset / period
        if abs(late) < 0.01:
            moved.append(of_camera)
            continue
        at = np.arange(len(of_camera)) - late
        before = np.floor(at).astype(int)
        share = (at - before)[:, None, None]
        inside = (before >= 0) & (before + 1 < len(of_camera))
        first = np.clip(before, 0, len(of_camera) - 1)
        second = np.clip(before + 1, 0, len(of_camera) - 1)
        between = (1.0 - share) * of_camera[first] + share * of_camera[second]
        moved.append(np.where(inside[:, None, None], between, np.nan))
    return np.stack(moved) if moved else pixels


def _list(values: Float[Array, "..."], digits: int) -> list[float]:
    return np.asarray(values, float).ravel().round(digits).tolist()
