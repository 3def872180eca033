"""One objective, four ways to its minimum: what `fit_motion` does, stage by stage and timed."""

import dataclasses
import functools
import time as clock
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from diffbio.cameras.adjustment import no_adjustment
from diffbio.fitting import gauss_newton
from diffbio.fitting.distil import distilled, start_spline, start_trajectory
from diffbio.fitting.problem import Unknowns
from diffbio.fitting.schedule import MAX_ITERATIONS
from diffbio.fitting.solvers import TOLERANCE, basis_of, solve_first_order
from diffbio.fitting.stages import BANDWIDTH_HZ, bandwidth_of
from experiments.trajectories.trials import Trial

GAUSS_NEWTON = "spline, Gauss-Newton"
NETWORK = "network, AdamW"
WARM_NETWORK = "network, AdamW, warm start"
SPLINE_ADAMW = "spline, AdamW"
WAYS = (GAUSS_NEWTON, NETWORK, WARM_NETWORK, SPLINE_ADAMW)

SEED = 0
"""Of the network's first weights."""

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class How:
    """One fit of the experiment.

    Attributes:
        way: one of `WAYS`.
        steps: of AdamW, or iterations of Gauss-Newton at most.
        bandwidth_hz: highest frequency of the trajectory; the default of `fit_motion` when None.
    """

    way: str
    steps: int = MAX_ITERATIONS
    bandwidth_hz: float | None = None

    def __str__(self) -> str:
        at = f", {self.bandwidth_hz:g} Hz" if self.bandwidth_hz else ""
        return f"{self.way}, {self.steps}{at}"


class Timed(NamedTuple, Generic[Value]):
    """A value and what it took, once everything was compiled.

    Attributes:
        value: what came out.
        seconds: on the clock.
        cpu_s: of all threads of this process, which other processes disturb less.
    """

    value: Value
    seconds: float = 0.0
    cpu_s: float = 0.0


class Found(NamedTuple):
    """Where a fit ended, and how many steps it took.

    Attributes:
        unknowns: the estimate.
        iterations: steps of its solver.
    """

    unknowns: Unknowns
    iterations: int


class Solutions:
    """One trial, solved in every way; what several ways share is solved once."""

    def __init__(self, trial: Trial):
        self.prepared = trial.prepared
        self.problem, self.start = trial.prepared.problem, trial.prepared.start
        self.key = jax.random.key(SEED)
        self.network_hz = bandwidth_of(trial.prepared.keypoints, "implicit")
        self.lessons: dict[float, Timed[Unknowns]] = {}

    def __call__(self, how: How) -> Timed[Found]:
        """Solve; the time is that since the start common to all: triangulation, first poses."""
        spline_hz = how.bandwidth_hz or BANDWIDTH_HZ["spline"]
        if how.way == GAUSS_NEWTON:
            return self._gauss_newton(spline_hz, how.steps)
        if how.way == SPLINE_ADAMW:
            return self._trained(timed(lambda: self._spline(spline_hz)), how)
        if how.way == WARM_NETWORK:
            return self._trained(self._warm, how)
        return self._trained(self._taught(how.bandwidth_hz or self.network_hz), how)

    def _unknowns(self, trajectory) -> Unknowns:
        nothing = no_adjustment(len(self.problem.rig.names), self.problem.time.dtype)
        return Unknowns(trajectory, self.start.parameters, nothing)

    def _spline(self, bandwidth_hz: float) -> Unknowns:
        """A spline through the poses of the start."""
        return self._unknowns(start_spline(self.problem, self.start, bandwidth_hz))

    def _gauss_newton(self, bandwidth_hz: float, limit: int) -> Timed[Found]:
        tolerance = jnp.asarray(TOLERANCE, self.problem.time.dtype)

        def solve(limit: int) -> Found:
            unknowns = self._spline(bandwidth_hz)
            basis = basis_of(self.problem, unknowns)
            solved, done = gauss_newton.solve(
                self.problem,
                basis,
                unknowns,
                tolerance,
                jnp.asarray(limit),
                refine=self.prepared.refine,
            )
            return Found(solved, int(done.iterations))

        solve(0)
        return timed(lambda: solve(limit))

    def _taught(self, bandwidth_hz: float) -> Timed[Unknowns]:
        """A network that has learnt the poses of the start."""

        def teach() -> Unknowns:
            to_learn = self.problem, self.start, bandwidth_hz, self.key
            return self._unknowns(start_trajectory(*to_learn))

        if bandwidth_hz not in self.lessons:
            teach()
            self.lessons[bandwidth_hz] = timed(teach)
        return self.lessons[bandwidth_hz]

    @functools.cached_property
    def _warm(self) -> Timed[Unknowns]:
        """A network that has learnt Gauss-Newton's solution."""
        # The lesson is the same program, which has to be compiled before it is timed.
        self._taught(self.network_hz)
        solved = self._gauss_newton(self.network_hz, MAX_ITERATIONS)
        spline = solved.value.unknowns
        learnt = timed(lambda: distilled(self.problem, spline, self.network_hz, self.key))
        return Timed(learnt.value, solved.seconds + learnt.seconds, solved.cpu_s + learnt.cpu_s)

    def _trained(self, first: Timed[Unknowns], how: How) -> Timed[Found]:
        def train(steps: int) -> Found:
            solved = solve_first_order(
                self.problem,
                first.value,
                steps=steps,
                refine=self.prepared.refine,
                progress=None,
                settled=how.way == WARM_NETWORK,
            )
            return Found(solved.unknowns, solved.iterations)

        train(1)
        last = timed(lambda: train(how.steps))
        return Timed(last.value, first.seconds + last.seconds, first.cpu_s + last.cpu_s)


def timed(act: Callable[[], Value]) -> Timed[Value]:
    """Do something that is compiled already, until its result is there."""
    began, cpu_began = clock.perf_counter(), clock.process_time()
    value = jax.block_until_ready(act())
    return Timed(value, clock.perf_counter() - began, clock.process_time() - cpu_began)
