"""Plates onto feet, and every fault of plates that a motion can show: simulated contacts."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import Pose
from diffbio.dynamics import (
    GRAVITY,
    FilteredMotion,
    FootPaths,
    Movement,
    check_plates,
    mass_on_plates,
    plates_on_feet,
)
from diffbio.dynamics.feet import contacts, foot_on_plate
from diffbio.dynamics.plate_samples import NeededWrench
from diffbio.errors import InputError, UnknownNameError
from diffbio.observations import GroundReactions

MASS = 70.0
WEIGHT = MASS * GRAVITY
STEP_S, STANCE_S, STRIDE = 0.55, 0.65, 1.3
FOOT = 0.24
"""From heel to toe, in metres."""

START, END = 0.6, 2.4
"""While the walker below is on the plates, in seconds."""


def walk(rate_hz: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A walker made of steps: times, heels, and force, pressure and load of each foot.

    The right foot lands at even steps and the left at odd ones, each STRIDE / 2 ahead of the
    other. Forces are half waves that overlap, and the person accelerates as they say.
    """
    time = np.arange(round(3.0 * rate_hz) + 1) / rate_hz
    heel = np.zeros((len(time), 2, 3))
    force, point = np.zeros((len(time), 2, 3)), np.full((len(time), 2, 3), np.nan)
    for side, lateral in enumerate((-0.08, 0.08)):
        heel[:, side, 1] = lateral
        for step in range(-2, 8):
            if step % 2 != side:
                continue
            on = step * STEP_S
            place = step * STRIDE / 2
            swing = np.clip((time - on - STANCE_S) / (2 * STEP_S - STANCE_S), 0.0, 1.0)
            during = (time >= on) & (time < on + 2 * STEP_S)
            # A cosine: at rest at both ends of the swing.
            forward = place + STRIDE * 0.5 * (1 - np.cos(np.pi * swing))
            heel[during, side, 0] = forward[during]
            stance = (time >= on) & (time <= on + STANCE_S)
            share = (time[stance] - on) / STANCE_S
            bumps = np.sin(np.pi * share) + 0.25 * np.sin(3 * np.pi * share)
            force[stance, side, 2] = 1.1 * WEIGHT * bumps
            force[stance, side, 0] = -0.2 * WEIGHT * np.sin(2 * np.pi * share)
            inwards = -np.sign(lateral)
            force[stance, side, 1] = 0.06 * WEIGHT * inwards * np.sin(np.pi * share)
            point[stance, side] = np.stack(
                [place + FOOT * share, np.full(stance.sum(), lateral), 0 * share], axis=1
            )
    point[force[..., 2] < 5.0] = np.nan
    return time, heel, force, point, force.sum(axis=1)


@pytest.fixture(scope="module")
def reactions() -> GroundReactions:
    """Columns by foot, at 1000 Hz."""
    time, _, force, point, _ = walk(1000.0)
    moment = np.zeros_like(force)
    moment[..., 2] = 3.0 * (force[..., 2] > 20.0)
    return GroundReactions(("one", "two"), force, point, moment, time, (None, None), "plates.mot")


@pytest.fixture(scope="module")
def paths() -> FootPaths:
    time, heel, *_ = walk(100.0)
    return FootPaths(time, heel, heel + np.array([FOOT, 0.0, 0.0]))


@pytest.fixture(scope="module")
def needed() -> NeededWrench:
    """What moves the walker: the forces themselves, smoothed as a motion is."""
    time, *_, force = walk(100.0)
    width = 5
    padded = np.pad(force, ((width, width), (0, 0)), mode="edge")
    kernel = np.ones(2 * width + 1) / (2 * width + 1)
    smooth = np.stack([np.convolve(one, kernel, "valid") for one in padded.T], axis=1)
    during = (time >= START) & (time <= END)
    return NeededWrench(time[during], smooth[during], MASS)


@pytest.fixture(scope="module")
def motion(needed) -> FilteredMotion:
    nothing = Pose(jnp.zeros((1, 3)), jnp.zeros((1, 4)), jnp.zeros((1, 1)))
    return FilteredMotion(needed.time, Movement(nothing, nothing, nothing), 6.0, "walk")


def test_every_contact_finds_its_foot(reactions, paths):
    for plate in range(2):
        side = foot_on_plate(reactions, plate, paths)
        loaded = reactions.force[:, plate, 2] > 20.0
        assert np.all(side[loaded] == plate)
        assert np.all(side[~loaded] == -1)


