"""Optical markers that a fit did not see, predicted with what other participants taught."""

import pathlib

import numpy as np

from benchmarks.optical import SOURCES, trials_of
from benchmarks.table import markdown_table
from diffbio.body import BodyModel, load_keypoint_set
from diffbio.body.keypoint_set import AnchorClass
from diffbio.cohort import BodyPrior, default_prior, fit_participant
from diffbio.cohort.joined import JoinedBody, fit_joined_cohort, join_bodies
from diffbio.errors import FitError
from diffbio.observations import Markers

FOLDS = 5
"""Parts that markers are hidden in, one after the other."""

ROUNDS = 2
"""Of the cohort: the evidence hardly depends on what was believed before."""

TRIALS = 3
"""Of a participant at most, from whom the cohort learns."""

LONGEST, RATE_HZ = 136, 100.0
"""Samples of a walk at most, and their rate: all walks alike, as long as the shortest."""


def measure_held_out(recordings: pathlib.Path) -> dict:
    """Every participant in turn: hidden markers of theirs, by the others' population and without.

    A fifth of a participant's landmarks is hidden at a time, neighbours at different times, and
    the rest is fitted: once with the default prior, once with the population of the others. What
    the fit says of the hidden ones is held against where they were measured. Markers that were
    put anywhere are never hidden, since nobody could tell where they were put.
    """
    joined = join_bodies([load_keypoint_set(source.keypoint_set) for source in SOURCES.values()])
    walks = {
        name: {trial: shortened(one) for trial, one in trials_of(recordings, name).items()}
        for name in SOURCES
    }
    rows, better = [], 0
    for name, source in SOURCES.items():
        others = {
            other: (SOURCES[other].keypoint_set, dict(list(trials.items())[:TRIALS]))
            for other, trials in walks.items()
            if other != name
        }
        learnt = fit_joined_cohort(joined, others, rounds=ROUNDS)
        body = joined.parts[source.keypoint_set]
        prior = joined.narrowed(source.keypoint_set, learnt.population).as_prior()
        walk = next(iter(walks[name].values()))
        alone, taught = (hidden_errors_mm(body, walk, one) for one in (default_prior(body), prior))
        shared = shared_places(joined, source.keypoint_set)
        better += bool(np.mean(list(taught.values())) < np.mean(list(alone.values())))
        for what, markers in (("all", list(alone)), ("shared", [m for m in alone if m in shared])):
            errors = [float(np.mean([one[m] for m in markers])) for one in (alone, taught)]
            change = f"{errors[1] / errors[0] - 1:+.1%}"
            rows.append((name, what, len(markers), *errors, change))
    header = ("participant", "landmarks", "hidden", "default prior, mm", "of the others, mm",
              "change")  # fmt: skip
    report = (
        f"{better} of {len(SOURCES)} participants have their hidden markers predicted better with "
        "the population of the others. Mean distance from where they were measured; *shared* are "
        "those whose place on the body another participant's set has as well.\n\n"
        f"{markdown_table(header, rows)}"
    )
    return {"report": report, "rows": rows, "better": better}


def hidden_errors_mm(body: BodyModel, walk: Markers, prior: BodyPrior) -> dict[str, float]:
    """Mean distance in mm between each landmark as measured and as predicted without it."""
    landmarks = [i for i, kind in enumerate(body.marker_kind) if kind is not AnchorClass.CLUSTER]
    # By the body that carries them, so that neighbours are hidden at different times.
    landmarks.sort(key=lambda i: (int(body.marker_body[i]), i))
    errors = {}
    for fold in range(FOLDS):
        hidden = landmarks[fold::FOLDS]
        positions = walk.positions.copy()
        positions[:, hidden] = np.nan
        seen = Markers(walk.names, positions, walk.time, walk.source)
        fit = fit_participant(body, {"walk": seen}, prior=prior)
        if "walk" not in fit.fits:
            raise FitError(f"{walk.source}: {fit.failed['walk']}")
        away = np.linalg.norm(fit.fits["walk"].motion.markers - walk.positions, axis=-1)
        errors |= {body.marker_names[i]: 1e3 * float(np.nanmean(away[:, i])) for i in hidden}
    return errors


def shared_places(joined: JoinedBody, set_name: str) -> set[str]:
    """Markers of a set whose place another set has as well."""
    body, n_scale = joined.parts[set_name], len(joined.parts[set_name].segment_names)
    own = joined.numbers[set_name][n_scale::3]
    elsewhere = np.concatenate([part for name, part in joined.numbers.items() if name != set_name])
    common = (own >= 0) & np.isin(own, elsewhere)
    return {name for name, shared in zip(body.marker_names, common, strict=True) if shared}


def shortened(markers: Markers) -> Markers:
    """The middle of a walk, `LONGEST` samples of it at `RATE_HZ`."""
    every = max(1, round(markers.frame_rate_hz / RATE_HZ))
    first = max(0, (len(markers.time) - every * LONGEST) // 2)
    part = slice(first, first + every * LONGEST, every)
    return Markers(markers.names, markers.positions[part], markers.time[part], markers.source)
