"""Curves of the gait page: nine angles of clinical gait analysis and three of the trunk.

The trunk's are those of the torso on the pelvis, in the signs of the other nine: forward, towards
the own side, and the own side forward are positive.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.gait import GaitPoints, angle_curves, clinical_angles
from diffbio.gait.angles import AngleCurves
from diffbio.gait.cycles import Cycle
from diffbio.gait.events import GaitEvent, Side
from diffbio.gait.gait_points import SIDES
from diffbio.io.coordinate_values import Coordinates
from diffbio.observations import Markers


@dataclasses.dataclass(frozen=True)
class GaitAngle:
    """One chart.

    Attributes:
        name: of the angle, in files.
        title: in words.
        positive: what is positive.
    """

    name: str
    title: str
    positive: str


ANGLES = (
    GaitAngle("pelvis_tilt", "Pelvis tilt", "forward"),
    GaitAngle("pelvis_obliquity", "Pelvis obliquity", "own side up"),
    GaitAngle("pelvis_rotation", "Pelvis rotation", "own side forward"),
    GaitAngle("hip_flexion", "Hip flexion", "flexion"),
    GaitAngle("hip_adduction", "Hip adduction", "adduction"),
    GaitAngle("hip_rotation", "Hip rotation", "internal"),
    GaitAngle("knee_flexion", "Knee flexion", "flexion"),
    GaitAngle("ankle_dorsiflexion", "Ankle dorsiflexion", "dorsiflexion"),
    GaitAngle("foot_progression", "Foot progression", "toes in"),
    GaitAngle("trunk_flexion", "Trunk flexion on pelvis", "forward"),
    GaitAngle("trunk_lean", "Trunk bending on pelvis", "to own side"),
    GaitAngle("trunk_rotation", "Trunk rotation on pelvis", "own side forward"),
)

NAMES = tuple(angle.name for angle in ANGLES)

_TRUNK = ("lumbar_extension", "lumbar_bending", "lumbar_rotation")
"""Coordinates: backwards, to the right and to the left positive."""

_NO_COORDINATES = "Markers alone have no joint angles: fit a body with diffbio fit."
_NO_TRAVEL = "The direction of travel, or a marker of the foot, is not known."
_NO_CYCLE = {
    "r": "The right foot has no complete stride.",
    "l": "The left foot has no complete stride.",
}
_NO_CYCLE_AT_ALL = "There is no complete stride."

_SPINES = (
    ("RASI", "LASI", "RPSI", "LPSI"),
    ("r.ASIS_study", "L.ASIS_study", "r.PSIS_study", "L.PSIS_study"),
    ("rasis", "lasis", "rpsis", "lpsis"),
)
"""Iliac spines as several marker sets call them: front right and left, back right and left."""


@dataclasses.dataclass(frozen=True)
class SideCurves:
    """Curves of one side.

    Attributes:
        angles: all of `NAMES`, in degrees; NaN where one is not known.
        toe_off: in percent of the cycle, the mean; NaN where there is no cycle.
        reasons: for each angle that is not known, why.
        opposite_toe_off: of the other foot, in percent of the cycle, the mean; NaN where no cycle
            has it.
        opposite_contact: likewise.
    """

    angles: AngleCurves
    toe_off: float
    reasons: dict[str, str]
    opposite_toe_off: float = np.nan
    opposite_contact: float = np.nan


def side_curves(
    coordinates: Coordinates | None,
    points: GaitPoints,
    cycles: tuple[Cycle, ...],
    *,
    side: Side,
    pelvis_inclination: float,
) -> SideCurves:
    """Cut the angles of one side into its cycles.

    Args:
        coordinates: of a fitted body, at the times of the points; None where there is none.
        points: as seen from the ground.
        cycles: of both sides.
        side: `r` or `l`.
        pelvis_inclination: as in `gait.clinical_angles`.
    """
    values, sd = _angles(coordinates, points, side, pelvis_inclination)
    cut = angle_curves(cycles, points.time, NAMES, np.rad2deg(values), side=side, sd=np.rad2deg(sd))
    own = [cycle for cycle in cycles if cycle.side == side]
    return SideCurves(
        cut,
        _when(own, [one.toe_off for one in own]),
        _reasons(cut, coordinates, side, bool(cycles)),
        _when(own, [one.opposite_toe_off for one in own]),
        _when(own, [one.opposite_contact for one in own]),
    )


def _when(cycles: list[Cycle], events: Sequence[GaitEvent | None]) -> float:
    """Mean time of an event in percent of its cycle; NaN where no cycle has one within."""
    shares = [
        100 * (event.time - cycle.start.time) / cycle.duration
        for cycle, event in zip(cycles, events, strict=True)
        if event is not None
    ]
    inside = [share for share in shares if share > 0.0]
    return float(np.mean(inside)) if inside else np.nan


def _angles(
    coordinates: Coordinates | None, points: GaitPoints, side: Side, inclination: float
) -> tuple[Float[np.ndarray, "time angle"], Float[np.ndarray, "time angle"]]:
    """All angles of `NAMES` and their standard deviations, in radians; NaN where not known."""
    known = coordinates or Coordinates((), (), np.zeros((len(points.time), 0)))
    own = 1.0 if side == "r" else -1.0
    # What the body does not have stays NaN.
    needed = _needed(side)
    names = (*known.names, *(name for name in needed if name not in known.names))
    padding = np.full((len(points.time), len(names) - len(known.names)), np.nan)
    table = np.concatenate([known.values, padding], axis=1)
    nine = clinical_angles(names, table, points, side=side, pelvis_inclination=inclination)
    trunk = np.stack([table[:, names.index(name)] for name in _TRUNK], axis=1)
    values = np.concatenate([nine, trunk * np.array([-1.0, own, own])], axis=1)
    sd = np.full(values.shape, np.nan)
    if coordinates is not None and coordinates.sd is not None:
        spread = np.concatenate([coordinates.sd, padding], axis=1)
        of_nine = [spread[:, names.index(name)] for name in needed[:8]]
        of_trunk = [spread[:, names.index(name)] for name in _TRUNK]
        sd = np.stack([*of_nine, _foot_sd(points, side), *of_trunk], axis=1)
    return values, sd


def _needed(side: Side) -> tuple[str, ...]:
    """Coordinates in the order of the first eight angles, then the trunk's."""
    pelvis = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
    leg = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
    return (*pelvis, *(f"{name}_{side}" for name in leg), *_TRUNK)


