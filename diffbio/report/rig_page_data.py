"""Numbers of the page of a rig, as its script reads them and as its tables show them."""

import base64
import dataclasses
from typing import Any

import numpy as np

from diffbio.cameras.capture_volume import CaptureVolume
from diffbio.cameras.field_of_view import horizontal_angle, picture_edges
from diffbio.cameras.precision import axis_sd, worst_direction
from diffbio.cameras.rig import CameraRig

UNIT_MM = 0.02
"""Of the standard deviations in the page: 65534 of them are 1.3 m, and more is shown as that."""

_NOTHING = 65535
"""A cell in which nothing can be triangulated."""

_EDGES = 8
"""Directions along each side of a picture."""


@dataclasses.dataclass(frozen=True)
class CameraDeviations:
    """How certain a calibration is of a camera."""

    centre_mm: float
    rotation_deg: float
    focal_percent: float


@dataclasses.dataclass(frozen=True)
class ShownRig:
    """A rig to be shown.

    Attributes:
        name: of the rig, for the title.
        source: where it was read.
        rig: the cameras, in the world that is shown.
        volume: what they can measure.
        pixel_sd: of detections, in pixels, for which that holds.
        floor_known: whether z = 0 is taken to be the floor.
        headline: what it can do, in one sentence.
        hints: further sentences.
        notes: on what was read and decided.
        deviations: by camera, where the calibration states them.
    """

    name: str
    source: str
    rig: CameraRig
    volume: CaptureVolume
    pixel_sd: float
    floor_known: bool
    headline: str
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    deviations: dict[str, CameraDeviations] = dataclasses.field(default_factory=dict)


def rig_page_data(shown: ShownRig) -> dict[str, Any]:
    """Everything the page draws: metres, unless a name says otherwise."""
    grid, precision = shown.volume.grid, shown.volume.precision
    from_rig = bool(np.nanmax(precision.from_rig[:, 0, 0], initial=0.0) > 0.0)
    return {
        "pixel_sd": shown.pixel_sd,
        "floor_known": shown.floor_known,
        "cameras": _cameras(shown.rig),
        "grid": {
            "low": [round(x, 6) for x in grid.low],
            "step": [round(x, 9) for x in grid.step],
            "shape": list(grid.shape),
        },
        "unit_mm": UNIT_MM,
        "nothing": _NOTHING,
        "from_pixels": _deviations(precision.from_pixels),
        "from_rig": _deviations(precision.from_rig) if from_rig else None,
        "seen": _encoded(np.packbits(precision.seen, axis=0, bitorder="little").T),
    }


def lens_name(rig: CameraRig, camera: int) -> str:
    """The lens model of a camera, in words."""
    k1, k2, p1, p2, k3 = np.asarray(rig.distortion, float)[camera]
    if rig.fisheye[camera]:
        return "fisheye"
    if not np.any([k1, k2, p1, p2, k3]):
        return "pinhole"
    # At the edge of the picture, in per cent of the distance from its middle.
    half = (np.asarray(rig.image_size[camera]) / 2.0) / np.asarray(rig.focal_px, float)[camera]
    squared = float(half[0] ** 2)
    bent = 100.0 * squared * (k1 + squared * (k2 + squared * k3))
    if abs(bent) < 0.05:
        return "OpenCV, straight"
    return f"OpenCV, {'barrel' if bent < 0.0 else 'pincushion'} {abs(bent):.1f} %"


def camera_rows(shown: ShownRig) -> list[dict[str, str]]:
    """The table of cameras, by heading, as text."""
    rig = shown.rig
    centres, focal = np.asarray(rig.centres, float), np.asarray(rig.focal_px, float)
    forward = np.asarray(rig.camera_from_world_rotation, float)[:, 2]
    angle = np.degrees(horizontal_angle(rig))
    share = shown.volume.precision.seen.mean(axis=1)
    rows = []
    for i, name in enumerate(rig.names):
        row = {
            "camera": name,
            "picture, px": "{} × {}".format(*rig.image_size[i]),
            "focal length, px": f"{focal[i].mean():.0f}",
            "horizontal view, deg": f"{angle[i]:.0f}",
            "lens": lens_name(rig, i),
            "x, y, z, m": ", ".join(f"{value:.2f}" for value in centres[i].round(2) + 0.0),
            "looks": _direction(forward[i]),
            "sees of the box": f"{100 * share[i]:.0f} %",
        }
        if shown.deviations:
            sd = shown.deviations.get(name)
            row["place sd, mm"] = f"{sd.centre_mm:.1f}" if sd else "–"
            row["turn sd, deg"] = f"{sd.rotation_deg:.3f}" if sd else "–"
            row["focal sd, %"] = f"{sd.focal_percent:.2f}" if sd else "–"
        rows.append(row)
    return rows


def height_rows(shown: ShownRig) -> list[dict[str, str]]:
    """The map in words: at a few heights, what is seen and how precisely."""
    grid, precision = shown.volume.grid, shown.volume.precision
    heading = "height, m" if shown.floor_known else "z, m"
    error = np.where(precision.determined, precision.error, np.nan).reshape(grid.shape)
    rows = []
    for layer in np.unique(np.linspace(0, grid.shape[2] - 1, 7).round().astype(int)):
        values = error[:, :, layer][np.isfinite(error[:, :, layer])]
        height = grid.low[2] + (layer + 0.5) * grid.step[2]
        numbers = [np.nan] * 3 if not values.size else np.percentile(1e3 * values, [0, 50, 95])
        rows.append(
            {
                heading: f"{height:.2f}",
                "seen by two cameras": f"{100 * values.size / error[:, :, layer].size:.0f} %",
                **{
                    name: "–" if np.isnan(number) else f"{number:.1f}"
                    for name, number in zip(
                        ("best, mm", "median, mm", "95 % within, mm"), numbers, strict=True
                    )
                },
            }
        )
    return rows


def _cameras(rig: CameraRig) -> list[dict[str, Any]]:
    centres, edges = np.asarray(rig.centres, float), picture_edges(rig, _EDGES)
    forward = np.asarray(rig.camera_from_world_rotation, float)[:, 2]
    return [
        {
            "name": name,
            "centre": centres[i].round(5).tolist(),
            "forward": forward[i].round(5).tolist(),
            "edges": edges[i].round(5).tolist(),
        }
        for i, name in enumerate(rig.names)
    ]


def _direction(forward: np.ndarray) -> str:
    """Where a camera looks: around z from x, and up or down."""
    around = np.degrees(np.arctan2(forward[1], forward[0]))
    up = np.degrees(np.arcsin(np.clip(forward[2], -1.0, 1.0)))
    level = "level" if abs(up) < 0.5 else f"{abs(up):.0f}° {'up' if up > 0.0 else 'down'}"
    return level if abs(up) > 85.0 else f"{around:.0f}° from x, {level}"


def _deviations(covariance: np.ndarray) -> dict[str, str]:
    """Standard deviations along x, y and z and along the worst direction, encoded."""
    columns = dict(zip("xyz", axis_sd(covariance).T, strict=True))
    columns["worst"] = worst_direction(covariance)[0]
    return {name: _encoded(_whole(sd)) for name, sd in columns.items()}


def _whole(metres: np.ndarray) -> np.ndarray:
    units = np.minimum(1e3 * metres / UNIT_MM, _NOTHING - 1)
    return np.where(np.isfinite(units), np.round(units), _NOTHING).astype("<u2")


def _encoded(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
