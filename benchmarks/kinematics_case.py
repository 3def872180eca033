"""One case of the kinematics benchmark, in a process of its own so that nothing is compiled yet.

`python -m benchmarks.kinematics_case SET KINEMATICS FRAMES ROUNDS` prints one line of JSON.
"""

import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from benchmarks.c_mujoco import NativeKinematics
from diffbio.body import BodyModel, BodyParameters, Pose, default_body, load_keypoint_set

GEMM_SIZE = 1024

MIN_DURATION = 4.0
"""In seconds: the least spent on timing, so that a short program also meets a quiet moment."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A compiled program and what it cost to make.

    Attributes:
        call: runs it and waits.
        trace_s: from Python to XLA's input, in seconds.
        compile_s: from there to machine code, in seconds.
        gflop: arithmetic of the program as written, before the compiler repeats any of it.
        temporary_mib: scratch memory, None where the compiler does not tell.
    """

    call: Callable[[], object]
    trace_s: float
    compile_s: float
    gflop: float | None
    temporary_mib: float | None


def program(function: Callable, options: dict[str, bool], *arguments: object) -> Program:
    """Trace and compile a function for its arguments, timing both."""
    began = time.perf_counter()
    lowered = jax.jit(function, compiler_options=options).lower(*arguments)
    traced = time.perf_counter()
    compiled = lowered.compile()
    done = time.perf_counter()
    memory, cost = compiled.memory_analysis(), lowered.cost_analysis() or {}
    return Program(
        lambda: jax.block_until_ready(compiled(*arguments)),
        traced - began,
        done - traced,
        cost["flops"] / 1e9 if "flops" in cost else None,
        memory.temp_size_in_bytes / 2**20 if memory is not None else None,
    )


def random_person(body: BodyModel, rng: np.random.Generator) -> BodyParameters:
    """Segments of up to 10 % more or less, markers a centimetre away, in single precision."""
    return BodyParameters(
        jnp.asarray(rng.uniform(-0.1, 0.1, len(body.segment_names)), np.float32),
        jnp.asarray(rng.normal(0, 0.01, (len(body.marker_names), 3)), np.float32),
    )


def random_poses(body: BodyModel, n_time: int, rng: np.random.Generator) -> Pose:
    """Poses anywhere in the joints' ranges, turned any way, within metres of the origin."""
    low, high = np.clip(body.joint_range, -np.pi, np.pi).T
    quaternion = rng.normal(size=(n_time, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    return Pose(
        jnp.asarray(rng.normal(size=(n_time, 3)), np.float32),
        jnp.asarray(quaternion, np.float32),
        jnp.asarray(rng.uniform(low, high, (n_time, len(low))), np.float32),
    )


def measure(set_name: str, kinematics: str, n_time: int, rounds: int) -> dict[str, object]:
    """Everything about one keypoint set, one implementation and one number of frames.

    Kinematics, its peer and its floor take turns within every round, so that a busy moment of
    the machine hits all of them.
    """
    rng = np.random.default_rng(0)
    body = default_body(load_keypoint_set(set_name), kinematics)
    parameters, poses = random_person(body, rng), random_poses(body, n_time, rng)
    direction = jnp.asarray(rng.normal(size=(n_time, len(body.marker_names), 3)), np.float32)

    def objective(parameters: BodyParameters, poses: Pose) -> Float[Array, ""]:
        return (body.marker_positions(parameters, poses) * direction).sum()

    options = dict(body.compiler_options)
    forward = program(body.marker_positions, options, parameters, poses)
    gradient = program(jax.value_and_grad(objective, (0, 1)), options, parameters, poses)
    factor = jnp.asarray(rng.normal(size=(GEMM_SIZE, GEMM_SIZE)), np.float32)
    gemm = program(jnp.matmul, {}, factor, factor)
    native = NativeKinematics(body, parameters)
    qpos = native.generalised_positions(poses)
    deviation = np.asarray(forward.call(), float) - native.marker_positions(qpos)
    calls = {
        "forward": forward.call,
        "gradient": gradient.call,
        "c_mujoco": lambda: native.run(qpos),
        "gemm": gemm.call,
    }
    seconds = _take_turns(calls, rounds)
    gemm_gflop_per_s = 2e-9 * GEMM_SIZE**3 / min(seconds["gemm"])
    return {
        "keypoint_set": set_name,
        "kinematics": kinematics,
        "frames": n_time,
        "bodies": len(body.body_names),
        "joints": len(body.skeleton.joints),
        "coordinates": len(body.joint_names),
        "markers": len(body.marker_names),
        **_described("forward", forward, seconds["forward"]),
        **_described("gradient", gradient, seconds["gradient"]),
        "c_mujoco_ms": _milliseconds(seconds["c_mujoco"]),
        "gemm_gflop_per_s": gemm_gflop_per_s,
        "max_deviation_m": float(np.abs(deviation).max()),
    }


def _take_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + MIN_DURATION
    while len(seconds["gemm"]) < rounds or time.perf_counter() < end:
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def _described(name: str, made: Program, seconds: list[float]) -> dict[str, object]:
    return {
        f"{name}_trace_s": made.trace_s,
        f"{name}_compile_s": made.compile_s,
        f"{name}_ms": _milliseconds(seconds),
        f"{name}_gflop": made.gflop,
        f"{name}_temporary_mib": made.temporary_mib,
    }


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    return {"min": 1e3 * min(seconds), "median": 1e3 * statistics.median(seconds)}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
