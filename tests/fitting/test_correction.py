import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from diffbio.cameras.adjustment import no_adjustment
from diffbio.fitting import Uncertainty
from diffbio.fitting.correction import MARKER_FLOOR, corrected


def some_uncertainty() -> Uncertainty:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 6, 6))
    return Uncertainty(
        root=root @ np.swapaxes(root, 1, 2),
        joints=rng.random((4, 5)),
        markers=rng.random((4, 3, 3)) * 0.01,
        log_scale=np.eye(2),
        marker_offset=rng.random((3, 3)),
        cameras=no_adjustment(2),
        noise=0.8,
        undetermined=("joint/pro_sup_r",),
    )


def test_variances_of_model_and_detections_add_up():
    raw = some_uncertainty()
    variance = corrected(raw).markers ** 2
    assert_allclose(variance, raw.markers**2 + MARKER_FLOOR**2)


def test_no_marker_is_surer_than_the_floor():
    assert (corrected(some_uncertainty()).markers >= MARKER_FLOOR).all()


def test_the_rest_stays_as_it_was():
    raw = some_uncertainty()
    after = corrected(raw)
    assert_array_equal(after.root, raw.root)
    assert_array_equal(after.joints, raw.joints)
    assert_array_equal(after.log_scale, raw.log_scale)
    assert_array_equal(after.marker_offset, raw.marker_offset)
    assert after.cameras is raw.cameras
    assert (after.noise, after.undetermined) == (raw.noise, raw.undetermined)
