"""One body over several walks of one person: does it serve a walk that was kept out?"""

import pathlib

import numpy as np

from benchmarks.table import markdown_table
from benchmarks.walks import RECORDINGS, RIG, marker_errors
from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import ParticipantFit, default_prior, fit_participant
from diffbio.fitting.batch import Recording
from diffbio.io.read import read_trial

SCALES = ("pelvis", "thigh_r", "thigh_l", "shank_r", "shank_l")
"""Segments that a walk shows well: their standard deviations are followed over trials."""


def walks(recordings: pathlib.Path, kind: str) -> dict[str, Recording]:
    """All trials of the person, with the exact rig.

    Args:
        recordings: folder of recordings.
        kind: of keypoints: `markers` or `body`.
    """
    trials = {}
    for archive in sorted((recordings / RECORDINGS).glob(f"*-{kind}.npz")):
        trial = read_trial(archive, rig=recordings / RIG)
        trials[archive.stem] = (trial.rig.astype(np.float32), trial.keypoints)
    return trials


def measure_kept_out(recordings: pathlib.Path, kind: str) -> dict:
    """Every trial in turn: fitted alone, and with the body of all the others."""
    trials = walks(recordings, kind)
    _, first = next(iter(trials.values()))
    body = default_body(load_keypoint_set(first.set_name))
    rows, wins = [], 0
    for name, recording in trials.items():
        others = {other: one for other, one in trials.items() if other != name}
        prior = fit_participant(body, others).as_prior()
        error = {}
        for label, known in (("alone", default_prior(body)), ("with the others' body", prior)):
            fit = fit_participant(body, {name: recording}, prior=known).fits[name]
            archive = recordings / RECORDINGS / f"{name}.npz"
            error[label] = marker_errors(fit, archive)["marker_error_mm"]
        alone, shared = (one["mean"] for one in error.values())
        wins += shared < alone
        rows.append((name, alone, shared, f"{shared / alone - 1:+.1%}"))
    report = markdown_table(("kept out", "own body, mm", "body of the others, mm", "change"), rows)
    return {
        "report": f"{wins} of {len(rows)} trials are better with the others' body.\n\n{report}",
        "rows": rows,
        "better": int(wins),
    }


def measure_deviations(recordings: pathlib.Path, kind: str) -> dict:
    """Stated standard deviations of segment scales by the number of trials."""
    trials = walks(recordings, kind)
    _, first = next(iter(trials.values()))
    body = default_body(load_keypoint_set(first.set_name))
    rows, names = [], list(trials)
    for count in (1, 2, 4, 8):
        fit = fit_participant(body, {name: trials[name] for name in names[:count]})
        rows.append((count, *_deviations(fit, body.segment_names), fit.iterations, fit.solve_s))
    header = ("trials", *(f"{name}, %" for name in known_segments(body.segment_names)))
    report = markdown_table((*header, "iterations", "solve and compile, s"), rows)
    return {"report": report, "rows": rows}


def known_segments(names: tuple[str, ...]) -> list[str]:
    """Those of `SCALES` that the body has."""
    return [name for name in SCALES if name in names]


def _deviations(fit: ParticipantFit, names: tuple[str, ...]) -> list[float]:
    sd = np.sqrt(np.diag(fit.covariance))
    return [100 * float(sd[names.index(name)]) for name in known_segments(names)]
