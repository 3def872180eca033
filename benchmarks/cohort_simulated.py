"""Simulated people on a base model that is wrong: what a cohort learns, and whom it serves."""

import sys
import time
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.cohort_movements import asked_posture, move_joints, stand
from benchmarks.table import markdown_table
from diffbio._jax import enable_compilation_cache
from diffbio.body import BodyModel, BodyParameters, default_body, load_keypoint_set
from diffbio.cohort import (
    BodyPrior,
    CohortFit,
    Population,
    Stance,
    default_prior,
    fit_cohort,
)
from diffbio.cohort.participant import AnyTrial, solve_participant
from diffbio.fitting.batch import Recording
from diffbio.simulation import SimulatedRecording, simulate_walking

KEYPOINT_SET, FRAME_RATE_HZ, DURATION, CAMERAS = "falisse_markers", 30.0, 3.0, 6
WALKS = 3

WRONG = (0.010, 0.020)
"""Metres by which every marker of the base model is off, in a direction of its own."""

SIZE_SD, PROPORTION, OWN_OFFSET_SD = 0.05, 0.08, 0.004
"""Log size of people; largest log proportion of a segment; metres per axis of a marker."""

ANGLES = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")

PROTOCOLS = {
    "walks": "three walks",
    "laboratory": "a stance that was asked for, all joints moved in their range, and a walk",
}
"""What a participant's three trials are. Walking moves neither wrists nor toes nor the foot on the
talus, and nothing but a known posture tells a turn of all markers of a hand or a foot from
another zero of their joints; laboratories record a static trial for that."""


def measure_cohort(n_participants: int, n_held_out: int) -> dict:
    """Recovery of the base model's markers, and bias of angles of people not among the cohort."""
    enable_compilation_cache()
    body = default_body(load_keypoint_set(KEYPOINT_SET))
    wrong = wrong_markers(body)
    people = {f"p{i:02d}": walks(body, i, wrong) for i in range(n_participants)}
    measured: dict[str, dict] = {}
    populations, sections = {}, []
    for protocol in PROTOCOLS:
        began = time.perf_counter()
        trials = {
            name: trials_of(each, i, protocol) for i, (name, each) in enumerate(people.items())
        }
        fit = fit_cohort(body, trials, progress=_say)
        populations[protocol] = fit.population
        numbers, section = _recovery(body, fit, wrong, time.perf_counter() - began)
        measured[protocol] = numbers
        sections.append(f"**{PROTOCOLS[protocol].capitalize()}.** {section}")
    bias = _held_out(body, populations, wrong, n_participants, n_held_out)
    report = _report(n_participants, n_held_out, sections, bias)
    return {"report": report, "protocols": measured, "bias_deg": bias}


def _report(
    n_participants: int,
    n_held_out: int,
    sections: list[str],
    bias: Mapping[str, Mapping[str, float]],
) -> str:
    labels = next(iter(bias.values()))
    rows = [
        (angle, *(_reduced(value, each["default prior"]) for value in each.values()))
        for angle, each in bias.items()
    ]
    parts = [
        f"{n_participants} participants x 3 trials of {DURATION:g} s, {KEYPOINT_SET}, {CAMERAS} "
        "cameras.",
        *sections,
        f"{n_held_out} participants who were not among them, three walks each: bias of angles, "
        "degrees (RMS over walks of the mean error over time), by the prior they are fitted with.",
        markdown_table(("angle", *labels), rows),
    ]
    return "\n\n".join(parts)


def wrong_markers(body: BodyModel) -> Float[np.ndarray, "marker 3"]:
    """By what the base model's markers are wrong, in metres."""
    rng = np.random.default_rng(100)
    direction = rng.normal(size=(len(body.marker_names), 3))
    size = rng.uniform(*WRONG, len(direction)) / np.linalg.norm(direction, axis=1)
    return direction * size[:, None]


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


def trials_of(each: list[SimulatedRecording], seed: int, protocol: str) -> dict[str, AnyTrial]:
    """What a fit may know of the three trials of one person."""
    if protocol == "walks":
        return dict(recordings(each))
    rng, walk = np.random.default_rng(2000 + seed), each[0]
    return {
        "stance": Stance(_known(stand(walk, rng)), asked_posture(walk.body)),
        "movements": _known(move_joints(walk, rng)),
        "walk0": _known(walk),
    }


def recordings(each: list[SimulatedRecording]) -> dict[str, Recording]:
    """What a fit may know of walks."""
    return {f"walk{k}": _known(one) for k, one in enumerate(each)}


def _known(one: SimulatedRecording) -> Recording:
    return one.rig.astype(np.float32), one.keypoints


