"""Fits to optical markers of real walks, beside what their source's own pipeline left."""

import csv
import pathlib
import time

import numpy as np

from benchmarks.table import markdown_table
from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import fit_participant
from diffbio.io.read_trc import read_trc
from diffbio.observations import Markers

SOURCES = {
    "opencap-unfiltered": ("markers/walking*.trc", "opencap_markers"),
    "falisse-walking": ("markers/gait*.trc", "falisse_markers"),
}
"""Recordings of a participant, and the keypoint set of their markers."""

PEER_CPU_S, PEER_FRAMES = 456.0, 131
"""CPU time of the known bilevel marker fitter on a comparable trial, in seconds; its frames."""

HEADER = ("trial", "frames", "marker RMSE, mm", "of the source's IK, mm", "iterations")


def measure_optical(recordings: pathlib.Path) -> dict:
    """Marker RMSE of every participant, all trials with one body, and what it took."""
    found, sections = {}, []
    for source in SOURCES:
        one = measure_source(recordings, source)
        found[source] = one
        sections.append(one.pop("report"))
    return {**found, "report": "\n\n".join(sections)}


def measure_source(recordings: pathlib.Path, source: str) -> dict:
    """One participant: fitted twice, for the second run compiles nothing."""
    pattern, set_name = SOURCES[source]
    body = default_body(load_keypoint_set(set_name))
    trials = {}
    for path in sorted((recordings / source).glob(pattern)):
        trials[path.stem] = trimmed(read_trc(path), body.marker_names)
    fit_participant(body, trials)
    cpu, wall = time.process_time(), time.perf_counter()
    fit = fit_participant(body, trials)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rows = []
    for name, one in fit.fits.items():
        assert one.placed is not None
        rmse = 1e3 * float(np.sqrt(np.nanmean(one.placed**2)))
        peer = peer_rmse_mm(recordings / source / "ik" / f"{name}-marker-errors.csv")
        rows.append((name, len(one.placed), rmse, peer if peer else "not shipped", one.iterations))
    frames = sum(row[1] for row in rows)
    report = (
        f"### {source}\n\n{markdown_table(HEADER, rows)}\n\n"
        f"{frames} frames with one body: {cpu:.2f} s of CPU, {wall:.2f} s wall, start and error "
        f"bars included. The known bilevel fitter took {PEER_CPU_S:g} s of CPU for {PEER_FRAMES} "
        f"frames: {PEER_CPU_S / PEER_FRAMES * frames / cpu:.0f} times as much per frame."
    )
    return {"report": report, "rows": rows, "cpu_s": cpu, "wall_s": wall, "frames": frames}


def trimmed(markers: Markers, names: tuple[str, ...]) -> Markers:
    """The markers of a body, from the first sample any of them was seen in to the last."""
    order = [markers.names.index(name) for name in names]
    positions = markers.positions[:, order]
    seen = np.flatnonzero(np.logical_or.reduce(np.isfinite(positions).all(-1), axis=1))
    part = slice(int(seen[0]), int(seen[-1]) + 1)
    return Markers(names, positions[part], markers.time[part], markers.source)


def peer_rmse_mm(path: pathlib.Path) -> float | None:
    """Root mean square of the errors by marker that a source ships; None where it ships none."""
    if not path.is_file():
        return None
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if row and row[0].startswith("All Timesteps"):
                errors = np.asarray([float(cell) for cell in row[1:] if cell.strip()])
                return 1e3 * float(np.sqrt(np.mean(errors[errors > 0] ** 2)))
    return None
