"""People whose trials show different keypoints: one base model and one population over all sets.

A segment's size is a number of the person, whatever shows it. A marker's offset belongs to the
place of its anchor on the base model, not to its name: keypoints of different sets that are the
same point of the same body share it, so that what one set tells of that point serves the other.
Markers that were put anywhere on a segment mark no place: nothing about them is common to people,
and they are eliminated from what a participant says, under the prior that a fit alone has on them.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from diffbio.body import BodyModel, default_body
from diffbio.body.keypoint_set import Anchor, AnchorClass, KeypointSet
from diffbio.cohort.cohort import ROUNDS, STILL, CohortFit, Progress
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.participant import AnyTrial, solve_participant
from diffbio.cohort.population import (
    Population,
    estimate_population,
    first_population,
)
from diffbio.cohort.prior import default_prior
from diffbio.errors import DiffbioError, FitError

Enrolment = tuple[str, Mapping[str, AnyTrial]]
"""Name of a participant's keypoint set, and their trials by name."""


@dataclasses.dataclass(frozen=True)
class JoinedBody:
    """A base model with the anchors of several keypoint sets.

    Attributes:
        body: with every place of all sets, each once; a marker is called `SET/KEYPOINT` after the
            first set that has it.
        parts: the base model of each set, by the set's name.
        numbers: of each set: where a person's numbers by its body (see `cohort.prior.flat`) stand
            among those by the joined body; -1 for those that are no business of the population.
    """

    body: BodyModel
    parts: dict[str, BodyModel]
    numbers: dict[str, Int[np.ndarray, "person"]]

    def widened(self, set_name: str, evidence: Evidence) -> Evidence:
        """What trials of one set say in all numbers: of those it does not show, nothing."""
        own, n = self.numbers[set_name], len(first_population(self.body).mean)
        common, rest = np.flatnonzero(own >= 0), np.flatnonzero(own < 0)
        prior = np.linalg.inv(self._alone(set_name)[np.ix_(rest, rest)])
        matrix = evidence.information
        onto = np.linalg.solve(matrix[np.ix_(rest, rest)] + prior, matrix[rest][:, common])
        information, vector = np.zeros((n, n)), np.zeros(n)
        told = matrix[np.ix_(common, common)] - matrix[common][:, rest] @ onto
        information[np.ix_(own[common], own[common])] = 0.5 * (told + told.T)
        vector[own[common]] = evidence.vector[common] - onto.T @ evidence.vector[rest]
        return Evidence(information, vector)

    def narrowed(self, set_name: str, population: Population) -> Population:
        """The part of a population that one set shows: its marginal, for a prior of its fits."""
        own = self.numbers[set_name]
        common, rest = np.flatnonzero(own >= 0), np.flatnonzero(own < 0)
        here, there = np.ix_(common, common), np.ix_(own[common], own[common])
        mean, covariance, of_mean = np.zeros(len(own)), *np.zeros((2, len(own), len(own)))
        mean[common] = population.mean[own[common]]
        covariance[here] = population.covariance[there]
        of_mean[here] = population.mean_covariance[there]
        alone = np.ix_(rest, rest)
        covariance[alone] = self._alone(set_name)[alone]
        return Population(mean, covariance, of_mean, population.n_participants)

    def _alone(self, set_name: str) -> Float[np.ndarray, "person person"]:
        """Covariance of a person's numbers before anything is seen, in a fit of one trial."""
        return np.linalg.inv(default_prior(self.parts[set_name]).information)


def join_bodies(
    sets: Sequence[KeypointSet], make_body: Callable[[KeypointSet], BodyModel] = default_body
) -> JoinedBody:
    """One base model under several keypoint sets.

    Args:
        sets: of different names.
        make_body: the base model with the markers of a set.
    """
    places: dict[_Place, Anchor] = {}
    for one in sets:
        for place, anchor in _places(one).items():
            called = f"{one.name}/{anchor.keypoint}"
            places.setdefault(place, dataclasses.replace(anchor, keypoint=called))
    anchors = tuple(places.values())
    body = make_body(KeypointSet("joined", tuple(a.keypoint for a in anchors), anchors))
    order, n_scale = list(places), len(body.segment_names)
    parts, numbers = {}, {}
    for one in sets:
        part = parts[one.name] = make_body(one)
        scales = [_index(body.segment_names, name) for name in part.segment_names]
        at = {anchor.keypoint: order.index(place) for place, anchor in _places(one).items()}
        markers = np.asarray([at.get(name, -1) for name in part.marker_names])[:, None]
        offsets = np.where(markers < 0, -1, n_scale + 3 * markers + np.arange(3))
        numbers[one.name] = np.concatenate([np.asarray(scales, int), offsets.reshape(-1)])
    return JoinedBody(body, parts, numbers)


def fit_joined_cohort(
    joined: JoinedBody,
    participants: Mapping[str, Enrolment],
    *,
    guess: Population | None = None,
    rounds: int = ROUNDS,
    progress: Progress | None = None,
) -> CohortFit:
    """Learn what people have in common whose trials show different keypoints; see `fit_cohort`.

    Args:
        joined: the base model under all their sets.
        participants: their sets and trials, by name.
        guess: what is known before, in the numbers of the joined body; by default anthropometry.
        rounds: at most.
        progress: called after every participant.

    Returns:
        Population and evidence in the numbers of the joined body, people in those of their set.

    Raises:
        FitError: no participant could be fitted.
    """
    guess = guess or first_population(joined.body)
    population, moved = guess, []
    failed: dict[str, str] = {}
    evidence: dict[str, Evidence] = {}
    people: dict[str, np.ndarray] = {}
    for turn in range(rounds):
        failed = {}
        for name, (set_name, trials) in participants.items():
            try:
                one = solve_participant(
                    joined.parts[set_name],
                    trials,
                    prior=joined.narrowed(set_name, population).as_prior(),
                    posture_share=1 / len(participants),
                )
            except DiffbioError as error:
                failed[name] = str(error)
                evidence.pop(name, None)
                continue
            evidence[name] = joined.widened(set_name, one.evidence)
            people[name] = one.person
            failed.update({f"{name}/{trial}": why for trial, why in one.failed.items()})
            if progress is not None:
                progress(turn, name)
        if not evidence:
            raise FitError(f"No participant could be fitted. {'; '.join(failed.values())}")
        n_scale = len(joined.body.segment_names)
        found = estimate_population(list(evidence.values()), guess, n_scale)
        moved.append(float(np.abs(found.mean - population.mean).max()))
        population = found
        if moved[-1] < STILL:
            break
    return CohortFit(population, people, evidence, failed, tuple(moved))


_Place = tuple[object, ...]
"""A point of a body; where a set has two keypoints at one, the second is told by its name."""


def _places(keypoints: KeypointSet) -> dict[_Place, Anchor]:
    """Anchors that mark a place, by that place."""
    found: dict[_Place, Anchor] = {}
    for anchor in keypoints.anchors:
        place: _Place = (anchor.body, anchor.position)
        if anchor.kind is not AnchorClass.CLUSTER:
            found[(keypoints.name, anchor.keypoint) if place in found else place] = anchor
    return found


def _index(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
