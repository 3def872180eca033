"""`python -m benchmarks gait`: events and metrics of walking against plates and a laboratory."""

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np

from benchmarks.arguments import ROOT
from benchmarks.gait_fitted import against_true_markers, fitted_table
from benchmarks.gait_recordings import Walk, clinical, overground, treadmill
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio._jax import enable_compilation_cache
from diffbio.gait import GaitEvents, gait_points, marker_events, spatiotemporal
from diffbio.gait.events import KINDS
from diffbio.gait.gait_points import SIDES
from diffbio.gait.ground import ground_velocity
from diffbio.gait.marker_events import speed_crossings
from diffbio.gait.second_opinions import opinions_on
from diffbio.io.read_c3d import C3dRecording

SAME_EVENT = 0.1
"""Seconds within which two events are one."""

SIGNS = ("speed", "reach", "acceleration")

LABORATORY = {
    "Stride Time": ("stride_time", "s"),
    "Step Time": ("step_time", "s"),
    "Stride Length": ("stride_length", "m"),
    "Step Length": ("step_length", "m"),
    "Walking Speed": ("speed", "m/s"),
    "Foot Off": ("stance_percent", "%"),
}
"""Entries of the laboratory's table and the metrics they are."""

ERROR_HEADER = ("n", "mean", "median of sizes", "95 %", "largest")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--no-fits", action="store_true", help="leave out the walks that are fitted, 16 of them"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure everything, and write the result."""
    check_writable(arguments.output)
    walks = list(overground(arguments.data))
    belt = treadmill(arguments.data)
    recording = clinical(arguments.data)
    measured = {
        "events_ms": events_against_reference(walks),
        "signs_ms": signs_against_reference(walks),
        "laboratory": against_laboratory(recording),
        "treadmill": on_the_treadmill(belt),
    }
    parts = []
    if not arguments.no_fits:
        enable_compilation_cache()
        measured["fitted"] = against_true_markers(arguments.data)
        parts = [
            "## Walks fitted from the images of eight virtual cameras, against the measured "
            "markers\n\nThe same method on both, stride by stride.",
            fitted_table(measured["fitted"]),
        ]
    report = "\n\n".join(
        [
            "## Events from markers minus those of plates (20 N), ms\n\nOf the person `clinical` "
            "the reference are the events an operator set.",
            error_table("person, event", measured["events_ms"]),
            own_and_shared(measured["events_ms"]),
            "## Each published sign alone, ms",
            error_table("event, sign, person", measured["signs_ms"]),
            "## The clinical laboratory's table, from its events and toe markers",
            laboratory_table(measured["laboratory"]),
            "## A minute on a treadmill",
            treadmill_table(measured["treadmill"]),
            *parts,
        ]
    )
    print(report)
    written = write_result(arguments.output, "gait", measured, report)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def events_against_reference(walks: Sequence[Walk]) -> dict[str, list[float | None]]:
    """Error of every event, in milliseconds; None where it was not found."""
    errors: dict[str, list[float | None]] = {}
    for walk in walks:
        found = marker_events(walk.points)
        for event in walk.reference.events:
            times = found.times(event.kind, event.side)
            error = _nearest(times, event.time)
            errors.setdefault(f"{walk.person}, {event.kind}", []).append(error)
    return errors


def own_and_shared(errors: dict[str, list[float | None]]) -> str:
    """How the errors part into those of single events and those all of a person's share."""
    groups = {
        name: np.array([error for error in group if error is not None], float)
        for name, group in errors.items()
    }
    parts = []
    for kind in KINDS:
        own = [group for name, group in groups.items() if name.endswith(kind)]
        within = np.sqrt(np.mean([np.var(group, ddof=1) for group in own]))
        between = np.sqrt(np.mean([np.mean(group) ** 2 for group in own]))
        parts.append(
            f"{kind}: {within:.1f} ms from event to event of a person, {between:.1f} ms shared by "
            "the events of a person"
        )
    return f"Root mean squares, every person weighing the same. {'; '.join(parts)}."


def signs_against_reference(walks: Sequence[Walk]) -> dict[str, list[float | None]]:
    """The same of each sign the detector combines or compares."""
    errors: dict[str, list[float | None]] = {}
    for walk in walks:
        relative = walk.points.on_moving_ground(ground_velocity(walk.points))
        for side, name in enumerate(SIDES):
            crossings = speed_crossings(relative, side)
            for kind in KINDS:
                times = np.array([when for one, when in crossings if one == kind])
                for event in walk.reference.of(kind, name):
                    if _nearest(times, event.time) is None:
                        continue
                    crossing = float(times[np.abs(times - event.time).argmin()])
                    signs = (crossing, *opinions_on(relative, side, kind, crossing))
                    for sign, when in zip(SIGNS, signs, strict=True):
                        if when is not None:
                            key = f"{kind}, {sign}, {walk.person}"
                            errors.setdefault(key, []).append(1e3 * (when - event.time))
    return dict(sorted(errors.items()))


