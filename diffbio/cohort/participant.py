"""One body for all trials of a participant: the second of the method's three levels."""

import dataclasses
import time as clock
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras.adjustment import GROUPS, no_adjustment
from diffbio.cohort.prior import BodyPrior, default_prior, flat, unflat
from diffbio.cohort.solve import Progress, Solution, solve_person
from diffbio.errors import DiffbioError, FitError, UnknownNameError
from diffbio.fitting.batch import Recording, unnamed
from diffbio.fitting.distil import start_spline
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.nested import Share
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals import MarkerPrior, ScalePrior
from diffbio.fitting.solvers import Solved, basis_of, tolerance_of
from diffbio.fitting.stages import Prepared, bandwidth_of, finish, prepare
from diffbio.fitting.system import State
from diffbio.fitting.uncertainty import noise_of

SAME_PERSON = 0.05
"""Difference of log size between a trial and the others beyond which they show two people. The
size of a trial's first triangulated points is right to 1 or 2 %."""


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


def fit_participant(
    body: BodyModel,
    trials: Mapping[str, Recording],
    *,
    prior: BodyPrior | None = None,
    bandwidth_hz: float | None = None,
    refine: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> ParticipantFit:
    """Fit all trials of one person with one body, solved together.

    The objective is the sum of the trials' objectives with the prior on the person counted once
    (Cotton 2024, bilevel). It is solved by Gauss-Newton with exact nested elimination: every
    trial hands up what it says about the person, a small matrix. Cameras are each trial's own.

    Args:
        body: anatomy whose markers are keypoints of the set.
        trials: cameras and detections of each, by name; all of one keypoint set.
        prior: on the person; by default that of a fit of one trial.
        bandwidth_hz: highest frequency of the motion; see `fit_motion`.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        progress: called after every iteration with how many there were.

    Raises:
        FitError: no trial could be started from, or none ended in finite numbers.
        UnknownNameError: there is no such group of corrections.
    """
    for group in refine:
        if group not in GROUPS:
            raise UnknownNameError("fit_participant", "group of corrections", group, GROUPS)
    prior = prior or default_prior(body)
    prepared, failed = _prepared(body, trials, refine)
    person = _first_person(prepared)
    lanes = {name: _lane(one, person, bandwidth_hz) for name, one in prepared.items()}
    began = clock.perf_counter()
    tolerance = sum(float(tolerance_of(share.problem)) for share, _ in lanes.values())
    solution = solve_person(
        {name: share for name, (share, _) in lanes.items()},
        {name: state for name, (_, state) in lanes.items()},
        prior,
        tolerance=tolerance,
        progress=progress,
    )
    solve_s = clock.perf_counter() - began
    outcome = Outcome(int(solution.course.outcome))
    if outcome == Outcome.NOT_FINITE:
        raise FitError("The fit of the participant ended in numbers that are not finite.")
    shares = {name: share for name, (share, _) in lanes.items()}
    fits, covariance = _finished(prepared, shares, solution, prior, bandwidth_hz, solve_s)
    return ParticipantFit(
        parameters=next(iter(fits.values())).parameters,
        covariance=covariance,
        fits=fits,
        failed=failed,
        iterations=int(solution.course.iterations),
        cost=float(solution.course.cost),
        outcome=outcome,
        solve_s=solve_s,
    )


def _prepared(
    body: BodyModel, trials: Mapping[str, Recording], refine: tuple[str, ...]
) -> tuple[dict[str, Prepared], dict[str, str]]:
    """Trials that can be started from and show one person, and why the others cannot."""
    ready: dict[str, Prepared] = {}
    failed: dict[str, str] = {}
    for name, (rig, keypoints) in trials.items():
        try:
            one = prepare(body, rig, keypoints, refine=refine)
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


def without_person(problem: Problem) -> Problem:
    """The same problem without priors on the person, which count once for all trials."""
    kept = tuple(p for p in problem.priors if not isinstance(p, ScalePrior | MarkerPrior))
    return dataclasses.replace(problem, priors=kept)


def _first_person(prepared: Mapping[str, Prepared]) -> BodyParameters:
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


def _finished(
    prepared: Mapping[str, Prepared],
    shares: Mapping[str, Share],
    solution: Solution,
    prior: BodyPrior,
    bandwidth_hz: float | None,
    solve_s: float,
) -> tuple[dict[str, Fit], Float[np.ndarray, "person person"]]:
    """Fits of all trials, with error bars that know what the other trials say of the person."""
    unknowns = {n: share.system.unknowns(solution.states[n]) for n, share in shares.items()}
    said = {}
    for name, one in prepared.items():
        noise = noise_of(one.problem, unknowns[name], refine=one.refine)
        said[name] = np.asarray(solution.offers[name].information, float) / noise.lasting
    everything = prior.information + sum(said.values())
    course, fits = solution.course, {}
    for name, one in prepared.items():
        solved = Solved(
            unknowns[name],
            int(course.iterations),
            float(course.cost) / sum(int(p.problem.n_frames) for p in prepared.values()),
            Outcome(int(course.outcome)),
            0.0,
        )
        fits[name] = finish(
            one,
            solved,
            solver="gauss-newton",
            bandwidth_hz=bandwidth_of(one.keypoints, "spline", bandwidth_hz),
            solve_s=solve_s / len(prepared),
            person=everything - said[name],
        )
    return fits, np.linalg.inv(everything)
