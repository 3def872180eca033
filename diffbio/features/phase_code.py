"""The muscle code: what every muscle does at 30 phases of the gait cycle.

Activations are a model's prediction of what muscles do, not a measurement of them.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from diffbio.body.default import default_mjcf
from diffbio.body.mjcf import compile_mjcf
from diffbio.body.muscle_routes import muscles_between
from diffbio.errors import InputError, UnknownNameError
from diffbio.gait.cycles import Cycle, Cycles, ExcludedCycle, resampled
from diffbio.gait.events import Side
from diffbio.muscle.legs import FIRST, LAST

N_PHASES = 30
"""Of a cycle, k / 30 for k = 0 to 29: the next contact, which is phase 0 again, is not among them.
Zhu et al. (2026, MuscleLens, ICRA workshop) resample cycles to 30 phases; that they interpolate
along straight lines and leave the end out is our reading, not in their text."""

PhaseReference = Literal["own", "r", "l"]
"""Whose initial contacts are phase 0: those of the muscle's own leg, or of one leg for all."""


@dataclasses.dataclass(frozen=True)
class PhaseCode:
    """Curves over the cycle, averaged over a person's valid cycles.

    Attributes:
        mean: over cycles, in the unit of what was coded (activations: 0 to 1).
        sd: between cycles of this person (n - 1); NaN where there was one cycle.
        muscles: names of the columns.
        n_cycles: how many cycles each column is the mean of.
        reference: whose contacts are phase 0.
        excluded: cycles that were left out, with the reason.
    """

    mean: Float[np.ndarray, "phase muscle"]
    sd: Float[np.ndarray, "phase muscle"]
    muscles: tuple[str, ...]
    n_cycles: Int[np.ndarray, "muscle"]
    reference: PhaseReference
    excluded: tuple[ExcludedCycle, ...] = ()

    @property
    def phase(self) -> Float[np.ndarray, "phase"]:
        """Share of the cycle that has passed, from 0 and below 1."""
        return np.arange(len(self.mean)) / len(self.mean)

    def of(self, muscles: Sequence[str]) -> "PhaseCode":
        """The columns of some muscles, in their order.

        Raises:
            UnknownNameError: one of them is not in the code.
        """
        chosen = [_column(self.muscles, muscle) for muscle in muscles]
        return dataclasses.replace(
            self,
            mean=self.mean[:, chosen],
            sd=self.sd[:, chosen],
            muscles=tuple(muscles),
            n_cycles=self.n_cycles[chosen],
        )


@functools.lru_cache(maxsize=1)
def leg_muscle_names() -> tuple[str, ...]:
    """The 80 muscles of MyoFullBody's legs, those of the right leg before the left's.

    Raises:
        InputError: the package with the default body is not installed.
    """
    return muscles_between(compile_mjcf(default_mjcf()), FIRST, LAST)


def phase_code(
    time: Float[np.ndarray, "time"],
    activation: Float[np.ndarray, "time muscle"],
    muscles: Sequence[str],
    cycles: Cycles,
    *,
    reference: PhaseReference = "own",
    n_phases: int = N_PHASES,
) -> PhaseCode:
    """Average the cycles of a recording, phase by phase.

    Args:
        time: sample times, in seconds, on the clock of the cycles.
        activation: one column per muscle, NaN where it is not known.
        muscles: their names, which end on `_r` or `_l` where `reference` is `own`.
        cycles: of the same recording.
        reference: whose initial contacts are phase 0. With `own` a symmetric walker has the same
            code on both sides; with one leg for all, what the legs do at once stands in one row.
        n_phases: of the cycle, equally spaced, linearly interpolated between samples.

    Returns:
        One column per muscle given. Cycles that reach beyond the recording, or in which a value is
        missing, are left out and listed.

    Raises:
        InputError: there is no complete cycle of a leg that is needed; names and columns do not
            agree; a name does not say its side.
    """
    muscles = tuple(muscles)
    _check(time, activation, muscles)
    sides = _sides(muscles, reference)
    mean, sd = np.empty((2, n_phases, len(muscles)))
    counts = np.empty(len(muscles), int)
    excluded = list(cycles.excluded)
    for side in dict.fromkeys(sides):
        columns = np.flatnonzero(np.asarray(sides) == side)
        stack, left_out = _stack(time, activation[:, columns], cycles.of(side), n_phases)
        excluded += left_out
        if not len(stack):
            raise _no_cycle(side, (*cycles.excluded, *left_out))
        mean[:, columns], counts[columns] = stack.mean(0), len(stack)
        sd[:, columns] = stack.std(0, ddof=1) if len(stack) > 1 else np.nan
    return PhaseCode(mean, sd, muscles, counts, reference, tuple(excluded))


