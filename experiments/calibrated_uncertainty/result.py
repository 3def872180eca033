"""What follows from the fits: calibration of raw error bars, corrections, and what they do."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from diffbio.fitting import Outcome
from diffbio.fitting.correction import MARKER_FLOOR
from experiments.calibrated_uncertainty.coverage import Calibration, Errors, calibration
from experiments.calibrated_uncertainty.detector_noise import DETECTORS, Noise
from experiments.calibrated_uncertainty.fits import Fits
from experiments.calibrated_uncertainty.learning import Correction, learn_correction, learn_floor
from experiments.calibrated_uncertainty.quantities import UNITS, of_quantity
from experiments.calibrated_uncertainty.scores import Scored
from experiments.calibrated_uncertainty.simulated import SimulatedTrial
from experiments.calibrated_uncertainty.walks import KINDS

Compared = dict[str, Calibration]
"""One quantity with several kinds of error bars, `raw` first."""

SHIPPED = {"markers": Correction(1.0, MARKER_FLOOR)}
"""What `diffbio.fitting.correction` does, by quantity."""


class Result(NamedTuple):
    """Everything measured.

    Attributes:
        learnt: correction of every quantity, from the simulated learning trials.
        from_walks: floor of markers, from all walks.
        unseen: by quantity, of the simulated evaluation trials: raw, with what was learnt from the
            other half, and with what ships.
        all_simulated: by quantity, raw, of all simulated trials.
        nearer: by quantity, of people whose keypoints lie nearer to their anchors: raw, and with
            what ships.
        markers: of all simulated trials, by kind of trial: raw, and with what ships, which was
            learnt from none of them.
        walks: markers of the walks, by the keypoints fitted: raw, with what was learnt from
            simulations, and with what was learnt from the other walks.
        tilts: of simulated trials, by keypoint set: how far the pelvis is turned from the truth on
            average over time, about the worst of the world's axes, in radians.
        noises: of the detections, by their source.
        without: names of the simulated trials whose fits did not converge. They count nowhere.
    """

    learnt: dict[str, Correction]
    from_walks: Correction
    unseen: dict[str, Compared]
    all_simulated: dict[str, Compared]
    nearer: dict[str, Compared]
    markers: dict[str, Compared]
    walks: dict[str, Compared]
    tilts: dict[str, Float[np.ndarray, "trial"]]
    noises: dict[str, Sequence[Noise]]
    without: list[str]


def evaluate(fits: Fits) -> Result:
    """Learn from one half of the people, evaluate on the other and on the measured walks."""
    made = [*fits.simulated, *fits.nearer]
    fits = fits._replace(simulated=_converged(fits.simulated), nearer=_converged(fits.nearer))
    every = [scored for _, scored in fits.simulated]
    learning = [scored for trial, scored in fits.simulated if trial.learning]
    others = [scored for trial, scored in fits.simulated if not trial.learning]
    nearer = [scored for _, scored in fits.nearer]
    learnt = {
        name: learn_correction(found) for name in UNITS if (found := of_quantity(learning, name))
    }
    unseen: dict[str, Compared] = {}
    for name in UNITS:
        if (found := of_quantity(others, name)) and name in learnt:
            unseen[name] = compare(found, {"learnt": learnt[name], **_shipped(name)})
    return Result(
        learnt=learnt,
        from_walks=learn_floor(of_quantity(fits.walks.values(), "markers")),
        unseen=unseen,
        all_simulated={n: compare(found, {}) for n in UNITS if (found := of_quantity(every, n))},
        nearer={n: compare(found, _shipped(n)) for n in UNITS if (found := of_quantity(nearer, n))},
        markers=_markers(fits.simulated),
        walks=_walks(fits, learnt["markers"]),
        tilts=_tilts(fits.simulated),
        noises=_noises(fits),
        without=[trial.name for trial, scored in made if scored.outcome != Outcome.CONVERGED],
    )


def _converged(
    fits: Iterable[tuple[SimulatedTrial, Scored]],
) -> list[tuple[SimulatedTrial, Scored]]:
    return [(trial, scored) for trial, scored in fits if scored.outcome == Outcome.CONVERGED]


def _shipped(quantity: str) -> dict[str, Correction]:
    return {"shipped": SHIPPED[quantity]} if quantity in SHIPPED else {}


def compare(trials: Sequence[Errors], corrections: dict[str, Correction]) -> Compared:
    """Calibration without and with corrections."""
    found = {"raw": calibration(trials)}
    for name, correction in corrections.items():
        found[name] = calibration([one.corrected(*correction) for one in trials])
    return found


def _markers(simulated: Sequence[tuple[SimulatedTrial, Scored]]) -> dict[str, Compared]:
    """Markers by number of cameras, by detector, and where the cameras' poses were unknown."""
    kinds: dict[str, Callable[[SimulatedTrial], bool]] = {"all": lambda trial: True}
    for n in sorted({trial.case.n_cameras for trial, _ in simulated}):
        kinds[f"{n} cameras"] = lambda t, n=n: t.case.n_cameras == n and not t.case.refine
    kinds["4 cameras, poses refined"] = lambda t: t.case.refine == ("poses",)
    for detector in DETECTORS:
        kinds[f"noise of {detector}"] = lambda t, detector=detector: t.detector == detector
    for name in dict.fromkeys(trial.case.keypoint_set for trial, _ in simulated):
        kinds[name] = lambda t, name=name: t.case.keypoint_set == name
    return {
        kind: compare(found, {"shipped": SHIPPED["markers"]})
        for kind, belongs in kinds.items()
        if (found := of_quantity([s for t, s in simulated if belongs(t)], "markers"))
    }


