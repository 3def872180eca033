"""How many synergies: as few as account for enough of all muscles and of every one."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.muscle.synergies import Factorisation
from diffbio.muscle.synergy_factorisation import STARTS, factorise

LEAST_VAF = 0.9
"""Of all muscles together, uncentred: what R. Ballarini and others (2021), Sensors 21:3311, call
the classical threshold."""

LEAST_MUSCLE_VAF = 0.75
"""Of each muscle that counts; a habit of the field, so that no muscle is explained by the others
alone, and a choice like the threshold."""

LEAST_SIZE = 0.1
"""Of the average muscle's |X|^2, from which a muscle counts for the floor: one that hardly moves
adds nothing to what is minimised. Channels of EMG scaled to their maximum all count."""

COUNTS = (5, 6, 7, 8)
"""Tried in this order."""


class SynergyCount(NamedTuple):
    """The number of synergies that a rule chose, and what it chose from.

    Attributes:
        chosen: the first that meets the rule; the last that was tried where none does.
        met: whether it meets the rule.
        tried: in ascending order of their number, the chosen one last.
        weakest: name of the muscle with the least VAF of those that count, in the chosen one.
    """

    chosen: Factorisation
    met: bool
    tried: tuple[Factorisation, ...]
    weakest: str

    def sentence(self) -> str:
        """What a reader should know."""
        found = self.chosen
        least = found.muscle_vaf[found.synergies.muscle_names.index(self.weakest)]
        what = f"{found.synergies.n_synergies} synergies account for {100 * found.vaf:.1f} %"
        what = f"{what} of all muscles, {100 * least:.1f} % of {self.weakest}, which is the least"
        return f"{what}." if self.met else f"{what}; that is less than was asked for."


def choose_count(
    activation: Float[np.ndarray, "sample muscle"],
    muscle_names: Sequence[str],
    *,
    counts: Sequence[int] = COUNTS,
    least_vaf: float = LEAST_VAF,
    least_muscle_vaf: float = LEAST_MUSCLE_VAF,
    samples_per_cycle: int | None = None,
    starts: int = STARTS,
) -> SynergyCount:
    """The fewest synergies that account for enough of all muscles and of every one that counts.

    Args:
        activation: see `factorise`.
        muscle_names: of the columns.
        counts: to try, ascending; numbers beyond the first that meets the rule are not tried.
        least_vaf: of all muscles together, uncentred.
        least_muscle_vaf: of each muscle that counts (`LEAST_SIZE`).
        samples_per_cycle: see `factorise`.
        starts: see `factorise`.

    Raises:
        InputError: see `factorise`; or the counts are none, or do not ascend.
    """
    ladder = tuple(counts)
    if not ladder or any(b <= a for a, b in itertools.pairwise(ladder)):
        found = f"{', '.join(map(str, ladder)) or 'None'} to be tried."
        raise InputError("numbers of synergies", found, "Give at least one, each larger.")
    names, tried, met, weakest = tuple(muscle_names), [], False, -1
    for n_synergies in ladder:
        tried.append(
            factorise(
                activation, names, n_synergies, samples_per_cycle=samples_per_cycle, starts=starts
            )
        )
        size = (np.asarray(activation, float) ** 2).sum(0)
        counting = np.where(size >= LEAST_SIZE * size.mean(), tried[-1].muscle_vaf, np.inf)
        weakest = int(counting.argmin())
        met = tried[-1].vaf >= least_vaf and tried[-1].muscle_vaf[weakest] >= least_muscle_vaf
        if met:
            break
    return SynergyCount(tried[-1], bool(met), tuple(tried), names[weakest])
