"""Joint angles over the cycle, and the nine angles of clinical gait analysis.

The nine are those of Schwartz and Rozumalski (2008, Gait Posture 28:351) and Baker et al. (2009,
Gait Posture 30:265), in the signs of Plug-in Gait, so that they compare with published norms:
anterior tilt, the own side up, the own side forward, flexion, adduction, internal rotation, knee
flexion, dorsiflexion, and toes pointing in are positive.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError, UnknownNameError
from diffbio.gait.cycles import Cycle, resampled
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES, GaitPoints
from diffbio.gait.ground import headings

CLINICAL_ANGLES = (
    "pelvis_tilt",
    "pelvis_obliquity",
    "pelvis_rotation",
    "hip_flexion",
    "hip_adduction",
    "hip_rotation",
    "knee_flexion",
    "ankle_dorsiflexion",
    "foot_progression",
)


@dataclasses.dataclass(frozen=True)
class AngleCurves:
    """Angles of one side over the cycle.

    Attributes:
        names: of the angles.
        side: `r` or `l`.
        percent: of the cycle, 0 to 100.
        curves: of every cycle, in the unit of what was given.
        sd: standard deviation of the curves' errors; None where not known.
    """

    names: tuple[str, ...]
    side: Side
    percent: Float[np.ndarray, "percent"]
    curves: Float[np.ndarray, "cycle percent angle"]
    sd: Float[np.ndarray, "cycle percent angle"] | None = None

    @property
    def mean(self) -> Float[np.ndarray, "percent angle"]:
        """Over the cycles; NaN where there is none."""
        if len(self.curves) == 0:
            return np.full(self.curves.shape[1:], np.nan)
        return self.curves.mean(axis=0)

    @property
    def spread(self) -> Float[np.ndarray, "percent angle"]:
        """Standard deviation between the cycles; NaN where there are fewer than two."""
        if len(self.curves) < 2:
            return np.full(self.curves.shape[1:], np.nan)
        return self.curves.std(axis=0, ddof=1)


def angle_curves(
    cycles: tuple[Cycle, ...],
    time: Float[np.ndarray, "time"],
    names: tuple[str, ...],
    values: Float[np.ndarray, "time angle"],
    *,
    side: Side,
    sd: Float[np.ndarray, "time angle"] | None = None,
    n_points: int = 101,
) -> AngleCurves:
    """Cut angles into the cycles of one side.

    Args:
        cycles: of any side; those of the other are left out.
        time: sample times, in seconds.
        names: of the angles.
        values: one column per angle, in any unit, continuous in time; NaN where not known.
        side: which foot's cycles.
        sd: standard deviations of the values.
        n_points: of each curve.

    Raises:
        InputError: names and columns do not go together, or a cycle is outside the recording.
    """
    if len(names) != values.shape[1]:
        raise InputError(
            "angles", f"There are {len(names)} names for {values.shape[1]} columns.", "Name each."
        )
    own = [cycle for cycle in cycles if cycle.side == side]
    shape = (0, n_points, len(names))
    cut = [resampled(cycle, time, values, n_points) for cycle in own]
    cut_sd = None if sd is None else [resampled(cycle, time, sd, n_points) for cycle in own]
    return AngleCurves(
        names,
        side,
        np.linspace(0.0, 100.0, n_points),
        np.stack(cut) if cut else np.zeros(shape),
        None if cut_sd is None else np.stack(cut_sd) if cut_sd else np.zeros(shape),
    )


def clinical_angles(
    names: tuple[str, ...],
    values: Float[np.ndarray, "time coordinate"],
    points: GaitPoints,
    *,
    side: Side,
    pelvis_inclination: float,
) -> Float[np.ndarray, "time 9"]:
    """The nine angles of one side, in radians, in the order of `CLINICAL_ANGLES`.

    Pelvis rotation and foot progression are relative to the direction of travel, or to its
    opposite where the person walks backwards; they are NaN where the person does not travel. Foot
    progression is the horizontal direction from heel to toe marker.

    Args:
        names: of coordinates, OpenSim's: `pelvis_tilt` (backwards positive), `pelvis_list` (right
            side down positive), `pelvis_rotation` (to the left positive), `hip_flexion_r`,
            `hip_adduction_r`, `hip_rotation_r`, `knee_angle_r` (flexion positive),
            `ankle_angle_r`, and of the left.
        values: in radians, at the times of `points`.
        points: as seen from the ground.
        side: `r` or `l`.
        pelvis_inclination: of the line from the front to the back iliac spines above the
            model's own forward axis of the pelvis, in radians: norms measure tilt and hip flexion
            from that line.

    Raises:
        UnknownNameError: a coordinate is missing.
    """

    def coordinate(name: str) -> Float[np.ndarray, "time"]:
        if name not in names:
            raise UnknownNameError("angles", "coordinate", name, names)
        return values[:, names.index(name)]

    own = 1.0 if side == "r" else -1.0
    foot = (points.toe - points.heel)[:, SIDES.index(side)]
    pointing = np.arctan2(foot[:, 1], foot[:, 0])
    heading = _ahead(headings(points), pointing)
    tilt = pelvis_inclination - coordinate("pelvis_tilt")
    columns = (
        tilt,
        -own * coordinate("pelvis_list"),
        own * _wrapped(coordinate("pelvis_rotation") - heading),
        coordinate(f"hip_flexion_{side}") + pelvis_inclination,
        coordinate(f"hip_adduction_{side}"),
        coordinate(f"hip_rotation_{side}"),
        coordinate(f"knee_angle_{side}"),
        coordinate(f"ankle_angle_{side}"),
        own * _wrapped(pointing - heading),
    )
    return np.stack(columns, axis=1)


def _ahead(
    heading: Float[np.ndarray, "time"], pointing: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    """The direction of travel, or its opposite where the foot mostly points away from it."""
    cosine = np.cos(pointing - heading)
    known = np.isfinite(cosine)
    backwards = known.any() and float(np.median(cosine[known])) < 0.0
    return heading + np.pi if backwards else heading


def _wrapped(angle: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
    """The same direction between -pi and pi, then continuous in time; NaN stays."""
    wrapped = np.mod(angle + np.pi, 2 * np.pi) - np.pi
    known = np.isfinite(wrapped)
    wrapped[known] = np.unwrap(wrapped[known])
    return wrapped
