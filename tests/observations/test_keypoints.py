"""Detections of some cameras out of several, and the time between samples."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import UnknownNameError
from diffbio.observations import Keypoints


def detections(time, lag=None) -> Keypoints:
    """Three cameras whose every number is another."""
    shape = (3, len(time), 2)
    pixels = np.arange(np.prod(shape) * 2, dtype=float).reshape(*shape, 2)
    confidence = np.linspace(0.1, 1.0, int(np.prod(shape))).reshape(shape)
    return Keypoints(pixels, confidence, np.asarray(time), ("a", "b"), "set", ("x", "y", "z"), lag)


def test_cameras_are_chosen_in_the_order_asked_for():
    lag = np.asarray([[0.0, 0.1], [0.2, 0.3], [0.4, 0.5]])
    keypoints = detections([0.0, 1.0], lag)
    chosen = keypoints.of_cameras(("z", "x"))
    assert chosen.camera_names == ("z", "x")
    assert_allclose(chosen.pixels, keypoints.pixels[[2, 0]], atol=0)
    assert_allclose(chosen.confidence, keypoints.confidence[[2, 0]], atol=0)
    assert chosen.lag is not None
    assert_allclose(chosen.lag, lag[[2, 0]], atol=0)
    assert_allclose(chosen.time, keypoints.time, atol=0)


def test_without_lags_there_are_none_to_choose():
    assert detections([0.0, 1.0]).of_cameras(("y",)).lag is None


def test_an_unknown_camera_is_named():
    with pytest.raises(UnknownNameError, match=r"No camera is called 'w'.*x, y, z"):
        detections([0.0]).of_cameras(("x", "w"))


def test_the_interval_is_the_usual_one():
    assert_allclose(detections([0.0, 0.02, 0.04, 0.5, 0.52]).interval, 0.02)
    assert detections([3.0]).interval == 1.0
