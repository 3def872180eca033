"""Ways to walk through a room: where the pelvis is and where it faces, by the distance gone."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float


class Course(NamedTuple):
    """Places on the floor and headings.

    Attributes:
        place: x and y of the pelvis, in metres.
        heading: of the walker, about z from x, in radians.
    """

    place: Float[np.ndarray, "time 2"]
    heading: Float[np.ndarray, "time"]


CourseOf: TypeAlias = Callable[[Float[np.ndarray, "time"]], Course]
"""From the distance gone, in metres, zero in the middle of the recording."""


def straight(gone: Float[np.ndarray, "time"]) -> Course:
    """Along x, through the origin."""
    return Course(np.stack([gone, np.zeros_like(gone)], axis=-1), np.zeros_like(gone))


def treadmill(gone: Float[np.ndarray, "time"]) -> Course:
    """On the spot, facing x: the belt moves backwards under the feet."""
    return Course(np.zeros((*gone.shape, 2)), np.zeros_like(gone))


def circle(radius: float) -> CourseOf:
    """Anticlockwise about the origin.

    Feet that stand on a straight walk slide sideways by `step^2 / (8 radius)`, 2 cm at 1.5 m.
    """

    def course(gone: Float[np.ndarray, "time"]) -> Course:
        angle = gone / radius
        place = radius * np.stack([np.sin(angle), -np.cos(angle)], axis=-1)
        return Course(place, angle)

    return course


def there_and_back(reach: float, radius: float = 0.4) -> CourseOf:
    """Along x as far as `reach`, about in half a circle to the left, and back."""

    def course(gone: Float[np.ndarray, "time"]) -> Course:
        half = 0.5 * np.pi * radius
        angle = np.clip(gone, -half, half) / radius
        before, after = np.minimum(gone + half, 0.0), np.maximum(gone - half, 0.0)
        x = reach - radius + radius * np.cos(angle) + before - after
        return Course(np.stack([x, radius * np.sin(angle)], axis=-1), angle + 0.5 * np.pi)

    return course