def test_a_plate_hit_by_both_feet_is_split_in_time(reactions, paths, motion):
    """Contacts of both feet on one plate, one after another, and even without unloading."""
    taken = reactions.force[:, 0, 2] >= reactions.force[:, 1, 2]
    force = np.where(taken[:, None], reactions.force[:, 0], reactions.force[:, 1])
    point = np.where(taken[:, None], *reactions.centre_of_pressure.transpose(1, 0, 2))
    moment = np.where(taken[:, None], *reactions.free_moment.transpose(1, 0, 2))
    one = GroundReactions(
        ("plate",), force[:, None], point[:, None], moment[:, None], reactions.time, (None,), "one"
    )
    assert len(contacts(one.time, force[:, 2])) == 1  # it is never unloaded
    side = foot_on_plate(one, 0, paths)
    during = (one.time > START) & (one.time < END) & (side >= 0)
    assert during.sum() > 1700
    assert_allclose(side[during], np.where(taken, 0, 1)[during])
    loads = plates_on_feet(one, paths, motion)
    at = np.searchsorted(one.time, motion.time)
    clear = np.abs(np.diff(reactions.force[at][:, :, 2], axis=1))[:, 0] > 200.0
    right = np.asarray(loads.wrenches.force[:, 0, 2])
    expected = np.where(taken, force[:, 2], 0.0)[at]
    assert_allclose(right[clear], expected[clear], rtol=0, atol=15.0)  # mean over 10 ms


def test_wrenches_are_those_of_the_plates(reactions, paths, motion):
    """Whatever the filter, force and moment about any point are kept, and act on the sole."""
    for bandwidth, close in ((None, 20.0), (25.0, 25.0)):
        loads = plates_on_feet(reactions, paths, motion, bandwidth_hz=bandwidth)
        assert loads.wrenches.bodies == ("calcn_r", "calcn_l")
        assert loads.attributed.all() and loads.notes == ()
        at = np.searchsorted(reactions.time, motion.time)
        assert_allclose(loads.wrenches.force, reactions.force[at], rtol=0, atol=close)
        loaded = reactions.force[at][..., 2] > 200.0
        off = np.asarray(loads.wrenches.point)[loaded] - reactions.centre_of_pressure[at][loaded]
        assert np.abs(off).max() < 0.02
        free = np.asarray(loads.wrenches.moment)[loaded]
        assert_allclose(free[:, :2], 0.0, rtol=0, atol=1e-9)
        assert_allclose(free[:, 2], 3.0, rtol=0, atol=1.5)


def test_pressure_between_two_feet_is_of_nobody_known(reactions, paths, motion):
    """Both feet on one plate have their pressure between them."""
    shifted = dataclasses.replace(
        reactions, centre_of_pressure=reactions.centre_of_pressure + np.array([0.0, 0.3, 0.0])
    )
    loads = plates_on_feet(shifted, paths, motion)
    assert not loads.attributed.all()
    assert "of no foot known" in loads.notes[0]


def test_good_plates_pass(reactions, needed, paths):
    stated = dataclasses.replace(reactions, feet=("r", "l"))
    for given in (reactions, stated):
        checked = check_plates(given, needed, paths)
        assert checked.corrected == () and checked.reactions is given


UP = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def turned(one: GroundReactions, force: np.ndarray, place: np.ndarray) -> GroundReactions:
    return dataclasses.replace(
        one,
        force=one.force @ force.T,
        centre_of_pressure=one.centre_of_pressure @ place.T,
        free_moment=one.free_moment @ place.T,
    )


SAME = np.eye(3)

