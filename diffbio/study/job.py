"""What one worker does for one participant: read their trials, solve, write, say little."""

import dataclasses
import hashlib
import json
import os
import pathlib

import numpy as np

import diffbio
from diffbio._jax import enable_compilation_cache
from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.cohort import ParticipantFit, Population, first_population
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.participant import Participant, fit_participant, solve_participant
from diffbio.cohort.prior import BodyPrior, default_prior, flat
from diffbio.errors import FitError
from diffbio.fitting.batch import Recording
from diffbio.io.angles_table import write_rows
from diffbio.io.cohort_file import population_id, read_population
from diffbio.io.read import read_trial
from diffbio.io.study import Enrolled, TrialFiles
from diffbio.io.trial import Trial
from diffbio.report.result_folder import write_result
from diffbio.study.facts import body_facts, solve_with_facts
from diffbio.study.faults import reason_of
from diffbio.study.records import (
    TABLE_FILE,
    Delivered,
    Learnt,
    newton_target,
    read_learnt,
    write_delivered,
    write_learnt,
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the trials of a study are fitted, all alike.

    Attributes:
        keypoint_set: name or path of the set whose markers the body has.
        refine: what to correct of the cameras, out of `cameras.adjustment.GROUPS`.
        bandwidth_hz: highest frequency of the motion; None for that of `fit_motion`.
    """

    keypoint_set: str
    refine: tuple[str, ...] = ()
    bandwidth_hz: float | None = None

    def digest(self) -> str:
        """A short text that changes with the settings and with the version of diffbio."""
        content = json.dumps([dataclasses.asdict(self), diffbio.__version__])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def body(self) -> BodyModel:
        """The base model."""
        return default_body(load_keypoint_set(self.keypoint_set))


@dataclasses.dataclass(frozen=True)
class Job:
    """One participant, for one worker. Small: trials are named, not held.

    Attributes:
        participant: whose trials.
        folder: of their results.
        settings: how to fit.
        inputs: fingerprint of the trials.
        population: file of the prior; None for the one there is before any data.
        posture_share: what counts of the prior on posture while learning.
        turns: how often these inputs were solved before.
    """

    participant: Enrolled
    folder: pathlib.Path
    settings: Settings
    inputs: str
    population: pathlib.Path | None
    posture_share: float = 1.0
    turns: int = 0


@dataclasses.dataclass(frozen=True)
class Told:
    """How a job ended.

    Attributes:
        participant: their name.
        error: why nothing came of it; empty where something did.
        failed: trials that were not used, with the reason.
    """

    participant: str
    error: str = ""
    failed: dict[str, str] = dataclasses.field(default_factory=dict)


def learn(job: Job) -> Told:
    """Solve for a participant under the present population, and keep what their trials say.

    Raises:
        FitError: no trial of theirs can be used.
    """
    prepare_process()
    body = job.settings.body()
    population = _population(job, body) or first_population(body)
    trials, failed = _read(job)
    prior = population.as_prior()

    def solve(prior: BodyPrior) -> Participant:
        return solve_participant(
            body,
            _recordings(trials),
            prior=prior,
            bandwidth_hz=job.settings.bandwidth_hz,
            refine=job.settings.refine,
            posture_share=job.posture_share,
        )

    solved, told, refused = solve_with_facts(
        body, job.participant, prior, solve, lambda found: found.person
    )
    failed |= solved.failed | _about_facts(refused)
    offers = solved.solution.offers.values()
    slope = np.sum([np.asarray(one.gradient, float) for one in offers], axis=0)
    curvature = np.sum([np.asarray(one.information, float) for one in offers], axis=0)
    # What was stated of the person is evidence like that of a trial.
    curvature = 0.5 * (curvature + curvature.T) + told.information
    slope = slope + told.information @ solved.person - told.vector
    shown = solved.evidence
    learnt = Learnt(
        evidence=Evidence(shown.information + told.information, shown.vector + told.vector),
        person=solved.person,
        slope=slope,
        curvature=curvature,
        expected=newton_target(solved.person, slope, curvature, prior),
        inputs=job.inputs,
        settings=job.settings.digest(),
        turns=job.turns + 1,
        trials=tuple(solved.prepared),
        failed=failed,
    )
    write_learnt(job.folder, learnt)
    return Told(job.participant.name, failed=failed)


def deliver(job: Job) -> Told:
    """Fit a participant under the population and write all results of theirs.

    As `diffbio fit --base` would, with all their trials: the guess of posture counts in full.

    Raises:
        FitError: no trial of theirs can be used.
        InputError: the results cannot be written.
    """
    prepare_process()
    body = job.settings.body()
    population = _population(job, body)
    trials, failed = _read(job)
    prior = default_prior(body) if population is None else population.as_prior()

    def solve(prior: BodyPrior) -> ParticipantFit:
        return fit_participant(
            body,
            _recordings(trials),
            prior=prior,
            bandwidth_hz=job.settings.bandwidth_hz,
            refine=job.settings.refine,
        )

    fit, _, refused = solve_with_facts(
        body, job.participant, prior, solve, lambda found: flat(found.parameters)
    )
    failed |= fit.failed | _about_facts(refused)
    name = "" if population is None else population_id(population)
    written: dict[str, dict[str, object]] = {}
    for key, one in fit.fits.items():
        try:
            verdict = write_result(one, trials[key], job.folder / key, log=_log(job, name, fit))
        except FitError as error:
            failed[key] = str(error)
            continue
        pixels = one.error.median_px
        written[key] = {
            "verdict": verdict.level,
            "sentence": verdict.sentence,
            "frames": len(one.motion.time),
            "median_px": round(pixels, 3) if np.isfinite(pixels) else None,
        }
    rows = [(*_named(job.participant, key), fit.fits[key]) for key in written]
    write_rows(job.folder / TABLE_FILE, rows, participant=job.participant.name, population=name)
    learnt = None if population is None else read_learnt(job.folder)
    expected = () if learnt is None or population is None else learnt.under(population)
    record = Delivered(
        inputs=job.inputs,
        settings=job.settings.digest(),
        population=name,
        expected=tuple(map(float, expected)),
        trials=written,
        failed=failed,
        body=body_facts(job.participant, body, fit),
    )
    write_delivered(job.folder, record)
    return Told(job.participant.name, failed=failed)


def prepare_process() -> None:
    """What every worker needs: one thread per small dense solve, compiled programs kept."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    enable_compilation_cache()


def _about_facts(refused: str) -> dict[str, str]:
    """What is remarked of the person, not of one of their trials."""
    return {"": refused} if refused else {}


def _population(job: Job, body: BodyModel) -> Population | None:
    return None if job.population is None else read_population(job.population, body)


def _read(job: Job) -> tuple[dict[str, Trial], dict[str, str]]:
    """Trials with the study's keypoints, and why the others cannot be used."""
    trials: dict[str, Trial] = {}
    failed: dict[str, str] = {}
    for files in job.participant.trials:
        try:
            trials[files.key] = _trial(files, job.settings)
        except Exception as error:  # One trial's fault, ours included, stops no other.
            failed[files.key] = reason_of(error)
    if not trials:
        reasons = "; ".join(f"{key}: {why}" for key, why in failed.items())
        raise FitError(f"No trial of {job.participant.name} can be read. {reasons}")
    return trials, failed


def _trial(files: TrialFiles, settings: Settings) -> Trial:
    """One trial of the study's keypoints, in single precision as every fit.

    Raises:
        FitError: its keypoints are of another set.
        InputError: it cannot be read.
    """
    trial = read_trial(files.path, rig=files.rig)
    wanted = load_keypoint_set(settings.keypoint_set).name
    if trial.keypoints.set_name != wanted:
        raise FitError(
            f"Its keypoints are {trial.keypoints.set_name}, the study is fitted with {wanted}. Fit "
            "it on its own, or the study with --keypoint-set."
        )
    return dataclasses.replace(trial, rig=trial.rig.astype(np.float32))


def _recordings(trials: dict[str, Trial]) -> dict[str, Recording]:
    return {key: (trial.rig, trial.keypoints) for key, trial in trials.items()}


def _named(participant: Enrolled, key: str) -> tuple[str, str]:
    """Session and name of a trial."""
    return next((one.session, one.name) for one in participant.trials if one.key == key)


def _log(job: Job, population: str, fit: ParticipantFit) -> str:
    return (
        f"{job.participant.name}: one body over {len(fit.fits)} trials, prior "
        f"{f'population {population}' if population else 'anthropometric'}; {fit.iterations} "
        f"iterations, {fit.outcome.name.lower()}, {fit.solve_s:.1f} s.\n"
    )
