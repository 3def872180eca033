"""A body per trial, per participant or per cohort, judged on trials and people kept out."""

import functools
import pathlib
import sys

import numpy as np

from benchmarks.cohort_simulated import WRONG, random_person, recordings
from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.cohort import BodyPrior, default_prior, fit_cohort, fit_participant
from diffbio.fitting import Fit
from diffbio.simulation import SimulatedRecording, simulate_walking
from experiments.differentiable_biomechanics.answers import Answer
from experiments.differentiable_biomechanics.cases import reference_of
from experiments.differentiable_biomechanics.recordings import CAMERAS, load_walk, walk_names
from experiments.differentiable_biomechanics.scores import (
    angle_scores,
    joints_by_name,
    score,
)
from experiments.trajectories.store import Measured

OWN = "own body"

PER_TRIAL, PER_PARTICIPANT = "body per trial", "body per participant"
COHORT_TRIAL, COHORT_PARTICIPANT = "cohort's base, per trial", "cohort's base, per participant"

KEYPOINT_SET, FRAME_RATE_HZ, DURATION, N_CAMERAS, N_WALKS = "falisse_markers", 30.0, 2.0, 4, 2
"""Of the simulated people: Hz, seconds, cameras, and walks of each."""

SEED = 500
"""Of the cohort, which is not that of the benchmark."""


def other_body(n_others: int) -> str:
    """Name of a prior learnt from other trials of the same participant."""
    return f"body of {n_others} other trial{'s' if n_others > 1 else ''}"


def measure_kept_out(
    folder: pathlib.Path, name: str, n_cameras: int, n_others: tuple[int, ...]
) -> Measured:
    """One walk with its own body, and with what the participant's other walks say of the body.

    The other walks were seen by all eight cameras.

    Args:
        folder: of recordings.
        name: of the walk that is kept out.
        n_cameras: that saw it, out of `CAMERAS`.
        n_others: numbers of other walks to learn the body from.

    Returns:
        Scores by body.
    """
    walk, reference = load_walk(folder, name, "body"), reference_of(folder, name)
    used = walk.keypoints.of_cameras(CAMERAS[n_cameras])
    trial = {name: (walk.rig.subset(used.camera_names), used)}
    priors = {OWN: default_prior(walk.body)}
    priors |= {other_body(n): _prior_of_others(folder, name, n) for n in n_others}
    measured: Measured = {}
    for body, prior in priors.items():
        fit = fit_participant(walk.body, trial, prior=prior).fits[name]
        answer = Answer(fit.motion.markers, fit.motion.joints, fit.rig, fit.iterations)
        measured[body] = score(walk, answer, used, reference)
    return measured


@functools.lru_cache(maxsize=8)
def _prior_of_others(folder: pathlib.Path, name: str, n_others: int) -> BodyPrior:
    """What the walks that follow one, in the order of names, say of the body."""
    names = walk_names(folder)
    first = names.index(name)
    others = names[first + 1 :] + names[:first]
    walks = [load_walk(folder, one, "body") for one in others[:n_others]]
    trials = {one.name: (one.rig, one.keypoints) for one in walks}
    return fit_participant(walks[0].body, trials).as_prior()


def measure_cohort(n_participants: int, n_held_out: int) -> Measured:
    """Simulated people whose markers are all 1 to 2 cm away from the base model's.

    A cohort learns the base model; people who were not among it are fitted with a body of each
    trial or of all their trials, beginning at the base model as it is or as the cohort has it.

    Args:
        n_participants: of the cohort.
        n_held_out: people who were not among it.

    Returns:
        By body, for every walk of every person kept out: `marker_mm`, and what `angle_scores`
        says. Under `cohort`: by how much the base model's markers are wrong before and after, RMS
        in millimetres, and who failed.
    """
    body = default_body(load_keypoint_set(KEYPOINT_SET))
    rng = np.random.default_rng(SEED)
    direction = rng.normal(size=(len(body.marker_names), 3))
    size = rng.uniform(*WRONG, len(direction)) / np.linalg.norm(direction, axis=1)
    wrong = direction * size[:, None]
    people = {f"p{i:02d}": _walks(body, SEED + i, wrong) for i in range(n_participants)}
    trials = {name: recordings(each) for name, each in people.items()}
    learnt = fit_cohort(body, trials, progress=_say)
    mean = learnt.population.mean[len(body.segment_names) :].reshape(-1, 3)
    priors = {
        PER_TRIAL: (default_prior(body), False),
        PER_PARTICIPANT: (default_prior(body), True),
        COHORT_TRIAL: (learnt.population.as_prior(), False),
        COHORT_PARTICIPANT: (learnt.population.as_prior(), True),
    }
    measured: Measured = {
        "cohort": {
            "wrong_before_mm": _rms_mm(wrong),
            "wrong_after_mm": _rms_mm(mean - wrong),
            "moved": list(learnt.moved),
            "failed": learnt.failed,
        }
    }
    held_out = range(n_participants, n_participants + n_held_out)
    strangers = [_walks(body, SEED + i, wrong) for i in held_out]
    for label, (prior, together) in priors.items():
        scores = []
        for each in strangers:
            scores += _scores_of_person(body, each, prior, together=together)
            _say(0, label)
        measured[label] = scores
    return measured


def _walks(body: BodyModel, seed: int, wrong: np.ndarray) -> list[SimulatedRecording]:
    """Of one person."""
    person = random_person(body, seed, wrong)
    return [
        simulate_walking(
            load_keypoint_set(KEYPOINT_SET),
            seed=N_WALKS * seed + k,
            duration=DURATION,
            frame_rate_hz=FRAME_RATE_HZ,
            n_cameras=N_CAMERAS,
            person=person,
        )
        for k in range(N_WALKS)
    ]


def _scores_of_person(
    body: BodyModel, each: list[SimulatedRecording], prior: BodyPrior, *, together: bool
) -> list[dict[str, object]]:
    """Of every walk of a person, with one body for all of them or one for each."""
    trials = recordings(each)
    groups = [trials] if together else [{name: one} for name, one in trials.items()]
    fits: dict[str, Fit] = {}
    for group in groups:
        fits |= fit_participant(body, group, prior=prior).fits
    scores: list[dict[str, object]] = []
    for name, one in zip(trials, each, strict=True):
        motion = fits[name].motion
        truth = joints_by_name(body, np.asarray(one.pose.joints, float))
        away = np.linalg.norm(motion.markers - one.markers, axis=-1)
        compared = angle_scores(joints_by_name(body, motion.joints), truth)
        scores.append({"marker_mm": float(1e3 * away.mean()), **compared})
    return scores


def _rms_mm(offsets: np.ndarray) -> float:
    """Root mean square of the lengths of vectors."""
    return float(1e3 * np.sqrt((offsets**2).sum(-1).mean()))


def _say(turn: int, name: str) -> None:
    print(f"\r{turn} {name}   ", end="", file=sys.stderr, flush=True)
