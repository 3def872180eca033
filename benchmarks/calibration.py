"""`python -m benchmarks calibration`: rigs from boards and from people, against truth, OpenCV and
shipped rigs."""

import argparse
import pathlib
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.arguments import ROOT, positive
from benchmarks.board_cases import (
    chain_footage,
    in_reference_frame,
    measure_caliscope,
    measure_pose2sim,
    standard_scores,
)
from benchmarks.fisheye_cases import measure_fisheye
from benchmarks.machine import load_average, load_sentence
from benchmarks.person_cases import measure_focal, measure_walks
from benchmarks.person_simulated import measure_simulated
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio._jax import enable_compilation_cache
from diffbio.cameras.calibration import calibrate_board
from diffbio.cameras.calibration.lens_models import OPENCV_ORDER
from diffbio.errors import InputError

PARTS = ("caliscope", "pose2sim", "chain", "fisheye", "time")
PERSON_PARTS = ("person", "person-markers", "person-focal", "person-simulated")
"""Without a board; each has a result of its own."""

MOST_FISHEYE = 3
"""Rigs: each searches among the models of two kinds of lens, in four cameras."""

LEVELS = np.linspace(0.1, 0.9, 9)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--parts",
        nargs="+",
        default=list(PARTS),
        choices=[*PARTS, *PERSON_PARTS],
        help=f"which ones (default {' '.join(PARTS)})",
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        default=ROOT.parent / "shared" / "data",
        help="folder of the development recordings (default ../shared/data)",
    )
    parser.add_argument(
        "--seeds", type=positive, default=10, metavar="N", help="simulated rigs (default 10)"
    )
    parser.add_argument(
        "--views", type=positive, default=400, metavar="N", help="per camera (default 400)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure what was asked for, and write the result."""
    check_writable(arguments.output)
    jax.config.update("jax_enable_x64", True)
    enable_compilation_cache()
    needs_data = set(arguments.parts) - {"chain", "fisheye", "time", "person-simulated"}
    if needs_data and not arguments.data.is_dir():
        raise InputError(
            str(arguments.data),
            "The recordings are not there.",
            "Give --data, or --parts chain fisheye time person-simulated, which are simulated.",
        )
    measures = {
        "caliscope": lambda: measure_caliscope(arguments.data),
        "pose2sim": lambda: measure_pose2sim(arguments.data),
        "chain": lambda: measure_chain(arguments.seeds, arguments.views),
        "fisheye": lambda: measure_fisheye(min(arguments.seeds, MOST_FISHEYE)),
        "time": lambda: measure_time(arguments.views),
        "person": lambda: measure_walks(arguments.data, "body", (False, True)),
        "person-markers": lambda: measure_walks(arguments.data, "markers"),
        "person-focal": lambda: measure_focal(arguments.data),
        "person-simulated": lambda: measure_simulated(arguments.seeds),
    }
    boards = [part for part in arguments.parts if part in PARTS]
    results = {"calibration": boards} if boards else {}
    results |= {f"calibration-{one}": [one] for one in arguments.parts if one in PERSON_PARTS}
    for name, parts in results.items():
        _measure(name, parts, measures, arguments.output)
    return 0


def _measure(
    name: str,
    parts: list[str],
    measures: dict[str, Callable[[], dict[str, Any]]],
    output: pathlib.Path,
) -> None:
    """Measure parts, print them, and write them into one result."""
    content, sections, loads = {}, [], []
    for part in parts:
        content[part] = measures[part]()
        loads.append(load_average())
        sections.append(f"## {part}\n\n{content[part].pop('report')}")
        print(sections[-1] + "\n")
    written = write_result(output, name, content, "\n\n".join([*sections, load_sentence(loads)]))
    print(f"The result is in {written[0]} and {written[1].name}.")


def measure_chain(n_seeds: int, n_views: int) -> dict:
    """Simulated footage in which only neighbours see the board together."""
    rows, scores, each = [], [], []
    for seed in range(n_seeds):
        truth, views, _ = chain_footage(n_views // 2, seed)
        began = time.perf_counter()
        # The first rig chooses its lens models; the others, alike, are spared the search.
        found = calibrate_board(views, order=None if seed == 0 else OPENCV_ORDER)
        taken = time.perf_counter() - began
        error = in_reference_frame(found, truth)
        scores.append(standard_scores(found, truth))
        one = {
            "seed": seed,
            "centre_mm": error.aligned_mm.max(),
            "centre_from_reference_mm": error.centre_mm.max(),
            "rotation_deg": error.rotation_deg.max(),
            "mean_px": float(np.nanmean(found.residual_px)),
            "seconds": taken,
        }
        each.append({key: float(value) for key, value in one.items()})
        rows.append(tuple(one.values()))
    z = np.abs(np.concatenate(scores))
    inside = {f"{level:.1f}": float((z < _quantile(level)).mean()) for level in LEVELS}
    error = float(np.mean([abs(share - float(level)) for level, share in inside.items()]))
    header = (
        "seed", "worst centre, rig aligned, mm", "worst centre from the reference camera, mm",
        "worst rotation, deg", "mean px", "s",
    )  # fmt: skip
    report = markdown_table(header, rows) + (
        f"\n\n8 cameras of 60 degrees, 0.2 px, {n_views // 2} views of each two neighbours, none "
        f"of others. Expected calibration error of the standard deviations (turns and centres, "
        f"{z.size} of them): {error:.3f}; rms score {np.sqrt((z**2).mean()):.2f}."
    )
    return {"rigs": each, "inside": inside, "ece": error, "report": report}


def _quantile(level: float) -> float:
    """Within so many standard deviations lies this share of a Gaussian."""
    return float(jax.scipy.special.ndtri(0.5 + level / 2.0))


def measure_time(n_views: int) -> dict:
    """The adjustment of everything, alone, compiled and then again."""
    from benchmarks.board_cases import AdjustmentTimer

    rows, timed = [], {}
    for name, everyone in (("chain", False), ("all see every view", True)):
        timer = AdjustmentTimer(n_views, everyone)
        first, again = timer.seconds(), timer.seconds()
        timed[name] = {"first_s": first, "again_s": again, "steps": timer.steps}
        rows.append((name, timer.n_views, timer.n_corners, first, again, timer.steps))
    header = ("8 cameras", "views", "corners", "with compilation, s", "again, s", "steps")
    report = markdown_table(header, rows) + (
        f"\n\n{n_views} board views per camera (its neighbours' shared); from first poses to rest, "
        "lenses free."
    )
    return {"adjustment": timed, "report": report}
