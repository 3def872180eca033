"""`python -m benchmarks dynamics`: how exact, how fast, and against plates and another program."""

import argparse
import pathlib
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.arguments import ROOT, positive
from benchmarks.c_mujoco_inverse import MUJOCO_GRAVITY, NativeDynamics, random_movement
from benchmarks.dynamics_ground import ground
from benchmarks.dynamics_walks import falisse, rajagopal
from benchmarks.kinematics_case import program, random_person, random_poses
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio._jax import enable_compilation_cache
from diffbio.body import BodyModel, BodyParameters, default_body, load_keypoint_set
from diffbio.dynamics import ExternalWrenches, Movement, PersonInertia, efforts

PARTS = ("native", "falisse", "rajagopal", "ground")

SETS = ("falisse_markers", "coco_wholebody_133")

TOUCHED = ("calcn_r", "toes_l", "torso")
"""Bodies of the wrenches: hundreds of newtons, tens of newton metres."""

HEADER = (
    "keypoint set",
    "bodies, coordinates",
    "joint efforts, relative",
    "residual force",
    "residual moment",
    "joint efforts, from the file",
)

SPEED_HEADER = ("keypoint set", "program", "trace + compile, s", "µs a frame, least (median)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument(
        "--frames", type=positive, default=600, metavar="N", help="of random states (default 600)"
    )
    parser.add_argument(
        "--rounds", type=positive, default=20, metavar="N", help="timed runs (default 20)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare with C MuJoCo, and with plates and inverse dynamics of walks; write the result."""
    check_writable(arguments.output)
    jax.config.update("jax_enable_x64", True)
    enable_compilation_cache()
    parts = {
        "native": lambda: native(arguments.frames, arguments.rounds),
        "falisse": lambda: falisse(arguments.data),
        "rajagopal": lambda: rajagopal(arguments.data),
        "ground": lambda: ground(arguments.data),
    }
    measured: dict[str, Any] = {}
    sections = []
    for name in arguments.parts:
        one = parts[name]()
        sections.append(f"## {name}\n\n{one.pop('report')}")
        print(sections[-1], flush=True)
        measured[name] = one
    written = write_result(arguments.output, "dynamics", {"parts": measured}, "\n\n".join(sections))
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def native(n_time: int, rounds: int) -> dict[str, Any]:
    """Random states of random persons against `mj_inverse`, and the time both take."""
    exact, speed, rows, loads = [], [], {}, [load_average()]
    for name in SETS:
        rng = np.random.default_rng(0)
        body = default_body(load_keypoint_set(name))
        case = random_case(body, n_time, rng)
        apart = deviation(body, *case)
        written = deviation(body, *case, written=True)
        size = f"{len(body.body_names)}, {len(body.joint_names)}"
        exact.append((name, size, *apart, written[0]))
        timed = speeds(body, case, rounds)
        speed += [(name, *row) for row in timed]
        loads.append(load_average())
        rows[name] = {"deviation": apart, "deviation_of_file": written, "speed": timed}
    report = (
        f"{markdown_table(HEADER, exact)}\n\nLargest deviation over all states, relative to the "
        "largest value of the same coordinate (of the vector, for residuals). MuJoCo's model is "
        "what `BodyModel.to_mjcf` writes, compiled in memory; the file itself keeps six digits.\n\n"
        f"{markdown_table(SPEED_HEADER, speed)}\n\n{load_sentence(loads)}"
    )
    return {"report": report, "sets": rows}


Case = tuple[BodyParameters, Movement, ExternalWrenches]


def random_case(body: BodyModel, n_time: int, rng: np.random.Generator) -> Case:
    """A person, a movement and wrenches, in double precision."""
    double = jnp.float64
    person, pose = jax.tree.map(
        lambda x: x.astype(double), (random_person(body, rng), random_poses(body, n_time, rng))
    )
    # Single precision of the poses is not that of a unit quaternion.
    norm = jnp.linalg.norm(pose.root_quaternion, axis=1, keepdims=True)
    pose = type(pose)(pose.root_position, pose.root_quaternion / norm, pose.joints)
    force, point, moment = (
        jnp.asarray(rng.normal(0.0, size, (n_time, len(TOUCHED), 3))) for size in (500.0, 1.0, 30.0)
    )
    return person, random_movement(pose, rng), ExternalWrenches(force, point, moment, TOUCHED)


def deviation(
    body: BodyModel,
    person: BodyParameters,
    movement: Movement,
    wrenches: ExternalWrenches,
    *,
    written: bool = False,
) -> tuple[float, float, float]:
    """Largest relative deviation of joint efforts, residual force and residual moment."""
    oracle = NativeDynamics(body, person, written=written)
    ours = efforts(body, person, oracle.inertia(body), movement, wrenches, MUJOCO_GRAVITY)
    joint, force, moment = oracle.efforts(movement, wrenches)
    by_joint = np.abs(np.asarray(ours.joint) - joint).max(axis=0) / np.abs(joint).max(axis=0)
    vectors = ((ours.residual_force, force), (ours.residual_moment, moment))
    apart = (np.abs(np.asarray(a) - b).max() / np.abs(b).max() for a, b in vectors)
    return float(by_joint.max()), *map(float, apart)  # pyright: ignore[reportReturnType]


def speeds(body: BodyModel, case: Case, rounds: int) -> list[tuple[object, ...]]:
    """Times of ours in both precisions and of C MuJoCo, taken in turns."""
    person, movement, wrenches = case
    oracle = NativeDynamics(body, person)
    inertia = oracle.inertia(body)
    arguments = (person, inertia, movement, wrenches)
    programs = {}
    for dtype in ("float64", "float32"):
        cast = jax.tree.map(lambda x, to=dtype: jnp.asarray(x, to), arguments)
        programs[f"diffbio, {dtype}"] = program(lambda *given: efforts(body, *given), {}, *cast)
    gradient = jax.grad(_sum_of_squares(body), (0, 1, 2))
    programs["diffbio, float64, with gradient"] = program(gradient, {}, *arguments)
    states = oracle.states(movement)
    calls = {name: one.call for name, one in programs.items()}
    calls["C MuJoCo, one thread"] = lambda: oracle.run(states)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    found: list[tuple[object, ...]] = []
    for name, taken in seconds.items():
        frame = 1e6 * np.asarray(taken) / len(states)
        made = programs.get(name)
        start = made.trace_s + made.compile_s if made is not None else None
        found.append((name, start, f"{frame.min():.1f} ({np.median(frame):.1f})"))
    return found


def _sum_of_squares(body: BodyModel):
    def objective(
        person: BodyParameters,
        inertia: PersonInertia,
        movement: Movement,
        wrenches: ExternalWrenches,
    ) -> jax.Array:
        return (efforts(body, person, inertia, movement, wrenches).joint ** 2).sum()

    return objective
