"""What reserve actuators had to add: how far the muscles of a model explain the moments."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from diffbio.errors import InputError
from diffbio.muscle.redundancy import Activations

LARGEST_SHARE = 0.1
"""Of the largest moment about a coordinate, up to which its largest reserve is taken as small.

Source: OpenSim's documentation, Reserves and Residuals: typically below 10 % of peak moments."""

LEAST_MOMENT = 1.0
"""Nm (or N): a reserve up to this, at that share, is small whatever the moment is, so that
coordinates about which next to nothing happens give no false alarm."""


class CoordinateReserve(NamedTuple):
    """Reserves of one coordinate over a trial.

    Attributes:
        name: of the coordinate.
        largest: largest magnitude, Nm (or N).
        root_mean_square: of all frames, Nm (or N).
        share: the largest in largest moments asked for about this coordinate.
        frame: where the largest is.
        small: whether muscles explain this coordinate's moments.
    """

    name: str
    largest: float
    root_mean_square: float
    share: float
    frame: int
    small: bool

    def sentence(self) -> str:
        """What a reader should know."""
        what = f"{self.name}: reserves add up to {self.largest:.2g} Nm"
        what = f"{what} ({100 * self.share:.1f} % of the largest moment, frame {self.frame})"
        return f"{what}." if self.small else f"{what}; the muscles cannot make these moments."


def reserve_report(
    found: Activations, moment: np.ndarray, names: Sequence[str]
) -> list[CoordinateReserve]:
    """Reserves of every coordinate over the frames that were solved.

    Args:
        found: of a trial, frames along the leading axis.
        moment: frame x coordinate, what was asked for, Nm (or N).
        names: of the coordinates.

    Raises:
        InputError: names and coordinates differ in number, or no frame was solved.
    """
    reserve, moment = np.asarray(found.reserve), np.asarray(moment)
    if len(names) != reserve.shape[1]:
        text = f"There are {len(names)} names for {reserve.shape[1]} coordinates."
        raise InputError("reserves", text, "Give one name for each coordinate.")
    solved = np.asarray(found.converged)
    if not solved.any():
        text = f"None of {solved.size} frames was solved."
        raise InputError("reserves", text, "Look for moments or moment arms that are not finite.")
    frames = np.flatnonzero(solved)
    size, asked = np.abs(reserve[solved]), np.abs(moment[solved]).max(0)
    report = []
    for i, name in enumerate(names):
        at, most = int(size[:, i].argmax()), float(asked[i])
        largest = float(size[at, i])
        report.append(
            CoordinateReserve(
                name=name,
                largest=largest,
                root_mean_square=float(np.sqrt((size[:, i] ** 2).mean())),
                share=largest / most if most > 0 else 0.0,
                frame=int(frames[at]),
                small=largest <= LARGEST_SHARE * max(most, LEAST_MOMENT),
            )
        )
    return report
