"""One body for all trials of a participant: the second of the method's three levels."""

import dataclasses
import functools
import time as clock
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras.adjustment import GROUPS, no_adjustment
from diffbio.cohort.evidence import Evidence, evidence_of, plain_offer
from diffbio.cohort.prior import BodyPrior, default_prior, flat, unflat
from diffbio.cohort.solve import Progress, Solution, solve_person
from diffbio.cohort.stance import Stance, posed
from diffbio.errors import DiffbioError, FitError, UnknownNameError
from diffbio.fitting.batch import Recording, unnamed
from diffbio.fitting.distil import start_spline
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.nested import Share
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals import MarkerPrior, ScalePrior
from diffbio.fitting.solvers import Solved, basis_of, tolerance_of
from diffbio.fitting.stages import Prepared, bandwidth_of, finish, prepare, prepare_markers
from diffbio.fitting.system import State
from diffbio.fitting.uncertainty import noise_of
from diffbio.observations import Markers

AnyTrial = Recording | Markers | Stance
"""Cameras and what they detected, or optical markers; where a posture was asked for, with it."""

SAME_PERSON = 0.05
"""Difference of log size between a trial and the others beyond which they show two people. The
size of a trial's first triangulated points is right to 1 or 2 %."""


@dataclasses.dataclass(frozen=True)
class Participant:
    """A person solved for, with all their trials, before anything is evaluated.

    Attributes:
        prepared: the trials, by name.
        shares: likewise, as the solver took them.
        solution: where it ended.
        prior: on the person.
        failed: trials that could not be used, with the reason.
        solve_s: that solving took, compiling included, in seconds.
    """

    prepared: dict[str, Prepared]
    shares: dict[str, Share]
    solution: Solution
    prior: BodyPrior
    failed: dict[str, str]
    solve_s: float

    @property
    def person(self) -> Float[np.ndarray, "person"]:
        """Log scales and marker offsets; see `cohort.prior.flat`."""
        return flat(next(iter(self.solution.states.values())).parameters)

    def unknowns(self, name: str) -> Unknowns:
        """A trial's solution in the words of its problem."""
        return self.shares[name].system.unknowns(self.solution.states[name])

    @functools.cached_property
    def said(self) -> dict[str, Evidence]:
        """What each trial says about the person, as far as its errors let it count, and without
        what is only assumed of motion; see `plain_offer`."""
        told, person, tail = {}, self.person, self.solution.course.tail
        for name, one in self.prepared.items():
            noise = noise_of(one.problem, self.unknowns(name), refine=one.refine).lasting
            offered = plain_offer(self.shares[name], self.solution.states[name], tail, noise)
            told[name] = evidence_of(offered, noise, person)
        return told

    @property
    def evidence(self) -> Evidence:
        """What all trials say together, without the prior."""
        each = self.said.values()
        information = np.sum([one.information for one in each], axis=0)
        return Evidence(information, np.sum([one.vector for one in each], axis=0))


@dataclasses.dataclass(frozen=True)
class ParticipantFit:
    """A person and all their trials.

    Attributes:
        parameters: the person, the same in all fits.
        covariance: of log scales and marker offsets (flat, see `cohort.prior.flat`), from all
            trials together; unitless and metres.
        fits: of the trials, by name.
        failed: why the others have none, by name.
        iterations: linear systems solved, each of all trials.
        cost: the objective, unitless: the sum of the trials' and the prior's.
        outcome: why the solver stopped.
        solve_s: that solving took, compiling included, in seconds.
    """

    parameters: BodyParameters
    covariance: Float[np.ndarray, "person person"]
    fits: dict[str, Fit]
    failed: dict[str, str]
    iterations: int
    cost: float
    outcome: Outcome
    solve_s: float

    def as_prior(self) -> BodyPrior:
        """What these trials say about the person, for a trial that was not among them."""
        return BodyPrior(flat(self.parameters), np.linalg.inv(self.covariance))


