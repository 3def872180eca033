"""All fits of the experiment, each kept in a file so that it is made once."""

import hashlib
import pathlib
import sys
from collections.abc import Callable
from typing import NamedTuple

from tqdm import tqdm

import diffbio
from experiments.calibrated_uncertainty.scores import Scored
from experiments.calibrated_uncertainty.simulated import (
    CASES,
    NEARER,
    SimulatedTrial,
    score_simulated,
    simulated_trials,
)
from experiments.calibrated_uncertainty.store import read_scored, write_scored
from experiments.calibrated_uncertainty.walks import (
    KINDS,
    score_real_cameras,
    score_walk,
    walk_names,
)

HERE = pathlib.Path(__file__).parent
REAL_CAMERAS = "real-cameras"


class Fits(NamedTuple):
    """Everything fitted.

    Attributes:
        simulated: in the order of `simulated_trials`.
        nearer: the first of the same people, two of every case, with keypoints nearer to their
            anchors.
        walks: by the walk and the kind of keypoints.
        real_cameras: for the noise of its detections.
    """

    simulated: list[tuple[SimulatedTrial, Scored]]
    nearer: list[tuple[SimulatedTrial, Scored]]
    walks: dict[tuple[str, str], Scored]
    real_cameras: Scored


def all_fits(
    folder: pathlib.Path, recordings: pathlib.Path, n_simulated: int, n_walks: int | None
) -> Fits:
    """Make the fits that are not in the folder yet, read the others.

    Args:
        folder: of the kept fits; a folder in it belongs to this state of the code.
        recordings: folder of recordings.
        n_simulated: number of simulated trials.
        n_walks: number of walks; all where None.
    """
    folder = folder / code_fingerprint()
    trials, nearer = simulated_trials(n_simulated), simulated_trials(2 * len(CASES), NEARER)
    walks = [(walk, kind) for walk in walk_names(recordings)[:n_walks] for kind in KINDS]
    todo: dict[str, Callable[[], Scored]] = {
        trial.name: lambda trial=trial: score_simulated(trial) for trial in (*trials, *nearer)
    }
    todo |= {"-".join(walk): lambda walk=walk: score_walk(recordings, *walk) for walk in walks}
    todo[REAL_CAMERAS] = lambda: score_real_cameras(recordings)
    found: dict[str, Scored] = {}
    bar = tqdm(todo.items(), unit="fit", file=sys.stderr, dynamic_ncols=True)
    for name, make in bar:
        bar.set_description(name)
        path = folder / f"{name}.npz"
        if not path.is_file():
            write_scored(path, make())
        found[name] = read_scored(path)
    return Fits(
        [(trial, found[trial.name]) for trial in trials],
        [(trial, found[trial.name]) for trial in nearer],
        {walk: found["-".join(walk)] for walk in walks},
        found[REAL_CAMERAS],
    )


def code_fingerprint() -> str:
    """Of all code that a kept fit depends on: diffbio's own, and what makes and scores trials.

    What ships as a correction is applied to raw error bars after they were kept.
    """
    package = pathlib.Path(diffbio.__file__).parent
    files = [
        path
        for part in ("body", "cameras", "fitting", "observations", "simulation", "trajectories")
        for path in sorted((package / part).rglob("*"))
        if path.suffix in (".py", ".toml") and path.name != "correction.py"
    ]
    files += [HERE / f"{name}.py" for name in ("simulated", "walks", "scores", "fitted")]
    files.append(HERE / "detector_noise.py")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