def phases_of_cycle(
    cycle: Cycle,
    time: Float[np.ndarray, "time"],
    values: Float[np.ndarray, "time channel"],
    n_phases: int = N_PHASES,
) -> Float[np.ndarray, "phase channel"]:
    """Values at equally spaced phases of a cycle, its end not among them.

    Raises:
        InputError: the cycle is not within the recording.
    """
    return resampled(cycle, time, values, n_phases + 1)[:-1]


def _stack(
    time: np.ndarray, values: np.ndarray, cycles: tuple[Cycle, ...], n_phases: int
) -> tuple[Float[np.ndarray, "cycle phase channel"], list[ExcludedCycle]]:
    """Complete cycles at their phases, and the others with the reason."""
    found, excluded = [], []
    for cycle in cycles:
        ends = cycle.side, cycle.start.time, cycle.end.time
        try:
            one = phases_of_cycle(cycle, time, values, n_phases)
        except InputError:
            excluded.append(ExcludedCycle(*ends, "It reaches beyond the recording."))
            continue
        inside = (time >= cycle.start.time) & (time <= cycle.end.time)
        if np.isfinite(one).all() and np.isfinite(values[inside]).all():
            found.append(one)
        else:
            excluded.append(ExcludedCycle(*ends, "Values are missing in it."))
    empty = np.empty((0, n_phases, values.shape[1]))
    return (np.stack(found) if found else empty), excluded


def _check(time: np.ndarray, activation: np.ndarray, muscles: tuple[str, ...]) -> None:
    if len(muscles) != activation.shape[1]:
        raise InputError(
            "muscles",
            f"There are {len(muscles)} names and {activation.shape[1]} columns.",
            "Give one name per column.",
        )
    if len(time) < 2 or not (np.diff(time) > 0).all():
        raise InputError("time", "It does not increase from sample to sample.", "Sort the samples.")


def _sides(muscles: tuple[str, ...], reference: PhaseReference) -> tuple[Side, ...]:
    """Whose contacts are phase 0 for each muscle."""
    if reference != "own":
        return (reference,) * len(muscles)
    return tuple(_side(muscle) for muscle in muscles)


def _side(muscle: str) -> Side:
    if muscle.endswith("_r"):
        return "r"
    if muscle.endswith("_l"):
        return "l"
    raise InputError(
        f"muscle {muscle!r}",
        "Its name does not end on _r or _l.",
        "Rename it, or choose one leg whose contacts are phase 0 for all (reference).",
    )


def _no_cycle(side: Side, excluded: tuple[ExcludedCycle, ...]) -> InputError:
    reasons = dict.fromkeys(one.reason for one in excluded if one.side == side)
    leg = "right" if side == "r" else "left"
    return InputError(
        f"{leg} leg",
        f"It has no complete cycle. {' '.join(reasons)}".rstrip(),
        "Record two successive contacts of the foot, or let the other leg's contacts be phase 0 "
        "for all (reference).",
    )


def _column(known: tuple[str, ...], muscle: str) -> int:
    if muscle not in known:
        raise UnknownNameError("muscle code", "muscle", muscle, known)
    return known.index(muscle)
