"""Fit several trials at once: one program, one call, every trial a lane of it.

Over several devices the lanes are dealt out evenly, and no device waits for another before its own
lanes have ended: trials have nothing to tell each other.
"""

import dataclasses
import time as clock
from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, PyTree

from diffbio._jax import round_up_to_bucket
from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import GROUPS, no_adjustment
from diffbio.errors import DiffbioError, UnknownNameError
from diffbio.fitting import gauss_newton
from diffbio.fitting.distil import start_spline
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.schedule import MAX_ITERATIONS, Course
from diffbio.fitting.solvers import Solved, basis_of, tolerance_of
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.stages import Prepared, bandwidth_of, finish, prepare
from diffbio.observations import Keypoints

Recording = tuple[CameraRig, Keypoints]
"""What a fit needs to know of a trial."""

_LANES = "trial"
"""Name of the axis of lanes on a mesh of devices."""


@dataclasses.dataclass(frozen=True)
class BatchFit:
    """What became of every trial of a batch.

    Attributes:
        fits: of the trials that ended in finite numbers, by name.
        failed: why the others have none, by name.
    """

    fits: dict[str, Fit]
    failed: dict[str, str]


class Lane(eqx.Module):
    """One trial as the solver takes it; several of them stacked have one axis more.

    Attributes:
        problem: the objective; its cameras are numbered, not named.
        basis: the sample times in the knot intervals of the spline.
        unknowns: where to start.
    """

    problem: Problem
    basis: SplineBasis
    unknowns: Unknowns


def fit_batch(
    body: BodyModel,
    trials: Mapping[str, Recording],
    *,
    bandwidth_hz: float | None = None,
    refine: tuple[str, ...] = (),
    devices: Sequence[Any] = (),
) -> BatchFit:
    """Fit motion, person and cameras of several trials by Gauss-Newton, all in one call.

    Every trial has a person and cameras of its own, as if it were fitted alone. All are padded to
    the bucket of the longest, and every trial waits for the slowest: batch what is alike. Trials
    of another number of cameras or another frame rate are solved in a call of their own.

    Args:
        body: anatomy whose markers are keypoints of the set.
        trials: cameras and detections of each, by name.
        bandwidth_hz: highest frequency of the motion; see `fit_motion`.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        devices: to solve on, each an even share of the trials: `jax.devices()`, say. By default
            JAX's own choice, which is one.

    Returns:
        Fits, and why there are none of some trials: a trial that fails stops no other. The time
        of compiling is counted with every trial of a call, that of solving shared among them.

    Raises:
        UnknownNameError: there is no such group of corrections.
    """
    for group in refine:
        if group not in GROUPS:
            raise UnknownNameError("fit_batch", "group of corrections", group, GROUPS)
    longest = max((len(keypoints.time) for _, keypoints in trials.values()), default=1)
    prepared: dict[str, Prepared] = {}
    failed: dict[str, str] = {}
    for name, (rig, keypoints) in trials.items():
        try:
            prepared[name] = prepare(
                body, rig, keypoints, refine=refine, padded=round_up_to_bucket(longest)
            )
        except DiffbioError as error:
            failed[name] = str(error)
    solved = _solve_all(prepared, bandwidth_hz, refine, devices)
    fits: dict[str, Fit] = {}
    for name, (one, seconds) in solved.items():
        if one.outcome == Outcome.NOT_FINITE:
            failed[name] = "The fit ended in numbers that are not finite."
            continue
        ready = prepared[name]
        spline_hz = bandwidth_of(ready.keypoints, "spline", bandwidth_hz)
        fits[name] = finish(
            ready, one, solver="gauss-newton", bandwidth_hz=spline_hz, solve_s=seconds
        )
    return BatchFit({name: fits[name] for name in trials if name in fits}, failed)


