"""Synergies: few commands that move many muscles together, and what they account for.

    X ~ C W',   C, W >= 0

for activations `X` (sample x muscle), weights `W` (muscle x synergy) and commands `C` (sample x
synergy). How much of `X` they account for is counted about zero, not about the mean:

    VAF = 1 - |X - C W'|^2 / |X|^2

of all muscles together, and of each by itself. A muscle at a constant level thus needs a synergy.
The centred R2 of some programs is smaller, so the two are never comparable.

Source: G. Torres-Oviedo, J. M. Macpherson, L. H. Ting (2006), J. Neurophysiol. 96:1530, for the
uncentred VAF.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError


@dataclasses.dataclass(frozen=True)
class Synergies:
    """Which muscles each synergy moves.

    Attributes:
        muscle_names: of the rows.
        weights: activation of each muscle per unit of each synergy's command, at least 0, no unit.
    """

    muscle_names: tuple[str, ...]
    weights: Float[np.ndarray, "muscle synergy"]

    def __post_init__(self) -> None:
        """Refuse weights without meaning.

        Raises:
            InputError: naming the muscle or synergy at fault.
        """
        names, weights = self.muscle_names, self.weights
        if len(names) != len(weights):
            found = f"There are {len(names)} names for {len(weights)} rows of weights."
            raise InputError("synergies", found, "Give one name for each row.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            found = f"Muscles occur twice: {', '.join(twice)}."
            raise InputError("synergies", found, "Give every muscle one row.")
        if not weights.shape[1]:
            raise InputError("synergies", "There is none.", "Give one column for each synergy.")
        wrong = ~(np.isfinite(weights) & (weights >= 0)).all(1)
        if wrong.any():
            found = f"A weight of {names[int(wrong.argmax())]} is negative or not finite."
            raise InputError("synergies", found, "Weights are activations, of at least 0.")
        if not weights.max(0).all():
            found = f"Synergy {int(weights.max(0).argmin()) + 1} moves no muscle."
            raise InputError("synergies", found, "Leave it out, or give it a positive weight.")

    @property
    def n_synergies(self) -> int:
        """How many synergies there are."""
        return self.weights.shape[1]

    def reordered(self, muscle_names: Sequence[str]) -> "Synergies":
        """The same synergies with the muscles in another order.

        Raises:
            InputError: these are not the same muscles, naming those that differ.
        """
        wanted = tuple(muscle_names)
        missing = [name for name in wanted if name not in self.muscle_names]
        unknown = [name for name in self.muscle_names if name not in wanted]
        if missing or unknown:
            found = [
                f"{what} ({len(names)}): {', '.join(names[:8])}{', …' if names[8:] else ''}."
                for what, names in (
                    ("Muscles without weights", missing),
                    ("Weights of muscles that are not wanted", unknown),
                )
                if names
            ]
            remedy = f"Give one row for each of the {len(wanted)} muscles, under the same names."
            raise InputError("synergies", " ".join(found), remedy)
        rows = [self.muscle_names.index(name) for name in wanted]
        return Synergies(wanted, self.weights[rows])


@dataclasses.dataclass(frozen=True)
class Factorisation:
    """Synergies of some activations, and what they account for.

    Attributes:
        synergies: weights whose largest is one in each synergy, so that a command is the
            activation of the muscle it moves most; in the order of `centre`.
        command: of each synergy, no unit.
        centre: centre of activity of each command, in cycles, of [0, 1), ascending.
        vaf: of all muscles together.
        muscle_vaf: of each muscle; NaN of a muscle that is never active, of which nothing can be
            accounted for.
        vaf_of_start: of every start, in order; far apart where the synergies are not well founded.
        converged: whether the best start ended before it was stopped.
    """

    synergies: Synergies
    command: Float[np.ndarray, "sample synergy"]
    centre: Float[np.ndarray, "synergy"]
    vaf: float
    muscle_vaf: Float[np.ndarray, "muscle"]
    vaf_of_start: tuple[float, ...]
    converged: bool

    def reconstruction(self) -> Float[np.ndarray, "sample muscle"]:
        """Activations that the synergies make."""
        return self.command @ self.synergies.weights.T


def variance_accounted_for(
    activation: Float[np.ndarray, "sample muscle"],
    reconstruction: Float[np.ndarray, "sample muscle"],
) -> tuple[float, Float[np.ndarray, "muscle"]]:
    """Uncentred VAF of all muscles together and of each; NaN where nothing was active."""
    error = ((activation - reconstruction) ** 2).sum(0)
    size = (activation**2).sum(0)
    active = size > 0
    each = np.where(active, 1 - error / np.where(active, size, 1.0), np.nan)
    return float(1 - error.sum() / size.sum()) if active.any() else float("nan"), each
