"""Pictures taken at other times than the samples go where they belong, each once."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.observations import Keypoints, merge_cameras, retimed
from diffbio.observations.clocks import nearest_samples


def ticking(time: np.ndarray, late: np.ndarray, lag: np.ndarray | None = None) -> Keypoints:
    """Cameras that photograph a clock: u is the time a picture was taken, v the camera."""
    names = tuple(f"cam{i}" for i in range(len(late)))
    taken = time + np.asarray(late)[:, None] + (0.0 if lag is None else lag)
    number = np.broadcast_to(np.arange(len(late))[:, None], taken.shape)
    pixels = np.stack([taken, number], axis=-1)[:, :, None]
    return Keypoints(pixels, np.ones((*taken.shape, 1)), time, ("clock",), "set", names, lag)


def shown(keypoints: Keypoints) -> tuple[np.ndarray, np.ndarray]:
    """What the clocks in the pictures show, and what time and lag say they should."""
    seen = np.asarray(keypoints.confidence)[..., 0] > 0
    said = np.asarray(keypoints.time)[None] + lag_of(keypoints)
    return np.asarray(keypoints.pixels)[..., 0, 0][seen], said[seen]


def lag_of(keypoints: Keypoints) -> np.ndarray:
    assert keypoints.lag is not None
    return np.asarray(keypoints.lag)


TIME = 10.0 + np.arange(40) / 50.0


def test_every_picture_is_where_time_and_lag_say():
    late = np.array([0.0, 0.013, -0.047, 0.1])
    corrected = retimed(ticking(TIME, late), late)
    assert_allclose(*shown(corrected), atol=1e-12)
    assert np.abs(lag_of(corrected)).max() <= 0.01 * (1 + 1e-5)
    assert_allclose(corrected.time, TIME, atol=0)
    # 0.1 s late are five frames, the last of which lie beyond the samples.
    seen = np.asarray(corrected.confidence)[..., 0] > 0
    assert seen.sum(1).tolist() == [40, 39, 38, 35]
    assert not seen[3, :5].any() and not seen[2, -2:].any()


def test_whole_frames_shift_and_leave_no_lag():
    before = ticking(TIME, np.zeros(2))
    after = retimed(before, np.array([0.0, 0.04]))
    assert_allclose(lag_of(after), 0.0, atol=1e-9)
    assert_allclose(after.pixels[1, 2:], before.pixels[1, :-2], atol=0)
    assert_allclose(after.confidence[1, :2], 0.0, atol=0)
    assert_allclose(after.pixels[1, :2], 0.0, atol=0)


def test_known_lags_count():
    lag = np.full((2, len(TIME)), 0.004)
    late = np.array([0.0, 0.013])
    corrected = retimed(ticking(TIME, late, lag), late)
    assert_allclose(*shown(corrected), atol=1e-12)
    assert_allclose(lag_of(corrected)[1, 1:], 0.004 + 0.013 - 0.02, atol=1e-9)


def test_there_and_back_is_where_it_was():
    late = np.array([0.0, 0.033, -0.021])
    before = ticking(TIME, np.zeros(3))
    again = retimed(retimed(before, late), -late)
    inner = slice(3, -3)
    assert_allclose(again.pixels[:, inner], before.pixels[:, inner], atol=0)
    assert_allclose(lag_of(again)[:, inner], 0.0, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(10.0, 120.0))
def test_no_sample_and_no_picture_is_used_twice(seed, rate):
    rng = np.random.default_rng(seed)
    taken = np.sort(rng.uniform(-0.1, 1.1, 30))
    time = np.arange(0, 1, 1 / rate)
    frame, sample = nearest_samples(taken, time)
    assert len(np.unique(frame)) == len(frame) and len(np.unique(sample)) == len(sample)
    interval = np.median(np.diff(time))
    distance = np.abs(taken[:, None] - time)
    assert np.all(distance[frame, sample] <= 0.5 * interval * (1 + 1e-5))
    assert_allclose(distance[frame, sample], distance[frame].min(1), atol=1e-12)
    # A picture in no pair is far from all samples, or a nearer one took its place.
    for left in np.setdiff1d(np.arange(30), frame):
        nearest = distance[left].argmin()
        taken_place = nearest in sample and (
            distance[frame[sample == nearest], nearest] <= distance[left, nearest]
        )
        assert distance[left, nearest] > 0.5 * interval or taken_place


def test_one_sample_takes_one_picture():
    frame, sample = nearest_samples(np.array([-0.1, 0.05, 3.0]), np.array([0.0]))
    assert (frame.tolist(), sample.tolist()) == ([1], [0])


def alone(name: str, time: np.ndarray) -> Keypoints:
    return dataclasses.replace(ticking(time, np.zeros(1)), camera_names=(name,))


def test_cameras_of_other_rates_share_the_fastest_ones_samples():
    fast, slow = alone("fast", np.arange(60) / 60.0), alone("slow", np.arange(30) / 30.0)
    merged = merge_cameras([slow, fast])
    assert merged.camera_names == ("slow", "fast")
    assert_allclose(merged.time, fast.time, atol=1e-12)
    seen = merged.confidence[..., 0] > 0
    assert seen[1].all() and seen[0, ::2].all() and not seen[0, 1::2].any()
    assert_allclose(lag_of(merged), 0.0, atol=1e-12)
    assert_allclose(*shown(merged), atol=1e-12)


def test_cameras_out_of_phase_and_of_odd_rates_keep_all_pictures():
    times = [5.0 + np.arange(60) / 60.0, 5.004 + np.arange(50) / 50.0, 4.9 + np.arange(29) / 29.97]
    merged = merge_cameras([alone(str(i), time) for i, time in enumerate(times)])
    assert_allclose(*shown(merged), atol=1e-12)
    assert np.abs(lag_of(merged)).max() <= 0.5 / 60 * (1 + 1e-5)
    assert (merged.confidence[..., 0] > 0).sum(1).tolist() == [60, 50, 29]
    assert merged.time[0] == 4.9 and merged.time[-1] >= times[1][-1] - 0.5 / 60


@pytest.mark.parametrize(("jitter", "kept"), [(1e-4, 90), (5e-4, 88), (2e-3, 81)])
def test_time_stamps_that_jitter_keep_most_pictures(jitter, kept):
    rng = np.random.default_rng(0)
    times = [np.arange(90) / 60.0 + rng.uniform(-jitter, jitter, 90) for _ in range(3)]
    merged = merge_cameras([alone(str(i), time) for i, time in enumerate(times)])
    assert_allclose(*shown(merged), atol=1e-12)
    # The usual interval is a little wrong, so some pictures share a sample, where one stays.
    assert (merged.confidence[..., 0] > 0).sum(1).min() >= kept


def test_cameras_of_several_or_of_other_keypoints_are_refused_by_name():
    one, time = alone("left", np.arange(9) / 30.0), np.arange(9) / 30.0
    both = dataclasses.replace(ticking(time, np.zeros(2)), camera_names=("a", "b"))
    with pytest.raises(InputError, match=r"a, b: Several cameras"):
        merge_cameras([one, both])
    renamed = dataclasses.replace(alone("right", time), names=("heel",) * len(one.names))
    with pytest.raises(InputError, match=r"right: Its keypoints are not those of left: .*heel"):
        merge_cameras([one, renamed])
