"""Which quantities are scored, in which unit they are shown, and which share a correction."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from experiments.calibrated_uncertainty.coverage import Errors
from experiments.calibrated_uncertainty.scores import JOINT_GROUPS, Scored

DEGREES, MILLIMETRES, PERCENT, MILLISECONDS = 180 / np.pi, 1e3, 1e2, 1e3


class Quantity(NamedTuple):
    """One line of the result.

    Attributes:
        kind: quantities of a kind share one correction.
        unit: in which it is shown.
        per_si: what an SI value is multiplied by to have that unit.
    """

    kind: str
    unit: str
    per_si: float


QUANTITIES = {
    "pelvis position": Quantity("root position", "mm", MILLIMETRES),
    "pelvis orientation": Quantity("root orientation", "deg", DEGREES),
    **{group: Quantity("joints", "deg", DEGREES) for group in JOINT_GROUPS},
    "joints, mostly prior": Quantity("joints", "deg", DEGREES),
    "markers": Quantity("markers", "mm", MILLIMETRES),
    "segment scales": Quantity("segment scales", "%", PERCENT),
    "segment scales, mostly prior": Quantity("segment scales", "%", PERCENT),
    "marker offsets": Quantity("marker offsets", "mm", MILLIMETRES),
    "marker offsets, mostly prior": Quantity("marker offsets", "mm", MILLIMETRES),
    "camera orientation": Quantity("camera orientation", "deg", DEGREES),
    "camera position": Quantity("camera position", "mm", MILLIMETRES),
    "clock offset": Quantity("clock offset", "ms", MILLISECONDS),
}

KINDS = tuple(dict.fromkeys(quantity.kind for quantity in QUANTITIES.values()))


def of_quantity(fits: Iterable[Scored], name: str) -> list[Errors]:
    """Errors of one quantity in the fits that have it."""
    return [fit.errors[name] for fit in fits if name in fit.errors]


def of_kind(fits: Iterable[Scored], kind: str) -> list[Errors]:
    """Errors of all quantities of a kind, together, in the fits that have any."""
    names = [name for name, quantity in QUANTITIES.items() if quantity.kind == kind]
    found = []
    for fit in fits:
        parts = [fit.errors[name] for name in names if name in fit.errors]
        if parts:
            found.append(
                Errors(
                    np.concatenate([part.error for part in parts], axis=1),
                    np.concatenate([part.sd for part in parts], axis=1),
                )
            )
    return found
