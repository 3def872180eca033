"""Cameras that are wrong by a known amount are found, by Gauss-Newton on simulated walks."""

import dataclasses

import equinox as eqx
import numpy as np
import pytest

from diffbio.fitting import Outcome, gauss_newton, schedule
from diffbio.fitting.residuals.reprojection import HUBER_TAIL
from diffbio.fitting.stages import Clocks
from diffbio.observations import merge_cameras
from tests.fitting.small_walks import (
    adjusted,
    corrections,
    fitted,
    marker_error_mm,
    simulated_at,
)


@pytest.fixture(scope="module")
def in_time(late_recording):
    recording, _ = late_recording
    return fitted(recording, refine=("clocks",))


def test_clocks_are_found_to_two_milliseconds(in_time, late_recording):
    _, late = late_recording
    offset = np.asarray(corrections(in_time).clock_offset)
    # Only differences can be known: one camera's clock is right by definition.
    reference = int(np.argmin(np.abs(offset)))
    assert abs(offset[reference]) < 1e-4
    error = (offset - late) - (offset - late)[reference]
    assert np.abs(error).max() < 0.002  # s
    drift = np.asarray(corrections(in_time).clock_drift)
    assert np.abs(drift).max() < 2e-4


def test_clocks_that_are_found_make_the_motion_right(in_time, late_recording):
    recording, late = late_recording
    assert in_time.refined == ("clocks",)
    out_of_step = fitted(recording)
    assert in_time.error.median_px < 0.5 * out_of_step.error.median_px
    # The motion is in the time of the clock of reference.
    shift = -(np.asarray(corrections(in_time).clock_offset) - late).mean()
    time = np.asarray(recording.keypoints.time)
    moved = np.stack(
        [
            [
                np.interp(time - shift, time, in_time.motion.markers[:, marker, axis])
                for axis in range(3)
            ]
            for marker in range(in_time.motion.markers.shape[1])
        ]
    )
    error = np.linalg.norm(np.moveaxis(moved, 2, 0) - recording.markers, axis=-1)
    inner = (time > 0.15) & (time < time[-1] - 0.15)
    assert error[inner].mean() < 0.01  # m, interpolated at 24 Hz


def test_lenses_are_found_better_than_half_of_their_error(exact_recording):
    focal = np.array([0.01, -0.01, 0.01, -0.01])
    bend = np.array([[0.02, 0.0], [-0.02, 0.0], [-0.02, 0.0], [0.02, 0.0]])
    wrong = adjusted(exact_recording.rig, log_focal=focal, distortion=bend)
    found = fitted(exact_recording, rig=wrong, refine=("lenses",))
    left = np.asarray(corrections(found).log_focal) + focal
    assert np.sqrt((left**2).mean()) < 0.5 * 0.01
    # A walker does not reach the corners of the images: not k1 alone, but what the lens makes of
    # the part of the image the person is in.
    radius = 0.25
    bent = np.asarray(corrections(found).distortion) + bend
    picture = left + bent[:, 0] * radius**2 + bent[:, 1] * radius**4
    given = focal + bend[:, 0] * radius**2
    assert np.sqrt((picture**2).mean()) < 0.5 * np.sqrt((given**2).mean())
    assert found.error.median_px < 1.0


@pytest.mark.slow
def test_poses_are_found_better_than_half_of_their_error(exact_recording):
    rng = np.random.default_rng(7)
    turn, shift = rng.normal(size=(2, 4, 3)) * np.array([np.deg2rad(0.5), 0.01])[:, None, None]
    wrong = adjusted(exact_recording.rig, rotation=turn, shift=shift)
    given = fitted(exact_recording, rig=wrong)
    found = fitted(exact_recording, rig=wrong, refine=("poses",))
    assert found.error.median_px < 0.5 * given.error.median_px
    # The world may be moved with all cameras: distances between them may not.
    truth = np.asarray(exact_recording.rig.centres)

    def distances(centres):
        return np.linalg.norm(centres[:, None] - centres[None], axis=-1)[np.triu_indices(4, 1)]

    before = distances(np.asarray(wrong.centres)) - distances(truth)
    after = distances(np.asarray(found.rig.centres)) - distances(truth)
    assert np.sqrt((after**2).mean()) < np.sqrt((before**2).mean())
    gap = [marker_error_mm(fit, exact_recording).mean() for fit in (found, given)]
    assert gap[0] < gap[1]


def test_a_camera_that_saw_nothing_holds_no_clock(late_recording):
    recording, _ = late_recording
    blind = dataclasses.replace(
        recording.keypoints, confidence=recording.keypoints.confidence.copy()
    )
    blind.confidence[0] = 0.0
    rig = recording.rig.astype(np.float32)
    assert Clocks.found(rig, blind).reference != 0
    blind.confidence[:] = 0.0
    assert Clocks.found(rig, blind).reference == 0


@pytest.mark.slow
def test_cameras_of_half_the_rate_give_the_same_motion():
    recording = simulated_at(60.0)
    keypoints = recording.keypoints
    alone = [keypoints.of_cameras((name,)) for name in keypoints.camera_names]
    for camera, begin in ((1, 0), (3, 1)):
        alone[camera] = dataclasses.replace(
            alone[camera],
            pixels=alone[camera].pixels[:, begin::2],
            confidence=alone[camera].confidence[:, begin::2],
            time=alone[camera].time[begin::2],
        )
    merged = merge_cameras(alone)
    full, mixed = fitted(recording), fitted(recording, keypoints=merged)
    assert mixed.outcome == Outcome.CONVERGED
    away = np.linalg.norm(mixed.motion.markers - full.motion.markers, axis=-1)
    assert away.mean() < 0.006  # m, with noise of 2.5 px in all cameras
    errors = [marker_error_mm(fit, recording).mean() for fit in (full, mixed)]
    assert errors[1] < 1.3 * errors[0] + 1.0


def swapped_legs(recording):
    """The first camera takes the left leg for the right one."""
    keypoints = recording.keypoints
    order = list(range(len(keypoints.names)))
    for part in ("Knee", "Ankle", "Heel", "BigToe", "SmallToe"):
        left, right = (keypoints.names.index(side + part) for side in "LR")
        order[left], order[right] = right, left
    wrong = dataclasses.replace(
        keypoints, pixels=keypoints.pixels.copy(), confidence=keypoints.confidence.copy()
    )
    wrong.pixels[0] = keypoints.pixels[0][:, order]
    wrong.confidence[0] = keypoints.confidence[0][:, order]
    return wrong


@pytest.mark.slow
def test_legs_that_one_camera_confuses_lose_their_pull(recording, monkeypatch):
    wrong = swapped_legs(recording)
    legs = [i for i, n in enumerate(recording.body.marker_names) if n.endswith(("Knee", "Ankle"))]
    redescending = marker_error_mm(fitted(recording, keypoints=wrong), recording)[:, legs].mean()
    monkeypatch.setattr(schedule, "TAILS", (HUBER_TAIL,) * len(schedule.TAILS))
    # Another program, compiled with Huber's loss to the end.
    solve = gauss_newton.solve.__wrapped__
    anew = eqx.filter_jit(lambda *args, **options: solve(*args, **options))
    monkeypatch.setattr(gauss_newton, "solve", anew)
    huber = fitted(recording, keypoints=wrong)
    assert redescending < 0.8 * marker_error_mm(huber, recording)[:, legs].mean()
