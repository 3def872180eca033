"""The trials of the benchmark of fits: simulated people whose hands move, in view all the time."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel, BodyParameters, KeypointSet, Pose, default_body
from diffbio.body.default import default_mjcf
from diffbio.body.keypoint_set import Anchor, AnchorClass, load_keypoint_set
from diffbio.body.mjcf import compile_mjcf
from diffbio.cameras import CameraAdjustment, CameraRig
from diffbio.cameras.adjustment import WIDTH, adjustment_of
from diffbio.observations import Keypoints
from diffbio.simulation.detector import DetectorErrors, detect
from diffbio.simulation.recording import ring_of_cameras
from diffbio.simulation.walking import walking_pose

FRAME_RATE_HZ = 60.0
BODY_SET = "falisse_markers"
ERRORS = DetectorErrors(
    noise_px=2.0, noise_memory=0.0, outlier_share=0.05, outlier_px=60.0, drop_share=0.2
)
SCALE_RANGE = 0.08
"""Segments are up to so much larger or smaller, each pair of sides alike."""

MARKER_SD = 0.006
ROTATION_SD, POSITION_SD = np.deg2rad(0.5), 0.01
"""Per axis: of markers from their anchors, in metres, and of the cameras as given."""

PHALANGES = (
    ("firstmc", "proximal_thumb"), ("proximal_thumb", "distal_thumb"), ("distal_thumb", None),
    ("secondmc", "2proxph"), ("2proxph", "2midph"), ("2midph", "2distph"), ("2distph", None),
    ("3proxph", "3midph"), ("3midph", "3distph"), ("4proxph", "4midph"), ("4midph", "4distph"),
    ("fifthmc", "5proxph"), ("5proxph", "5midph"), ("5midph", "5distph"),
)  # fmt: skip
"""Bones of a hand that carry a keypoint at their far end, and the bone that begins there."""

TIP = 0.7
"""Length of a last phalanx, relative to the one before it."""

FINGER_JOINTS = ("cmc_", "mp_", "ip_", "mcp", "pm", "md")
FINGER_SWING, FINGER_RATE_HZ = 0.25, 0.7
"""Amplitude, in radians, and rate of the fingers' movement about the middle of their range."""

WANDER = ((1.2, 8.0), (0.8, 11.0))
"""Amplitude in metres and period in seconds, along and across the walkway."""


@dataclasses.dataclass(frozen=True)
class Size:
    """How large a trial is.

    Attributes:
        fingers: whether the keypoints of the fingers are among the detected ones.
        frames: how many.
        cameras: how many.
    """

    fingers: bool
    frames: int
    cameras: int = 8


SIZES = {"300/59/37/8": Size(False, 300), "600/87/71/8": Size(True, 600)}
"""By frames / keypoints / coordinates / cameras."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A simulated trial and its truth.

    Attributes:
        body: the anatomy.
        rig: the cameras as given, not quite right.
        keypoints: simulated detections.
        parameters: the person.
        pose: the motion.
        cameras: what has to be corrected of `rig`.
        markers: true positions, in metres.
    """

    body: BodyModel
    rig: CameraRig
    keypoints: Keypoints
    parameters: BodyParameters
    pose: Pose
    cameras: CameraAdjustment
    markers: Float[np.ndarray, "time marker 3"]


@functools.cache
def keypoint_set(fingers: bool) -> KeypointSet:
    """59 optical markers; with 14 keypoints more per hand where fingers are detected."""
    body = load_keypoint_set(BODY_SET)
    if not fingers:
        return body
    model = compile_mjcf(default_mjcf())
    anchors = []
    for side in "rl":
        for bone, beyond in PHALANGES:
            if beyond is None:
                position = TIP * np.asarray(model.body(f"{bone}_{side}").pos)
            else:
                position = np.asarray(model.body(f"{beyond}_{side}").pos)
            x, y, z = map(float, position)
            at = f"{bone}_{side}", (x, y, z), AnchorClass.JOINT_CENTRE
            anchors.append(Anchor(f"{bone}_{side}_end", *at))
    names = tuple(anchor.keypoint for anchor in anchors)
    return dataclasses.replace(
        body,
        name=f"{BODY_SET}_and_fingers",
        keypoints=(*body.keypoints, *names),
        anchors=(*body.anchors, *anchors),
    )


def simulate(size: Size, seed: int) -> Case:
    """Someone who walks on a treadmill that wanders about the middle of the room."""
    rng = np.random.default_rng(seed)
    body = default_body(keypoint_set(size.fingers))
    parameters = _person(body, rng)
    time = np.arange(size.frames) / FRAME_RATE_HZ
    pose = _motion(body, parameters, time, rng)
    markers = np.asarray(jax.jit(body.marker_positions)(parameters, pose), float)
    given = ring_of_cameras(size.cameras)
    columns = np.zeros((size.cameras, WIDTH))
    columns[:, :3] = rng.normal(size=(size.cameras, 3)) * ROTATION_SD
    columns[:, 3:6] = rng.normal(size=(size.cameras, 3)) * POSITION_SD
    cameras = adjustment_of(jnp.asarray(columns, given.focal_px.dtype))
    exact = np.asarray(given.adjusted(cameras).project(jnp.asarray(markers)), float)
    width_height = np.asarray(given.image_size, float)[:, None, None]
    inside = np.all((exact >= 0) & (exact <= width_height - 1), axis=-1)
    pixels, confidence = detect(exact, np.asarray(inside), ERRORS, rng)
    keypoints = Keypoints(pixels, confidence, time, body.marker_names, BODY_SET, given.names)
    return Case(body, given, keypoints, parameters, pose, cameras, markers)


def _person(body: BodyModel, rng: np.random.Generator) -> BodyParameters:
    stems = [name.removesuffix("_r").removesuffix("_l") for name in body.segment_names]
    factor = {stem: rng.uniform(1 - SCALE_RANGE, 1 + SCALE_RANGE) for stem in dict.fromkeys(stems)}
    offset = rng.normal(size=(len(body.marker_names), 3)) * MARKER_SD
    scale = np.log([factor[stem] for stem in stems])
    return BodyParameters(jnp.asarray(scale), jnp.asarray(offset))


def _motion(
    body: BodyModel,
    parameters: BodyParameters,
    time: Float[np.ndarray, "time"],
    rng: np.random.Generator,
) -> Pose:
    walk = walking_pose(body, parameters, time, phase_at_start=float(rng.random()))
    root = np.array(walk.root_position, float)
    root[:, 0] -= np.polyval(np.polyfit(time, root[:, 0], 1), time)
    for axis, (reach, period) in enumerate(WANDER):
        root[:, axis] += reach * np.sin(2 * np.pi * time / period)
    joints = np.array(walk.joints, float)
    for column, name in enumerate(body.joint_names):
        if name.startswith(FINGER_JOINTS):
            low, high = body.joint_range[column]
            swing = min(FINGER_SWING, 0.4 * (high - low))
            turn = 2 * np.pi * (FINGER_RATE_HZ * time + rng.random())
            joints[:, column] = (low + high) / 2 + swing * np.sin(turn)
    return Pose(jnp.asarray(root), walk.root_quaternion, jnp.asarray(joints))
