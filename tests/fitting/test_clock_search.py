"""Clocks of simulated cameras are found in spite of a rig that is only roughly right."""

import dataclasses
import pathlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.fitting.clock_search import _consistent, _misses, _Pair, search_clocks
from diffbio.io.read import read_trial
from diffbio.observations import Keypoints
from diffbio.simulation import SimulatedRecording, simulate_walking
from diffbio.simulation.detector import DetectorErrors, detect
from diffbio.simulation.recording import ring_of_cameras

WITHIN = 0.012
"""In seconds: a third of the step between the shifts that are tried."""


@pytest.fixture(scope="module")
def walk() -> SimulatedRecording:
    """Five seconds, of which the middle is filmed by cameras that are out of step."""
    return simulate_walking(load_keypoint_set("halpe_26"), seed=1, duration=5.2, n_cameras=6)


def filmed(
    walk: SimulatedRecording,
    rig: CameraRig,
    offset: np.ndarray,
    *,
    rate_hz: float = 60.0,
    still: bool = False,
    seed: int = 0,
) -> Keypoints:
    """What cameras detect whose pictures are taken `offset` after their time stamps."""
    project = eqx.filter_jit(CameraRig.project)
    truth = np.asarray(walk.keypoints.time)
    time = np.arange(0.6, truth[-1] - 0.6, 1 / rate_hz)
    markers = CubicSpline(truth, walk.markers)
    exact = []
    for camera, late in enumerate(offset):
        points = markers(np.full_like(time, 2.5) if still else time + late)
        exact.append(np.asarray(project(rig, jnp.asarray(points)))[camera])
    pixels = np.stack(exact)
    visible = np.all((pixels >= 0) & (pixels <= np.array([1919, 1079])), axis=-1)
    pixels, confidence = detect(pixels, visible, DetectorErrors(), np.random.default_rng(seed))
    names = walk.keypoints.names
    return Keypoints(pixels, confidence, time, names, walk.keypoints.set_name, rig.names)


def knocked(rig: CameraRig, seed: int = 0) -> CameraRig:
    """Every camera turned by 0.5 degrees and moved by 1 cm about each axis, at random."""
    rng = np.random.default_rng(seed)
    n = len(rig.names)
    turn = Rotation.from_rotvec(np.deg2rad(0.5) * rng.normal(size=(n, 3))).as_matrix()
    rotation = turn @ np.asarray(rig.camera_from_world_rotation)
    centres = np.asarray(rig.centres) + 0.01 * rng.normal(size=(n, 3))
    return eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (jnp.asarray(rotation), jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres))),
    )


def first(rig: CameraRig, n_cameras: int) -> CameraRig:
    return rig.subset(rig.names[:n_cameras])


def reference_of(offset: np.ndarray) -> int:
    return int(np.argmin(np.abs(offset - np.median(offset))))


@pytest.mark.parametrize("rate_hz", [30.0, 60.0])
def test_fractions_of_frames_are_found(walk, rate_hz):
    offset = np.array([0.0, 0.031, -0.118, 0.205, -0.0773, 0.01])
    found = search_clocks(knocked(walk.rig), filmed(walk, walk.rig, offset, rate_hz=rate_hz))
    assert found.known.all()
    reference = int(np.flatnonzero(found.offset == 0.0)[0])
    assert_allclose(found.offset, offset - offset[reference], atol=WITHIN)
    assert np.all(found.scatter < WITHIN)


def test_half_a_second_either_way_is_found(walk):
    offset = np.array([0.0, 0.5, -0.5, 0.01, -0.01, 0.005])
    found = search_clocks(knocked(walk.rig), filmed(walk, walk.rig, offset))
    assert found.known.all() and found.offset[reference_of(offset)] == 0.0
    assert_allclose(found.offset, offset - offset[reference_of(offset)], atol=WITHIN)


def test_two_cameras_suffice(walk):
    rig = first(walk.rig, 2)
    found = search_clocks(knocked(rig), filmed(walk, rig, np.array([0.0, 0.25])))
    assert found.known.all()
    assert_allclose(found.offset, [0.0, 0.25], atol=WITHIN)


def test_frames_that_are_missing_are_no_shift(walk):
    rig, offset = first(walk.rig, 3), np.array([0.0, 0.1, 0.0])
    keypoints = filmed(walk, rig, offset)
    keep = np.r_[0:70, 100:180, 183 : len(keypoints.time)]
    cut = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, keep],
        confidence=keypoints.confidence[:, keep],
        time=keypoints.time[keep],
    )
    found = search_clocks(rig, cut)
    assert_allclose(found.offset, offset, atol=WITHIN)


def test_what_is_known_of_the_lag_is_not_found_again(walk):
    rig, offset = first(walk.rig, 3), np.array([0.0, 0.1, 0.0])
    keypoints = filmed(walk, rig, offset)
    lag = np.broadcast_to(offset[:, None], keypoints.confidence.shape[:2])
    found = search_clocks(rig, dataclasses.replace(keypoints, lag=lag))
    assert found.known.all()
    assert_allclose(found.offset, 0.0, atol=WITHIN)


