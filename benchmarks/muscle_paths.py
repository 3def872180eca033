"""Lengths and moment arms of the legs' muscles: against C MuJoCo, and on the way to activations."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.kinematics_case import program
from benchmarks.machine import load_average, load_sentence
from benchmarks.muscle_legs import NativeLegs
from benchmarks.table import markdown_table
from benchmarks.timing import timing
from diffbio.muscle import (
    Activations,
    MusclePaths,
    Muscles,
    PathState,
    effort,
    leg_muscles,
    muscle_state,
    static_optimisation,
)

HEADER = (
    "what",
    "trace + compile, s",
    "CPU, ms / frame min (median)",
    "length off, m, most",
    "moment arm off, m, most",
)

REST_SD = 1.0
"""Rad/s: standard deviation of the speeds of all joints."""


def measure_paths(n_frames: int, rounds: int) -> dict[str, Any]:
    """Random poses over the whole range of motion, generic body."""
    routes, muscles = leg_muscles()
    paths, native = MusclePaths(routes), NativeLegs(1.0)
    low, high = paths.body.joint_range.T
    rng = np.random.default_rng(0)
    joints = low + (high - low) * rng.uniform(size=(n_frames, len(low)))
    began = time.process_time()
    lengths, arms = native.at(paths.body.joint_names, joints)
    spent = 1e3 * (time.process_time() - began) / n_frames
    rows: dict[str, Any] = {"C MuJoCo": {"cpu_ms": {"min": spent, "median": spent}}}
    for dtype in ("float64", "float32"):
        rows[f"lengths, moment arms, {dtype}"] = _ours(
            paths, jnp.asarray(joints, dtype), (lengths, arms), rounds
        )
        rates = jnp.asarray(rng.normal(0, REST_SD, joints.shape), dtype)
        for power in (2, 3):
            name = f"motion to activations, {dtype}, p = {power}"
            rows[name] = _whole(paths, muscles, jnp.asarray(joints, dtype), rates, power, rounds)
    return {"frames": n_frames, "load_average": load_average(), "rows": rows}


def _ours(
    paths: MusclePaths, joints: jax.Array, native: tuple[np.ndarray, np.ndarray], rounds: int
) -> dict[str, Any]:
    size = jnp.zeros(len(paths.body.segment_names), joints.dtype)

    def placed(size: jax.Array, joints: jax.Array) -> PathState:
        return paths(size, joints)

    made = program(placed, {}, size, joints)
    found = placed(size, joints)
    off = [float(np.abs(np.asarray(a) - b).max()) for a, b in zip(found, native, strict=True)]
    return {
        "build_s": made.trace_s + made.compile_s,
        **timing(made.call, rounds, len(joints)),
        "length_off": off[0],
        "moment_arm_off": off[1],
    }


def _whole(
    paths: MusclePaths,
    muscles: Muscles,
    joints: jax.Array,
    rates: jax.Array,
    power: int,
    rounds: int,
) -> dict[str, Any]:
    """Paths, forces and the redundancy problem in one program; moments that muscles can make."""
    dtype = joints.dtype
    size = jnp.zeros(len(paths.body.segment_names), dtype)
    chosen = effort(len(paths.names), joints.shape[1], power=power, dtype=dtype)
    own = jax.tree.map(lambda leaf: leaf.astype(dtype), muscles)
    wanted = np.random.default_rng(1).beta(0.5, 3, (len(joints), len(paths.names)))
    state = muscle_state(paths, own, size, joints, rates)
    moment = jnp.einsum("tcm,tm->tc", state.capacity, jnp.asarray(wanted, dtype)) + state.passive

    def solve(size: jax.Array, joints: jax.Array, rates: jax.Array, moment: jax.Array):
        state = muscle_state(paths, own, size, joints, rates)
        return static_optimisation(state.capacity, moment - state.passive, chosen)

    made = program(solve, {}, size, joints, rates, moment)
    found: Activations = jax.jit(solve)(size, joints, rates, moment)
    return {
        "build_s": made.trace_s + made.compile_s,
        **timing(made.call, rounds, len(joints)),
        "residual": float(found.residual.max()),
        "not_converged": int((~found.converged).sum()),
    }


def paths_report(measured: dict[str, Any]) -> str:
    """The table."""
    rows = [
        (
            name,
            one.get("build_s"),
            f"{one['cpu_ms']['min']:.4f} ({one['cpu_ms']['median']:.4f})",
            one.get("length_off"),
            one.get("moment_arm_off"),
        )
        for name, one in measured["rows"].items()
    ]
    solved = [one for one in measured["rows"].values() if "residual" in one]
    worst = max(one["residual"] for one in solved)
    failed = sum(one["not_converged"] for one in solved)
    return "\n\n".join(
        [
            load_sentence([measured["load_average"]]),
            f"80 muscles, 14 coordinates, {measured['frames']} poses over the range of motion:",
            markdown_table(HEADER, rows),
            f"KKT residual of activations at most {worst:.1e}; {failed} frames not converged.",
        ]
    )
