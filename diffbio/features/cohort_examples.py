"""Examples a head learns from: features with the person and cohort they come from."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from diffbio.errors import InputError


@dataclasses.dataclass(frozen=True)
class Examples:
    """One row per recording.

    Attributes:
        features: of each recording.
        person: who was recorded; the same name in two cohorts is two people.
        cohort: where.
        target: what is to be predicted: a class (integers or strings) or a number (floats). One
            per person: all recordings of a person have the same.
    """

    features: Float[np.ndarray, "example feature"]
    person: tuple[str, ...]
    cohort: tuple[str, ...]
    target: np.ndarray

    def __post_init__(self) -> None:
        lengths = {len(self.features), len(self.person), len(self.cohort), len(self.target)}
        if len(lengths) > 1 or not len(self.features):
            raise InputError(
                "examples",
                f"There are {len(self.features)} rows of features, {len(self.person)} people, "
                f"{len(self.cohort)} cohorts and {len(self.target)} targets.",
                "Give one of each per recording.",
            )
        if not np.isfinite(self.features).all():
            row = int(np.flatnonzero(~np.isfinite(self.features).all(axis=1))[0])
            raise InputError(
                f"examples, features of {self.person[row]!r} in {self.cohort[row]!r}",
                "There are values that are missing.",
                "Leave the recording out.",
            )
        for number in range(int(self.person_number.max()) + 1):
            targets = self.target[self.person_number == number]
            if (targets != targets[0]).any():
                row = int(np.flatnonzero(self.person_number == number)[0])
                raise InputError(
                    f"examples, target of {self.person[row]!r} in {self.cohort[row]!r}",
                    f"It differs between recordings: {targets[0]}, "
                    f"{targets[targets != targets[0]][0]}.",
                    "Give every person one target.",
                )

    @property
    def is_classified(self) -> bool:
        """Whether the target is a class rather than a number."""
        return self.target.dtype.kind != "f"

    @property
    def person_number(self) -> Int[np.ndarray, "example"]:
        """Number of the person: equal where cohort and name are."""
        return _numbers(list(zip(self.cohort, self.person, strict=True)))

    @property
    def cohort_number(self) -> Int[np.ndarray, "example"]:
        """Number of the cohort, in the order of their first recordings."""
        return _numbers(list(self.cohort))

    @property
    def columns(self) -> Float[np.ndarray, "example column"]:
        """Features, and the number of the cohort as last column: what `heads.head` takes."""
        return np.column_stack([self.features, self.cohort_number.astype(float)])

    def with_target(self, target: np.ndarray) -> "Examples":
        """The same recordings with another target."""
        return dataclasses.replace(self, target=target)


def examples_of(
    codes: Sequence[Float[np.ndarray, "phase column"]],
    person: Sequence[str],
    cohort: Sequence[str],
    target: np.ndarray,
) -> Examples:
    """Examples whose features are codes, phase after phase in one row.

    Raises:
        InputError: lengths differ, a value is missing, or a person has two targets.
    """
    if len({code.shape for code in codes}) != 1:
        shapes = sorted({str(code.shape) for code in codes})
        raise InputError(
            "codes", f"Their shapes are {', '.join(shapes) or 'none'}.", "Give codes of one shape."
        )
    rows = np.stack([np.asarray(code, float).ravel() for code in codes])
    return Examples(rows, tuple(person), tuple(cohort), np.asarray(target))


def _numbers(names: Sequence[object]) -> Int[np.ndarray, "example"]:
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.asarray([order[name] for name in names], int)
