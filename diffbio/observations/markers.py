"""Positions of markers in space: optical motion capture, or points of a fitted body."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from diffbio.errors import InputError, UnknownNameError


@dataclasses.dataclass(frozen=True)
class Markers:
    """Labelled points over time.

    Attributes:
        names: marker names, in array order.
        positions: in the world frame (z up), in metres; NaN where a marker was not seen.
        time: sample times, in seconds, increasing.
        source: the file or the fit they come from, for messages.
        sd: standard deviation of each coordinate, in metres; None where it is not known.

    Raises:
        InputError: arrays do not go together, a name is there twice, or time does not increase.
    """

    names: tuple[str, ...]
    positions: Float[np.ndarray, "time marker 3"]
    time: Float[np.ndarray, "time"]
    source: str
    sd: Float[np.ndarray, "time marker 3"] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.time), len(self.names), 3)
        for field in (self.positions, self.sd):
            if field is not None and field.shape != shape:
                raise InputError(
                    self.source,
                    f"Positions have shape {field.shape}, with {len(self.time)} times and "
                    f"{len(self.names)} marker names.",
                    "Give one position (3 coordinates) per time and marker.",
                )
        check_unique(self.source, "marker", self.names)
        check_increasing(self.source, self.time)

    @property
    def frame_rate_hz(self) -> float:
        """Usual number of samples per second; NaN where there is one sample."""
        return 1.0 / float(np.median(np.diff(self.time))) if len(self.time) > 1 else np.nan

    @property
    def seen(self) -> Bool[np.ndarray, "time marker"]:
        """Which positions are known."""
        return np.asarray(np.isfinite(self.positions).all(axis=-1))

    def of(self, name: str) -> Float[np.ndarray, "time 3"]:
        """Positions of one marker, in metres.

        Raises:
            UnknownNameError: there is no marker of that name.
        """
        return self.positions[:, self._index(name)]

    def sd_of(self, name: str) -> Float[np.ndarray, "time 3"] | None:
        """Standard deviations of one marker, in metres; None where they are not known.

        Raises:
            UnknownNameError: there is no marker of that name.
        """
        index = self._index(name)
        return None if self.sd is None else self.sd[:, index]

    def mean_of(self, names: tuple[str, ...]) -> Float[np.ndarray, "time 3"]:
        """Middle of several markers, NaN where one of them was not seen.

        Raises:
            UnknownNameError: there is no marker of one of the names.
        """
        return self.positions[:, [self._index(name) for name in names]].mean(axis=1)

    def _index(self, name: str) -> int:
        if name not in self.names:
            raise UnknownNameError(self.source, "marker", name, self.names)
        return self.names.index(name)


def check_unique(source: str, kind: str, names: tuple[str, ...]) -> None:
    """Refuse labels that do not say which is meant.

    Raises:
        InputError: a name is there twice, or is empty.
    """
    for name in names:
        if not name.strip():
            raise InputError(source, f"A {kind} has no name.", f"Give every {kind} a name.")
        if (count := names.count(name)) > 1:
            raise InputError(
                f"{source}, {name}",
                f"The {kind} is there {count} times.",
                f"Give every {kind} a name of its own.",
            )


def check_increasing(source: str, time: Float[np.ndarray, "time"]) -> None:
    """Refuse times that do not order the samples.

    Raises:
        InputError: there is no sample, a time is not a number, or is not after the last one.
    """
    if len(time) == 0:
        raise InputError(f"{source}, time", "There is no sample.", "Give at least one.")
    wrong = np.flatnonzero(~np.isfinite(time))
    if len(wrong):
        raise InputError(
            f"{source}, time", f"Time {wrong[0] + 1} is not a number.", "Write it again complete."
        )
    back = np.flatnonzero(np.diff(time) <= 0.0)
    if len(back):
        raise InputError(
            f"{source}, time",
            f"Time {time[back[0] + 1]:g} s follows {time[back[0]]:g} s.",
            "Give the samples in the order of time, none twice.",
        )
