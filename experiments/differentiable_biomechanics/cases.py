"""One recording in one condition, answered in all ways that are compared there."""

import functools
import pathlib

from diffbio.fitting.stages import prepare
from experiments.differentiable_biomechanics.answers import (
    BUNDLE,
    END_TO_END,
    STAGES,
    answer_of,
    end_to_end,
    two_stages,
)
from experiments.differentiable_biomechanics.recordings import (
    CAMERAS,
    WORSE,
    Walk,
    knocked,
    load_walk,
    worsened,
)
from experiments.differentiable_biomechanics.scores import (
    Reference,
    camera_errors,
    optical_reference,
    score,
    score_truth,
)
from experiments.trajectories.store import Measured
from experiments.trajectories.trials import Trial
from experiments.trajectories.ways import How, Solutions

TRUTH = "truth"
"""Name under which the noise of the detections is kept, among the ways."""

POSES = ("poses",)


@functools.lru_cache(maxsize=16)
def reference_of(recordings: pathlib.Path, name: str) -> Reference:
    """Leg angles of a walk from its measured markers, all 59 of them."""
    walk = load_walk(recordings, name, "markers")
    return optical_reference(walk.truth, walk.keypoints.set_name)


def measure_stages(
    recordings: pathlib.Path, name: str, kind: str, n_cameras: int, condition: str
) -> Measured:
    """Two stages and end to end, with exact cameras.

    Args:
        recordings: folder of recordings.
        name: of the walk.
        kind: of its keypoints.
        n_cameras: out of `CAMERAS`.
        condition: out of `WORSE`.

    Returns:
        Scores by way.
    """
    walk, reference = load_walk(recordings, name, kind), reference_of(recordings, name)
    seen = walk.keypoints.of_cameras(CAMERAS[n_cameras])
    used = worsened(seen, WORSE[condition], seed=_seed(name))
    rig = walk.rig.subset(used.camera_names)
    answers = two_stages(walk.body, rig, used, truth=walk.true_markers)
    answers[END_TO_END] = end_to_end(walk.body, rig, used)
    scored = {way: score(walk, one, used, reference) for way, one in answers.items()}
    return {TRUTH: score_truth(walk, used), **scored}


def measure_bundle(
    recordings: pathlib.Path, name: str, n_cameras: int, rotation_deg: float, position_mm: float
) -> Measured:
    """Cameras that are not where they are said to be: trusted, and refined.

    Args:
        recordings: folder of recordings.
        name: of the walk.
        n_cameras: out of `CAMERAS`.
        rotation_deg: standard deviation of the cameras' errors, per axis.
        position_mm: likewise of their places.

    Returns:
        Scores by way, and errors of the cameras themselves.
    """
    walk, reference = load_walk(recordings, name, "body"), reference_of(recordings, name)
    used = walk.keypoints.of_cameras(CAMERAS[n_cameras])
    exact = walk.rig.subset(used.camera_names)
    rig = knocked(exact, rotation_deg, position_mm, seed=_seed(name))
    answers = {
        STAGES: two_stages(walk.body, rig, used)[STAGES],
        END_TO_END: end_to_end(walk.body, rig, used),
        BUNDLE: end_to_end(walk.body, rig, used, refine=POSES),
    }
    scored = {
        way: {**score(walk, one, used, reference), **camera_errors(one.rig, exact)}
        for way, one in answers.items()
    }
    return {TRUTH: score_truth(walk, used), **scored}


def measure_solver(recordings: pathlib.Path, name: str, n_cameras: int, how: How) -> Measured:
    """The same objective by one trajectory and solver; scores, and the cost per frame reached."""
    walk, solutions = _solutions(recordings, name, n_cameras)
    answer = answer_of(solutions, how)
    used = solutions.prepared.used
    return {
        TRUTH: score_truth(walk, used),
        how.way: {
            **score(walk, answer, used, reference_of(recordings, name)),
            "steps": how.steps,
            "cost_per_frame": answer.cost_per_frame,
        },
    }


@functools.lru_cache(maxsize=1)
def _solutions(recordings: pathlib.Path, name: str, n_cameras: int) -> tuple[Walk, Solutions]:
    """What all solvers of a case share: its objective, and what the network is taught first."""
    walk = load_walk(recordings, name, "body")
    used = walk.keypoints.of_cameras(CAMERAS[n_cameras])
    prepared = prepare(walk.body, walk.rig.subset(used.camera_names), used)
    return walk, Solutions(Trial(prepared, None))


def _seed(name: str) -> int:
    """Of what is made worse: the number of the walk, so that no two have the same errors."""
    return int(name.rpartition("-")[2])