def test_nobody_moves_and_no_clock_is_known(walk):
    rig = first(walk.rig, 3)
    found = search_clocks(knocked(rig), filmed(walk, rig, np.array([0.0, 0.2, -0.2]), still=True))
    assert not found.known.any() and np.isnan(found.scatter).all()
    assert np.all(found.offset == 0.0)


def test_a_camera_that_sees_nothing_is_unknown(walk):
    rig, offset = first(walk.rig, 3), np.array([0.0, 0.2, 0.2])
    keypoints = filmed(walk, rig, offset)
    blind = dataclasses.replace(keypoints, confidence=keypoints.confidence.copy())
    blind.confidence[1] = 0.0
    found = search_clocks(rig, blind)
    assert found.known.tolist() == [True, False, True]
    assert_allclose(found.offset, [0.0, 0.0, 0.2], atol=WITHIN)


@pytest.mark.parametrize("frames", [1, 5])
def test_too_little_to_tell_is_unknown_and_no_error(walk, frames):
    rig = first(walk.rig, 2)
    keypoints = filmed(walk, rig, np.zeros(2))
    short = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :frames],
        confidence=keypoints.confidence[:, :frames],
        time=keypoints.time[:frames],
    )
    assert not search_clocks(rig, short).known.any()


def test_nothing_seen_at_all_is_unknown_and_no_error(walk):
    keypoints = filmed(walk, first(walk.rig, 2), np.zeros(2))
    nothing = dataclasses.replace(keypoints, confidence=np.zeros_like(keypoints.confidence))
    assert not search_clocks(first(walk.rig, 2), nothing).known.any()


def test_two_cameras_at_one_place_say_nothing(walk):
    rig = first(walk.rig, 1)
    twice = jax.tree.map(lambda x: jnp.concatenate([x, x]), rig)
    twice = dataclasses.replace(
        twice, names=("a", "b"), image_size=rig.image_size * 2, fisheye=rig.fisheye * 2
    )
    keypoints = filmed(walk, twice, np.array([0.0, 0.1]))
    assert not search_clocks(twice, keypoints).known.any()


def test_one_wrong_pair_is_outvoted():
    offset = np.array([0.0, 0.1, -0.2, 0.05])
    pairs = [
        _Pair(a, b, float(offset[a] - offset[b]), 1.0) for a in range(4) for b in range(a + 1, 4)
    ]
    pairs[2] = pairs[2]._replace(difference=0.4)
    found = _consistent(pairs, 4, 1 / 30)
    assert found.known.all()
    reference = int(np.flatnonzero(found.offset == 0.0)[0])
    assert_allclose(found.offset, offset - offset[reference], atol=1e-3)


def test_derivatives_of_the_misses_are_those_of_a_turn_and_a_shift():
    rng = np.random.default_rng(0)
    rig = ring_of_cameras(3)
    centres = np.asarray(rig.centres)
    points = rng.uniform(-0.5, 0.5, (2, 5, 3)) + [0.0, 0.0, 1.0]

    def rays(camera: int) -> np.ndarray:
        away = points + 0.02 * camera - centres[camera]
        return away / np.linalg.norm(away, axis=-1, keepdims=True)

    line = centres[2] - centres[0]
    line = line / np.linalg.norm(line)
    miss, slope, usable = _misses(rays(0), rays(2)[None], line)
    assert usable.all()
    # A quotient of lengths, of which only the numerator is differentiated: exact where it is 0.
    size = np.sqrt(2 - (rays(0) @ line) ** 2 - (rays(2) @ line) ** 2)[None]
    for axis in range(3):
        small = 1e-6 * np.eye(3)[axis]
        turned = rays(2) @ Rotation.from_rotvec(small).as_matrix().T
        for column, ends in ((axis, (line, turned)), (3 + axis, (line + small, rays(2)))):
            triple = np.einsum("i,fki,fki->fk", ends[0], *_crossed(rays(0), ends[1]))[None]
            assert_allclose((triple / size - miss) / 1e-6, slope[..., column], atol=1e-5)


def _crossed(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.ones_like(first), np.cross(first, second)


def test_the_demonstration_recording_is_in_step(shared_data: pathlib.Path):
    """Its cameras were triggered together; camera 3 is turned by a degree, not late.

    Measured: all within 0.1 frames of each other, and pictures of camera 3 moved by five frames
    are found to be moved by 4.9.
    """
    trial = read_trial(shared_data / "pose2sim-demo", trial="balancing")
    frame = trial.keypoints.interval
    found = search_clocks(trial.rig, trial.keypoints)
    assert found.known.all()
    assert_allclose(found.offset / frame, 0.0, atol=0.25)
    later = dataclasses.replace(
        trial.keypoints,
        pixels=trial.keypoints.pixels.copy(),
        confidence=trial.keypoints.confidence.copy(),
    )
    later.pixels[2, :-5], later.confidence[2, -5:] = trial.keypoints.pixels[2, 5:], 0.0
    later.confidence[2, :-5] = trial.keypoints.confidence[2, 5:]
    assert_allclose(search_clocks(trial.rig, later).offset / frame, [0, 0, 5, 0], atol=0.3)
