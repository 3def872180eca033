"""Measured walks in simulated images, made worse on purpose: fewer cameras, noise, wrong rigs."""

import dataclasses
import functools
import pathlib

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from benchmarks.walks import INVERSE_KINEMATICS, RECORDINGS, RIG
from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import WIDTH, adjustment_of
from diffbio.errors import InputError
from diffbio.io.read import read_trial
from diffbio.observations import Keypoints, Markers
from diffbio.simulation.detector import DetectorErrors, detect

CAMERAS = {
    8: ("cam01", "cam02", "cam03", "cam04", "cam05", "cam06", "cam07", "cam08"),
    4: ("cam01", "cam03", "cam05", "cam07"),
    3: ("cam01", "cam04", "cam07"),
    2: ("cam01", "cam08"),
}
"""Of the ring, by how many: all around the walkway; two stand in front, 47 degrees apart."""

NOTHING = DetectorErrors(noise_px=0.0, outlier_share=0.0, drop_share=0.0)

WORSE = {
    "as recorded": NOTHING,
    "noise x2": dataclasses.replace(NOTHING, noise_px=5.4),
    "noise x4": dataclasses.replace(NOTHING, noise_px=12.0),
    "half missing": dataclasses.replace(NOTHING, drop_share=0.5, drop_frames=20.0),
    "15 % wrong": dataclasses.replace(NOTHING, outlier_share=0.15),
}
"""What is added to the recorded errors of 3.2 px (median): noise of the same kind that doubles or
quadruples them, gaps of a fifth of a second, detections thrown off by 60 px. The confidence of
what stays is the recorded one: it does not know."""


@dataclasses.dataclass(frozen=True)
class Walk:
    """One recording, and the truth that no fit may see.

    Attributes:
        name: of the walk, for instance `gait-14`.
        kind: `body` (20 points, as of a keypoint detector) or `markers` (59 points).
        rig: all cameras, exact.
        keypoints: of all cameras.
        truth: where the keypoints were measured, in metres, NaN where they were not.
    """

    name: str
    kind: str
    rig: CameraRig
    keypoints: Keypoints
    truth: Markers

    @functools.cached_property
    def body(self) -> BodyModel:
        """Anatomy whose markers are the keypoints."""
        return default_body(load_keypoint_set(self.keypoints.set_name))

    @property
    def true_markers(self) -> Float[np.ndarray, "time marker 3"]:
        """The truth in the order of the body's markers, in metres."""
        order = [self.truth.names.index(name) for name in self.body.marker_names]
        return self.truth.positions[:, order]


def walk_names(recordings: pathlib.Path) -> list[str]:
    """Walks of which there are both kinds of keypoints.

    Raises:
        InputError: the recordings are not there.
    """
    names = [one.stem for one in sorted((recordings / INVERSE_KINEMATICS).glob("gait-*.mot"))]
    if not names or not (recordings / RECORDINGS).is_dir():
        raise InputError(
            str(recordings),
            f"The recordings are not there: no folders {RECORDINGS} and {INVERSE_KINEMATICS}.",
            "Give the folder that holds them with --data.",
        )
    return names


@functools.lru_cache(maxsize=4)
def load_walk(recordings: pathlib.Path, name: str, kind: str) -> Walk:
    """A walk in single precision, as `diffbio fit` takes it.

    Args:
        recordings: folder of recordings.
        name: of the walk.
        kind: `body` or `markers`.
    """
    archive = recordings / RECORDINGS / f"{name}-{kind}.npz"
    trial = read_trial(archive, rig=recordings / RIG)
    with np.load(archive, allow_pickle=False) as content:
        names = tuple(map(str, content["keypoint_names"]))
        positions = np.asarray(content["xyz_world"], float)
    time = np.asarray(trial.keypoints.time, float)
    truth = Markers(names, positions, time, f"{archive.name}, truth")
    return Walk(name, kind, trial.rig.astype(np.float32), trial.keypoints, truth)


def worsened(keypoints: Keypoints, errors: DetectorErrors, *, seed: int) -> Keypoints:
    """The same detections with further errors on top of their own.

    Args:
        keypoints: as recorded.
        errors: to add.
        seed: of these errors.
    """
    if errors == NOTHING:
        return keypoints
    confidence = np.asarray(keypoints.confidence, float)
    before = np.asarray(keypoints.pixels, float)
    rng = np.random.default_rng(seed)
    pixels, found = detect(before, confidence > 0, errors, rng)
    return dataclasses.replace(
        keypoints, pixels=pixels, confidence=np.where(found > 0, confidence, 0.0)
    )


def knocked(rig: CameraRig, rotation_deg: float, position_mm: float, *, seed: int) -> CameraRig:
    """A rig whose cameras do not stand where it says.

    Args:
        rig: exact.
        rotation_deg: standard deviation of each axis of each camera's orientation.
        position_mm: standard deviation of each coordinate of each camera's place.
        seed: of the errors.
    """
    n_cameras = len(rig.names)
    columns = np.zeros((n_cameras, WIDTH))
    rng = np.random.default_rng(seed)
    columns[:, :3] = rng.normal(size=(n_cameras, 3)) * np.deg2rad(rotation_deg)
    columns[:, 3:6] = rng.normal(size=(n_cameras, 3)) * 1e-3 * position_mm
    dtype = rig.focal_px.dtype
    return rig.adjusted(adjustment_of(jnp.asarray(columns, dtype))).astype(dtype)
