"""Simulated cameras photograph the walk when their clocks say, late ones later."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import CubicSpline

from diffbio.body import load_keypoint_set
from diffbio.simulation import simulate_walking
from diffbio.simulation.detector import DetectorErrors

EXACT = DetectorErrors(noise_px=0.0, outlier_share=0.0, drop_share=1e-9)
LATE = np.array([0.0, 0.05, -0.02])


def walk(clock_offset):
    return simulate_walking(
        load_keypoint_set("halpe_26"),
        seed=2,
        duration=0.6,
        frame_rate_hz=120.0,
        n_cameras=3,
        errors=EXACT,
        clock_offset=clock_offset,
    )


@pytest.fixture(scope="module")
def late():
    return walk(LATE)


def test_a_late_camera_sees_what_the_others_have_yet_to_see(late):
    time = np.asarray(late.keypoints.time)
    path = CubicSpline(time, late.markers)
    for camera, offset in enumerate(LATE):
        inside = (time + offset >= 0) & (time + offset <= time[-1])
        points = jnp.asarray(path(time[inside] + offset))
        expected = np.asarray(late.rig.project(points))[camera]
        found = late.keypoints.pixels[camera, inside]
        seen = late.keypoints.confidence[camera, inside] > 0
        assert seen.mean() > 0.9
        assert_allclose(found[seen], expected[seen], atol=0.2)  # px, interpolated at 120 Hz


def test_the_truth_is_at_the_sample_times(late):
    markers = late.body.marker_positions(late.parameters, late.pose)
    assert_allclose(markers, late.markers, atol=1e-9)
    assert len(late.markers) == len(late.keypoints.time)
    assert late.keypoints.lag is None  # The detections know nothing of it.


def test_keypoints_lie_from_their_anchors_as_far_as_asked():
    def offsets(**options):
        walked = simulate_walking(
            load_keypoint_set("halpe_26"), seed=2, duration=0.05, n_cameras=2, **options
        )
        return walked.parameters

    usual, farther = offsets(), offsets(keypoint_bias_sd=0.012)
    # Of 78 numbers the standard deviation is uncertain by 8 %; metres.
    assert_allclose(np.std(farther.marker_offset), 0.012, atol=0.003)
    assert_allclose(farther.marker_offset, 2 * np.asarray(usual.marker_offset), atol=1e-12)
    assert_allclose(farther.log_scale, usual.log_scale, atol=0)


def test_offsets_of_zero_are_none():
    assert_allclose(walk(np.zeros(3)).keypoints.pixels, walk(None).keypoints.pixels, atol=1e-9)
