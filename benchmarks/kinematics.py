"""`python -m benchmarks kinematics`: what forward kinematics costs, and how exact it is."""

import argparse
import sys

from tqdm import tqdm

from benchmarks.arguments import positive
from benchmarks.cold import measure_in_new_process
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio.body.keypoint_set import keypoint_set_names

SETS = ("halpe_26", "movi_87")
IMPLEMENTATIONS = ("fused", "mjx")
FRAMES = (128, 256, 512, 1024)
ROUNDS = 15

TIME_HEADER = (
    "keypoint set",
    "frames",
    "kinematics",
    "trace + compile, s",
    "forward, ms min (median)",
    "µs / frame",
    "× C MuJoCo",
    "max deviation, m",
)
GRADIENT_HEADER = (
    "keypoint set",
    "frames",
    "kinematics",
    "trace + compile, s",
    "value + gradient, ms min (median)",
    "µs / frame",
    "scratch, MiB",
)
FLOOR_HEADER = (
    "keypoint set",
    "frames",
    "kinematics",
    "forward, GFLOP",
    "× GEMM floor",
    "gradient, GFLOP",
    "× GEMM floor",
    "GEMM, GFLOP/s",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--sets", nargs="+", choices=keypoint_set_names(), default=SETS, metavar="SET",
        help=f"keypoint sets (default: {' '.join(SETS)})",
    )  # fmt: skip
    parser.add_argument(
        "--kinematics", nargs="+", choices=IMPLEMENTATIONS, default=IMPLEMENTATIONS,
        help="implementations (default: both)",
    )  # fmt: skip
    parser.add_argument(
        "--frames", nargs="+", type=positive, default=FRAMES, metavar="N",
        help=f"frames evaluated at once (default: {' '.join(map(str, FRAMES))})",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=positive, default=ROUNDS, metavar="N",
        help=f"least number of timed runs of each program (default {ROUNDS})",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Measure every case in a fresh process, and write the result."""
    check_writable(arguments.output)
    asked = [
        (name, kinematics, frames)
        for name in arguments.sets
        for frames in arguments.frames
        for kinematics in arguments.kinematics
    ]
    cases = []
    bar = tqdm(asked, unit="case", file=sys.stderr, dynamic_ncols=True)
    for name, kinematics, frames in bar:
        bar.set_description(f"{name} {kinematics} {frames}")
        words = name, kinematics, str(frames), str(arguments.rounds)
        case = measure_in_new_process("benchmarks.kinematics_case", *words)
        cases.append({**case, "load_average": load_average()})
    loads = load_sentence([case["load_average"] for case in cases])
    report = f"{loads}\n\n{tables(cases)}"
    print(report)
    written = write_result(
        arguments.output, "kinematics", {"rounds": arguments.rounds, "cases": cases}, report
    )
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def tables(cases: list[dict]) -> str:
    """The measured cases as three tables."""
    forward, gradient, floor, seen = [], [], [], set()
    for case in cases:
        what = (case["keypoint_set"], case["frames"])
        if what not in seen:
            native = case["c_mujoco_ms"]
            forward.append((*what, "C MuJoCo", 0, *_run_time(native, case["frames"]), 1.0, None))
            seen.add(what)
        what = (*what, case["kinematics"])
        forward.append(
            (
                *what,
                _build_time(case, "forward"),
                *_run_time(case["forward_ms"], case["frames"]),
                case["forward_ms"]["min"] / case["c_mujoco_ms"]["min"],
                case["max_deviation_m"],
            )
        )
        gradient.append(
            (
                *what,
                _build_time(case, "gradient"),
                *_run_time(case["gradient_ms"], case["frames"]),
                case["gradient_temporary_mib"],
            )
        )
        rate = case["gemm_gflop_per_s"]
        floor.append((*what, *_over_floor(case, "forward"), *_over_floor(case, "gradient"), rate))
    return "\n\n".join(
        (
            "Forward kinematics of the markers, float32:",
            markdown_table(TIME_HEADER, forward),
            "With the gradient to pose, scales and offsets:",
            markdown_table(GRADIENT_HEADER, gradient),
            "Arithmetic as written, and time against doing as much of it in a matrix product:",
            markdown_table(FLOOR_HEADER, floor),
        )
    )


def _build_time(case: dict, name: str) -> float:
    return case[f"{name}_trace_s"] + case[f"{name}_compile_s"]


def _run_time(milliseconds: dict[str, float], frames: int) -> tuple[str, float]:
    least = milliseconds["min"]
    return f"{least:.2f} ({milliseconds['median']:.2f})", 1e3 * least / frames


def _over_floor(case: dict, name: str) -> tuple[float | None, float | None]:
    """Arithmetic in GFLOP, and the time taken over that of a matrix product doing as much."""
    gflop = case[f"{name}_gflop"]
    if gflop is None:
        return None, None
    return gflop, case[f"{name}_ms"]["min"] / (1e3 * gflop / case["gemm_gflop_per_s"])
