"""Arithmetic of one Gauss-Newton step against what the machine can do in a matrix product."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from tqdm import tqdm

from benchmarks.fit_case import SIZES, simulate
from benchmarks.fit_solve import REFINE, lane_of, prepared, solve
from benchmarks.kinematics_case import GEMM_SIZE
from benchmarks.machine import load_average
from benchmarks.table import markdown_table
from diffbio.body import BodyParameters, Pose
from diffbio.body.jacobian import twist_kinematics
from diffbio.fitting.batch import Lane
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL
from diffbio.fitting.system import Arrow, State, System
from diffbio.trajectories import SplineTrajectory

GROUP = 3
"""Control points per block: the smallest blocks whose chain has only neighbours."""

HEADER = (
    "frames / keypoints / coordinates / cameras", "kinematics, GFLOP", "equations", "elimination",
    "step, ms", "GEMM, GFLOP/s", "× GEMM floor", "assembly alone, ms", "× its floor",
)  # fmt: skip


def measure_floor(arguments: argparse.Namespace) -> dict[str, dict]:
    """Operations of a step of every size, its time, and a matrix product's rate beside it."""
    measured = {}
    for size in tqdm(arguments.sizes, desc="floor", file=sys.stderr, dynamic_ncols=True):
        lane = lane_of(prepared(simulate(SIZES[size], seed=0)))
        solution = solve(lane, arguments.rounds)
        gflop = _gflop(lane)
        measured[size] = {
            "gflop": gflop,
            "step_s": min(solution.seconds) / int(solution.progress.iterations),
            "assembly_s": _quickest(_assembly(lane)),
            "gemm_gflop_per_s": gemm_gflop_per_s(),
            "load_average": load_average(),
        }
    return measured


def report_floor(measured: Mapping[str, dict]) -> str:
    """One row per size."""
    rows = []
    for size, one in measured.items():
        gflop, rate = one["gflop"], one["gemm_gflop_per_s"]
        equations = gflop["kinematics"] + gflop["equations"]
        whole = (equations + gflop["elimination"]) / rate
        rows.append(
            (
                size,
                *gflop.values(),
                1e3 * one["step_s"],
                rate,
                one["step_s"] / whole,
                1e3 * one["assembly_s"],
                one["assembly_s"] * rate / equations,
            )
        )
    return (
        "One step as written, and a float32 matrix product doing as many operations (equations "
        "and kinematics as XLA counts them, elimination by hand):\n\n"
        f"{markdown_table(HEADER, rows)}"
    )


def _gflop(lane: Lane) -> dict[str, float]:
    """Of kinematics and its Jacobian, of the rest of the equations, and of their elimination."""
    problem = lane.problem
    kinematics = twist_kinematics(problem.body.with_kinematics("fused"))

    def turning(parameters: BodyParameters, poses: Pose) -> list[Array]:
        turned = jnp.broadcast_to(
            jnp.eye(3, dtype=problem.time.dtype)[None], (poses.joints.shape[0], 3, 3)
        )
        return jax.tree.leaves(kinematics(parameters, poses, turned))

    poses = lane.unknowns.trajectory(problem.time)
    alone = _counted(turning, lane.unknowns.parameters, poses)
    system, state = _system(lane)

    def equations(state: State) -> Arrow:
        return system.normal_equations(state, jnp.asarray(CAUCHY_TAIL, state.control.dtype))

    whole, border = _counted(equations, state), jax.eval_shape(equations, state).border
    n_control, n, n_shared = border.shape
    elimination = 1e-9 * elimination_flop(n_control, n, n_shared)
    return {"kinematics": alone, "equations": whole - alone, "elimination": elimination}


def elimination_flop(n_control: int, n: int, n_shared: int) -> float:
    """Least operations of eliminating a band of width four with a border, by blocks of three.

    Per block of m = 3n: a Cholesky factor (m^3 / 3), the coupling to the next block solved for
    and squared (m^3 each), the border solved for (m^2 p), carried on (2 m^2 p) and squared
    (m p^2), with p shared unknowns; at the end their own factor.
    """
    m, p = GROUP * n, n_shared
    blocks = -(-n_control // GROUP)
    return blocks * (7 * m**3 / 3 + 3 * m**2 * p + m * p**2) + p**3 / 3


def _system(lane: Lane) -> tuple[System, State]:
    unknowns, trajectory = lane.unknowns, lane.unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    state = State(trajectory.control, unknowns.parameters, unknowns.cameras.columns())
    return System(lane.problem, lane.basis, trajectory, REFINE), state


def _counted(function: Callable, *arguments: object) -> float:
    """Operations of a program as written, in 1e9."""
    analysis = jax.jit(function).lower(*arguments).cost_analysis() or {}
    return analysis.get("flops", float("nan")) / 1e9


def _assembly(lane: Lane) -> Callable[[], Arrow]:
    """The normal equations alone, compiled."""

    @eqx.filter_jit
    def assemble(lane: Lane) -> Arrow:
        system, state = _system(lane)
        tail = jnp.asarray(CAUCHY_TAIL, state.control.dtype)
        return system.normal_equations(state, tail)

    return lambda: jax.block_until_ready(assemble(lane))


def gemm_gflop_per_s() -> float:
    """Rate of a float32 matrix product."""
    factor = jnp.asarray(np.random.default_rng(0).normal(size=(GEMM_SIZE, GEMM_SIZE)), np.float32)
    product = jax.jit(jnp.matmul)
    return 2e-9 * GEMM_SIZE**3 / _quickest(lambda: product(factor, factor).block_until_ready())


def _quickest(call: Callable[[], object], rounds: int = 15) -> float:
    call()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
