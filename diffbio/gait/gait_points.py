"""The points of a walking person that gait is measured from: heels, toes, pelvis."""

import dataclasses
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.gait.smoothing import fill_gaps
from diffbio.observations import Markers

SIDES = ("r", "l")
"""Order of the sides in every array here."""

_Pair = tuple[str, str]

_HEELS: tuple[_Pair, ...] = (
    ("RHEE", "LHEE"), ("Foot_r2", "foot_l2"), ("RHeel", "LHeel"), ("right_heel", "left_heel"),
    ("R.Heel", "L.Heel"), ("r_calc", "L_calc"), ("RCAL", "LCAL"),
)  # fmt: skip
"""Right and left, as Plug-in Gait, the sets of `body/keypoint_sets` and others call them."""

_TOES: tuple[_Pair, ...] = (
    ("RTOE", "LTOE"), ("Foot_r7", "foot_l7"), ("RBigToe", "LBigToe"),
    ("right_big_toe", "left_big_toe"), ("right_foot_index", "left_foot_index"),
    ("R.Toe", "L.Toe"), ("r_toe", "L_toe"), ("R.MT5", "L.MT5"), ("RMT5", "LMT5"),
)  # fmt: skip

_PELVES = (
    ("RPSI", "LPSI", "RASI", "LASI"), ("RPSI", "LPSI"), ("SACR",), ("rpsis", "lpsis"),
    ("r.PSIS", "L.PSIS"), ("R.PSIS", "L.PSIS"), ("MidHip",), ("Hip",), ("CHip",), ("mid_hip",),
    ("RHip", "LHip"), ("right_hip", "left_hip"), ("RASI", "LASI"), ("RPSI",), ("LPSI",),
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class PointNames:
    """Which markers are which points.

    Attributes:
        heel: right and left, over the calcaneus.
        toe: right and left, over the toes or the heads of the metatarsals.
        pelvis: one or more, whose middle moves with the pelvis.
    """

    heel: tuple[str, str]
    toe: tuple[str, str]
    pelvis: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class GaitPoints:
    """Heels, toes and pelvis over time; short gaps are filled, longer ones are NaN.

    Attributes:
        time: sample times, in seconds.
        heel: positions in the world frame, in metres; sides in the order of `SIDES`.
        toe: likewise.
        pelvis: likewise, the middle of the pelvis markers.
        source: where they come from, for messages.
        heel_sd: standard deviation of the heels' coordinates, in metres; None if not known.
        toe_sd: likewise, of the toes.
    """

    time: Float[np.ndarray, "time"]
    heel: Float[np.ndarray, "time side 3"]
    toe: Float[np.ndarray, "time side 3"]
    pelvis: Float[np.ndarray, "time 3"]
    source: str
    heel_sd: Float[np.ndarray, "time side 3"] | None = None
    toe_sd: Float[np.ndarray, "time side 3"] | None = None

    def on_moving_ground(self, velocity: Float[np.ndarray, "time 2"]) -> "GaitPoints":
        """The same as seen by somebody who stands on the ground, a treadmill's belt say.

        Args:
            velocity: of the ground in the world frame, in m/s, x and y.
        """
        step = np.diff(self.time)[:, None] * (velocity[1:] + velocity[:-1]) / 2
        moved = np.zeros((len(self.time), 3))
        moved[1:, :2] = np.cumsum(step, axis=0)
        return dataclasses.replace(
            self,
            heel=self.heel - moved[:, None],
            toe=self.toe - moved[:, None],
            pelvis=self.pelvis - moved,
        )


def gait_points(markers: Markers, names: PointNames | None = None) -> GaitPoints:
    """Find the points among markers or keypoints.

    Args:
        markers: at least a heel and a toe marker per foot and one at the pelvis.
        names: which they are; None where they have names of a set known here.

    Raises:
        InputError: no known heel, toe or pelvis is there and no name was stated, or there are
            fewer than two samples.
        UnknownNameError: a stated marker is not there.
    """
    if len(markers.time) < 2:
        raise InputError(f"{markers.source}, time", "There is one sample.", "Give a recording.")
    names = names or PointNames(
        heel=_known(markers, "heel", _HEELS),
        toe=_known(markers, "toe", _TOES),
        pelvis=_known(markers, "pelvis", _PELVES),
    )
    heel, toe = (_stacked(markers, pair) for pair in (names.heel, names.toe))
    pelvis = _stacked(markers, names.pelvis).mean(axis=1)
    heel_sd, toe_sd = (_stacked_sd(markers, pair) for pair in (names.heel, names.toe))
    return GaitPoints(markers.time, heel, toe, pelvis, markers.source, heel_sd, toe_sd)


_Names = TypeVar("_Names", bound=tuple[str, ...])


def _known(markers: Markers, what: str, candidates: tuple[_Names, ...]) -> _Names:
    there = [names for names in candidates if all(name in markers.names for name in names)]
    if there:
        # Of several the one seen most often, the first where they are equal.
        return max(there, key=lambda names: _times_seen(markers, names))
    known = "; ".join(", ".join(names) for names in candidates)
    raise InputError(
        markers.source,
        f"None of its {len(markers.names)} markers is known to be at the {what}.",
        f"State the names (`PointNames`). Known are: {known}.",
    )


def _times_seen(markers: Markers, names: tuple[str, ...]) -> int:
    """How often all of some markers were seen together."""
    return int(markers.seen[:, [markers.names.index(name) for name in names]].all(axis=1).sum())


def _stacked(markers: Markers, names: tuple[str, ...]) -> Float[np.ndarray, "time marker 3"]:
    return np.stack([fill_gaps(markers.of(name), markers.time) for name in names], axis=1)


def _stacked_sd(
    markers: Markers, names: tuple[str, ...]
) -> Float[np.ndarray, "time marker 3"] | None:
    if markers.sd is None:
        return None
    return markers.sd[:, [markers.names.index(name) for name in names]]