def _solve_all(
    prepared: Mapping[str, Prepared],
    bandwidth_hz: float | None,
    refine: tuple[str, ...],
    devices: Sequence[Any],
) -> dict[str, tuple[Solved, float]]:
    """Every trial's solution and its share of the time, in seconds; one call per kind of trial."""
    kinds: dict[object, dict[str, Lane]] = {}
    for name, one in prepared.items():
        problem = unnamed(one.problem)
        spline = start_spline(
            problem, one.start, bandwidth_of(one.keypoints, "spline", bandwidth_hz)
        )
        nothing = no_adjustment(len(problem.rig.names), problem.time.dtype)
        unknowns = Unknowns(spline, one.start.parameters, nothing)
        lane = Lane(problem, basis_of(problem, unknowns), unknowns)
        kinds.setdefault(_kind(lane), {})[name] = lane
    found: dict[str, tuple[Solved, float]] = {}
    for lanes in kinds.values():
        solved, seconds = solve_stacked(list(lanes.values()), refine, devices)
        found.update({name: (one, seconds) for name, one in zip(lanes, solved, strict=True)})
    return found


def unnamed(problem: Problem) -> Problem:
    """The same problem with numbered cameras, so that trials of other cameras share its program.

    Names and sizes of pictures are a part of the program, and of no consequence to it.
    """
    n_camera = len(problem.rig.names)
    names, sizes = tuple(map(str, range(n_camera))), ((0, 0),) * n_camera
    rig = dataclasses.replace(problem.rig, names=names, image_size=sizes)
    return eqx.tree_at(lambda p: p.rig, problem, rig)


def solve_stacked(
    lanes: Sequence[Lane], refine: tuple[str, ...], devices: Sequence[Any] = ()
) -> tuple[list[Solved], float]:
    """Solve trials of one kind in one call.

    Args:
        lanes: whose arrays agree in shape, and all else in value.
        refine: what is unknown of the cameras.
        devices: to deal the lanes out to; see `fit_batch`.

    Returns:
        A solution of each, and the time one took on average, in seconds.
    """
    mesh = Mesh(np.asarray(devices), (_LANES,)) if devices else None
    # Every device takes as many: the last trial is solved again where there is none.
    missing = -len(lanes) % len(devices) if devices else 0
    stacked = jax.tree.map(lambda *x: jnp.stack(x), *lanes, *[lanes[-1]] * missing)
    if mesh is not None:
        stacked = jax.device_put(stacked, NamedSharding(mesh, PartitionSpec(_LANES)))
    tolerance = jnp.stack([tolerance_of(lane.problem) for lane in lanes]).min()
    began = clock.perf_counter()
    # No iteration at first: it compiles, where no batch of this size was solved before.
    jax.block_until_ready(_solve(stacked, tolerance, jnp.asarray(0), refine, mesh)[1])
    compiled = clock.perf_counter()
    unknowns, done = jax.block_until_ready(
        _solve(stacked, tolerance, jnp.asarray(MAX_ITERATIONS), refine, mesh)
    )
    seconds = (clock.perf_counter() - compiled) / len(lanes)
    unknowns, done = jax.device_get((unknowns, done)) if devices else (unknowns, done)
    solutions = []
    for i, lane in enumerate(lanes):
        iterations, outcome = int(done.iterations[i]), Outcome(int(done.outcome[i]))
        per_frame = float(done.cost[i]) / int(lane.problem.n_frames)
        own = _unstacked(unknowns, i)
        solutions.append(Solved(own, iterations, per_frame, outcome, compiled - began))
    return solutions, seconds


@eqx.filter_jit
def _solve(
    lanes: Lane,
    tolerance: Float[Array, ""],
    limit: Int[Array, ""],
    refine: tuple[str, ...],
    mesh: Mesh | None,
) -> tuple[Unknowns, Course]:
    def alone(
        lane: Lane, tolerance: Float[Array, ""], limit: Int[Array, ""]
    ) -> tuple[Unknowns, Course]:
        return gauss_newton.solve(
            lane.problem, lane.basis, lane.unknowns, tolerance, limit, refine=refine
        )

    together = eqx.filter_vmap(alone, in_axes=(eqx.if_array(0), None, None))
    if mesh is None:
        return together(lanes, tolerance, limit)
    own, same = PartitionSpec(_LANES), PartitionSpec()
    # Not the partitioner's way, which would have every device factor the matrices of all.
    dealt = jax.shard_map(
        together, mesh=mesh, in_specs=(own, same, same), out_specs=own, check_vma=False
    )
    return dealt(lanes, tolerance, limit)


def _unstacked(stacked: PyTree, place: int) -> PyTree:
    return jax.tree.map(lambda x: jnp.asarray(x[place]), stacked)


def _kind(lane: Lane) -> object:
    """What trials of one call have in common."""
    leaves, structure = jax.tree.flatten(lane)
    return structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