FAULTY = {
    "sign": (
        lambda one: turned(one, -SAME, SAME),
        r"against what is needed\. Give the force",
    ),
    "axes, y up": (lambda one: turned(one, UP, UP), r"read as \(y, z, x\) \(centres of pressure"),
    "axes, backwards": (
        lambda one: turned(one, np.diag([-1.0, -1.0, 1.0]), np.diag([-1.0, -1.0, 1.0])),
        r"read as \(-x, -y, z\)",
    ),
    "axes, fore-aft": (lambda one: turned(one, np.diag([-1.0, 1, 1]), SAME), r"\(-x, y, z\)"),
    "units, force": (lambda one: turned(one, SAME / 1e3, SAME), "these are kilonewtons"),
    "units, weights": (lambda one: turned(one, SAME / WEIGHT, SAME), "these are body weights"),
    "units, pressure": (lambda one: turned(one, SAME, 1e3 * SAME), "these are millimetres"),
    "clock, ahead": (
        lambda one: dataclasses.replace(one, time=one.time + 0.08),
        r"0\.08 s ahead of the motion's\. Synchronise",
    ),
    "clock, behind": (
        lambda one: dataclasses.replace(one, time=one.time - 0.2),
        r"0\.20 s behind the motion's",
    ),
    "place": (
        lambda one: dataclasses.replace(
            one, centre_of_pressure=one.centre_of_pressure + np.array([0.6, -0.5, 0.0])
        ),
        r"shifted by \(-0\.\d+, 0\.5\d*\) m",
    ),
    "feet": (
        lambda one: dataclasses.replace(one, feet=("l", "r")),
        r"other foot stood on one \(stated l, \d of \d contacts\) and two",
    ),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_fault_is_named_and_corrected_on_request_alone(fault, reactions, needed, paths):
    made, complaint = FAULTY[fault]
    kind = fault.partition(",")[0]
    with pytest.raises(InputError, match=complaint) as raised:
        check_plates(made(reactions), needed, paths)
    assert f"ask to correct '{kind}'" in raised.value.remedy
    checked = check_plates(made(reactions), needed, paths, correct=(kind,))
    assert [one.kind for one in checked.corrected] == [kind]
    better = checked.reactions
    loaded = reactions.force[..., 2] > 100.0
    assert_allclose(better.force[loaded], reactions.force[loaded], rtol=0.25, atol=1.0)
    if kind == "clock":
        assert_allclose(better.time, reactions.time, rtol=0, atol=0.011)
    if kind == "feet":
        assert better.feet == ("r", "l")
    if kind != "units":
        near = better.centre_of_pressure[loaded] - reactions.centre_of_pressure[loaded]
        assert np.abs(near).max() < 0.15
    else:
        known = better.centre_of_pressure[loaded], reactions.centre_of_pressure[loaded]
        assert_allclose(*known, rtol=0, atol=1e-9)


def test_another_persons_mass_is_not_corrected(reactions, needed, paths):
    heavy = turned(reactions, 1.6 * SAME, SAME)
    everything = ("sign", "axes", "units", "clock", "place", "feet")
    with pytest.raises(InputError, match=r"needs 0\.6\d times the force.*Check the person's mass"):
        check_plates(heavy, needed, paths, correct=everything)


def test_two_faults_are_corrected_together(reactions, needed, paths):
    wrong = turned(reactions, -SAME / 1e3, SAME)
    with pytest.raises(InputError, match="point against"):
        check_plates(wrong, needed, paths, correct=("units",))
    checked = check_plates(wrong, needed, paths, correct=("units", "sign"))
    assert_allclose(checked.reactions.force, reactions.force, rtol=0, atol=1e-9)


def test_what_cannot_be_compared_is_refused(reactions, needed, paths, motion):
    late = dataclasses.replace(reactions, time=reactions.time + 100.0)
    with pytest.raises(InputError, match="Give plates and motion of one trial"):
        check_plates(late, needed, paths)
    with pytest.raises(InputError, match=r"Cut the motion \(`cut`\)"):
        plates_on_feet(late, paths, motion)
    idle = turned(reactions, 0.0 * SAME, SAME)
    with pytest.raises(InputError, match="The plates carried nobody"):
        check_plates(idle, needed, paths)
    with pytest.raises(UnknownNameError, match="No correction is called 'load'"):
        check_plates(reactions, needed, paths, correct=("load",))
    nowhere = dataclasses.replace(
        reactions, centre_of_pressure=np.nan * reactions.centre_of_pressure, feet=("r", "l")
    )
    with pytest.raises(InputError, match="It is missing while a plate is loaded"):
        plates_on_feet(nowhere, paths, motion)


def test_mass_is_the_mean_force_of_a_stride(reactions):
    # Two steps: the half waves' mean is 1.1 (2 / pi + 0.25 * 2 / (3 pi)) STANCE / STEP.
    share = 1.1 * (2 / np.pi + 0.5 / (3 * np.pi)) * STANCE_S / STEP_S
    found = mass_on_plates(reactions, 0.7, 0.7 + 2 * STEP_S)
    assert_allclose(found, MASS * share, rtol=0, atol=0.2)
    with pytest.raises(InputError, match="Nothing was recorded from 8 to 9 s"):
        mass_on_plates(reactions, 8.0, 9.0)
    one = dataclasses.replace(
        reactions, names=("one",), force=reactions.force[:, :1], feet=(None,),
        centre_of_pressure=reactions.centre_of_pressure[:, :1],
        free_moment=reactions.free_moment[:, :1],
    )  # fmt: skip
    with pytest.raises(InputError, match="carried nobody at times"):
        mass_on_plates(one, 0.7, 1.8)