def _tilts(
    simulated: Sequence[tuple[SimulatedTrial, Scored]],
) -> dict[str, Float[np.ndarray, "trial"]]:
    found: dict[str, list[float]] = {}
    for trial, scored in simulated:
        for turned in of_quantity([scored], "pelvis orientation"):
            ones = found.setdefault(trial.case.keypoint_set, [])
            ones.append(float(np.abs(turned.error.mean(0)).max()))
    return {name: np.asarray(ones) for name, ones in found.items()}


def _walks(fits: Fits, simulated: Correction) -> dict[str, Compared]:
    names = list(dict.fromkeys(walk for walk, _ in fits.walks))
    without = {
        name: learn_floor(
            of_quantity([s for (walk, _), s in fits.walks.items() if walk != name], "markers")
        )
        for name in names
    }
    found: dict[str, Compared] = {}
    for kind in KINDS:
        ones = [fits.walks[name, kind].errors["markers"] for name in names]
        found[kind] = compare(ones, {"learnt from simulations": simulated})
        left_out = [one.corrected(*without[name]) for one, name in zip(ones, names, strict=True)]
        found[kind]["learnt from other walks"] = calibration(left_out)
    return found


def _noises(fits: Fits) -> dict[str, Sequence[Noise]]:
    found: dict[str, Sequence[Noise]] = {"pose2sim-demo": [fits.real_cameras.noise]}
    for kind in KINDS:
        of_kind = [scored for (_, other), scored in fits.walks.items() if other == kind]
        found[f"falisse-virtual-cameras, {kind}"] = _noise(of_kind)
    for detector in DETECTORS:
        chosen = [(trial, s) for trial, s in fits.simulated if trial.detector == detector]
        for n in sorted({trial.case.n_cameras for trial, _ in chosen}):
            of_size = [scored for trial, scored in chosen if trial.case.n_cameras == n]
            found[f"simulated as {detector}, {n} cameras"] = _noise(of_size)
    return found


def _noise(fits: Iterable[Scored]) -> list[Noise]:
    return [scored.noise for scored in fits]
