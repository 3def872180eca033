"""Joint angles as the report draws them: what to call them, how to pair and group them."""

import dataclasses

import numpy as np

from diffbio.io.coordinate_values import Coordinates

GROUPS = ("Pelvis", "Hip", "Knee", "Ankle and foot", "Trunk and neck", "Shoulder")
GROUPS += ("Elbow and wrist", "Other")

_TITLES = {
    "pelvis_tilt": ("Pelvis", "Pelvis tilt"),
    "pelvis_list": ("Pelvis", "Pelvis list"),
    "pelvis_rotation": ("Pelvis", "Pelvis rotation"),
    "pelvis_tx": ("Pelvis", "Pelvis forward"),
    "pelvis_ty": ("Pelvis", "Pelvis up"),
    "pelvis_tz": ("Pelvis", "Pelvis to the right"),
    "hip_flexion": ("Hip", "Hip flexion"),
    "hip_adduction": ("Hip", "Hip adduction"),
    "hip_rotation": ("Hip", "Hip rotation"),
    "knee_angle": ("Knee", "Knee angle"),
    "ankle_angle": ("Ankle and foot", "Ankle angle"),
    "subtalar_angle": ("Ankle and foot", "Subtalar angle"),
    "mtp_angle": ("Ankle and foot", "Toe angle"),
    "lumbar_extension": ("Trunk and neck", "Lumbar extension"),
    "lumbar_bending": ("Trunk and neck", "Lumbar bending"),
    "lumbar_rotation": ("Trunk and neck", "Lumbar rotation"),
    "neck_extension": ("Trunk and neck", "Neck extension"),
    "neck_bending": ("Trunk and neck", "Neck bending"),
    "neck_rotation": ("Trunk and neck", "Neck rotation"),
    "elv_angle": ("Shoulder", "Plane of elevation"),
    "shoulder_elv": ("Shoulder", "Shoulder elevation"),
    "shoulder_rot": ("Shoulder", "Shoulder rotation"),
    "arm_flex": ("Shoulder", "Shoulder flexion"),
    "arm_add": ("Shoulder", "Shoulder adduction"),
    "arm_rot": ("Shoulder", "Shoulder rotation"),
    "elbow_flex": ("Elbow and wrist", "Elbow flexion"),
    "pro_sup": ("Elbow and wrist", "Forearm rotation"),
    "wrist_flex": ("Elbow and wrist", "Wrist flexion"),
    "wrist_dev": ("Elbow and wrist", "Wrist deviation"),
}


@dataclasses.dataclass(frozen=True)
class Chart:
    """One small chart: a coordinate, or the same coordinate of both sides.

    Attributes:
        group: heading it stands under, one of `GROUPS`.
        title: plain words.
        coordinate: OpenSim-style name without the side.
        unit: `deg` or `m`.
        column: column of the coordinates, by side `r`, `l` or `m` (middle).
    """

    group: str
    title: str
    coordinate: str
    unit: str
    column: dict[str, int]


def charts_of(coordinates: Coordinates) -> tuple[Chart, ...]:
    """Every coordinate once, left and right on the same chart, in anatomical order."""
    columns: dict[str, dict[str, int]] = {}
    units: dict[str, str] = {}
    for i, name in enumerate(coordinates.names):
        stem, side = split_side(name)
        columns.setdefault(stem, {})[side] = i
        units[stem] = coordinates.units[i]
    charts = []
    for stem, column in columns.items():
        group = _TITLES.get(stem, ("Other",))[0]
        charts.append(Chart(group, title_of(stem), stem, units[stem], column))
    order = list(_TITLES)
    charts.sort(
        key=lambda chart: (
            GROUPS.index(chart.group),
            order.index(chart.coordinate) if chart.coordinate in order else len(order),
        )
    )
    return tuple(charts)


def title_of(stem: str) -> str:
    """Plain words for a coordinate without its side."""
    return _TITLES.get(stem, ("Other", stem.replace("_", " ").capitalize()))[1]


def split_side(name: str) -> tuple[str, str]:
    """A name without its side, and the side: `r`, `l`, or `m` where there is none."""
    for side in ("r", "l"):
        if name.endswith(f"_{side}"):
            return name[:-2], side
    return name, "m"


def drawn_frames(count: int, most: int) -> np.ndarray:
    """Indices of at most `most` frames, evenly spaced."""
    return np.arange(0, count, max(1, -(-count // most)))
