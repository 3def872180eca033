"""A base model and a prior learnt over a cohort: the third of the method's three levels."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.cohort.participant import AnyTrial, solve_participant
from diffbio.cohort.population import (
    Evidence,
    Population,
    estimate_population,
    first_population,
)
from diffbio.errors import DiffbioError, FitError

ROUNDS = 4
"""Of fits of all participants at most, each under the population that the last one told."""

STILL = 0.001
"""Largest movement of the population's mean at which there is no need of another round: log
scales, or metres of an anchor."""

Progress = Callable[[int, str], None]
"""Called with the round and the participant that was just fitted."""


@dataclasses.dataclass(frozen=True)
class CohortFit:
    """A population, and what it was learnt from.

    Attributes:
        population: what later fits may start from.
        people: the participants' numbers under it, in order of name.
        evidence: what each participant's trials say.
        failed: participants and trials that could not be used, with the reason.
        moved: by how much each round moved the mean at most; log scales, or metres.
    """

    population: Population
    people: dict[str, Float[np.ndarray, "person"]]
    evidence: dict[str, Evidence]
    failed: dict[str, str]
    moved: tuple[float, ...]


def fit_cohort(
    body: BodyModel,
    participants: Mapping[str, Mapping[str, AnyTrial]],
    *,
    guess: Population | None = None,
    refine: tuple[str, ...] = (),
    rounds: int = ROUNDS,
    progress: Progress | None = None,
) -> CohortFit:
    """Learn what the participants have in common (Cotton 2024, trilevel).

    Every round fits all participants under the present population, and then finds the population
    that what they say makes most likely. A participant hands up one matrix and one vector, so
    memory does not grow with their trials.

    How people usually hold themselves is one guess for all of them. It counts once in the cohort,
    not once per participant: or else what all of them do differently from the guess would be
    blamed on the base model's anchors.

    Args:
        body: the base model, whose markers are keypoints of the set.
        participants: their trials, by name.
        guess: what is known before; by default anthropometry.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        rounds: at most.
        progress: called after every participant.

    Raises:
        FitError: no participant could be fitted.
    """
    guess = guess or first_population(body)
    population, n_scale = guess, len(body.segment_names)
    moved: list[float] = []
    failed: dict[str, str] = {}
    evidence: dict[str, Evidence] = {}
    people: dict[str, np.ndarray] = {}
    for turn in range(rounds):
        failed = {}
        for name, trials in participants.items():
            try:
                one = solve_participant(
                    body,
                    trials,
                    prior=population.as_prior(),
                    refine=refine,
                    posture_share=1 / len(participants),
                )
            except DiffbioError as error:
                failed[name] = str(error)
                evidence.pop(name, None)
                continue
            evidence[name], people[name] = one.evidence, one.person
            failed.update({f"{name}/{trial}": why for trial, why in one.failed.items()})
            if progress is not None:
                progress(turn, name)
        if not evidence:
            raise FitError(f"No participant could be fitted. {'; '.join(failed.values())}")
        found = estimate_population(list(evidence.values()), guess, n_scale)
        moved.append(float(np.abs(found.mean - population.mean).max()))
        population = found
        if moved[-1] < STILL:
            break
    return CohortFit(population, people, evidence, failed, tuple(moved))
