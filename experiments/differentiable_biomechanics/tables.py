"""What was measured, as tables: stages, bundle adjustment and solvers."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from benchmarks.table import markdown_table
from diffbio.fitting.schedule import MAX_ITERATIONS
from experiments.differentiable_biomechanics.answers import (
    BUNDLE,
    END_TO_END,
    FRAMES,
    POINTS,
    STAGES,
    TOLD,
)
from experiments.differentiable_biomechanics.cases import TRUTH
from experiments.differentiable_biomechanics.plan import BEAM, Entry
from experiments.differentiable_biomechanics.scores import SAGITTAL, Scores, within
from experiments.trajectories.store import Measured

Found = list[tuple[Entry, Measured]]
"""What was planned and what was measured of it."""

STAGE_WAYS = (TRUTH, POINTS, FRAMES, STAGES, TOLD, END_TO_END)
BUNDLE_WAYS = (TRUTH, STAGES, END_TO_END, BUNDLE)


def select(found: Found, **case: object) -> list[Measured]:
    """What was measured in the cases that have these values."""
    return [
        measured
        for entry, measured in found
        if all(entry.case.get(name) == value for name, value in case.items())
    ]


def values_of(ones: Iterable[Measured], way: str, key: str) -> list[float]:
    """One number of a way in every recording; only where it is there.

    Args:
        ones: recordings.
        way: among what was measured of each.
        key: of its scores; `fitted.median_px` and the like of its pixels, `fitted.gc5` of the
            curve of consistency.
    """
    numbers = []
    for one in ones:
        value = _looked_up(one.get(way), key)
        if value is not None:
            numbers.append(value)
    return numbers


def _looked_up(scores: object, key: str) -> float | None:
    for part in key.split("."):
        if not isinstance(scores, dict):
            return None
        curve = part.startswith("gc") and part != "gc"
        scores = within(scores, int(part.removeprefix("gc"))) if curve else scores.get(part)
    return float(scores) if isinstance(scores, int | float) else None


def mean_of(ones: Iterable[Measured], way: str, key: str) -> float | None:
    """Mean over recordings; None where there is nothing."""
    numbers = values_of(ones, way, key)
    return float(np.mean(numbers)) if numbers else None


def conditions_of(found: Found, *names: str) -> list[tuple[object, ...]]:
    """The conditions that there are, in the order of the plan, cases without them left out."""
    cases = (tuple(entry.case.get(name) for name in names) for entry, _ in found)
    return [case for case in dict.fromkeys(cases) if None not in case]


STAGES_HEADER = (
    "condition", "way", "markers, mm", "p95", "legs, °", "bias, °", "fitted px", "GC5, %",
    "unused cameras, GC5, %", "answered, %",
)  # fmt: skip


def stages_report(found: Found) -> str:
    """Part (a): ways by number of cameras and by what is wrong with the detections."""
    parts = []
    for kind in dict.fromkeys(entry.case["kind"] for entry, _ in found):
        rows = []
        for n_cameras, condition in conditions_of(
            [one for one in found if one[0].case["kind"] == kind], "cameras", "condition"
        ):
            ones = select(found, kind=kind, cameras=n_cameras, condition=condition)
            for way in STAGE_WAYS:
                label = f"{n_cameras} cameras, {condition}" if way == TRUTH else ""
                rows.append((label, way, *_stage_cells(ones, way)))
        n_walks = len(conditions_of(found, "walk"))
        parts += [
            f"Walks with keypoints of the kind `{kind}`, means over {n_walks}:",
            markdown_table(STAGES_HEADER, rows),
        ]
    for first in (STAGES, TOLD):
        parts.append(paired(found, first, END_TO_END, ("kind", "cameras", "condition")))
    return "\n\n".join(parts)


def _stage_cells(ones: Sequence[Measured], way: str) -> list[object]:
    return [
        *_numbers(ones, way, ("marker_mm", "marker_p95_mm"), "{:.1f}"),
        *_numbers(ones, way, ("legs_deg", "legs_bias_deg", "fitted.median_px"), "{:.2f}"),
        *_per_cent(ones, way, ("fitted.gc5", "unused.gc5", "covered")),
    ]


def paired(found: Found, first: str, second: str, names: tuple[str, ...]) -> str:
    """In how many recordings the second way is nearer to the truth than the first."""
    rows = []
    for condition in conditions_of(found, *names):
        ones = select(found, **dict(zip(names, condition, strict=True)))
        cells = []
        for key in ("marker_mm", "legs_deg"):
            a, b = (np.asarray(values_of(ones, way, key)) for way in (first, second))
            cells += [f"{int((b < a).sum())} of {len(a)}", f"{100 * (b / a - 1).mean():+.0f} %"]
        rows.append((", ".join(map(str, condition)), *cells))
    header = ("condition", "markers: nearer in", "error by", "legs: nearer in", "error by")
    return f"`{second}` against `{first}`, walk by walk:\n\n{markdown_table(header, rows)}"


BUNDLE_HEADER = (
    "cameras wrong by", "way", "markers, mm", "aligned, mm", "legs, °", "bias, °", "fitted px",
    "GC5, %", "cameras, °", "cameras, mm", "at the limit of iterations",
)  # fmt: skip


def bundle_report(found: Found) -> str:
    """Part (b): wrong cameras, trusted and refined; and the real recording."""
    rows = []
    for n_cameras, deg, mm in conditions_of(found, "cameras", "deg", "mm"):
        ones = select(found, cameras=n_cameras, deg=deg, mm=mm)
        for way in BUNDLE_WAYS:
            label = f"{n_cameras}: {deg:g}°, {mm:g} mm" if way == TRUTH else ""
            rows.append((label, way, *_bundle_cells(ones, way)))
    n_walks = len([one for one in conditions_of(found, "walk") if one != (BEAM,)])
    parts = [
        f"Walks with 20 body points, means over {n_walks}; errors of cameras per axis:",
        markdown_table(BUNDLE_HEADER, rows),
    ]
    for beam in select(found, walk=BEAM):
        parts += ["Pose2Sim's demonstration, four real cameras, no truth:", beam_table(beam)]
    return "\n\n".join(parts)


def _bundle_cells(ones: Sequence[Measured], way: str) -> list[object]:
    return [
        *_numbers(ones, way, ("marker_mm", "aligned_mm"), "{:.1f}"),
        *_numbers(ones, way, ("legs_deg", "legs_bias_deg", "fitted.median_px"), "{:.2f}"),
        *_per_cent(ones, way, ("fitted.gc5",)),
        *_numbers(ones, way, ("camera_deg",), "{:.2f}"),
        *_numbers(ones, way, ("camera_mm",), "{:.1f}"),
        _unfinished(ones, way),
    ]


def _unfinished(ones: Sequence[Measured], way: str) -> str | None:
    """How many fits were stopped before they had converged."""
    iterations = values_of(ones, way, "iterations")
    stopped = sum(number >= MAX_ITERATIONS for number in iterations)
    return f"{stopped} of {len(iterations)}" if iterations else None


def beam_table(beam: Measured) -> str:
    """Pixels, of a camera left out too, and agreement with other programs."""
    rows = []
    for way in (POINTS, FRAMES, STAGES, END_TO_END, BUNDLE):
        scores = beam[way]
        assert isinstance(scores, dict)
        pixels = [*_beam_pixels(scores["fitted"]), *_beam_pixels(scores["held_out"])]
        peers = scores.get("agreement", {})
        rows.append((way, *pixels, *(_agreement(peers.get(name)) for name in _peers(beam))))
    names = [f"against {name}, °" for name in _peers(beam)]
    header = ("way", "fitted px", "GC5, %", "GC10, %", "camera left out, px", "GC5", "GC10")
    return markdown_table((*header, *names), rows)


def _peers(beam: Measured) -> list[str]:
    scores = beam[END_TO_END]
    assert isinstance(scores, dict)
    return list(scores["agreement"])


def _beam_pixels(pixels: Scores) -> list[str]:
    shares = (f"{100 * within(pixels, px):.0f}" for px in (5, 10))
    return [f"{pixels['median_px']:.1f}", *shares]


def _agreement(compared: dict | None) -> str | None:
    if compared is None:
        return None
    return " / ".join(f"{compared['joints_deg'][angle]:.1f}" for angle in SAGITTAL)


SOLVER_HEADER = (
    "cameras", "way", "steps", "CPU s", "cost / frame", "fitted px", "GC5, %",
    "unused cameras, GC5, %", "markers, mm", "legs, °", "bias, °",
)  # fmt: skip


def solver_report(found: Found) -> str:
    """Part (e): one objective, two trajectories, two solvers."""
    rows = []
    for n_cameras, label in conditions_of(found, "cameras", "way"):
        ones = select(found, cameras=n_cameras, way=label)
        way = next(name for name in ones[0] if name != TRUTH)
        steps = mean_of(ones, way, "iterations")
        rows.append(
            (
                n_cameras,
                way,
                None if steps is None else round(steps),
                *_numbers(ones, way, ("cpu_s", "cost_per_frame", "fitted.median_px"), "{:.2f}"),
                *_per_cent(ones, way, ("fitted.gc5", "unused.gc5")),
                *_numbers(ones, way, ("marker_mm", "legs_deg", "legs_bias_deg"), "{:.2f}"),
            )
        )
    n_walks = len(conditions_of(found, "walk"))
    return (
        f"Walks with 20 body points, means over {n_walks}. CPU time is that since the common "
        f"start, compiling left out:\n\n{markdown_table(SOLVER_HEADER, rows)}"
    )


def _numbers(
    ones: Sequence[Measured], way: str, keys: Sequence[str], decimals: str
) -> list[str | None]:
    return _cells(ones, way, keys, decimals.format)


def _per_cent(ones: Sequence[Measured], way: str, keys: Sequence[str]) -> list[str | None]:
    return _cells(ones, way, keys, lambda value: f"{100 * value:.1f}")


def _cells(
    ones: Sequence[Measured], way: str, keys: Sequence[str], written: Callable[[float], str]
) -> list[str | None]:
    values = (mean_of(ones, way, key) for key in keys)
    return [None if value is None else written(value) for value in values]