def fit_participant(
    body: BodyModel,
    trials: Mapping[str, AnyTrial],
    *,
    prior: BodyPrior | None = None,
    bandwidth_hz: float | None = None,
    refine: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> ParticipantFit:
    """Fit all trials of one person with one body, solved together; see `solve_participant`.

    Returns:
        Fits with error bars that know what the other trials say of the person.
    """
    solved = solve_participant(
        body, trials, prior=prior, bandwidth_hz=bandwidth_hz, refine=refine, progress=progress
    )
    return finish_participant(solved, bandwidth_hz)


def solve_participant(
    body: BodyModel,
    trials: Mapping[str, AnyTrial],
    *,
    prior: BodyPrior | None = None,
    bandwidth_hz: float | None = None,
    refine: tuple[str, ...] = (),
    posture_share: float = 1.0,
    progress: Progress | None = None,
) -> Participant:
    """Solve for one person and the motions and cameras of all their trials.

    The objective is the sum of the trials' objectives with the prior on the person counted once
    (Cotton 2024, bilevel). It is solved by Gauss-Newton with exact nested elimination: every
    trial hands up what it says about the person, a small matrix. Cameras are each trial's own.

    Args:
        body: anatomy whose markers are keypoints of the set.
        trials: cameras and detections of each, or optical markers, by name; all have the markers
            of the body.
        prior: on the person; by default that of a fit of one trial.
        bandwidth_hz: highest frequency of the motion; see `fit_motion`.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        posture_share: what counts of the prior on posture, in all trials together.
        progress: called after every iteration with how many there were.

    Raises:
        FitError: no trial could be started from, or the fit ended in numbers that are not finite.
        UnknownNameError: there is no such group of corrections.
    """
    for group in refine:
        if group not in GROUPS:
            raise UnknownNameError("solve_participant", "group of corrections", group, GROUPS)
    prior = prior or default_prior(body)
    share = posture_share / max(len(trials), 1)
    prepared, failed = prepared_trials(body, trials, prior, refine, share)
    person = shared_start(prepared)
    lanes = {name: _lane(one, person, bandwidth_hz) for name, one in prepared.items()}
    shares = {name: share for name, (share, _) in lanes.items()}
    states = {name: state for name, (_, state) in lanes.items()}
    tolerance = sum(float(tolerance_of(share.problem)) for share in shares.values())
    began = clock.perf_counter()
    solution = solve_person(shares, states, prior, tolerance=tolerance, progress=progress)
    if int(solution.course.outcome) == Outcome.NOT_FINITE:
        raise FitError("The fit of the participant ended in numbers that are not finite.")
    return Participant(prepared, shares, solution, prior, failed, clock.perf_counter() - began)


def finish_participant(solved: Participant, bandwidth_hz: float | None = None) -> ParticipantFit:
    """Evaluate a solution: motions, errors in pixels and error bars of all trials.

    Args:
        solved: the participant.
        bandwidth_hz: as it was solved with.
    """
    course = solved.solution.course
    outcome, iterations = Outcome(int(course.outcome)), int(course.iterations)
    n_frames = sum(int(one.problem.n_frames) for one in solved.prepared.values())
    everything = solved.evidence.information + solved.prior.information
    fits = {}
    for name, one in solved.prepared.items():
        per_frame = float(course.cost) / n_frames
        fits[name] = finish(
            one,
            Solved(solved.unknowns(name), iterations, per_frame, outcome, 0.0),
            solver="gauss-newton",
            bandwidth_hz=bandwidth_of(one.keypoints, "spline", bandwidth_hz),
            solve_s=solved.solve_s / len(solved.prepared),
            person=everything - solved.said[name].information,
        )
    return ParticipantFit(
        parameters=next(iter(fits.values())).parameters,
        covariance=np.linalg.inv(everything),
        fits=fits,
        failed=solved.failed,
        iterations=iterations,
        cost=float(course.cost),
        outcome=outcome,
        solve_s=solved.solve_s,
    )


def prepared_trials(
    body: BodyModel,
    trials: Mapping[str, AnyTrial],
    prior: BodyPrior,
    refine: tuple[str, ...],
    posture_share: float,
) -> tuple[dict[str, Prepared], dict[str, str]]:
    """Trials that can be started from and show one person, and why the others cannot."""
    ready: dict[str, Prepared] = {}
    failed: dict[str, str] = {}
    for name, trial in trials.items():
        try:
            one = _one_prepared(body, trial, prior.mean, refine, posture_share)
        except DiffbioError as error:
            failed[name] = str(error)
            continue
        ready[name] = dataclasses.replace(one, problem=without_person(one.problem))
    size = {name: float(np.mean(one.start.parameters.log_scale)) for name, one in ready.items()}
    usual = float(np.median(list(size.values()))) if size else 0.0
    for name, own in size.items():
        if len(size) > 2 and abs(own - usual) > SAME_PERSON:
            larger = "larger" if own > usual else "smaller"
            failed[name] = (
                f"Shows somebody {abs(np.expm1(own - usual)):.0%} {larger} than the other trials: "
                "another person, or a rig in other units. Left out of this participant."
            )
            del ready[name]
    if not ready:
        reasons = "; ".join(f"{name}: {why}" for name, why in failed.items())
        raise FitError(f"No trial of the participant can be fitted. {reasons}")
    return ready, failed


def _one_prepared(
    body: BodyModel,
    trial: AnyTrial,
    mean: Float[np.ndarray, "person"],
    refine: tuple[str, ...],
    posture_share: float,
) -> Prepared:
    """A trial of either kind; those with cameras have the precision of their rig."""
    n_scale = len(body.segment_names)
    if isinstance(trial, Stance):
        free = _one_prepared(body, trial.trial, mean, refine, posture_share)
        return dataclasses.replace(free, problem=posed(free.problem, body, trial))
    if isinstance(trial, Markers):
        expected = unflat(mean, n_scale, np.float32)
        return prepare_markers(body, trial, expected=expected, posture_share=posture_share)
    rig, keypoints = trial
    expected = unflat(mean, n_scale, np.dtype(rig.focal_px.dtype))
    return prepare(
        body, rig, keypoints, refine=refine, expected=expected, posture_share=posture_share
    )


def without_person(problem: Problem) -> Problem:
    """The same problem without priors on the person, which count once for all trials."""
    kept = tuple(p for p in problem.priors if not isinstance(p, ScalePrior | MarkerPrior))
    return dataclasses.replace(problem, priors=kept)


def shared_start(prepared: Mapping[str, Prepared]) -> BodyParameters:
    """The middle of what the trials start from, each alone."""
    each = np.stack([flat(one.start.parameters) for one in prepared.values()])
    like = next(iter(prepared.values())).start.parameters.log_scale
    return unflat(np.median(each, axis=0), len(like), np.dtype(like.dtype))


def _lane(
    prepared: Prepared, person: BodyParameters, bandwidth_hz: float | None
) -> tuple[Share, State]:
    problem = unnamed(prepared.problem)
    spline_hz = bandwidth_of(prepared.keypoints, "spline", bandwidth_hz)
    spline = start_spline(problem, prepared.start, spline_hz)
    nothing = no_adjustment(len(problem.rig.names), problem.time.dtype)
    basis = basis_of(problem, Unknowns(spline, person, nothing))
    share = Share(problem, basis, spline, prepared.refine)
    return share, State(spline.control, person, nothing.columns())
