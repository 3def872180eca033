"""What the ground did to the feet, as force plates measure it."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError, UnknownNameError
from diffbio.observations.markers import check_increasing, check_unique


@dataclasses.dataclass(frozen=True)
class GroundReactions:
    """Forces of the ground on a person, one column per plate, or per foot where a file has that.

    Attributes:
        names: of the plates or columns, in array order.
        force: of the ground on the foot, world frame (z up, so a standing person is pushed
            towards +z), in newtons.
        centre_of_pressure: where it acts, world frame, in metres; NaN while there is no load.
        free_moment: about the vertical through the centre of pressure, of the ground on the
            foot, world frame, in newton metres.
        time: sample times, in seconds, increasing.
        feet: `r` or `l` where the whole column is of one foot, else None.
        source: the file, for messages.

    Raises:
        InputError: arrays do not go together, a name is there twice, time does not increase, or
            a foot is neither `r`, `l` nor None.
    """

    names: tuple[str, ...]
    force: Float[np.ndarray, "time plate 3"]
    centre_of_pressure: Float[np.ndarray, "time plate 3"]
    free_moment: Float[np.ndarray, "time plate 3"]
    time: Float[np.ndarray, "time"]
    feet: tuple[str | None, ...]
    source: str

    def __post_init__(self) -> None:
        shape = (len(self.time), len(self.names), 3)
        for field in (self.force, self.centre_of_pressure, self.free_moment):
            if field.shape != shape:
                raise InputError(
                    self.source,
                    f"An array has shape {field.shape}, with {len(self.time)} times and "
                    f"{len(self.names)} plates.",
                    "Give one vector per time and plate.",
                )
        if len(self.feet) != len(self.names) or set(self.feet) - {"r", "l", None}:
            raise InputError(
                f"{self.source}, feet",
                f"The feet are {self.feet}, of {len(self.names)} plates.",
                "Give 'r', 'l' or None for each.",
            )
        check_unique(self.source, "plate", self.names)
        check_increasing(self.source, self.time)

    def with_feet(self, feet: dict[str, str]) -> "GroundReactions":
        """The same, with the foot of each named plate stated.

        Raises:
            UnknownNameError: there is no plate of that name.
            InputError: a foot is neither `r` nor `l`.
        """
        for name in feet:
            if name not in self.names:
                raise UnknownNameError(self.source, "plate", name, self.names)
        known = zip(self.names, self.feet, strict=True)
        return dataclasses.replace(self, feet=tuple(feet.get(name, foot) for name, foot in known))

    def of_foot(self, side: str) -> Float[np.ndarray, "time 3"]:
        """Force on one foot, summed over its plates, in newtons.

        Raises:
            InputError: no plate is known to be of that foot.
        """
        columns = [i for i, foot in enumerate(self.feet) if foot == side]
        if not columns:
            raise InputError(
                self.source,
                f"No plate is known to be of the foot {side!r}.",
                "State the foot of each plate (`with_feet`).",
            )
        return self.force[:, columns].sum(axis=1)
