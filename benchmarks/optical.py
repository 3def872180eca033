"""Fits to optical markers of real walks, beside what their source's own pipeline left."""

import csv
import dataclasses
import pathlib
import time
from collections.abc import Callable

import numpy as np

from benchmarks.opensim_ik import own_rmse_mm
from benchmarks.table import markdown_table
from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import fit_participant
from diffbio.io.read_mot import read_storage
from diffbio.io.read_trc import read_trc
from diffbio.observations import Markers


@dataclasses.dataclass(frozen=True)
class Source:
    """Recordings of one participant.

    Attributes:
        pattern: of the files with their markers.
        keypoint_set: of these markers.
        peer: marker RMSE of the source's own pipeline in mm, from its folder and a trial's name;
            None where nothing can be said.
        means: how that number came about.
    """

    pattern: str
    keypoint_set: str
    peer: Callable[[pathlib.Path, str], float | None]
    means: str


PEER_CPU_S, PEER_FRAMES = 456.0, 131
"""CPU time of the known bilevel marker fitter on a comparable trial, in seconds; its frames."""

HEADER = ("participant", "trial", "frames", "marker RMSE, mm", "of the source, mm", "iterations")


def measure_optical(recordings: pathlib.Path) -> dict:
    """Marker RMSE of every participant, all trials with one body, and what it took."""
    found = {name: measure_source(recordings, name) for name in SOURCES}
    rows = [(name, *row) for name, one in found.items() for row in one["rows"]]
    means = "\n".join(f"- {name}: {source.means}" for name, source in SOURCES.items())
    times = [
        (name, one["frames"], one["cpu_s"], one["wall_s"], one["times_quicker"])
        for name, one in found.items()
    ]
    header = ("participant", "frames", "CPU, s", "wall, s", "times quicker per frame")
    report = (
        f"{markdown_table(HEADER, rows)}\n\nThe source's own numbers:\n\n{means}\n\n"
        "What it took, all trials of a participant with one body, start and error bars included, "
        f"beside the known bilevel fitter's {PEER_CPU_S:g} s of CPU for {PEER_FRAMES} frames:\n\n"
        f"{markdown_table(header, times)}"
    )
    return {"report": report, "participants": found}


def measure_source(recordings: pathlib.Path, name: str) -> dict:
    """One participant: fitted twice, for the second run compiles nothing."""
    source = SOURCES[name]
    body = default_body(load_keypoint_set(source.keypoint_set))
    trials = trials_of(recordings, name)
    fit_participant(body, trials)
    cpu, wall = time.process_time(), time.perf_counter()
    fit = fit_participant(body, trials)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rows = []
    for trial, one in fit.fits.items():
        assert one.placed is not None
        rmse = 1e3 * float(np.sqrt(np.nanmean(one.placed**2)))
        peer = source.peer(recordings / name, trial)
        rows.append((trial, len(one.placed), rmse, peer, one.iterations))
    frames = sum(row[1] for row in rows)
    quicker = PEER_CPU_S / PEER_FRAMES * frames / cpu
    return {
        "rows": rows, "cpu_s": cpu, "wall_s": wall, "frames": frames, "times_quicker": quicker,
        "failed": fit.failed,
    }  # fmt: skip


def trials_of(recordings: pathlib.Path, name: str) -> dict[str, Markers]:
    """All walks of a participant, with the markers of their set."""
    source = SOURCES[name]
    names = default_body(load_keypoint_set(source.keypoint_set)).marker_names
    paths = sorted((recordings / name).glob(source.pattern))
    return {path.stem: trimmed(read_trc(path), names) for path in paths}


def trimmed(markers: Markers, names: tuple[str, ...]) -> Markers:
    """The markers of a body, from the first sample that half of them were seen in to the last."""
    order = [markers.names.index(name) for name in names]
    positions = markers.positions[:, order]
    seen = np.flatnonzero(np.isfinite(positions).all(-1).mean(axis=1) >= 0.5)
    part = slice(int(seen[0]), int(seen[-1]) + 1)
    return Markers(names, positions[part], markers.time[part], markers.source)


def _shipped_by_marker(folder: pathlib.Path, trial: str) -> float | None:
    """Root mean square of the errors by marker that a source ships; points it computed are 0."""
    with (folder / "ik" / f"{trial}-marker-errors.csv").open(newline="") as file:
        for row in csv.reader(file):
            if row and row[0].startswith("All Timesteps"):
                errors = np.asarray([float(cell) for cell in row[1:] if cell.strip()])
                return 1e3 * float(np.sqrt(np.mean(errors[errors > 0] ** 2)))
    return None


def _shipped_by_time(path: pathlib.Path) -> float:
    """Root mean square over time of what OpenSim's inverse kinematics left of each frame."""
    rms = read_storage(path).column("marker_error_RMS")
    return 1e3 * float(np.sqrt(np.mean(rms**2)))


def _solved_here(folder: pathlib.Path, trial: str) -> float:
    """What a source's own model and marker weights leave, where it ships no errors."""
    return own_rmse_mm(
        folder / "scaled.osim",
        folder / "coordinates.sto",
        folder / "ik-tasks.xml",
        read_trc(folder / f"{trial}.trc"),
    )


SOURCES = {
    "falisse-walking": Source(
        "markers/gait*.trc",
        "falisse_markers",
        lambda folder, trial: _shipped_by_time(folder / "ik" / f"{trial}-marker-errors.sto"),
        "OpenSim's inverse kinematics as shipped, over its own span.",
    ),
    "opencap-unfiltered": Source(
        "markers/walking*.trc",
        "opencap_markers",
        _shipped_by_marker,
        "AddBiomechanics as shipped, over the markers it counts.",
    ),
    "rajagopal-walking": Source(
        "markers.trc",
        "rajagopal_markers",
        _solved_here,
        "no errors are shipped; inverse kinematics of its scaled model with its marker weights, "
        "solved here over the 0.45 to 1.80 s of its coordinates.",
    ),
    "jam-lenhart-walking": Source(
        "markers.trc",
        "lenhart_markers",
        lambda folder, trial: _shipped_by_time(folder / "ik-marker-errors.sto"),
        "OpenSim's inverse kinematics as shipped, over its own span.",
    ),
}
