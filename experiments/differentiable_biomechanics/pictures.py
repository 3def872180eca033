"""Figures of what was measured; colours that the colour-blind can tell (Okabe and Ito 2008)."""

import pathlib
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.differentiable_biomechanics.answers import (
    BUNDLE,
    END_TO_END,
    FRAMES,
    POINTS,
    STAGES,
    TOLD,
)
from experiments.differentiable_biomechanics.cases import TRUTH
from experiments.differentiable_biomechanics.consistency import curve_of, groups_of
from experiments.differentiable_biomechanics.plan import BEAM
from experiments.differentiable_biomechanics.scores import WITHIN_PX
from experiments.differentiable_biomechanics.tables import (
    Found,
    conditions_of,
    select,
    values_of,
)
from experiments.trajectories.store import Measured
from experiments.trajectories.ways import GAUSS_NEWTON

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#555555"

LOOKS = {
    TRUTH: (GREY, "-", "none"),
    POINTS: (PURPLE, ":", "v"),
    FRAMES: (ORANGE, "--", "s"),
    STAGES: (RED, "-.", "D"),
    TOLD: (SKY, "--", "P"),
    END_TO_END: (BLUE, "-", "o"),
    BUNDLE: (GREEN, "-", "^"),
}
"""Colour, line and marker of every way, so that no way is told by its colour alone."""

LOOKS_IN_TURN = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (RED, "-.", "D"), (PURPLE, ":", "v"))

MILLIMETRES, ALIGNED = "markers, mean distance\nfrom the truth, mm", "the same, aligned rigidly, mm"
DEGREES = "hip, knee, ankle flexion,\nRMSE, means removed, °"

SHOWN = (
    "8 cameras, as recorded",
    "2 cameras, as recorded",
    "4 cameras, noise x4",
    "4 cameras, 15 % wrong",
    "8 cameras, wrong by 0.5°, 10 mm",
    "4 cameras, wrong by 0.5°, 10 mm",
    BEAM,
    "8 cameras, solvers",
)
"""Curves of consistency that are drawn; the table has all."""

DPI = 90


def draw_stages(found: Found, path: pathlib.Path) -> None:
    """Part (a): errors by the number of cameras, and by what is wrong with the detections."""
    kinds = [kind for (kind,) in conditions_of(found, "kind")]
    columns = [
        (f"keypoints: {kind}", [(n, "as recorded", kind) for n in _numbers(found, kind)])
        for kind in kinds
    ]
    worse = [
        (n, condition, kind)
        for n, condition, kind in conditions_of(found, "cameras", "condition", "kind")
        if condition != "as recorded"
    ]
    if worse:
        n, _, kind = worse[0]
        cases = [(n, "as recorded", kind), *worse]
        columns.append((f"keypoints: {kind}, {n} cameras", cases))
    figure, grid = plt.subplots(
        2, len(columns), figsize=(5 * len(columns), 7.6), layout="constrained", squeeze=False
    )
    for column, (title, cases) in zip(grid.T, columns, strict=True):
        labels = [str(n) if c == "as recorded" else str(c) for n, c, _ in cases]
        if cases[-1] in worse:
            labels[0] = "as recorded"
        ones = [select(found, cameras=n, condition=c, kind=kind) for n, c, kind in cases]
        for axes, key, what in zip(column, ("marker_mm", "legs_deg"), (MILLIMETRES, DEGREES),
                                   strict=True):  # fmt: skip
            for i, way in enumerate((POINTS, FRAMES, STAGES, TOLD, END_TO_END)):
                _points(axes, ones, way, key, 0.06 * (i - 2))
            axes.set(ylabel=what, yscale="log", title=title)
            axes.set_xticks(
                range(len(labels)), ["\n".join(label.rsplit(" ", 1)) for label in labels]
            )
            axes.set_xlabel("detections" if cases[-1] in worse else "cameras")
            _plain(axes)
    _legend_below(figure, grid[0, 0])
    save(figure, path)


def _numbers(found: Found, kind: object) -> list[object]:
    return [
        n
        for n, condition, its in conditions_of(found, "cameras", "condition", "kind")
        if its == kind and condition == "as recorded"
    ]


def draw_bundle(found: Found, path: pathlib.Path) -> None:
    """Part (b): errors by how wrong the cameras are."""
    numbers = [n for n, _ in conditions_of(found, "cameras", "deg") if n is not None]
    numbers = list(dict.fromkeys(numbers))
    figure, grid = plt.subplots(
        len(numbers), 3, figsize=(15, 3.8 * len(numbers)), layout="constrained", squeeze=False
    )
    panels = {"marker_mm": MILLIMETRES, "aligned_mm": ALIGNED, "legs_deg": DEGREES}
    for row, n in zip(grid, numbers, strict=True):
        knocks = [(deg, mm) for its, deg, mm in conditions_of(found, "cameras", "deg", "mm")
                  if its == n]  # fmt: skip
        ones = [select(found, cameras=n, deg=deg, mm=mm) for deg, mm in knocks]
        for axes, (key, what) in zip(row, panels.items(), strict=True):
            for i, way in enumerate((STAGES, END_TO_END, BUNDLE)):
                _points(axes, ones, way, key, 0.06 * (i - 1))
            axes.set(ylabel=what, yscale="log", title=f"{n} cameras")
            axes.set_xticks(range(len(knocks)), [f"{deg:g}°, {mm:g} mm" for deg, mm in knocks])
            axes.set_xlabel("cameras wrong by, per axis")
            _plain(axes)
    _legend_below(figure, grid[0, 0])
    save(figure, path)


