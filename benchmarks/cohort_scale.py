"""A study of many simulated trials by one process and by several, and how memory grows."""

import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

import numpy as np
import pyarrow.parquet as pq

from benchmarks.cold import measure_in_new_process
from benchmarks.machine import load_average, load_sentence
from benchmarks.memory import peak_mib
from benchmarks.table import markdown_table
from diffbio._jax import enable_compilation_cache
from diffbio.body import load_keypoint_set
from diffbio.errors import InputError
from diffbio.io.rigs import write_rig
from diffbio.io.study import read_study
from diffbio.simulation import simulate_walking
from diffbio.study import Settings, fit_study
from diffbio.study.cluster import cluster_runner
from diffbio.study.files import write_study
from diffbio.study.records import TABLE_FILE
from diffbio.study.runners import in_turn

KEYPOINT_SET, FRAME_RATE_HZ = "halpe_26", 60.0

DISTINCT = 16
"""Walks simulated; a larger study repeats them."""

MOST_ALONE = 50
"""Trials that the single process fits: enough for its rate, and to compare results with."""

MEMORY_TRIALS = (2, 8, 24)


def measure_scale_out(n_trials: int, n_frames: int, workers: int) -> dict:
    """Throughput of a Dask cluster of which one worker is killed, against one process.

    Every participant has one trial, so that a task is a trial. Rates are taken from the first
    result on, since until then a process starts and reads its programs; the first of the single
    process have compiled them.
    """
    if n_trials <= workers + 1:
        remedy = "Fit more, to measure a rate."
        raise InputError("--trials", f"{n_trials} trials are few for {workers} workers.", remedy)
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        alone = min(n_trials, MOST_ALONE)
        make_study(place / "few", alone, n_frames)
        make_study(place / "all", n_trials, n_frames)
        one = _run("few", place, 1, kill=False)
        many = _run("all", place, workers, kill=True)
        names = [f"sub-{i:04d}" for i in range(alone)]
        tables = [[place / f"{run}-out" / name / TABLE_FILE for name in names] for run in
                  ("few", "all")]  # fmt: skip
        equal = sum(pq.read_table(a).equals(pq.read_table(b)) for a, b in zip(*tables, strict=True))
    ratio = many["per_s"] / (workers * one["per_s"])
    rows = [
        ("1 process", one["trials"], one["wall_s"], 3600 * one["per_s"], one["failed"]),
        (f"{workers} workers, {len(many['killed'])} killed", many["trials"], many["wall_s"],
         3600 * many["per_s"], many["failed"]),
    ]  # fmt: skip
    table = markdown_table(("who", "trials", "wall, s", "trials / hour", "failed"), rows)
    report = (
        f"{n_trials} simulated trials of {n_frames} frames, {KEYPOINT_SET}, 8 cameras "
        f"({min(n_trials, DISTINCT)} distinct). Throughput {ratio:.2f} x {workers} single "
        f"processes. {equal} of {alone} tables of angles are equal in every digit. "
        f"{load_sentence([one['load_average'], many['load_average']])}\n\n{table}"
    )
    return {"report": report, "alone": one, "cluster": many, "ratio": ratio, "equal": equal}


def measure_memory(n_frames: int) -> dict:
    """Peak memory of one process over the number of trials."""
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        # What compiles takes more than what fits: let it be compiled before.
        make_study(place / "first", 1, n_frames)
        _run("first", place, 1, kill=False)
        for n_trials in MEMORY_TRIALS:
            make_study(place / str(n_trials), n_trials, n_frames)
            measured.append(_run(str(n_trials), place, 1, kill=False))
    rows = [(one["trials"], one["peak_mib"], one["wall_s"]) for one in measured]
    slope = np.polyfit([row[0] for row in rows], [row[1] for row in rows], 1)[0]
    report = markdown_table(("trials", "peak, MiB", "wall, s"), rows)
    return {
        "report": f"{slope:+.1f} MiB a trial of {n_frames} frames.\n\n{report}",
        "runs": measured,
        "mib_per_trial": float(slope),
    }


def make_study(folder: pathlib.Path, n_trials: int, n_frames: int) -> None:
    """One trial a participant, all walks of different people up to `DISTINCT`."""
    keypoint_set = load_keypoint_set(KEYPOINT_SET)
    for i in range(n_trials):
        path = folder / f"sub-{i:04d}" / "walk.npz"
        path.parent.mkdir(parents=True)
        if i >= DISTINCT:
            first = folder / f"sub-{i % DISTINCT:04d}"
            shutil.copytree(first, path.parent, dirs_exist_ok=True)
            continue
        recording = simulate_walking(
            keypoint_set, seed=i, duration=n_frames / FRAME_RATE_HZ, frame_rate_hz=FRAME_RATE_HZ
        )
        write_rig(recording.rig, path.parent / "rig.toml")
        np.savez(
            path,
            pixels=recording.keypoints.pixels,
            confidence=recording.keypoints.confidence,
            keypoint_names=np.asarray(recording.keypoints.names),
            camera_names=np.asarray(recording.keypoints.camera_names),
            keypoint_set=KEYPOINT_SET,
            fps=FRAME_RATE_HZ,
        )


def _run(name: str, place: pathlib.Path, workers: int, *, kill: bool) -> dict:
    words = [str(place / name), str(place / f"{name}-out"), "--workers", str(workers)]
    found = measure_in_new_process("benchmarks.cohort_scale", *words, *(["--kill"] if kill else []))
    return {**found, "load_average": load_average()}


def main() -> None:
    """Fit a study in this process or on a cluster, and print what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kill", action="store_true")
    arguments = parser.parse_args()
    enable_compilation_cache()
    study = read_study(arguments.study)
    began, ends, killed = time.perf_counter(), [], []

    def progress(what: str, done: int, of: int) -> None:
        if done:
            ends.append(time.perf_counter())
        if arguments.kill and not killed and done > of // 3:
            worker = next(one for one in multiprocessing.active_children() if one.pid)
            os.kill(worker.pid or 0, signal.SIGKILL)
            killed.append(worker.pid)

    def fit(run):
        settings = Settings(KEYPOINT_SET)
        return fit_study(study, arguments.output, settings, run=run, learn_population=False,
                         progress=progress)  # fmt: skip

    if arguments.workers == 1:
        found = fit(in_turn)
    else:
        with cluster_runner(workers=arguments.workers) as run:
            found = fit(run)
    write_study(found, arguments.output)
    # All workers have begun when as many results as there are workers have come.
    first = max(1, min(arguments.workers, len(ends) - 1))
    per_s = (len(ends) - first) / (ends[-1] - ends[first - 1]) if len(ends) > first else None
    print(
        json.dumps(
            {
                "trials": len(study.participants),
                "failed": len(study.participants) - len(found.delivered),
                "wall_s": time.perf_counter() - began,
                "per_s": per_s,
                "killed": killed,
                "peak_mib": peak_mib(),
            }
        )
    )


if __name__ == "__main__":
    main()
    sys.exit(0)
