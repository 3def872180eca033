"""A fitted study in numbers: `cohort.json`, `failed.tsv` and the tables of its report."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

import diffbio
from diffbio.cohort import Population
from diffbio.io.cohort_file import population_id
from diffbio.io.study import Remark
from diffbio.study.fit import StudyFit
from diffbio.study.records import Delivered, Learnt

STATED_HEIGHT = 0.05
"""Difference between a stated and a fitted height, as a share, beyond which one of them is of
somebody else or in other units."""


def summary_of(fit: StudyFit) -> dict[str, Any]:
    """The study for programs. Units are in the keys; None where there is no number."""
    return {
        "diffbio_version": diffbio.__version__,
        "body_model": fit.body.name,
        "keypoint_set": fit.settings.keypoint_set,
        "refined": list(fit.settings.refine),
        "fitted_now": dict(fit.jobs),
        "participants": {
            name: _participant(one, fit.learnt.get(name)) for name, one in fit.delivered.items()
        },
        "population": None if fit.population is None else _population(fit, fit.population),
        "left_out": [
            {"participant": one.participant, "trial": one.trial, "reason": one.reason}
            for one in fit.remarks
        ],
        "messages": messages_of(fit),
    }


def messages_of(fit: StudyFit) -> list[str]:
    """What a reader should look at, as sentences."""
    messages = []
    for name, one in fit.delivered.items():
        fitted, stated = one.body.get("stature_m"), one.body.get("stated_height_m")
        # What their fit refused to believe is remarked already.
        if (
            fitted
            and stated
            and not one.failed.get("")
            and (abs(fitted / stated - 1) > STATED_HEIGHT)
        ):
            messages.append(
                f"{name} is {stated:.2f} m tall by the table of participants and {fitted:.2f} m by "
                "their trials: somebody else's trials, a wrong entry, or a rig in other units."
            )
        stopped = one.body.get("outcome")
        if stopped not in ("converged", None):
            messages.append(f"The fit of {name} ended as {str(stopped).replace('_', ' ')}.")
        bad = [trial for trial, about in one.trials.items() if about["verdict"] == "fail"]
        if bad:
            messages.append(f"{name}: {', '.join(bad)} should not be used; see their reports.")
    return messages


def failed_table(remarks: Sequence[Remark]) -> str:
    """Who and what was left out, as a tab-separated table."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(("participant", "session", "trial", "reason"))
    for one in sorted(remarks, key=lambda one: (one.participant, one.trial, one.reason)):
        session, _, trial = one.trial.rpartition("/")
        if not session and trial.startswith("ses-"):
            session, trial = trial, ""
        writer.writerow((one.participant, session, trial, " ".join(one.reason.split())))
    return text.getvalue()


def segments_of(fit: StudyFit, population: Population) -> dict[str, dict[str, float]]:
    """Of each segment: size of the usual person relative to the base model, how well it is known,
    and how people differ; per cent."""
    n = len(fit.body.segment_names)
    known = np.sqrt(np.diag(population.mean_covariance))[:n]
    spread = np.sqrt(np.diag(population.covariance))[:n]
    return {
        name: {
            "size_percent": _number(100 * np.expm1(population.mean[i])),
            "sd_percent": _number(100 * known[i]),
            "between_people_percent": _number(100 * spread[i]),
        }
        for i, name in enumerate(fit.body.segment_names)
    }


def markers_of(fit: StudyFit, population: Population) -> dict[str, dict[str, Any]]:
    """Of each keypoint: by how much its anchor moved on the base model, how well that is known, how
    people differ, and which share of what was not known was learnt.

    Lengths in mm: the vector in the frame of the carrying body, deviations as the length of a
    vector. A learnt share of 0 says nothing was learnt of the anchor, 1 that it is known.
    """
    n = len(fit.body.segment_names)
    moved = 1000 * (population.mean - fit.guess.mean)[n:].reshape(-1, 3)
    known, guessed, spread = (
        1e6 * np.diag(covariance)[n:].reshape(-1, 3).sum(axis=1)
        for covariance in (
            population.mean_covariance, fit.guess.mean_covariance, population.covariance,
        )
    )  # fmt: skip
    return {
        name: {
            "moved_mm": [_number(x) for x in moved[i]],
            "distance_mm": _number(float(np.linalg.norm(moved[i]))),
            "sd_mm": _number(np.sqrt(known[i])),
            "between_people_mm": _number(np.sqrt(spread[i])),
            "learnt": _number(1 - known[i] / guessed[i]),
        }
        for i, name in enumerate(fit.body.marker_names)
    }


def _population(fit: StudyFit, population: Population) -> dict[str, Any]:
    return {
        "name": population_id(population),
        "n_participants": population.n_participants,
        "rounds_moved": [_number(one) for one in fit.moved],
        "segments": segments_of(fit, population),
        "markers": markers_of(fit, population),
    }


def _participant(delivered: Delivered, learnt: Learnt | None) -> dict[str, Any]:
    return {
        "trials": delivered.trials,
        "failed": delivered.failed,
        "body": delivered.body,
        "population": delivered.population or None,
        "turns": None if learnt is None else learnt.turns,
    }


def _number(value: float, digits: int = 4) -> float:
    return round(float(value), digits)