def _foot_sd(points: GaitPoints, side: Side) -> Float[np.ndarray, "time"]:
    """Of the direction from heel to toe, as if their errors had nothing in common: no less."""
    if points.heel_sd is None or points.toe_sd is None:
        return np.full(len(points.time), np.nan)
    i = SIDES.index(side)
    length = np.linalg.norm((points.toe - points.heel)[:, i, :2], axis=1)
    across = np.sqrt(np.mean(points.heel_sd[:, i, :2] ** 2 + points.toe_sd[:, i, :2] ** 2, axis=1))
    return across / length


def _reasons(
    cut: AngleCurves, coordinates: Coordinates | None, side: Side, any_cycle: bool
) -> dict[str, str]:
    if len(cut.curves) == 0:
        return dict.fromkeys(NAMES, _NO_CYCLE[side] if any_cycle else _NO_CYCLE_AT_ALL)
    missing = [name for i, name in enumerate(NAMES) if not np.isfinite(cut.mean[:, i]).all()]
    reasons = {}
    for name in missing:
        if name == "foot_progression":
            reasons[name] = _NO_TRAVEL
        elif coordinates is None:
            reasons[name] = _NO_COORDINATES
        elif name == "pelvis_rotation" and name in coordinates.names:
            reasons[name] = _NO_TRAVEL
        else:
            reasons[name] = "The body that was fitted has no such joint."
    return reasons


def pelvis_inclination(markers: Markers, coordinates: Coordinates | None) -> float | None:
    """Of the line of the iliac spines above the model's forward axis, in radians.

    The median over the recording; None where the markers of all four spines, or the pelvis of a
    body, are not there.
    """
    names = next((four for four in _SPINES if set(four) <= set(markers.names)), None)
    if names is None or coordinates is None or "pelvis_tilt" not in coordinates.names:
        return None
    front, back = markers.mean_of(names[:2]), markers.mean_of(names[2:])
    line = front - back
    # Downwards from back to front is a tilt forwards; that of the body is positive backwards.
    forward = np.arctan2(-line[:, 2], np.linalg.norm(line[:, :2], axis=1))
    tilt = coordinates.values[:, coordinates.names.index("pelvis_tilt")]
    known = np.isfinite(forward)
    return float(np.median((forward + tilt)[known])) if known.any() else None
