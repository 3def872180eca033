"""Detections of moving points as cameras recorded them, and as they were at any instant."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

VELOCITY_SPAN = 0.05
"""In seconds: how far to both sides of a frame the velocity in the picture is measured."""

_LONGEST_GAP = 1.5
"""Of a camera's own interval: between frames farther apart nothing is interpolated."""

_SAME_INSTANT = 1e-3
"""Of a camera's own interval: as near as that, one frame alone will do."""


@dataclasses.dataclass(frozen=True)
class Tracks:
    """Points that several cameras followed.

    Attributes:
        pixels: lens distortion not removed; any finite value where the weight is 0.
        weight: trust in each detection, 0 to 1; 0 where there is none.
        stamps: when each camera says it took each picture, in seconds, ascending.
        partner: for each point the one it may be mistaken for, left for right; itself where it
            has none.
    """

    pixels: Float[np.ndarray, "camera time point 2"]
    weight: Float[np.ndarray, "camera time point"]
    stamps: Float[np.ndarray, "camera time"]
    partner: tuple[int, ...]

    @property
    def seen(self) -> Bool[np.ndarray, "camera time point"]:
        """Where there is a detection."""
        return self.weight > 0.0

    def of_cameras(self, rows: list[int]) -> "Tracks":
        """The tracks of some cameras, in the order asked for."""
        return dataclasses.replace(
            self, pixels=self.pixels[rows], weight=self.weight[rows], stamps=self.stamps[rows]
        )

    def swapped(self, camera: int) -> "Tracks":
        """One camera's left and right exchanged."""
        pixels, weight = self.pixels.copy(), self.weight.copy()
        pixels[camera] = pixels[camera][:, list(self.partner)]
        weight[camera] = weight[camera][:, list(self.partner)]
        return dataclasses.replace(self, pixels=pixels, weight=weight)

    def mirrored(self, camera: int, width: int) -> "Tracks":
        """One camera's pictures flipped, left for right."""
        pixels = self.pixels.copy()
        pixels[camera, ..., 0] = width - 1 - pixels[camera, ..., 0]
        return dataclasses.replace(self, pixels=pixels)


@dataclasses.dataclass(frozen=True)
class Samples:
    """Tracks at common instants.

    Attributes:
        pixels: interpolated; any finite value where the weight is 0.
        weight: the lesser of the two frames'.
        velocity_px: how fast the point moved in the picture, in pixels per second.
    """

    pixels: Float[np.ndarray, "camera time point 2"]
    weight: Float[np.ndarray, "camera time point"]
    velocity_px: Float[np.ndarray, "camera time point 2"]


def sampled(
    tracks: Tracks, times: Float[np.ndarray, "sample"], offset: Float[np.ndarray, "camera"]
) -> Samples:
    """Where the points were in the pictures at some instants.

    Args:
        tracks: as recorded.
        times: common time, in seconds.
        offset: what is added to each camera's time stamps to make them common time.
    """
    shape = (len(tracks.pixels), len(times), tracks.pixels.shape[2])
    pixels, weight = np.zeros((*shape, 2)), np.zeros(shape)
    velocity = np.zeros((*shape, 2))
    for camera in range(shape[0]):
        frames = np.flatnonzero(tracks.seen[camera].any(-1))
        if len(frames) < 2:
            continue
        stamps = tracks.stamps[camera, frames]
        own_pixels, own_weight = tracks.pixels[camera, frames], tracks.weight[camera, frames]
        slope = _velocity(own_pixels, own_weight > 0.0, stamps)
        wanted = times - offset[camera]
        right = np.clip(np.searchsorted(stamps, wanted), 1, len(stamps) - 1)
        left = right - 1
        interval = float(np.median(np.diff(stamps)))
        gap = stamps[right] - stamps[left]
        share = (wanted - stamps[left]) / gap
        near = _SAME_INSTANT * interval / gap
        one, other = share >= 1.0 - near, share <= near
        left, right = np.where(one, right, left), np.where(other & ~one, left, right)
        inside = (share >= -near) & (share <= 1.0 + near)
        inside &= (gap <= _LONGEST_GAP * interval) | (left == right)
        share = np.clip(share, 0.0, 1.0)[:, None, None]
        pixels[camera] = (1 - share) * own_pixels[left] + share * own_pixels[right]
        velocity[camera] = (1 - share) * slope[left] + share * slope[right]
        both = np.minimum(own_weight[left], own_weight[right])
        weight[camera] = np.where(inside[:, None], both, 0.0)
    return Samples(pixels, weight, velocity)


def _velocity(
    pixels: Float[np.ndarray, "frame point 2"],
    seen: Bool[np.ndarray, "frame point"],
    stamps: Float[np.ndarray, "frame"],
) -> Float[np.ndarray, "frame point 2"]:
    """Median of the slopes across each frame: one wrong detection does not turn it."""
    interval = float(np.median(np.diff(stamps)))
    reach = max(1, round(VELOCITY_SPAN / interval))
    slopes = []
    for step in range(1, min(reach, (len(stamps) - 1) // 2) + 1):
        slope = np.full(pixels.shape, np.nan)
        rise = pixels[2 * step :] - pixels[: -2 * step]
        run = stamps[2 * step :] - stamps[: -2 * step]
        both = seen[2 * step :] & seen[: -2 * step]
        both &= (run < 2 * _LONGEST_GAP * step * interval)[:, None]
        slope[step:-step] = np.where(both[..., None], rise / run[:, None, None], np.nan)
        slopes.append(slope)
    if not slopes:
        return np.zeros_like(pixels)
    stacked = np.stack(slopes)
    some = np.isfinite(stacked).any(0)
    stacked[:, ~some] = 0.0
    return np.nanmedian(stacked, axis=0)
