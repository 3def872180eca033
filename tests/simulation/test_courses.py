"""A course goes as far as was walked, faces where it goes, and bends the walk with it."""

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import default_body, load_keypoint_set
from diffbio.simulation.courses import circle, straight, there_and_back, treadmill
from diffbio.simulation.walking import walking_pose

GONE = np.linspace(-4.0, 4.0, 1601)


@pytest.mark.parametrize("course", [straight, circle(1.5), there_and_back(1.3)])
def test_a_course_is_as_long_as_the_way_and_faces_along_it(course):
    place, heading = course(GONE)
    step = np.diff(place, axis=0)
    assert_allclose(np.linalg.norm(step, axis=1), 0.005, rtol=2e-3)
    middle = 0.5 * (heading[1:] + heading[:-1])
    along = np.stack([np.cos(middle), np.sin(middle)], axis=1)
    assert_allclose(step / 0.005, along, atol=0.01)


def test_there_and_back_turns_at_its_reach():
    place, heading = there_and_back(1.3)(GONE)
    assert_allclose(place[:, 0].max(), 1.3, atol=1e-9)
    assert_allclose(heading[-1] - heading[0], np.pi, atol=1e-9)


def test_a_treadmill_stays():
    place, heading = treadmill(GONE)
    assert not place.any() and not heading.any()


def test_a_walk_in_a_circle_is_the_straight_walk_turned():
    """The same joints, at the same height; the pelvis faces along the circle."""
    body = default_body(load_keypoint_set("halpe_26"))
    parameters, time = body.default_parameters(np.float64), np.arange(0.0, 2.0, 0.05)
    straightly = walking_pose(body, parameters, time)
    bent = walking_pose(body, parameters, time, course=circle(1.5))
    assert_allclose(bent.joints, straightly.joints)
    assert_allclose(bent.root_position[:, 2], straightly.root_position[:, 2])
    # The pelvis sways by 2 cm to both sides of its way.
    radius = np.linalg.norm(np.asarray(bent.root_position)[:, :2], axis=1)
    assert_allclose(radius, 1.5, atol=0.021)
    pelvis = body.body_names.index("pelvis")
    facing = [
        np.asarray(jax.jit(body.body_poses)(parameters, pose)[1])[:, pelvis, :2, 0]
        for pose in (straightly, bent)
    ]
    turned = np.unwrap([np.arctan2(one[:, 1], one[:, 0]) for one in facing], axis=1)
    gone = np.asarray(straightly.root_position)[:, 0]
    assert_allclose(turned[1] - turned[0], gone / 1.5, atol=1e-6)
