"""What was measured of bodies per trial, participant and cohort, as tables."""

from collections.abc import Sequence

import numpy as np

from benchmarks.table import markdown_table
from experiments.differentiable_biomechanics.bodies import (
    COHORT_PARTICIPANT,
    COHORT_TRIAL,
    OWN,
    PER_PARTICIPANT,
    PER_TRIAL,
)
from experiments.differentiable_biomechanics.scores import LEGS, SAGITTAL
from experiments.differentiable_biomechanics.tables import Found, mean_of, select, values_of
from experiments.trajectories.store import Measured

LEVELS = (PER_TRIAL, PER_PARTICIPANT, COHORT_TRIAL, COHORT_PARTICIPANT)

KEPT_OUT_HEADER = (
    "cameras", "body", "markers, mm", "better in", "legs, °", "bias, °",
    "means differ between trials by, °", "unused cameras, GC5, %",
)  # fmt: skip


def body_report(found: Found) -> str:
    """Part (d): trials kept out of a participant, people kept out of a cohort."""
    rows = []
    for n_cameras in _numbers_of_cameras(found):
        ones = select(found, cameras=n_cameras)
        for body in ones[0]:
            own, error = (np.asarray(values_of(ones, b, "marker_mm")) for b in (OWN, body))
            better = None if body == OWN else f"{int((error < own).sum())} of {len(own)}"
            unused = mean_of(ones, body, "unused.gc5")
            rows.append(
                (
                    n_cameras,
                    body,
                    f"{error.mean():.2f}",
                    better,
                    _two(mean_of(ones, body, "legs_deg")),
                    _two(mean_of(ones, body, "legs_bias_deg")),
                    _two(between_trials(ones, body)),
                    None if unused is None else f"{100 * unused:.1f}",
                )
            )
    parts = []
    if rows:
        parts += [
            "Measured walks with 20 body points; every walk in turn is kept out of the others:",
            markdown_table(KEPT_OUT_HEADER, rows),
        ]
    for one in (measured for entry, measured in found if "cohort" in entry.case):
        parts += [_cohort_sentence(one), cohort_table(one)]
    return "\n\n".join(parts)


def _numbers_of_cameras(found: Found) -> list[object]:
    return list(dict.fromkeys(e.case["cameras"] for e, _ in found if "cameras" in e.case))


def between_trials(ones: Sequence[Measured], body: str) -> float | None:
    """Standard deviation, between trials, of a leg angle's mean error: root mean square over the
    sagittal angles of both sides, in degrees; None of one trial."""
    if len(ones) < 2:
        return None
    deviations = []
    for angle in (f"{angle}_{side}" for angle in SAGITTAL for side in "rl"):
        deviations.append(np.std(values_of(ones, body, f"means_deg.{angle}"), ddof=1))
    return float(np.sqrt(np.mean(np.square(deviations))))


def _cohort_sentence(one: Measured) -> str:
    about = one["cohort"]
    assert isinstance(about, dict)
    left_out = f" Left out: {about['failed']}." if about["failed"] else ""
    return (
        f"Simulated people kept out of a cohort. The cohort's mean of the base model's markers is "
        f"wrong by {about['wrong_after_mm']:.1f} mm (RMS); the base model itself by "
        f"{about['wrong_before_mm']:.1f} mm.{left_out}"
    )


def cohort_table(one: Measured) -> str:
    """Markers, and angles with and without their means, over the walks of people kept out."""
    rows = []
    for level in LEVELS:
        scores = one[level]
        assert isinstance(scores, list)
        rows.append(
            (
                level,
                f"{np.mean([each['marker_mm'] for each in scores]):.2f}",
                *(f"{bias_of(scores, angle):.1f}" for angle in LEGS),
                f"{np.mean([each['legs_deg'] for each in scores]):.2f}",
            )
        )
    biases = (f"bias of {angle.replace('_', ' ')}, °" for angle in LEGS)
    return markdown_table(("body", "markers, mm", *biases, "legs, means removed, °"), rows)


def bias_of(scores: Sequence[dict], angle: str) -> float:
    """Root mean square, over walks and sides, of the mean error of an angle, in degrees."""
    means = [each["means_deg"][f"{angle}_{side}"] for each in scores for side in "rl"]
    return float(np.sqrt(np.mean(np.square(means))))


def _two(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
