"""Rigs found from simulated people: which cameras and which ways of walking tell how much."""

import dataclasses
import time

import numpy as np

from benchmarks.rig_error import scores, table
from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.fitting.person_rig.calibrate import calibrate_person
from diffbio.fitting.person_rig.measure import Distance
from diffbio.simulation import simulate_walking
from diffbio.simulation.courses import CourseOf, circle, straight, there_and_back, treadmill
from diffbio.simulation.recording import ring_of_cameras

LATEST = 0.1
"""In seconds: how far clocks are off."""


@dataclasses.dataclass(frozen=True)
class Case:
    """Cameras and a way to walk.

    Attributes:
        ring: number of cameras on the full ring.
        chosen: which of them record; all where empty.
        course: where the person walks.
        duration: in seconds.
        clocks: whether clocks are off, and sought.
    """

    ring: int = 8
    chosen: tuple[int, ...] = ()
    course: CourseOf = straight
    duration: float = 4.0
    clocks: bool = False

    def rig(self) -> CameraRig:
        """The cameras."""
        whole = ring_of_cameras(self.ring)
        return whole.subset(tuple(whole.names[i] for i in self.chosen)) if self.chosen else whole


CASES = {
    "8 cameras, clocks off": Case(clocks=True),
    "2 cameras at 90 degrees": Case(chosen=(0, 2)),
    "2 at 45": Case(chosen=(0, 1)),
    "2 at 135": Case(chosen=(0, 3)),
    "2 opposite": Case(chosen=(0, 4)),
    "2 at 90, in a circle": Case(chosen=(0, 2), course=circle(1.2), duration=6.0),
    "3 on a ring": Case(ring=3),
    "3, two of them opposite": Case(chosen=(0, 2, 4)),
    "3 in a quarter": Case(chosen=(0, 1, 2)),
    "4 on a ring": Case(ring=4),
    "12 on a ring": Case(ring=12),
    "8, in a circle": Case(course=circle(1.2), duration=6.0),
    "8, there and back": Case(course=there_and_back(1.5), duration=6.0),
    "8, on a treadmill": Case(course=treadmill),
    "4, on a treadmill": Case(ring=4, course=treadmill),
}


def measure_simulated(n_seeds: int, names: tuple[str, ...] = tuple(CASES)) -> dict:
    """Simulated walks of different people, one distance between cameras known.

    Args:
        n_seeds: people before eight cameras with clocks off; a third of them before the others.
        names: which of the `CASES`.
    """
    each = []
    for name in names:
        for seed in range(n_seeds if CASES[name].clocks else -(-n_seeds // 3)):
            each.append(one_walk(name, CASES[name], seed))
            print(table("simulated", each).splitlines()[1 + len(each)], flush=True)
    return {"walks": each, "report": table("simulated", each)}


def one_walk(name: str, case: Case, seed: int) -> dict:
    """Simulate, calibrate and compare."""
    truth = case.rig()
    n_camera = len(truth.names)
    late = np.random.default_rng(seed).uniform(-LATEST, LATEST, n_camera)
    recording = simulate_walking(
        load_keypoint_set("halpe_26"),
        seed=seed,
        duration=case.duration,
        rig=truth,
        course=case.course,
        clock_offset=late if case.clocks else None,
    )
    ends = truth.names[0], truth.names[n_camera // 2]
    a, b = (np.asarray(truth.centres)[truth.names.index(one)] for one in ends)
    measure = Distance(*ends, float(np.linalg.norm(a - b)))
    began = time.perf_counter()
    found = calibrate_person(
        recording.body, truth, recording.keypoints, measure, clocks=case.clocks
    )
    seconds = time.perf_counter() - began
    one = scores(found, truth, late if case.clocks else None)
    return {"recording": f"{name}, person {seed + 1}", "seconds": seconds, **one}
