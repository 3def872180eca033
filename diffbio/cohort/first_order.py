"""One body for all trials of a participant by first-order training, each motion a network.

The objective is that of `solve_participant`: the sum of the trials' with the prior on the person
counted once. AdamW moves the networks, the person and the cameras together (Cotton 2024).
"""

import dataclasses
import time as clock
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraAdjustment
from diffbio.cameras.adjustment import no_adjustment
from diffbio.cohort.participant import (
    AnyTrial,
    Participant,
    ParticipantFit,
    prepared_trials,
    shared_start,
)
from diffbio.cohort.prior import BodyPrior, default_prior
from diffbio.cohort.solve import Solution
from diffbio.errors import FitError
from diffbio.fitting.adamw import train
from diffbio.fitting.batch import unnamed
from diffbio.fitting.distil import as_spline, start_trajectory
from diffbio.fitting.fit import Outcome
from diffbio.fitting.motion_fit import STEPS
from diffbio.fitting.nested import Share, offer
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals.reprojection import HUBER_TAIL
from diffbio.fitting.schedule import LAST, first_course, tail_of
from diffbio.fitting.solvers import Solved, basis_of, step_sizes
from diffbio.fitting.stages import BANDWIDTH_HZ, Prepared, bandwidth_of, finish
from diffbio.fitting.system import State
from diffbio.trajectories import SplineTrajectory, Trajectory

Progress = Callable[[int, float], None]
"""Called with the step and the objective per frame."""


class PersonUnknowns(eqx.Module):
    """Everything that is unknown of a person and their trials.

    Attributes:
        trajectories: of the trials: networks to train.
        parameters: the person, one for all.
        cameras: corrections, of each trial its own.
    """

    trajectories: tuple[Trajectory, ...]
    parameters: BodyParameters
    cameras: tuple[CameraAdjustment, ...]

    def of_trial(self, trial: int) -> Unknowns:
        """What is unknown of one trial, the person included."""
        return Unknowns(self.trajectories[trial], self.parameters, self.cameras[trial])


class PersonProblem(eqx.Module):
    """Trials of one person, and what is known of them before.

    Attributes:
        problems: of the trials, without priors on the person.
        mean: of the prior on log scales and marker offsets, flat.
        information: of the prior.
    """

    problems: tuple[Problem, ...]
    mean: Float[Array, "person"]
    information: Float[Array, "person person"]

    def cost(self, unknowns: PersonUnknowns) -> Float[Array, ""]:
        """The objective, unitless: that which Gauss-Newton solves by nested elimination."""
        person = unknowns.parameters
        parts = (person.log_scale, person.marker_offset.reshape(-1))
        away = jnp.concatenate(parts) - self.mean
        trials = (one.cost(unknowns.of_trial(i)) for i, one in enumerate(self.problems))
        return sum(trials, 0.5 * away @ self.information @ away)


