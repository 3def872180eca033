import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from diffbio.cameras.adjustment import no_adjustment
from diffbio.fitting import Uncertainty
from diffbio.fitting.correction import (
    MARKER_FACTOR,
    MARKER_FLOOR,
    SHOULDER_FACTOR,
    SHOULDER_FLOOR,
    corrected,
)

NAMES = ("hip_flexion_r", "elv_angle_l", "shoulder_elv_r", "shoulder_rot_l", "elbow_flex_r")


def some_uncertainty() -> Uncertainty:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 6, 6))
    return Uncertainty(
        root=root @ np.swapaxes(root, 1, 2),
        joints=rng.random((4, len(NAMES))),
        markers=rng.random((4, 3, 3)) * 0.01,
        log_scale=np.eye(2),
        marker_offset=rng.random((3, 3)),
        cameras=no_adjustment(2),
        noise=0.8,
        undetermined=("joint/pro_sup_r",),
    )


def test_only_shoulders_widen_among_the_joints():
    raw = some_uncertainty()
    after, shoulder = corrected(raw, NAMES).joints, [False, True, True, True, False]
    variance = (SHOULDER_FACTOR * raw.joints) ** 2 + SHOULDER_FLOOR**2
    assert_allclose(after[:, shoulder] ** 2, variance[:, shoulder])
    assert_array_equal(after[:, [0, 4]], raw.joints[:, [0, 4]])


def test_variances_of_model_and_detections_add_up():
    raw = some_uncertainty()
    variance = corrected(raw, NAMES).markers ** 2
    assert_allclose(variance, (MARKER_FACTOR * raw.markers) ** 2 + MARKER_FLOOR**2)


def test_no_marker_is_surer_than_the_floor():
    assert (corrected(some_uncertainty(), NAMES).markers >= MARKER_FLOOR).all()


def test_the_rest_stays_as_it_was():
    raw = some_uncertainty()
    after = corrected(raw, NAMES)
    assert_array_equal(after.root, raw.root)
    assert_array_equal(after.log_scale, raw.log_scale)
    assert_array_equal(after.marker_offset, raw.marker_offset)
    assert after.cameras is raw.cameras
    assert (after.noise, after.undetermined) == (raw.noise, raw.undetermined)
