"""Recorded trials: the walks with measured markers, and the real cameras for their noise."""

import pathlib

import numpy as np

from diffbio.errors import InputError
from diffbio.io.read import read_trial
from experiments.calibrated_uncertainty.detector_noise import noise_of
from experiments.calibrated_uncertainty.fitted import fit_with_error_bars
from experiments.calibrated_uncertainty.scores import Scored, score_markers

WALKS = pathlib.Path("falisse-virtual-cameras")
RIG = pathlib.Path("rigs", "ring-8cam.toml")
REAL_CAMERAS = pathlib.Path("pose2sim-demo")
KINDS = ("markers", "body")


def walk_names(recordings: pathlib.Path) -> list[str]:
    """Walks of which both sets of keypoints exist, by the name both share.

    Raises:
        InputError: there are none.
    """
    folder = recordings / WALKS
    names = [one.stem.rpartition("-")[0] for one in sorted(folder.glob(f"gait-*-{KINDS[0]}.npz"))]
    if not names:
        raise InputError(
            str(recordings),
            f"There are no walks in a folder {WALKS}.",
            "Give the folder that holds the recordings with --data.",
        )
    return names


def score_walk(recordings: pathlib.Path, walk: str, kind: str) -> Scored:
    """Fit one walk, then open the measured markers and compare."""
    archive = recordings / WALKS / f"{walk}-{kind}.npz"
    trial = read_trial(archive, rig=recordings / RIG)
    fit, uncertainty = fit_with_error_bars(trial.rig, trial.keypoints, ())
    with np.load(archive, allow_pickle=False) as content:
        names = [str(name) for name in content["keypoint_names"]]
        truth = np.asarray(content["xyz_world"], float)
    markers = truth[:, [names.index(name) for name in fit.body.marker_names]]
    errors = {"markers": score_markers(fit, uncertainty, markers)}
    return Scored(errors, noise_of(fit, trial.keypoints), uncertainty.noise, int(fit.outcome))


def score_real_cameras(recordings: pathlib.Path) -> Scored:
    """Fit the trial of four real cameras for the noise of its detections; it has no truth."""
    trial = read_trial(recordings / REAL_CAMERAS)
    fit, uncertainty = fit_with_error_bars(trial.rig, trial.keypoints, ("poses", "clocks"))
    return Scored({}, noise_of(fit, trial.keypoints), uncertainty.noise, int(fit.outcome))
