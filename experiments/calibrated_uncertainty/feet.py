"""Walks for detectors that see no feet: the simulated walker stands on them all the same."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from diffbio.body import BodyParameters, KeypointSet, Pose, default_body, load_keypoint_set
from diffbio.simulation import SimulatedRecording

FEET_FROM = "halpe_26"
FEET = ("calcn", "toes")


def with_feet(keypoint_set: KeypointSet) -> KeypointSet:
    """The set itself where it has points on both feet, else with those of another."""
    carriers = [anchor.body for anchor in keypoint_set.anchors]
    if all(f"{foot}_{side}" in carriers for foot in FEET[:1] for side in "rl"):
        return keypoint_set
    feet = tuple(a for a in load_keypoint_set(FEET_FROM).anchors if a.body.startswith(FEET))
    return dataclasses.replace(
        keypoint_set,
        keypoints=(*keypoint_set.keypoints, *(anchor.keypoint for anchor in feet)),
        anchors=(*keypoint_set.anchors, *feet),
    )


def as_detected(recording: SimulatedRecording, keypoint_set: KeypointSet) -> SimulatedRecording:
    """The same recording by a detector that has only the keypoints of a set.

    The body loses what these keypoints do not move with; what is left of it is the same.
    """
    body, whole = default_body(keypoint_set), recording.body
    markers = [whole.marker_names.index(name) for name in body.marker_names]
    segments = [whole.segment_names.index(name) for name in body.segment_names]
    joints = [whole.joint_names.index(name) for name in body.joint_names]
    columns = [recording.keypoints.names.index(name) for name in body.marker_names]
    pose, person = recording.pose, recording.parameters
    return SimulatedRecording(
        keypoints=dataclasses.replace(
            recording.keypoints,
            pixels=recording.keypoints.pixels[:, :, columns],
            confidence=recording.keypoints.confidence[:, :, columns],
            names=body.marker_names,
            set_name=keypoint_set.name,
        ),
        rig=recording.rig,
        body=body,
        parameters=BodyParameters(
            jnp.asarray(np.asarray(person.log_scale)[segments]),
            jnp.asarray(np.asarray(person.marker_offset)[markers]),
        ),
        pose=Pose(
            pose.root_position,
            pose.root_quaternion,
            jnp.asarray(np.asarray(pose.joints)[:, joints]),
        ),
        markers=recording.markers[:, markers],
    )
