"""Other published signs of contact and toe-off, near a time at which one is supposed.

They need a direction, which is that of the foot's own way over the ground in the swing beside the
event: it holds on curves, in backward walking and on a treadmill.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from diffbio.gait.events import Kind
from diffbio.gait.gait_points import GaitPoints
from diffbio.gait.smoothing import low_pass, velocity

_WINDOW = 0.2
"""Seconds around the supposed time. A swing lasts 0.3 s and more, a stance likewise."""

_SWING = 0.15
"""Seconds beside the event over which the foot shows where it goes: within the swing."""


class Opinions(NamedTuple):
    """When other signs put the event, in seconds; None where a sign is not there.

    Attributes:
        reach: heel farthest ahead of the pelvis at contact, toe farthest behind it at toe-off
            (Zeni, Richards and Higginson 2008, Gait Posture 27:710).
        acceleration: greatest forward acceleration of the toe at toe-off (Hreljac and Marshall
            2000, J Biomech 33:783). Of contacts it is not asked: their sign, the heel's vertical
            acceleration, has a second, often higher peak where the heel rises.
    """

    reach: float | None
    acceleration: float | None


def opinions_on(relative: GaitPoints, side: int, kind: Kind, when: float) -> Opinions:
    """What the coordinate method and the acceleration say of an event.

    Args:
        relative: the points as seen from the ground.
        side: index into `gait_points.SIDES`.
        kind: of the event.
        when: supposed time, in seconds.
    """
    contact = kind == "initial_contact"
    point = (relative.heel if contact else relative.toe)[:, side]
    margin = _WINDOW + 2 * _SWING  # so that the filter's ends are not in the window
    near = np.abs(relative.time - when) <= margin
    time = relative.time[near]
    both = np.concatenate([point[near], relative.pelvis[near]], axis=1)
    known = np.isfinite(both).all(axis=1)
    if known.sum() < 8 or not (known & (np.abs(time - when) <= _SWING)).any():
        return Opinions(None, None)
    both = low_pass(both, time)
    forward = _way(time, both[:, :2], when, -_SWING if contact else _SWING)
    if forward is None:
        return Opinions(None, None)
    reach = (both[:, :2] - both[:, 3:5]) @ forward * (1.0 if contact else -1.0)
    if contact:
        return Opinions(_peak(time, reach, when), None)
    along = (both[:, :2] @ forward)[:, None]
    acceleration = velocity(velocity(along, time), time)[:, 0]
    return Opinions(_peak(time, reach, when), _peak(time, acceleration, when))


def _way(
    time: Float[np.ndarray, "time"], path: Float[np.ndarray, "time 2"], when: float, span: float
) -> Float[np.ndarray, "2"] | None:
    """Direction in which the foot goes in the swing that ends or begins at `when`."""
    first, last = sorted((when, when + span))
    inside = np.flatnonzero((time >= first) & (time <= last) & np.isfinite(path).all(axis=1))
    if len(inside) < 2:
        return None
    way = path[inside[-1]] - path[inside[0]]
    length = float(np.linalg.norm(way))
    return way / length if length > 1e-3 else None


def _peak(
    time: Float[np.ndarray, "time"], values: Float[np.ndarray, "time"], when: float
) -> float | None:
    """Highest local maximum within the window, between samples by a parabola, in seconds."""
    before, here, after = values[:-2], values[1:-1], values[2:]
    peaks = np.flatnonzero((here > before) & (here >= after)) + 1
    peaks = peaks[np.abs(time[peaks] - when) <= _WINDOW]
    if len(peaks) == 0:
        return None
    i = int(peaks[values[peaks].argmax()])
    bend = values[i - 1] - 2 * values[i] + values[i + 1]
    shift = (values[i - 1] - values[i + 1]) / (2 * bend)
    return float(time[i] + shift * (time[i + 1] - time[i]))
