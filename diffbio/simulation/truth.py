"""A fit of a simulated recording against the truth that made it."""

from typing import NamedTuple

import numpy as np

from diffbio.fitting import Fit
from diffbio.simulation.recording import SimulatedRecording

ANGLES = ("hip_flexion", "knee_angle", "ankle_angle")

SEGMENTS = {
    "thigh": ("femur", "tibia"),
    "shank": ("tibia", "talus"),
    "upper arm": ("humphant", "ulna"),
    "forearm": ("ulna", "lunate"),
}
"""Segments between two joints: their length follows from motion, not from a prior."""


class Difference(NamedTuple):
    """One line of the comparison.

    Attributes:
        name: what is compared.
        estimated: the estimate, None where it is a curve.
        true: the truth, None where it is a curve.
        error: estimate minus truth, or a summary of it over time.
        unit: of all three.
    """

    name: str
    estimated: float | None
    true: float | None
    error: float
    unit: str


def differences(fit: Fit, recording: SimulatedRecording) -> tuple[Difference, ...]:
    """Angles, segment lengths, stature and marker positions, estimated against true."""
    return (*_angles(fit, recording), *_lengths(fit, recording), *_markers(fit, recording))


def _angles(fit: Fit, recording: SimulatedRecording) -> list[Difference]:
    rows = []
    truth = np.asarray(recording.pose.joints, float)
    for angle in ANGLES:
        for side in "rl":
            column = fit.body.joint_names.index(f"{angle}_{side}")
            error = np.rad2deg(fit.motion.joints[:, column] - truth[:, column])
            name = f"{angle}_{side}"
            rms = float(np.sqrt(np.mean(error**2)))
            rows.append(Difference(f"{name}, RMS", None, None, rms, "deg"))
            rows.append(
                Difference(f"{name}, RMS with means removed", None, None, float(error.std()), "deg")
            )
    return rows


def _lengths(fit: Fit, recording: SimulatedRecording) -> list[Difference]:
    rows = []
    names, position = fit.body.body_names, fit.body.skeleton.position
    ours = fit.body.body_scale(fit.parameters)
    true = recording.body.body_scale(recording.parameters)
    for segment, (proximal, distal) in SEGMENTS.items():
        for side in "rl":
            ends = f"{proximal}_{side}", f"{distal}_{side}"
            if not set(ends) <= set(names):
                continue
            base = _distance(names, fit.body.body_parents, position, *ends)
            first = names.index(ends[0])
            estimated, truth = base * ours[first] * 1000, base * true[first] * 1000
            rows.append(
                Difference(f"{segment} length {side}", estimated, truth, estimated - truth, "mm")
            )
    height, truth = fit.body.height(fit.parameters), recording.body.height(recording.parameters)
    if height is not None and truth is not None:
        error = 1000 * (height - truth)
        rows.append(Difference("standing height", 1000 * height, 1000 * truth, error, "mm"))
    return rows


def _distance(
    names: tuple[str, ...],
    parents: tuple[int, ...],
    position: np.ndarray,
    proximal: str,
    distal: str,
) -> float:
    """Distance of a body from an ancestor on the base model, joints at reference, in metres."""
    body, top, total = names.index(distal), names.index(proximal), np.zeros(3)
    while body != top:
        total += position[body]
        body = parents[body]
    return float(np.linalg.norm(total))


def _markers(fit: Fit, recording: SimulatedRecording) -> list[Difference]:
    error = 1000 * np.linalg.norm(fit.motion.markers - recording.markers, axis=-1)
    return [
        Difference("marker position, mean", None, None, float(error.mean()), "mm"),
        Difference(
            "marker position, 95th percentile", None, None, float(np.percentile(error, 95)), "mm"
        ),
    ]
