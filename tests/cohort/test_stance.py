"""A posture that was asked for, in place of the guess of everybody's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import Stance
from diffbio.cohort.stance import posed
from diffbio.errors import UnknownNameError
from diffbio.fitting.marker_problem import make_marker_problem
from diffbio.fitting.problem import Problem
from diffbio.fitting.residuals import JointRange
from diffbio.observations import Markers

BODY = default_body(load_keypoint_set("falisse_markers"))
STILL = Markers(
    BODY.marker_names, np.zeros((5, len(BODY.marker_names), 3)), np.arange(5) / 24, "stance"
)
SHARE = 1 / 24


def problem() -> Problem:
    return make_marker_problem(BODY, STILL, dtype=np.float64, padded=5, posture_share=SHARE)


def ranges(of: Problem) -> JointRange:
    return next(prior for prior in of.priors if isinstance(prior, JointRange))


def test_asked_joints_are_held_in_full_and_others_as_before():
    asked = {"wrist_flex_r": (0.1, 0.05), "knee_angle_l": (0.0, 0.02)}
    before, after = ranges(problem()), ranges(posed(problem(), BODY, Stance(STILL, asked)))
    information = np.asarray(after.share / after.sd**2)
    for name, (mean, sd) in asked.items():
        joint = BODY.joint_names.index(name)
        assert float(after.mean[joint]) == mean
        # Whatever part of the guess each trial and person has: it is their own posture.
        assert information[joint] == pytest.approx(1 / sd**2, rel=1e-12)
    others = [i for i, name in enumerate(BODY.joint_names) if name not in asked]
    assert_allclose(after.mean[np.asarray(others)], before.mean[np.asarray(others)], atol=0)
    assert_allclose(after.sd[np.asarray(others)], before.sd[np.asarray(others)], atol=0)
    assert_allclose(after.share, SHARE, atol=0)


def test_a_coordinate_that_there_is_not_is_refused():
    with pytest.raises(UnknownNameError, match="knie"):
        posed(problem(), BODY, Stance(STILL, {"knie": (0.0, 0.1)}))