def draw_consistency(found: Found, path: pathlib.Path) -> None:
    """Part (c): curves of everything, fitted cameras solid and those that were not dashed."""
    groups = [group for group in groups_of(found) if group[1]]
    groups = [group for group in groups if group[0] in SHOWN] or groups
    wide = min(4, len(groups))
    tall = -(-len(groups) // wide)
    figure, grid = plt.subplots(
        tall, wide, figsize=(4.2 * wide, 3.5 * tall), layout="constrained", squeeze=False,
        sharex=True, sharey=True,
    )  # fmt: skip
    for axes, (title, ones, ways) in zip(grid.flat, groups, strict=False):
        for i, way in enumerate(ways):
            colour, _, marker = LOOKS.get(way, LOOKS_IN_TURN[(i - 1) % len(LOOKS_IN_TURN)])
            for which, line in (("fitted", "-"), ("unused", ":"), ("held_out", ":")):
                curve = curve_of(ones, way, which)
                if curve is not None:
                    label = way if which == "fitted" else None
                    shares = 100 * np.asarray(curve)
                    axes.plot(WITHIN_PX, shares, line, color=colour, label=label, linewidth=1.5,
                              marker=marker, markersize=4, markevery=(i % 3, 3))  # fmt: skip
        axes.set_title(title, fontsize=10)
        axes.set(xlim=(0, 30), ylim=(0, 100))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7.5, loc="lower right")
    for axes in grid.flat[len(groups) :]:
        axes.set_axis_off()
    for axes in grid.flat[max(0, len(groups) - wide) : len(groups)]:
        axes.set_xlabel("distance x, px")
        axes.tick_params(labelbottom=True)
    for axes in grid[:, 0]:
        axes.set_ylabel("detections within x, %")
    figure.suptitle("solid: cameras in the fit; dotted: cameras that were not", fontsize=10)
    save(figure, path)


def draw_solvers(found: Found, path: pathlib.Path) -> None:
    """Part (e): what is fitted and what is wanted against time."""
    numbers = [n for (n,) in conditions_of(found, "cameras")]
    panels = {"fitted.median_px": "fitted cameras, median px", "marker_mm": MILLIMETRES,
              "legs_deg": DEGREES}  # fmt: skip
    figure, grid = plt.subplots(
        len(numbers), 3, figsize=(15, 3.8 * len(numbers)), layout="constrained", squeeze=False
    )
    for row, n in zip(grid, numbers, strict=True):
        for axes, (key, what) in zip(row, panels.items(), strict=True):
            for (walk,) in conditions_of(found, "walk"):
                _over_time(axes, select(found, cameras=n, walk=walk), key)
            axes.set(xscale="log", xlabel="CPU seconds since the common start", ylabel=what)
            axes.set_title(f"{n} cameras")
            axes.grid(which="both", alpha=0.25)
            axes.xaxis.set_major_formatter("{x:g}")
        truth = values_of(select(found, cameras=n), TRUTH, "fitted.median_px")
        row[0].axhline(np.mean(truth), color=GREY, label="truth")
    _legend_below(figure, grid[0, 0])
    save(figure, path)


def _over_time(axes: Axes, ones: Sequence[Measured], key: str) -> None:
    """One walk: a point per fit, those of the network joined."""
    ways = dict.fromkeys(way for one in ones for way in one if way != TRUTH)
    for way in ways:
        seconds = [x for one in ones for x in values_of([one], way, "cpu_s")]
        values = [x for one in ones for x in values_of([one], way, key)]
        second_order = way == GAUSS_NEWTON
        colour, marker = (BLUE, "o") if second_order else (ORANGE, "s")
        axes.plot(seconds, values, "-", marker=marker, color=colour, label=way, markersize=7)


def _points(
    axes: Axes, ones: Sequence[Sequence[Measured]], way: str, key: str, aside: float
) -> None:
    """Every recording as a small point, means joined."""
    colour, line, marker = LOOKS[way]
    each = [values_of(some, way, key) for some in ones]
    at = [i + aside for i, values in enumerate(each) if values]
    means = [np.mean(values) for values in each if values]
    if not means:
        return
    axes.plot(at, means, line, marker=marker, color=colour, label=way, markersize=7, linewidth=2)
    for i, values in enumerate(each):
        axes.plot([i + aside] * len(values), values, ".", color=colour, alpha=0.45, markersize=5)


def _legend_below(figure: Figure, axes: Axes) -> None:
    """One legend for all panels, which have the same lines; each line once."""
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=5, fontsize=10)


def _plain(axes: Axes) -> None:
    """Numbers, not powers, on a logarithmic axis, and only as many as fit."""
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:e}"[0] in "2357" else "")
    axes.tick_params(axis="y", which="minor", labelsize=8)
    axes.grid(which="both", alpha=0.25)


def save(figure: Figure, path: pathlib.Path) -> None:
    """Write a figure, and forget it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
