"""Figures of what was measured."""

import pathlib
from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from diffbio.fitting.schedule import MAX_ITERATIONS
from experiments.trajectories.plan import BANDWIDTHS_HZ
from experiments.trajectories.store import Measured
from experiments.trajectories.tables import NOISE, Trials, by_bandwidth, by_steps
from experiments.trajectories.trials import BEAM, BEAM_REFINED, KNOCKED, PEOPLE
from experiments.trajectories.ways import (
    GAUSS_NEWTON,
    NETWORK,
    SPLINE_ADAMW,
    WARM_NETWORK,
    WAYS,
)

COLOURS = {
    GAUSS_NEWTON: "#1f5fbf",
    NETWORK: "#d62728",
    WARM_NETWORK: "#e88a1a",
    SPLINE_ADAMW: "#1a9641",
}
LINES = ("-", "--")
"""One per simulated person."""

PANELS = {
    "fitted_px": "fitted cameras, median px",
    "held_out_px": "held-out camera, median px",
    "marker_mm": "markers, distance from the truth, mm",
    "legs_deg": "hip, knee, ankle, means removed, °",
}
WAYS_PANELS = ("fitted_px", "held_out_px", "marker_mm")


def draw_ways(trials: Trials, path: pathlib.Path) -> None:
    """What is fitted and what is wanted against time: cameras known above, knocked below."""
    figure, grid = plt.subplots(2, 3, figsize=(13, 7.4), layout="constrained")
    for row, names in zip(grid, (PEOPLE, (KNOCKED,)), strict=True):
        for axes, key in zip(row, WAYS_PANELS, strict=True):
            for name, line in zip(names, LINES, strict=False):
                _over_time(axes, trials[name], key, line)
                _noise(axes, trials[name], key, line)
            title = PANELS[key] if names == PEOPLE else f"{PANELS[key]}; cameras knocked"
            axes.set_title(title, fontsize=9.5)
            axes.set(xscale="log", yscale="log")
            axes.set(xlabel="CPU seconds since the start", xlim=(0.05, 60))
            _plain_ticks(axes)
    grid[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _over_time(axes: Axes, fits: Mapping[str, Measured], key: str, line: str) -> None:
    for way in WAYS:
        ones = by_steps(fits, way)
        at, values = ([_number(one, k) for one in ones] for k in ("cpu_s", key))
        label = way if line == LINES[0] else None
        axes.plot(at, values, line, marker="o", markersize=4, color=COLOURS[way], label=label)


def draw_bandwidths(trials: Trials, path: pathlib.Path) -> None:
    """Pixels and true errors against the bandwidth of the spline; the last column is real."""
    real = [name for name in (BEAM, BEAM_REFINED) if name in trials]
    figure, grid = plt.subplots(2, 3, figsize=(13, 7.4), layout="constrained")
    panels = ("fitted_px", "held_out_px", "marker_mm", "legs_deg")
    for axes, key in zip(grid[:, :2].flat, panels, strict=True):
        for name, line in zip(PEOPLE, LINES, strict=True):
            _over_bandwidth(axes, trials[name], key, line, COLOURS[GAUSS_NEWTON], name)
            _noise(axes, trials[name], key, line)
        axes.set(title=PANELS[key])
    for axes, name in zip(grid[:, 2], real, strict=False):
        _over_bandwidth(axes, trials[name], "fitted_px", "-", "#444444", "fitted cameras")
        _over_bandwidth(axes, trials[name], "held_out_px", "-", "#d62728", "held-out camera")
        axes.set(title=f"{name}, median px", ylim=(0, 16))
    for axes in grid.flat:
        axes.set(xscale="log", xlabel="bandwidth of the spline, Hz")
        _plain_ticks(axes)
        axes.set_xticks(BANDWIDTHS_HZ[:-1], minor=False)
        axes.set_xticks([], minor=True)
        if axes.has_data():
            axes.legend(fontsize=8)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _over_bandwidth(
    axes: Axes, fits: Mapping[str, Measured], key: str, line: str, colour: str, label: str
) -> None:
    ones = [one for one in by_bandwidth(fits) if one["iterations"] != MAX_ITERATIONS]
    at, values = ([_number(one, k) for one in ones] for k in ("bandwidth_hz", key))
    axes.plot(at, values, line, marker="o", color=colour, label=label)
    best = int(np.argmin(values))
    axes.plot(at[best], values[best], "o", markersize=11, markerfacecolor="none", color=colour)


def _noise(axes: Axes, fits: Mapping[str, Measured], key: str, line: str) -> None:
    """What the truth itself leaves, where that is not zero."""
    level = fits[NOISE].get(key)
    if isinstance(level, float):
        axes.axhline(level, color="grey", linestyle=line, linewidth=1)


def _plain_ticks(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.tick_params(which="both", labelsize=7)
    axes.grid(which="both", alpha=0.25)


def _number(one: Measured, key: str) -> float:
    value = one[key]
    assert isinstance(value, int | float)
    return float(value)
