"""Inertia of a person: against C MuJoCo's own scaling, totals, and what is refused."""

import dataclasses

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.c_mujoco_inverse import NativeDynamics
from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.dynamics import Anthropometry, de_leva, person_inertia
from diffbio.dynamics.inertia import LIGHTEST_KG
from diffbio.errors import InputError, UnknownNameError
from tests.body.native import random_person
from tests.body.small_models import WALKER, WALKER_POINTS, body_of


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return default_body(load_keypoint_set("coco_wholebody_133"))


def test_scales_as_the_written_person_does(tmp_path):
    """Cube and fifth power of the size, and then one factor for the mass."""
    walker = body_of(WALKER, WALKER_POINTS, tmp_path)
    person = random_person(walker, np.random.default_rng(0))
    oracle = NativeDynamics(walker, person).inertia(walker)
    heavier = 2.0 * float(oracle.total_mass)
    ours = person_inertia(walker, person, heavier)
    assert_allclose(ours.mass, 2.0 * oracle.mass, rtol=1e-6)  # MuJoCo's file has no massless body
    assert_allclose(ours.centre, oracle.centre, rtol=0, atol=1e-12)
    # The file adds a ten thousandth of the trace, so that MuJoCo accepts what it reads back.
    assert_allclose(ours.tensor, 2.0 * oracle.tensor, rtol=0, atol=1e-3)


def test_mass_is_the_persons(body):
    person = random_person(body, np.random.default_rng(1))
    for anthropometry in (None, de_leva(body), de_leva(body, "f")):
        inertia = person_inertia(body, person, 58.5, anthropometry=anthropometry)
        assert_allclose(float(inertia.total_mass), 58.5, rtol=0, atol=1e-9)


def test_segments_have_their_share_whatever_their_size(body):
    person = random_person(body, np.random.default_rng(2))
    inertia = person_inertia(body, person, 100.0, anthropometry=de_leva(body, "m"))
    of_segment = np.bincount(np.asarray(body.segment_of_body), weights=np.asarray(inertia.mass))
    found = dict(zip(body.segment_names, of_segment, strict=True))
    # Table 4: per cent of the whole, which sums to 100.0 with both sides.
    assert_allclose(found["thigh_r"], 14.16, rtol=0, atol=0.02)
    assert_allclose(found["shank_l"], 4.33, rtol=0, atol=0.02)
    shoulders = found.get("shoulder_r", 0.0) + found.get("shoulder_l", 0.0)
    assert_allclose(found["torso"] + shoulders, 32.29, rtol=0, atol=0.05)


def test_what_a_body_lacks_counts_with_the_next_towards_the_pelvis():
    handless = default_body(load_keypoint_set("coco_17"))
    assert "hand_r" not in handless.segment_names
    shares = de_leva(handless, "f").shares
    assert_allclose(sum(shares.values()), 1.0, rtol=0, atol=1e-12)
    # Table 4: forearm 1.38 and hand 0.56 per cent; all its segments sum to 99.99.
    assert_allclose(shares["forearm_r"], 0.0138 + 0.0056, rtol=0, atol=1e-5)


def test_frames_between_joints_have_no_inertia(body):
    inertia = person_inertia(body, body.default_parameters(np.float64), 70.0)
    base = np.asarray([one.mass for one in body.skeleton.inertia])
    frames = base <= LIGHTEST_KG
    assert frames.any()
    assert np.all(np.asarray(inertia.tensor)[frames] == 0.0)
    # What is left has radii of gyration of people.
    mass = np.asarray(inertia.mass)[~frames]
    radius = np.sqrt(np.linalg.eigvalsh(np.asarray(inertia.tensor)[~frames]).max(1) / mass)
    assert radius.max() < 0.3


def test_thigh_and_sacrum_have_their_centres_where_people_have_them(body):
    parameters = body.default_parameters(np.float64)
    inertia = person_inertia(body, parameters, 70.0, anthropometry=de_leva(body, "m"))
    names = body.body_names
    knee = body.skeleton.position[names.index("tibia_r")]
    assert_allclose(inertia.centre[names.index("femur_r")], 0.4095 * knee, rtol=0, atol=1e-12)
    pelvis, sacrum = (np.asarray(inertia.centre[names.index(n)]) for n in ("pelvis", "sacrum"))
    assert_allclose(sacrum, pelvis, rtol=0, atol=1e-12)


def test_gradient_reaches_sizes(body):
    parameters = body.default_parameters(np.float64)

    def trace(log_scale):
        moved = dataclasses.replace(parameters, log_scale=log_scale)
        return person_inertia(body, moved, 70.0).tensor.sum()

    slope = jax.grad(trace)(parameters.log_scale)
    step = 1e-6
    for i in (0, 3):
        up, down = (trace(parameters.log_scale.at[i].add(s)) for s in (step, -step))
        assert_allclose(slope[i], (up - down) / (2 * step), rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("mass", "complaint"),
    [
        (None, r"mass is not known\. Weigh the person"),
        (float("nan"), "mass is not known"),
        (0.0, "would weigh 0 kg"),
        (70000.0, "would weigh 70000 kg"),
    ],
)
def test_a_mass_that_is_no_persons_is_refused(body, mass, complaint):
    with pytest.raises(InputError, match=complaint):
        person_inertia(body, body.default_parameters(np.float64), mass)


def test_a_model_without_mass_is_refused(body):
    nothing = tuple(one._replace(mass=0.0) for one in body.skeleton.inertia)
    empty = dataclasses.replace(body, skeleton=dataclasses.replace(body.skeleton, inertia=nothing))
    with pytest.raises(InputError, match=r"No body of the model has a mass\. Give its bodies"):
        person_inertia(empty, empty.default_parameters(np.float64), 70.0)


def test_shares_that_mean_nothing_are_refused(body, tmp_path):
    parameters = body.default_parameters(np.float64)
    with pytest.raises(UnknownNameError, match="No segment is called 'tail'"):
        person_inertia(body, parameters, 70.0, anthropometry=Anthropometry({"tail": 1.0}, {}))
    with pytest.raises(InputError, match="One is not positive"):
        person_inertia(body, parameters, 70.0, anthropometry=Anthropometry({"pelvis": 0.0}, {}))
    with pytest.raises(UnknownNameError, match="No segment is called 'pelvis'"):
        person_inertia(body, parameters, 70.0, anthropometry=Anthropometry({"torso": 1.0}, {}))
    with pytest.raises(InputError, match="Give 'f', 'm' or None"):
        de_leva(body, "x")
    with pytest.raises(InputError, match="None is called 'pelvis'"):
        de_leva(body_of(WALKER, WALKER_POINTS, tmp_path))
