"""`python -m benchmarks first_result`: from the command line to the written files, as a user waits.

Every run is a process of its own, with an empty compilation cache or with the one the run before
it left.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from tqdm import tqdm

from benchmarks.arguments import ROOT, positive
from benchmarks.cold import ColdError
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio._jax import CACHE_VARIABLE
from diffbio.body import load_keypoint_set
from diffbio.io.rigs import write_rig
from diffbio.simulation import simulate_walking

KEYPOINT_SET, FRAMES, FRAME_RATE_HZ = "falisse_markers", 300, 60.0
OPTIMIZERS = ("gauss-newton", "adamw")
STAGES = ("load", "start", "compile", "solve", "write")
HEADER = ("optimizer, cache", "wall, s", "CPU, s", "process", *STAGES, "rest", "px median")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--optimizers", nargs="+", default=list(OPTIMIZERS), choices=OPTIMIZERS, help="which ones"
    )
    parser.add_argument(
        "--warm", type=positive, default=3, metavar="N",
        help="runs with a warm cache, the quickest of which counts (default 3)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Time every optimizer from a cold and from a warm cache, and write the result."""
    check_writable(arguments.output)
    runs: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_trial(folder / "trial")
        total = len(arguments.optimizers) * (1 + arguments.warm)
        with tqdm(total=total, unit="run", file=sys.stderr, dynamic_ncols=True) as bar:
            for optimizer in arguments.optimizers:
                cache = folder / f"cache-{optimizer}"
                runs[f"{optimizer}, cold"] = measure(folder, optimizer, cache)
                bar.update()
                warm = []
                for _ in range(arguments.warm):
                    warm.append(measure(folder, optimizer, cache))
                    bar.update()
                best = min(warm, key=lambda one: one["wall_s"])
                runs[f"{optimizer}, warm"] = {**best, "all_wall_s": [w["wall_s"] for w in warm]}
    loads = load_sentence([one["load_average"] for one in runs.values()])
    table = markdown_table(HEADER, [row(name, one) for name, one in runs.items()])
    report = (
        f"{FRAMES} frames at {FRAME_RATE_HZ:g} Hz, 8 cameras, {KEYPOINT_SET}; seconds, a fresh "
        f"process from the command line to the written files. {loads}\n\n{table}\n\n"
        "`process` is what the interpreter takes before and after, `rest` what no stage counts."
    )
    print(report)
    content = {"frames": FRAMES, "keypoint_set": KEYPOINT_SET, "runs": runs}
    written = write_result(arguments.output, "first_result", content, report)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def write_trial(folder: pathlib.Path) -> None:
    """A simulated trial as a lab would hand it over: `rig.toml` and an archive of keypoints."""
    folder.mkdir()
    recording = simulate_walking(
        load_keypoint_set(KEYPOINT_SET), seed=0, duration=FRAMES / FRAME_RATE_HZ
    )
    keypoints = recording.keypoints
    write_rig(recording.rig, folder / "rig.toml")
    np.savez(
        folder / "keypoints.npz",
        pixels=keypoints.pixels,
        confidence=keypoints.confidence,
        time=keypoints.time,
        keypoint_names=np.asarray(keypoints.names),
        camera_names=np.asarray(keypoints.camera_names),
        keypoint_set=np.asarray(keypoints.set_name),
    )


def measure(folder: pathlib.Path, optimizer: str, cache: pathlib.Path) -> dict:
    """One process: wall and CPU time, and the stages it reports itself.

    Raises:
        ColdError: it failed; the message holds the last line it wrote.
    """
    output = folder / "result"
    words = ["fit", str(folder / "trial"), "-o", str(output), "--optimizer", optimizer]
    environment = {**os.environ, CACHE_VARIABLE: str(cache), "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    before, began = _children_cpu_s(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "diffbio.cli.main", *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    wall_s = time.perf_counter() - began
    if done.returncode:
        last = (done.stderr.strip() or "nothing was said").splitlines()[-1]
        raise ColdError(f"diffbio {' '.join(words)} ended with {done.returncode}: {last}")
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    return {
        "wall_s": wall_s,
        "cpu_s": _children_cpu_s() - before,
        "time_s": summary["time_s"],
        "solver": summary["solver"],
        "median_px": summary["reprojection_error_px"]["median"],
        "load_average": load_average(),
    }


def row(name: str, one: dict) -> tuple[object, ...]:
    """One line of the table."""
    times = one["time_s"]
    stages = [times.get(stage) for stage in STAGES]
    process = one["wall_s"] - times["total"]
    rest = times["total"] - sum(seconds or 0.0 for seconds in stages)
    return (name, one["wall_s"], one["cpu_s"], process, *stages, rest, one["median_px"])


def _children_cpu_s() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
