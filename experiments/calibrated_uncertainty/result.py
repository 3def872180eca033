"""What follows from the fits: calibration of raw error bars, a correction, and what it does."""

from collections.abc import Sequence
from typing import NamedTuple

from experiments.calibrated_uncertainty.coverage import Calibration, Errors, calibration
from experiments.calibrated_uncertainty.detector_noise import DETECTORS, Noise
from experiments.calibrated_uncertainty.fits import Fits
from experiments.calibrated_uncertainty.learning import Correction, learn_correction
from experiments.calibrated_uncertainty.quantities import (
    KINDS,
    QUANTITIES,
    of_kind,
    of_quantity,
)
from experiments.calibrated_uncertainty.scores import Scored
from experiments.calibrated_uncertainty.walks import KINDS as WALK_KINDS

Compared = dict[str, Calibration]
"""One quantity with several kinds of error bars, `raw` first."""


class Result(NamedTuple):
    """Everything measured.

    Attributes:
        learnt: the correction of every kind of quantity, from the simulated learning trials.
        simulated: by quantity, raw and corrected, of the simulated evaluation trials.
        cases: markers of the same, by the kind of trial.
        walks: markers of the measured walks by the keypoints fitted; what corrects a walk is
            learnt without it.
        from_walks: the correction of markers learnt from all walks.
        traded: markers of the simulated evaluation trials under `from_walks`.
        noises: of the detections, by their source.
    """

    learnt: dict[str, Correction]
    simulated: dict[str, Compared]
    cases: dict[str, Compared]
    walks: dict[str, Compared]
    from_walks: Correction
    traded: Compared
    noises: dict[str, Sequence[Noise]]


def evaluate(fits: Fits) -> Result:
    """Learn from one half of the people, evaluate on the other and on the measured walks."""
    learning = [scored for trial, scored in fits.simulated if trial.learning]
    unseen = [(trial, scored) for trial, scored in fits.simulated if not trial.learning]
    learnt = {kind: learn_correction(found) for kind in KINDS if (found := of_kind(learning, kind))}
    simulated: dict[str, Compared] = {}
    for name, quantity in QUANTITIES.items():
        if found := of_quantity([scored for _, scored in unseen], name):
            simulated[name] = compare(found, learnt[quantity.kind])
    cases: dict[str, Compared] = {}
    for case in dict.fromkeys(trial.case for trial, _ in unseen):
        found = of_quantity([s for trial, s in unseen if trial.case == case], "markers")
        if found:
            cases[case.name] = compare(found, learnt["markers"])
    from_walks = learn_correction(of_quantity(fits.walks.values(), "markers"))
    markers = of_quantity([scored for _, scored in unseen], "markers")
    return Result(
        learnt=learnt,
        simulated=simulated,
        cases=cases,
        walks=_walks(fits, learnt["markers"]),
        from_walks=from_walks,
        traded=compare(markers, from_walks),
        noises=_noises(fits),
    )


def compare(trials: Sequence[Errors], correction: Correction) -> Compared:
    """Calibration without and with a correction."""
    corrected = [one.corrected(*correction) for one in trials]
    return {"raw": calibration(trials), "corrected": calibration(corrected)}


def _walks(fits: Fits, simulated: Correction) -> dict[str, Compared]:
    """Markers of the walks, raw, corrected as simulations say, and as the other walks say."""
    names = list(dict.fromkeys(walk for walk, _ in fits.walks))
    without = {
        name: learn_correction(
            of_quantity([s for (walk, _), s in fits.walks.items() if walk != name], "markers")
        )
        for name in names
    }
    found: dict[str, Compared] = {}
    for kind in WALK_KINDS:
        ones = [fits.walks[name, kind].errors["markers"] for name in names]
        left_out = [
            one.corrected(*without[name]) for one, name in zip(ones, names, strict=True)
        ]
        found[kind] = {
            "raw": calibration(ones),
            "as simulated": calibration([one.corrected(*simulated) for one in ones]),
            "corrected": calibration(left_out),
        }
    return found


def _noises(fits: Fits) -> dict[str, Sequence[Noise]]:
    found: dict[str, Sequence[Noise]] = {"pose2sim-demo": [fits.real_cameras.noise]}
    for kind in WALK_KINDS:
        of_this = [s.noise for (_, other), s in fits.walks.items() if other == kind]
        found[f"falisse-virtual-cameras, {kind}"] = of_this
    for detector in DETECTORS:
        chosen: list[Scored] = [s for t, s in fits.simulated if t.detector == detector]
        found[f"simulated as {detector}"] = [s.noise for s in chosen]
    return found
