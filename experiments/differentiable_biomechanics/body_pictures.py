"""Figure of bodies per trial, participant and cohort."""

import pathlib

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from experiments.differentiable_biomechanics.bodies import (
    COHORT_PARTICIPANT,
    COHORT_TRIAL,
    PER_PARTICIPANT,
    PER_TRIAL,
)
from experiments.differentiable_biomechanics.body_tables import LEVELS, bias_of
from experiments.differentiable_biomechanics.pictures import (
    BLUE,
    GREY,
    LOOKS_IN_TURN,
    ORANGE,
    RED,
    SKY,
    save,
)
from experiments.differentiable_biomechanics.scores import LEGS
from experiments.differentiable_biomechanics.tables import Found, select, values_of
from experiments.trajectories.store import Measured

CHANGES = {
    "marker_mm": "markers, distance from the truth",
    "legs_deg": "legs, RMSE, means removed",
}


def draw_bodies(found: Found, path: pathlib.Path) -> None:
    """Part (d): trials kept out of a participant; people kept out of a cohort."""
    numbers = list(dict.fromkeys(e.case["cameras"] for e, _ in found if "cameras" in e.case))
    figure, row = plt.subplots(
        1, len(numbers) + 1, figsize=(5 * (len(numbers) + 1), 4.4), layout="constrained"
    )
    for axes, n in zip(row, numbers, strict=False):
        ones = select(found, cameras=n)
        bodies = list(ones[0])
        for (key, what), (colour, line, marker) in zip(
            CHANGES.items(), LOOKS_IN_TURN, strict=False
        ):
            errors = np.asarray([values_of(ones, body, key) for body in bodies])
            changes = 100 * (errors / errors[:1] - 1)
            axes.plot(changes, line, color=colour, linewidth=0.7, alpha=0.5)
            means = changes.mean(1)
            axes.plot(means, line, marker=marker, color=colour, linewidth=2.2, label=what)
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.set_xticks(range(len(bodies)), [_two_lines(body) for body in bodies], fontsize=9)
        axes.set(ylabel="change against its own body, %")
        axes.set_title(f"walk kept out, seen by {n} cameras")
        axes.grid(alpha=0.3)
    row[0].legend(fontsize=9)
    for one in (measured for entry, measured in found if "cohort" in entry.case):
        _draw_cohort(row[-1], one)
    save(figure, path)


def _draw_cohort(axes: Axes, one: Measured) -> None:
    looks = {
        PER_TRIAL: (ORANGE, "//"),
        PER_PARTICIPANT: (RED, "\\\\"),
        COHORT_TRIAL: (SKY, ".."),
        COHORT_PARTICIPANT: (BLUE, ""),
    }
    for i, level in enumerate(LEVELS):
        scores = one[level]
        assert isinstance(scores, list)
        colour, hatch = looks[level]
        at = np.arange(len(LEGS)) + 0.2 * (i - 1.5)
        axes.bar(at, [bias_of(scores, angle) for angle in LEGS], 0.2, color=colour, hatch=hatch,
                 edgecolor="white", label=level)  # fmt: skip
    axes.set_xticks(range(len(LEGS)), [angle.replace("_", "\n") for angle in LEGS], fontsize=9)
    axes.set(ylabel="mean error of the angle, RMS, °", title="simulated people kept out")
    axes.grid(axis="y", alpha=0.3)
    # Room for the legend above the bars.
    axes.set_ylim(top=1.4 * axes.get_ylim()[1])
    axes.legend(fontsize=8, loc="upper right")


def _two_lines(label: str) -> str:
    words = label.split()
    half = -(-len(words) // 2)
    return f"{' '.join(words[:half])}\n{' '.join(words[half:])}"
