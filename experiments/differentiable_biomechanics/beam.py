"""Four real cameras and no truth: what fits agree with."""

import pathlib

import numpy as np

from benchmarks.angles import read_motion
from benchmarks.beam import HELD_OUT, PEERS, PROJECT, TRIAL, read_beam
from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.fitting.evaluate import reprojection_error
from diffbio.observations import Keypoints
from experiments.differentiable_biomechanics.answers import (
    BUNDLE,
    END_TO_END,
    Answer,
    end_to_end,
    two_stages,
)
from experiments.differentiable_biomechanics.cases import POSES
from experiments.differentiable_biomechanics.scores import (
    SAGITTAL,
    Reference,
    angle_scores,
    joints_by_name,
    pixel_scores,
)
from experiments.trajectories.store import Measured


def measure_beam(recordings: pathlib.Path) -> Measured:
    """Somebody on a beam, filmed by the four cameras of Pose2Sim's demonstration.

    Returns:
        By way: `fitted`, pixels with all cameras; `held_out`, pixels of one camera that was left
        out, in the pose that was given for it; and how far leg angles are from those of two other
        programs, in degrees, which are no truth.
    """
    trial = read_beam(recordings)
    rig, keypoints = trial.rig.astype(np.float32), trial.keypoints
    body = default_body(load_keypoint_set(keypoints.set_name))
    kept = tuple(name for name in rig.names if name != HELD_OUT)
    whole = _answers(body, rig, keypoints)
    without = _answers(body, rig.subset(kept), keypoints.of_cameras(kept))
    peers = {name: _read_peer(recordings, name) for name in PEERS}
    alone, names = keypoints.of_cameras((HELD_OUT,)), body.marker_names
    measured: Measured = {}
    for way, one in whole.items():
        unseen = reprojection_error(rig.subset((HELD_OUT,)), without[way].markers, alone, names)
        fitted = reprojection_error(one.rig, one.markers, keypoints, names)
        scores: dict[str, object] = {
            "fitted": pixel_scores(fitted),
            "held_out": pixel_scores(unseen),
        }
        if one.joints is not None:
            ours = joints_by_name(body, one.joints)
            scores["agreement"] = {name: angle_scores(ours, peer) for name, peer in peers.items()}
        measured[way] = scores
    return measured


def _answers(body: BodyModel, rig: CameraRig, keypoints: Keypoints) -> dict[str, Answer]:
    return {
        **two_stages(body, rig, keypoints),
        END_TO_END: end_to_end(body, rig, keypoints),
        BUNDLE: end_to_end(body, rig, keypoints, refine=POSES),
    }


def _read_peer(recordings: pathlib.Path, name: str) -> Reference:
    """Another program's leg angles, one row per frame, in radians."""
    motion = read_motion(recordings / PROJECT / TRIAL / f"{name}.mot")
    angles = [f"{angle}_{side}" for angle in SAGITTAL for side in "rl"]
    return {angle: np.deg2rad(motion.columns[angle]) for angle in angles}
