"""Simulated people on a base model that is wrong: what a cohort learns, and whom it serves."""

import sys
import time

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.table import markdown_table
from diffbio._jax import enable_compilation_cache
from diffbio.body import BodyModel, BodyParameters, default_body, load_keypoint_set
from diffbio.cohort import Population, default_prior, fit_cohort, fit_participant
from diffbio.fitting.batch import Recording
from diffbio.simulation import SimulatedRecording, simulate_walking

KEYPOINT_SET, FRAME_RATE_HZ, DURATION, CAMERAS = "falisse_markers", 30.0, 3.0, 6
WALKS = 3

WRONG = (0.010, 0.020)
"""Metres by which every marker of the base model is off, in a direction of its own."""

SIZE_SD, PROPORTION, OWN_OFFSET_SD = 0.05, 0.08, 0.004
"""Log size of people; largest log proportion of a segment; metres per axis of a marker."""

ANGLES = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")


def measure_cohort(n_participants: int, n_held_out: int) -> dict:
    """Recovery of the base model's markers, and bias of angles of people not among the cohort."""
    enable_compilation_cache()
    body = default_body(load_keypoint_set(KEYPOINT_SET))
    rng = np.random.default_rng(100)
    direction = rng.normal(size=(len(body.marker_names), 3))
    size = rng.uniform(*WRONG, len(direction)) / np.linalg.norm(direction, axis=1)
    wrong = direction * size[:, None]
    began = time.perf_counter()
    people = {f"p{i:02d}": walks(body, i, wrong) for i in range(n_participants)}
    trials = {name: recordings(each) for name, each in people.items()}
    fit = fit_cohort(body, trials, progress=_say)
    seconds = time.perf_counter() - began
    n_scale = len(body.segment_names)
    error = 1000 * np.linalg.norm(fit.population.mean[n_scale:].reshape(-1, 3) - wrong, axis=1)
    before = 1000 * np.linalg.norm(wrong, axis=1)
    bias = _held_out(body, fit.population, wrong, n_participants, n_held_out)
    moved = ", ".join(f"{1000 * one:.1f}" for one in fit.moved)
    report = "\n\n".join(
        [
            f"{n_participants} participants x {WALKS} walks of {DURATION:g} s, {KEYPOINT_SET}, "
            f"{CAMERAS} cameras; {seconds:.0f} s; rounds moved the mean by {moved} (mm or tenths "
            f"of a per cent). Base markers: RMS error {_rms(before):.1f} -> {_rms(error):.1f} mm, "
            f"median {np.median(error):.1f} mm.",
            markdown_table(("body", "markers", "before, mm", "after, mm", "worst"),
                           _regions(body, before, error)),
            f"{n_held_out} participants who were not among them: bias of angles, degrees (RMS over "
            "walks of the mean error over time).",
            markdown_table(("angle", "default prior", "population", "reduced by"), [
                (name, a, b, f"{1 - b / a:.0%}") for name, (a, b) in bias.items()
            ]),
        ]
    )  # fmt: skip
    return {
        "report": report,
        "rms_before_mm": _rms(before),
        "rms_mm": _rms(error),
        "marker_error_mm": dict(zip(body.marker_names, map(float, error), strict=True)),
        "bias_deg": bias,
        "moved": list(fit.moved),
        "failed": fit.failed,
    }


def walks(body: BodyModel, seed: int, wrong: np.ndarray) -> list[SimulatedRecording]:
    """Of one person, whose markers are where the base model's are plus what that is wrong by."""
    person = random_person(body, seed, wrong)
    return [
        simulate_walking(
            load_keypoint_set(KEYPOINT_SET),
            seed=WALKS * seed + k,
            duration=DURATION,
            frame_rate_hz=FRAME_RATE_HZ,
            n_cameras=CAMERAS,
            person=person,
        )
        for k in range(WALKS)
    ]


def random_person(
    body: BodyModel, seed: int, wrong: Float[np.ndarray, "marker 3"]
) -> BodyParameters:
    """Random size and proportions, equal on both sides, and markers of their own."""
    rng = np.random.default_rng(1000 + seed)
    stems = [name.removesuffix("_r").removesuffix("_l") for name in body.segment_names]
    proportion = {stem: rng.uniform(-PROPORTION, PROPORTION) for stem in dict.fromkeys(stems)}
    size = rng.normal() * SIZE_SD
    offset = wrong + rng.normal(size=wrong.shape) * OWN_OFFSET_SD
    return BodyParameters(
        jnp.asarray([size + proportion[stem] for stem in stems]), jnp.asarray(offset)
    )


def recordings(each: list[SimulatedRecording]) -> dict[str, Recording]:
    """What a fit may know of walks."""
    return {f"walk{k}": (one.rig.astype(np.float32), one.keypoints) for k, one in enumerate(each)}


def _held_out(
    body: BodyModel, population: Population, wrong: np.ndarray, first: int, count: int
) -> dict[str, tuple[float, float]]:
    """Bias of each angle with the default prior and with the population, in degrees."""
    errors: dict[str, list[np.ndarray]] = {"default": [], "population": []}
    priors = {"default": default_prior(body), "population": population.as_prior()}
    for seed in range(first, first + count):
        each = walks(body, seed, wrong)
        for label, prior in priors.items():
            fit = fit_participant(body, recordings(each), prior=prior)
            for k, one in enumerate(each):
                away = fit.fits[f"walk{k}"].motion.joints - np.asarray(one.pose.joints)
                errors[label].append(np.rad2deg(away.mean(axis=0)))
        _say(seed, "held out")
    found = {}
    for angle in ANGLES:
        joints = [body.joint_names.index(f"{angle}_{side}") for side in "rl"]
        default, learnt = (_rms(np.asarray(one)[:, joints]) for one in errors.values())
        found[angle] = (default, learnt)
    return found


def _regions(
    body: BodyModel, before: Float[np.ndarray, "marker"], after: Float[np.ndarray, "marker"]
) -> list[tuple[object, ...]]:
    """Error of the markers of each body, in mm."""
    carriers = [anchor.body for anchor in body.anchors]
    rows = []
    for carrier in dict.fromkeys(carriers):
        own = np.asarray([one == carrier for one in carriers])
        row = (carrier, int(own.sum()), _rms(before[own]), _rms(after[own]))
        rows.append((*row, float(after[own].max())))
    return rows


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _say(turn: int, name: str) -> None:
    print(f"\r{turn} {name}   ", end="", file=sys.stderr, flush=True)