def _nearest(times: np.ndarray, when: float) -> float | None:
    """Nearest of the times minus `when`, in milliseconds; None where none is near."""
    if len(times) == 0:
        return None
    error = float(times[np.abs(times - when).argmin()] - when)
    return 1e3 * error if abs(error) < SAME_EVENT else None


def error_table(title: str, errors: dict[str, list[float | None]]) -> str:
    """Errors by group, in milliseconds."""
    rows = []
    for name, group in errors.items():
        found = np.array([error for error in group if error is not None])
        size = np.abs(found)
        missed = f" ({len(group) - len(found)} missed)" if len(found) < len(group) else ""
        rows.append(
            (
                name,
                f"{len(group)}{missed}",
                float(found.mean()),
                float(np.median(size)),
                float(np.percentile(size, 95)),
                float(size.max()),
            )
        )
    return markdown_table((title, *ERROR_HEADER), rows)


def against_laboratory(recording: C3dRecording) -> list[dict[str, object]]:
    """Values of the laboratory's table and ours of the same stride.

    Its entries are those of the first complete stride of each side (group CYCLES), with lengths
    between toe markers.
    """
    points = gait_points(recording.markers)
    table = spatiotemporal(points, recording.events, foot_point="toe")
    rows = []
    for result in recording.results:
        if result.name not in LABORATORY or result.side is None:
            continue
        name, unit = LABORATORY[result.name]
        first = next(one for one in table.strides if one.cycle.side == result.side)
        ours = first.values[name].value
        mean = table.metric(name, result.side if name != "speed" else None).value
        rows.append(
            {
                "name": name,
                "side": result.side,
                "laboratory": result.value,
                "first_stride": ours,
                "mean_of_strides": mean,
                "unit": unit,
            }
        )
    return rows


def laboratory_table(rows: Sequence[dict]) -> str:
    """As Markdown."""
    header = ("quantity", "unit", "laboratory", "same stride", "difference", "mean of all strides")
    return markdown_table(
        header,
        [
            (
                f"{row['name']} {row['side']}",
                row["unit"],
                f"{row['laboratory']:.4f}",
                f"{row['first_stride']:.4f}",
                f"{row['first_stride'] - row['laboratory']:+.5f}",
                f"{row['mean_of_strides']:.4f}",
            )
            for row in rows
        ],
    )


def on_the_treadmill(walk: Walk) -> dict[str, object]:
    """Events found, missed and invented, and cadences."""
    found = marker_events(walk.points)
    result: dict[str, object] = {}
    for kind in KINDS:
        for side in SIDES:
            plates, markers = walk.reference.times(kind, side), found.times(kind, side)
            errors = [_nearest(markers, when) for when in plates]
            known = np.array([error for error in errors if error is not None])
            result[f"{kind}_{side}"] = {
                "plates": len(plates),
                "markers": len(markers),
                "missed": sum(error is None for error in errors),
                "invented": sum(_nearest(plates, when) is None for when in markers),
                "median_ms": float(np.median(np.abs(known))),
                "p95_ms": float(np.percentile(np.abs(known), 95)),
            }
    result["cadence_plates"] = _cadence(walk, walk.reference)
    result["cadence_markers"] = _cadence(walk, found)
    result["notes"] = list(found.notes)
    return result


def _cadence(walk: Walk, events: GaitEvents) -> float:
    return spatiotemporal(walk.points, events).metric("cadence").value


def treadmill_table(result: dict) -> str:
    """As Markdown, with a sentence on the cadence."""
    header = ("event", "plates", "markers", "missed", "invented", "median, ms", "95 %, ms")
    keys = [f"{kind}_{side}" for kind in KINDS for side in SIDES]
    rows = [(key, *result[key].values()) for key in keys]
    plates, markers = result["cadence_plates"], result["cadence_markers"]
    return (
        f"{markdown_table(header, rows)}\n\nCadence {markers:.3f} steps/min from markers, "
        f"{plates:.3f} from plates: {100 * (markers / plates - 1):+.3f} %. "
        + " ".join(result["notes"])
    )
