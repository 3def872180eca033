"""Mass, centre and inertia of the bodies of a fitted person, read from its MJCF."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class BodyInertia(NamedTuple):
    """Mass in kg, centre of mass in m, inertia about it in kg m^2, all in one frame."""

    mass: float
    centre: Float[np.ndarray, "3"]
    tensor: Float[np.ndarray, "3 3"]

    def moved(self, turn: Float[np.ndarray, "3 3"], shift: Float[np.ndarray, "3"]) -> "BodyInertia":
        """The same in another frame: `frame_from_body`, as rotation and position in metres."""
        return BodyInertia(self.mass, turn @ self.centre + shift, turn @ self.tensor @ turn.T)


def together(bodies: Sequence[BodyInertia]) -> BodyInertia:
    """Several bodies as one rigid body, all in one frame."""
    mass = sum(body.mass for body in bodies)
    centre = sum((body.mass * body.centre for body in bodies), np.zeros(3)) / mass
    tensor = np.zeros((3, 3))
    for body in bodies:
        away = body.centre - centre
        tensor += body.tensor + body.mass * (away @ away * np.eye(3) - np.outer(away, away))
    return BodyInertia(mass, centre, tensor)


def inertia_of(inertial: ElementTree.Element) -> BodyInertia:
    """What MJCF's `inertial` says."""

    def numbers(name: str, default: str) -> Float[np.ndarray, "n"]:
        return np.array([float(word) for word in inertial.get(name, default).split()])

    if inertial.get("fullinertia"):
        xx, yy, zz, xy, xz, yz = numbers("fullinertia", "")
        tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    else:
        w, x, y, z = numbers("quat", "1 0 0 0")
        axes = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        tensor = axes @ np.diag(numbers("diaginertia", "0 0 0")) @ axes.T
    return BodyInertia(float(inertial.get("mass", "0")), numbers("pos", "0 0 0"), tensor)
