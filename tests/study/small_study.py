"""A small simulated study, and a runner that remembers what it was asked to do."""

import functools
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from diffbio.body import BodyParameters, load_keypoint_set
from diffbio.io.rigs import write_rig
from diffbio.simulation import SimulatedRecording, simulate_walking
from diffbio.study.job import Job, Told
from diffbio.study.runners import Work, in_turn

SET_NAME = "body_25"


@functools.cache
def walk(person: int, trial: int) -> SimulatedRecording:
    """One second at 30 Hz of one of several people, four cameras."""
    own: BodyParameters | None = None if trial == 0 else walk(person, 0).parameters
    return simulate_walking(
        load_keypoint_set(SET_NAME),
        seed=100 * person + trial,
        duration=1.0,
        frame_rate_hz=30.0,
        n_cameras=4,
        person=own,
    )


def write_trial(path: pathlib.Path, recording: SimulatedRecording) -> None:
    """An `.npz` without a rig."""
    keypoints = recording.keypoints
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        pixels=keypoints.pixels,
        confidence=keypoints.confidence,
        keypoint_names=np.asarray(keypoints.names),
        camera_names=np.asarray(keypoints.camera_names),
        keypoint_set=SET_NAME,
        fps=30.0,
    )


def make_study(folder: pathlib.Path, n_people: int = 2, n_trials: int = 2) -> pathlib.Path:
    """A study with a session and a rig for each person."""
    for person in range(n_people):
        session = folder / f"sub-{person + 1:02d}" / "ses-01"
        for trial in range(n_trials):
            write_trial(session / f"walk{trial + 1}.npz", walk(person, trial))
        write_rig(walk(person, 0).rig, session / "rig.toml")
    return folder


class Remembering:
    """A runner that does everything in turn, and lists it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, work: Work, jobs: Sequence[Job]) -> Iterator[Told]:
        """Do the jobs."""
        self.asked += [(work.__name__, job.participant.name) for job in jobs]
        return in_turn(work, jobs)
