"""What was measured, for readers."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.table import markdown_table
from diffbio.fitting.schedule import MAX_ITERATIONS
from experiments.trajectories.store import Measured
from experiments.trajectories.trials import BEAM, BEAM_REFINED, KNOCKED, PEOPLE
from experiments.trajectories.ways import GAUSS_NEWTON, WAYS

Trials = Mapping[str, Mapping[str, Measured]]

NOISE = "truth"
"""Name under which the noise of a simulated trial is kept, among its fits."""

COLUMNS = {
    "s": "seconds",
    "CPU s": "cpu_s",
    "cost / frame": "cost_per_frame",
    "fitted px": "fitted_px",
    "held-out px": "held_out_px",
    "clean px": "clean_px",
    "held-out clean px": "held_out_clean_px",
    "markers, mm": "marker_mm",
    "their motion, mm": "marker_change_mm",
    "legs, °": "legs_deg",
}
DECIMALS = {"seconds": 2, "cpu_s": 2, "marker_mm": 2, "marker_change_mm": 2, "legs_deg": 2}
"""Of what is not a cost or a number of pixels: these have three, small as the differences are."""

BAND_COLUMNS = {
    name: key for name, key in COLUMNS.items() if name not in ("s", "CPU s", "cost / frame")
}
REAL_COLUMNS = {
    "fitted px": "fitted_px",
    "mean": "fitted_mean_px",
    "held-out px": "held_out_px",
    "mean ": "held_out_mean_px",
}


def report(trials: Trials) -> str:
    """Ways against steps, and splines against bandwidth, simulated and real."""
    people = {name: fits for name, fits in trials.items() if name in PEOPLE}
    parts = [
        f"Means over {len(people)} simulated walks. Time is that since the common start. Pixels "
        "are medians; legs are hip, knee and ankle flexion, RMSE with means removed:",
        ways_table(people),
        f"The same of {KNOCKED}, where camera poses are unknown too:",
        ways_table({KNOCKED: trials[KNOCKED]}),
    ]
    for name in PEOPLE:
        parts += [f"Bandwidth of the spline, {name}:", band_table(trials[name], BAND_COLUMNS)]
    for name in (BEAM, BEAM_REFINED):
        if name in trials:
            parts += [f"Bandwidth of the spline, {name}:", band_table(trials[name], REAL_COLUMNS)]
    return "\n\n".join(parts)


def ways_table(simulated: Trials) -> str:
    """One row per way and number of steps: means over the simulated walks."""
    every = list(simulated.values())
    noise = ["truth", None, *(_cell(_mean(every, NOISE, key), key) for key in COLUMNS.values())]
    rows: list[Sequence[object]] = [noise]
    for way in WAYS:
        for name in every[0]:
            one = every[0][name]
            varied = one.get("bandwidth_hz") is not None
            if name != NOISE and one["way"] == way and not (varied and way == GAUSS_NEWTON):
                steps = _mean(every, name, "iterations")
                values = (_cell(_mean(every, name, key), key) for key in COLUMNS.values())
                rows.append((_label(one), _steps(steps), *values))
    return markdown_table(("way", "steps", *COLUMNS), rows)


def band_table(fits: Mapping[str, Measured], columns: Mapping[str, str]) -> str:
    """One row per bandwidth of a spline that Gauss-Newton solved to the end."""
    rows = []
    if NOISE in fits:
        rows.append(
            ("truth", None, *(_cell(fits[NOISE].get(key), key) for key in columns.values()))
        )
    for one in by_bandwidth(fits):
        values = (_cell(one[key], key) for key in columns.values())
        rows.append((f"{one['bandwidth_hz']:g} Hz", one["iterations"], *values))
    return markdown_table(("spline", "iterations", *columns), rows)


def by_bandwidth(fits: Mapping[str, Measured]) -> list[Measured]:
    """The fits of splines whose bandwidth was varied, in its order."""
    return [
        one
        for one in fits.values()
        if one.get("bandwidth_hz") is not None and one["way"] == GAUSS_NEWTON
    ]


def by_steps(fits: Mapping[str, Measured], way: str) -> list[Measured]:
    """The fits of one way, in the order of their steps."""
    return [
        one
        for name, one in fits.items()
        if name != NOISE and one["way"] == way and one["bandwidth_hz"] is None
    ]


def _cell(value: object, key: str) -> object:
    decimals = DECIMALS.get(key, 3)
    return f"{value:.{decimals}f}" if isinstance(value, int | float) else value


def _label(one: Measured) -> str:
    if one["bandwidth_hz"] is not None:
        return f"{one['way']}, {one['bandwidth_hz']:g} Hz"
    to_the_end = one["way"] == GAUSS_NEWTON and one["steps"] == MAX_ITERATIONS
    return f"{one['way']}, to its end" if to_the_end else str(one["way"])


def _steps(steps: float | None) -> float | int | None:
    return int(steps) if steps is not None and steps == int(steps) else steps


def _mean(every: Sequence[Mapping[str, Measured]], name: str, key: str) -> float | None:
    values = [fits[name].get(key) for fits in every if name in fits]
    known = [float(value) for value in values if isinstance(value, int | float)]
    return float(np.mean(known)) if known else None
