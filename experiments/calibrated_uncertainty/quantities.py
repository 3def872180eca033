"""Which quantities are scored, and in which unit they are shown."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from experiments.calibrated_uncertainty.coverage import Errors
from experiments.calibrated_uncertainty.scores import JOINT_GROUPS, Scored


class Unit(NamedTuple):
    """A unit for tables.

    Attributes:
        name: as it is written.
        per_si: what an SI value is multiplied by.
    """

    name: str
    per_si: float


DEGREES, MILLIMETRES = Unit("deg", 180 / np.pi), Unit("mm", 1e3)
PERCENT, MILLISECONDS = Unit("%", 1e2), Unit("ms", 1e3)

UNITS = {
    "pelvis position": MILLIMETRES,
    "pelvis orientation": DEGREES,
    **dict.fromkeys(JOINT_GROUPS, DEGREES),
    "joints, mostly prior": DEGREES,
    "markers": MILLIMETRES,
    "segment scales": PERCENT,
    "segment scales, mostly prior": PERCENT,
    "marker offsets": MILLIMETRES,
    "marker offsets, mostly prior": MILLIMETRES,
    "camera orientation": DEGREES,
    "camera position": MILLIMETRES,
    "clock offset": MILLISECONDS,
}
"""By quantity, in the order of the tables."""


def of_quantity(fits: Iterable[Scored], name: str) -> list[Errors]:
    """Errors of one quantity in the fits that have it."""
    return [fit.errors[name] for fit in fits if name in fit.errors]
