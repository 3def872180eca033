"""Angle curves of known functions, and clinical signs of a body that turns in known ways."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError, UnknownNameError
from diffbio.gait import find_cycles
from diffbio.gait.angles import CLINICAL_ANGLES, angle_curves, clinical_angles
from tests.gait.walkers import Walker

NAMES = ("pelvis_tilt", "pelvis_list", "pelvis_rotation") + tuple(
    f"{name}_{side}"
    for side in "rl"
    for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
)


def test_curves_of_a_periodic_angle():
    walker = Walker(duration=8.0)
    time = walker.points().time
    phase = 2 * np.pi * (time - walker.contacts("r")[0]) / walker.stride_time
    values = np.stack([np.sin(phase), 3 + np.cos(phase)], axis=1)
    cycles = find_cycles(walker.events()).cycles
    curves = angle_curves(cycles, time, ("a", "b"), values, side="r", sd=np.full_like(values, 0.1))
    turn = 2 * np.pi * curves.percent / 100.0
    assert curves.percent[[0, 50, 100]].tolist() == [0, 50, 100]
    assert len(curves.curves) == len([c for c in cycles if c.side == "r"]) >= 5
    expected = np.stack([np.sin(turn), 3 + np.cos(turn)], axis=1)
    assert_allclose(curves.mean, expected, atol=1e-3)  # straight lines between samples
    assert_allclose(curves.spread, 0.0, atol=1e-3)
    assert curves.sd is not None
    assert_allclose(curves.sd, 0.1)
    left = angle_curves(cycles, time, ("a", "b"), values, side="l")
    assert_allclose(left.mean, np.stack([-np.sin(turn), 3 - np.cos(turn)], 1), atol=1e-3)


def test_no_cycle_gives_no_curve():
    time = np.arange(100) / 100.0
    curves = angle_curves((), time, ("a",), time[:, None], side="r")
    assert curves.curves.shape == (0, 101, 1)
    assert np.isnan(curves.mean).all() and np.isnan(curves.spread).all()
    with pytest.raises(InputError, match="There are 2 names for 1 columns"):
        angle_curves((), time, ("a", "b"), time[:, None], side="r")


def clinical(side, heading=0.0, **changes):
    """Clinical angles in degrees of an upright walker with some coordinates changed."""
    points = Walker(heading=heading, duration=3.0).points()
    values = np.zeros((len(points.time), len(NAMES)))
    values[:, NAMES.index("pelvis_rotation")] = heading
    for name, degrees in changes.items():
        values[:, NAMES.index(name)] += np.deg2rad(degrees)
    angles = clinical_angles(NAMES, values, points, side=side, pelvis_inclination=0.0)
    return dict(zip(CLINICAL_ANGLES, np.rad2deg(angles[100]), strict=True))


@pytest.mark.parametrize("heading", [0.0, 2.0, -3.0])
@pytest.mark.parametrize("side", ["r", "l"])
def test_upright_walker_has_no_angle(side, heading):
    assert_allclose(list(clinical(side, heading).values()), 0.0, atol=1e-9)  # degrees


@pytest.mark.parametrize(
    ("coordinate", "angle", "right", "left"),
    [
        ("pelvis_tilt", "pelvis_tilt", -8.0, -8.0),  # backwards is negative anterior tilt
        ("pelvis_list", "pelvis_obliquity", -8.0, 8.0),  # right side down, left side up
        ("pelvis_rotation", "pelvis_rotation", 8.0, -8.0),  # to the left: right side forward
    ],
)
def test_pelvis_has_the_signs_of_the_side(coordinate, angle, right, left):
    for side, expected in (("r", right), ("l", left)):
        angles = clinical(side, heading=1.0, **{coordinate: 8.0})
        assert angles.pop(angle) == pytest.approx(expected)
        assert_allclose(list(angles.values()), 0.0, atol=1e-9)


def test_joints_keep_their_signs():
    angles = clinical("l", hip_flexion_l=20, knee_angle_l=40, ankle_angle_l=-10, knee_angle_r=5)
    assert angles["hip_flexion"] == pytest.approx(20)
    assert angles["knee_flexion"] == pytest.approx(40)
    assert angles["ankle_dorsiflexion"] == pytest.approx(-10)


def test_inclination_goes_to_tilt_and_hip():
    points = Walker(duration=3.0).points()
    angles = clinical_angles(
        NAMES, np.zeros((300, len(NAMES))), points, side="r", pelvis_inclination=0.1
    )
    assert_allclose(angles[100, [0, 3]], 0.1)


@pytest.mark.parametrize("side", ["r", "l"])
def test_toes_that_point_in_are_positive(side):
    points = Walker(duration=3.0).points()
    index = "rl".index(side)
    inwards = np.deg2rad(10.0) * (1 if side == "r" else -1)  # right foot: towards the left
    toe = points.toe.copy()
    toe[:, index] = points.heel[:, index] + 0.2 * np.array([np.cos(inwards), np.sin(inwards), 0.0])
    turned = dataclasses.replace(points, toe=toe)
    angles = clinical_angles(
        NAMES, np.zeros((300, len(NAMES))), turned, side=side, pelvis_inclination=0.0
    )
    assert np.rad2deg(angles[100, 8]) == pytest.approx(10.0)


def test_missing_coordinate_is_refused():
    points = Walker(duration=3.0).points()
    with pytest.raises(UnknownNameError, match="No coordinate is called 'pelvis_tilt'"):
        clinical_angles(("a",), np.zeros((300, 1)), points, side="r", pelvis_inclination=0.0)
