"""Reliability curves: the share of the truth that lies within a band, against what it should be."""

import pathlib
from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from experiments.calibrated_uncertainty.coverage import LEVELS, Calibration

COLOURS = {
    "raw": "#1f5fbf",
    "learnt": "#e08a00",
    "learnt from simulations": "#e08a00",
    "shipped": "#d62728",
    "learnt from other walks": "#1a9641",
}
COLUMNS = 5


def draw_reliability(
    curves: Mapping[str, Mapping[str, Calibration]], path: pathlib.Path, title: str
) -> None:
    """One panel per quantity, one curve per kind of error bar, with the interval over trials."""
    n_row = -(-len(curves) // COLUMNS)
    size = (2.5 * COLUMNS, 2.6 * n_row + 0.5)
    figure, grid = plt.subplots(
        n_row, COLUMNS, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (quantity, kinds) in zip(grid.flat, curves.items(), strict=False):
        _panel(axes, quantity, kinds)
    for axes in grid.flat[len(curves) :]:
        axes.axis("off")
    for axes in grid[:, 0]:
        axes.set_ylabel("truth within the band")
    for axes in grid[-1]:
        axes.set_xlabel("nominal")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _panel(axes: Axes, quantity: str, kinds: Mapping[str, Calibration]) -> None:
    axes.plot([0, 1], [0, 1], color="0.6", lw=0.8)
    for kind, one in kinds.items():
        colour = COLOURS[kind]
        axes.fill_between(
            LEVELS, one.coverage_low, one.coverage_high, color=colour, alpha=0.18, lw=0
        )
        label = f"{kind}: ECE {one.expected_error.value:.3f}"
        axes.plot(LEVELS, one.coverage, "o-", color=colour, ms=2.2, lw=1, label=label)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_title(quantity, fontsize=8)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.tick_params(labelsize=7, labelbottom=True)
    axes.legend(fontsize=6, loc="lower right", frameon=False)