def _recovery(
    body: BodyModel, fit: CohortFit, wrong: Float[np.ndarray, "marker 3"], seconds: float
) -> tuple[dict, str]:
    """Numbers and a report on where the population's markers are."""
    n_scale = len(body.segment_names)
    away = fit.population.mean[n_scale:].reshape(-1, 3) - wrong
    whole = as_a_whole(body, away)
    variance = np.diag(fit.population.mean_covariance)[n_scale:].reshape(-1, 3)
    before, error, turned, rest = (
        1000 * np.linalg.norm(one, axis=1) for one in (wrong, away, whole, away - whole)
    )
    each = {"before": before, "after": error, "whole": turned, "rest": rest}
    each["stated"] = 1000 * np.sqrt(variance.sum(1))
    carriers = [anchor.body for anchor in body.anchors]
    rows = []
    for carrier in dict.fromkeys(carriers):
        own = np.asarray([one == carrier for one in carriers])
        row = (carrier, int(own.sum()), *(_rms(values[own]) for values in each.values()))
        rows.append((*row, float(error[own].max())))
    header = ("body", "markers", "before, mm", "after", "as a whole", "rest", "stated sd", "worst")
    moved = ", ".join(f"{1000 * one:.1f}" for one in fit.moved)
    text = (
        f"{seconds:.0f} s; rounds moved the mean by {moved} (mm or tenths of a per cent). Base "
        f"markers: RMS error {_rms(before):.1f} -> {_rms(error):.1f} mm (stated: "
        f"{_rms(each['stated']):.1f}), median {np.median(error):.1f} mm, "
        f"{np.mean(error <= 3):.0%} within 3 mm, {np.mean(error < before):.0%} nearer than they "
        f"were; {_rms(rest):.1f} mm without the turn and stretch of each body's markers as a "
        "whole about its joint.\n\n"
    )
    numbers = {
        "rms_mm": {name: _rms(values) for name, values in each.items()},
        "marker_error_mm": dict(zip(body.marker_names, map(float, error), strict=True)),
        "moved": list(fit.moved),
        "failed": fit.failed,
        "seconds": seconds,
    }
    return numbers, text + markdown_table(header, rows)


def as_a_whole(
    body: BodyModel, away: Float[np.ndarray, "marker 3"]
) -> Float[np.ndarray, "marker 3"]:
    """The part of errors that is a turn and a stretch of each body's markers about its origin:
    that which angles from another zero and another size of the segment explain as well."""
    at, found = body.marker_position, np.zeros_like(away)
    for carrier in set(body.marker_body):
        own = body.marker_body == carrier
        turns = [np.cross(axis, at[own]).reshape(-1) for axis in np.eye(3)]
        ways = np.stack([*turns, at[own].reshape(-1)], axis=1)
        fitted = ways @ np.linalg.lstsq(ways, away[own].reshape(-1), rcond=None)[0]
        found[own] = fitted.reshape(-1, 3)
    return found


def _held_out(
    body: BodyModel,
    populations: Mapping[str, Population],
    wrong: np.ndarray,
    first: int,
    count: int,
) -> dict[str, dict[str, float]]:
    """Bias of each angle with the default prior and with the populations, in degrees."""
    priors: dict[str, BodyPrior] = {"default prior": default_prior(body)}
    priors |= {label: population.as_prior() for label, population in populations.items()}
    errors: dict[str, list[np.ndarray]] = {label: [] for label in priors}
    for seed in range(first, first + count):
        each = walks(body, seed, wrong)
        for label, prior in priors.items():
            errors[label] += _mean_errors(body, each, recordings(each), prior)
        _say(seed, "held out")
    found = {}
    for angle in ANGLES:
        joints = [body.joint_names.index(f"{angle}_{side}") for side in "rl"]
        found[angle] = {name: _rms(np.asarray(one)[:, joints]) for name, one in errors.items()}
    found["all of these"] = {
        name: _rms(np.asarray([found[angle][name] for angle in ANGLES])) for name in priors
    }
    return found


def _mean_errors(
    body: BodyModel,
    each: list[SimulatedRecording],
    trials: Mapping[str, AnyTrial],
    prior: BodyPrior,
) -> list[Float[np.ndarray, "joint"]]:
    """Mean error of every coordinate over each walk, in degrees."""
    solved = solve_participant(body, trials, prior=prior)
    errors = []
    for k, one in enumerate(each):
        problem = solved.prepared[f"walk{k}"].problem
        found = solved.unknowns(f"walk{k}").trajectory(problem.time).joints
        away = np.asarray(found)[: int(problem.n_frames)] - np.asarray(one.pose.joints)
        errors.append(np.rad2deg(away.mean(axis=0)))
    return errors


def _reduced(value: float, before: float) -> str:
    return f"{value:.2f}" + (f" ({value / before - 1:+.0%})" if value is not before else "")


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _say(turn: int, name: str) -> None:
    print(f"\r{turn} {name}   ", end="", file=sys.stderr, flush=True)
