"""Units of length as files state them, and whether a person of that size exists."""

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError

_METRES = {"m": 1.0, "meters": 1.0, "metres": 1.0, "cm": 1e-2, "mm": 1e-3, "millimeters": 1e-3}

_EXTENT_OF_MARKERS = (0.02, 20.0)
"""Metres between opposite corners of the box that holds a frame's markers: from those of a hand to
those of several people and a room. Metres and millimetres are a factor of 1000 apart, so that the
wrong one is outside for every person."""


def metres_per(unit: str | None, where: str) -> float:
    """Length of a unit, in metres.

    Args:
        unit: as the file states it; None or empty where it does not.
        where: file and field, for the message.

    Raises:
        InputError: the unit is missing or not known.
    """
    if unit is None or not unit.strip():
        raise InputError(where, "The unit is missing.", f"State it: {', '.join(_METRES)}.")
    metres = _METRES.get(unit.strip().lower())
    if metres is None:
        raise InputError(where, f"The unit {unit!r} is not known.", f"Use {', '.join(_METRES)}.")
    return metres


def check_lengths(positions: Float[np.ndarray, "time marker 3"], where: str, stated: str) -> None:
    """Refuse markers whose extent contradicts the unit.

    Args:
        positions: in metres by the stated unit, NaN where missing.
        where: file and field, for the message.
        stated: the beginning of the message, what the file says.

    Raises:
        InputError: the markers would be millimetres or kilometres apart.
    """
    known = np.asarray(np.isfinite(positions).all(axis=2))
    several = np.asarray(known.sum(axis=1) >= 2)
    if not several.any():
        return
    seen = np.where(known[several][..., None], positions[several], np.nan)
    extent = np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1)
    size = float(np.median(np.linalg.norm(extent, axis=1)))
    low, high = _EXTENT_OF_MARKERS
    if not low <= size <= high:
        raise InputError(
            where,
            f"{stated}, and the markers would be {size:.3g} m apart.",
            "The unit and the numbers contradict each other (m or mm?): correct one of them.",
        )
