"""Coordinates of a motion, and how wide a band of error is drawn around them.

Apart from `coordinates`, which makes them from a fit, so that who only reads and measures them need
not load the solver.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

NINETY_PERCENT = 1.6449
"""Half width of a band that holds nine tenths of a normal distribution, in its deviations."""


@dataclasses.dataclass(frozen=True)
class Coordinates:
    """Coordinates over time.

    Attributes:
        names: OpenSim-style names.
        units: `rad`, `deg` or `m`, one per coordinate.
        values: one column per coordinate.
        sd: standard deviations in the same units, NaN where one is not known; None where
            none is.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Float[np.ndarray, "time coordinate"]
    sd: Float[np.ndarray, "time coordinate"] | None = None

    def in_degrees(self) -> "Coordinates":
        """The same, with every angle in degrees; lengths stay in metres."""
        factor = np.array([np.rad2deg(1.0) if unit == "rad" else 1.0 for unit in self.units])
        units = tuple("deg" if unit == "rad" else unit for unit in self.units)
        sd = None if self.sd is None else self.sd * factor
        return Coordinates(self.names, units, self.values * factor, sd)

    def select(self, names: tuple[str, ...]) -> "Coordinates":
        """These coordinates only, in this order."""
        order = [self.names.index(name) for name in names]
        units = tuple(self.units[i] for i in order)
        sd = None if self.sd is None else self.sd[:, order]
        return Coordinates(names, units, self.values[:, order], sd)