def train_participant(
    body: BodyModel,
    trials: Mapping[str, AnyTrial],
    *,
    key: PRNGKeyArray,
    prior: BodyPrior | None = None,
    steps: int = STEPS,
    bandwidth_hz: float | None = None,
    refine: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> ParticipantFit:
    """Fit all trials of one person with one body by AdamW on implicit trajectories.

    For comparison with `fit_participant`, which is quicker and ends at the minimum: all trials
    are one program here, which grows with their number, and steps are counted, not judged.

    Args:
        body: anatomy whose markers are keypoints of the set.
        trials: cameras and detections of each, or optical markers, by name.
        key: randomness of the networks' first weights.
        prior: on the person; by default that of a fit of one trial.
        steps: of training.
        bandwidth_hz: highest frequency among the networks' features; see `fit_motion`.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        progress: called every hundred steps.

    Raises:
        FitError: no trial could be started from, or the fit ended in numbers that are not finite.
    """
    prior = prior or default_prior(body)
    prepared, failed = prepared_trials(body, trials, prior, refine, 1 / max(len(trials), 1))
    person = shared_start(prepared)
    problems = tuple(unnamed(one.problem) for one in prepared.values())
    hertz = [bandwidth_of(one.keypoints, "implicit", bandwidth_hz) for one in prepared.values()]
    keys = jax.random.split(key, len(prepared))
    each = zip(problems, prepared.values(), hertz, keys, strict=True)
    dtype = problems[0].time.dtype
    start = PersonUnknowns(
        tuple(start_trajectory(problem, one.start, hz, own) for problem, one, hz, own in each),
        person,
        tuple(no_adjustment(len(problem.rig.names), dtype) for problem in problems),
    )
    known = (jnp.asarray(prior.mean, dtype), jnp.asarray(prior.information, dtype))
    tail = jnp.asarray(HUBER_TAIL, dtype)
    began = clock.perf_counter()
    trained = train(
        _objective,
        PersonProblem(tuple(one.with_tail(tail) for one in problems), *known),
        start,
        _sizes(start, problems, refine),
        steps=steps,
        later=PersonProblem(problems, *known),
        progress=progress,
        compiler_options=body.compiler_options,
    )
    if not trained.finite:
        raise FitError("The fit of the participant ended in numbers that are not finite.")
    found = {name: trained.unknowns.of_trial(i) for i, name in enumerate(prepared)}
    splined = _splined(prepared, found, prior, failed, trained.cost)
    solve_s = clock.perf_counter() - began
    return _finished(dataclasses.replace(splined, solve_s=solve_s), found, trained.steps, hertz)


def _objective(data: PersonProblem, unknowns: PersonUnknowns) -> Float[Array, ""]:
    """The objective per frame."""
    cost = data.cost(unknowns)
    n_frames = jnp.stack([one.n_frames for one in data.problems]).sum()
    return cost / n_frames.astype(cost.dtype)


def _sizes(
    unknowns: PersonUnknowns, problems: tuple[Problem, ...], refine: tuple[str, ...]
) -> PersonUnknowns:
    """Learning rates in each unknown's own unit: those of a trial alone."""
    each = [step_sizes(unknowns.of_trial(i), one, refine) for i, one in enumerate(problems)]
    return PersonUnknowns(
        tuple(one.trajectory for one in each),
        each[0].parameters,
        tuple(one.cameras for one in each),
    )


def _splined(
    prepared: Mapping[str, Prepared],
    found: Mapping[str, Unknowns],
    prior: BodyPrior,
    failed: dict[str, str],
    cost: float,
) -> Participant:
    """What the trials say about the person, from the same motions as splines."""
    shares, states, offers = {}, {}, {}
    for name, one in prepared.items():
        problem, unknowns = unnamed(one.problem), found[name]
        hertz = bandwidth_of(one.keypoints, "spline")
        unknowns = as_spline(problem, unknowns, min(hertz, BANDWIDTH_HZ["spline"]))
        spline = unknowns.trajectory
        assert isinstance(spline, SplineTrajectory)
        shares[name] = Share(problem, basis_of(problem, unknowns), spline, one.refine)
        columns = unknowns.cameras.columns()
        states[name] = State(spline.control, unknowns.parameters, columns)
        dtype = np.dtype(problem.time.dtype)
        tail, still = tail_of(LAST, dtype), jnp.zeros((), dtype)
        offers[name], _ = offer(shares[name], states[name], still, tail, jnp.asarray(True))
    course = first_course(jnp.asarray(cost)).ended()
    return Participant(dict(prepared), shares, Solution(states, course, offers), prior, failed, 0.0)


def _finished(
    splined: Participant, found: Mapping[str, Unknowns], steps: int, hertz: list[float]
) -> ParticipantFit:
    """Motions of the networks, with error bars that know what the other trials say."""
    everything = splined.evidence.information + splined.prior.information
    cost = float(splined.solution.course.cost)
    fits = {}
    for (name, one), hz in zip(splined.prepared.items(), hertz, strict=True):
        fits[name] = finish(
            one,
            Solved(found[name], steps, cost, Outcome.MAX_STEPS, 0.0),
            solver="adamw",
            bandwidth_hz=hz,
            solve_s=splined.solve_s / len(splined.prepared),
            person=everything - splined.said[name].information,
        )
    n_frames = sum(int(one.problem.n_frames) for one in splined.prepared.values())
    return ParticipantFit(
        parameters=next(iter(found.values())).parameters,
        covariance=np.linalg.inv(everything),
        fits=fits,
        failed=splined.failed,
        iterations=steps,
        cost=cost * n_frames,
        outcome=Outcome.MAX_STEPS,
        solve_s=splined.solve_s,
    )
