"""Fit a study: learn the population in rounds, then every participant's results under it."""

import dataclasses
import pathlib

import numpy as np

from diffbio.body import BodyModel
from diffbio.cohort import Population, first_population
from diffbio.cohort.cohort import ROUNDS
from diffbio.cohort.population import estimate_population
from diffbio.errors import FitError, InputError
from diffbio.io.cohort_file import population_id, read_population, write_population
from diffbio.io.study import Enrolled, Remark, Study
from diffbio.study.course import BASE_FILE, Course, Progress
from diffbio.study.fingerprint import fingerprint
from diffbio.study.job import Settings
from diffbio.study.records import Delivered, Learnt
from diffbio.study.runners import Runner, in_turn

SETTLED = 0.25
"""Of their own standard deviations: a participant whom a better population moves less than this
in every number is not fitted again for its sake."""


@dataclasses.dataclass(frozen=True)
class StudyFit:
    """What became of a study.

    Attributes:
        settings: how it was fitted.
        body: the base model.
        guess: what was known before any participant.
        population: what was learnt; None where none was asked for.
        learnt: of each participant, by name.
        delivered: of each participant who has results, by name.
        moved: by how much each round moved the mean at most; log scales, or metres.
        jobs: participants fitted now, learning and results counted apart; what was done before
            is not among them.
        remarks: what could not be used, and why.
    """

    settings: Settings
    body: BodyModel
    guess: Population
    population: Population | None
    learnt: dict[str, Learnt]
    delivered: dict[str, Delivered]
    moved: tuple[float, ...]
    jobs: dict[str, int]
    remarks: tuple[Remark, ...]


def fit_study(
    study: Study,
    output: pathlib.Path,
    settings: Settings,
    *,
    run: Runner = in_turn,
    rounds: int = ROUNDS,
    learn_population: bool = True,
    progress: Progress | None = None,
) -> StudyFit:
    """Fit every participant of a study, learn what they have in common, write their results.

    What was done before and whose trials and settings are the same is not done again: evidence
    lies with the results, so that the population is estimated anew from everybody's without
    fitting them. A participant is fitted again for the sake of a better population only where it
    moves a number of theirs by more than `SETTLED` standard deviations. That movement, and the
    evidence of who is not fitted again, are exact where objectives are quadratic, which they are
    nearly so close to their minimum; and the guess of posture counts in shares of the number of
    participants there were when they were fitted.

    Args:
        study: what to fit.
        output: folder of results: `sub-01/ses-01/TRIAL/` and so on, and `cohort.nc`.
        settings: how.
        run: who does the work.
        rounds: most times one participant is solved for to learn the population.
        learn_population: else every participant is fitted under the default prior.
        progress: called after every job.

    Raises:
        FitError: no participant could be fitted.
    """
    body = settings.body()
    inputs = {one.name: fingerprint(one, study.path) for one in study.participants}
    course = Course(study, output, settings, run, progress, inputs)
    guess, population, moved = first_population(body), None, ()
    if learn_population:
        population, moved = _learn(course, body, guess, rounds)
    delivered = _deliver(course, population)
    learnt = course.learnt() if learn_population else {}
    for name, one in {**learnt, **delivered}.items():
        for trial, reason in one.failed.items():
            course.remark(name, trial, reason)
    return StudyFit(
        settings=settings,
        body=body,
        guess=guess,
        population=population,
        learnt=learnt,
        delivered=delivered,
        moved=moved,
        jobs=course.jobs,
        remarks=(*study.remarks, *course.left_out),
    )


def _learn(
    course: Course, body: BodyModel, guess: Population, rounds: int
) -> tuple[Population, tuple[float, ...]]:
    """The population, and by how much each round moved its mean."""
    base = course.output / BASE_FILE
    population, known = _begun(base, body), course.learnt()
    moved: list[float] = []
    # Once at least: participants may have left since the last run.
    while (wanting := _wanting(course, known, population, rounds)) or not moved:
        turns = {name: one.turns for name, one in known.items()}
        course.do("learn", wanting, under_population=population is not None, turns=turns)
        known = course.learnt()
        if not known:
            reasons = "; ".join(f"{one.participant}: {one.reason}" for one in course.left_out)
            raise FitError(f"No participant could be fitted. {reasons}")
        evidence = [known[name].evidence for name in sorted(known)]
        found = estimate_population(evidence, guess, len(body.segment_names))
        before = guess if population is None else population
        moved.append(float(np.abs(found.mean - before.mean).max()))
        if population is None or population_id(found) != population_id(population):
            write_population(base, found, body, course.settings.keypoint_set)
        population = found
    assert population is not None
    return population, tuple(moved)


def _wanting(
    course: Course, known: dict[str, Learnt], population: Population | None, rounds: int
) -> list[Enrolled]:
    """Participants who are to be solved for, for the first time or again."""
    everybody = course.study.participants
    return [
        one
        for one in everybody
        if one.name not in course.given_up and _wants_turn(known.get(one.name), population, rounds)
    ]


def _wants_turn(learnt: Learnt | None, population: Population | None, rounds: int) -> bool:
    if learnt is None:
        return True
    if population is None or learnt.turns >= rounds:
        return False
    return learnt.moves(population) > SETTLED


def _begun(base: pathlib.Path, body: BodyModel) -> Population | None:
    """The population of a run before this one; None where there is none for this body."""
    try:
        return read_population(base, body)
    except InputError:
        return None


def _deliver(course: Course, population: Population | None) -> dict[str, Delivered]:
    """Results of everybody, of whom there were none or whom the population moves."""
    done = course.delivered()
    learnt = course.learnt() if population is not None else {}
    wanting = [
        one
        for one in course.study.participants
        if (population is None or one.name in learnt)
        and not _stands(done.get(one.name), learnt.get(one.name), population)
    ]
    course.do("deliver", wanting, under_population=population is not None, turns={})
    return course.delivered()


def _stands(done: Delivered | None, learnt: Learnt | None, population: Population | None) -> bool:
    """Whether results need not be made again."""
    if done is None:
        return False
    if population is None or learnt is None:
        return not done.population and population is None
    if not done.expected or not done.population:
        return False
    return learnt.moves(population, np.asarray(done.expected)) <= SETTLED
