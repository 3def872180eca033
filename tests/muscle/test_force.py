"""Muscle forces and activation are MuJoCo's, and keep their operating range on another person."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.muscle import muscles_from_mujoco

# range (2), force, scale, lmin, lmax, vmax, fpmax, fvmax
PARAMETERS = np.array([
    [0.75, 1.05, 1000.0, 200.0, 0.5, 1.6, 1.5, 1.3, 1.2],
    [0.60, 1.20, -1.0, 350.0, 0.4, 1.8, 10.0, 0.8, 1.4],
    [0.30, 1.60, 5322.0, 200.0, 0.0, 2.0, 6.0, 2.0, 1.0],
])  # fmt: skip
DYNAMICS = np.array([[0.01, 0.04, 0.0], [0.015, 0.05, 0.2], [0.01, 0.04, 1.0]])
PATHS = np.array([[0.20, 0.31], [0.05, 0.09], [0.30, 0.52]])
ACCELERATION = np.array([2.0, 0.7, 5.0])
NAMES = ("one", "two", "three")


def muscles(**changed):
    arrays = {
        "gain": PARAMETERS, "bias": PARAMETERS, "dynamics": DYNAMICS,
        "path_range": PATHS, "acceleration": ACCELERATION,
    }  # fmt: skip
    return muscles_from_mujoco(NAMES, **{**arrays, **changed})


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_forces_are_those_of_c_mujoco(seed):
    rng = np.random.default_rng(seed)
    # From well below the shortest active fibre to well beyond the longest.
    length = PATHS[:, 0] + rng.uniform(-1.5, 4, 3) * (PATHS[:, 1] - PATHS[:, 0])
    velocity = rng.uniform(-1, 1, 3)  # m/s
    ours = muscles()
    active = np.asarray(ours.active_force(jnp.asarray(length), jnp.asarray(velocity)))
    passive = np.asarray(ours.passive_force(jnp.asarray(length)))
    for i, parameters in enumerate(PARAMETERS):
        own = PATHS[i], ACCELERATION[i], parameters
        gain = mujoco.mju_muscleGain(length[i], velocity[i], *own)
        bias = mujoco.mju_muscleBias(length[i], *own)
        scale = float(ours.maximal_force[i])
        assert_allclose(active[i] / scale, -gain / scale, atol=1e-12)
        assert_allclose(passive[i] / scale, -bias / scale, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-0.5, 1.5), min_size=6, max_size=6))
def test_activation_follows_c_mujoco(values):
    excitation, activation = np.array(values).reshape(2, 3)
    rate = muscles().activation_rate(jnp.asarray(excitation), jnp.asarray(activation))
    theirs = [
        mujoco.mju_muscleDynamics(excitation[i], activation[i], DYNAMICS[i]) for i in range(3)
    ]
    assert_allclose(np.asarray(rate) * 0.01, np.array(theirs) * 0.01, atol=1e-12)


def test_lengths_of_fibre_and_tendon_close_the_path():
    ours = muscles()
    for end in (0, 1):
        fibres = ours.operating_range[:, end] * ours.optimal_length
        assert_allclose(fibres + ours.slack_length, PATHS[:, end], atol=1e-15)  # m


def test_another_person_keeps_the_operating_range():
    ours, share = muscles(), jnp.asarray([0.2, 0.5, 0.9])
    larger = PATHS * np.array([[1.1], [0.95], [1.2]]) + 0.01
    theirs = ours.for_paths(jnp.asarray(larger))

    def at(one):
        first, last = one.path_range[:, 0], one.path_range[:, 1]
        return first + share * (last - first)

    assert_allclose(theirs.fibre_length(at(theirs)), ours.fibre_length(at(ours)), atol=1e-12)
    still = jnp.zeros(3)
    assert_allclose(
        theirs.active_force(at(theirs), still), ours.active_force(at(ours), still), rtol=1e-12
    )
    ratio = (larger[:, 1] - larger[:, 0]) / (PATHS[:, 1] - PATHS[:, 0])
    assert_allclose(theirs.optimal_length / ours.optimal_length, ratio, rtol=1e-12)


def test_forces_grow_as_areas():
    ours = muscles()
    stronger = ours.for_mass(80.0, 10.0)
    assert_allclose(stronger.maximal_force, 4 * ours.maximal_force, rtol=1e-12)


def test_gradients_are_finite_at_the_joints_of_the_curves():
    ours = muscles()
    fibres = jnp.asarray([0.5, 0.75, 1.0, 1.3, 1.6])  # of the first muscle
    lengths = ours.slack_length[0] + fibres * ours.optimal_length[0]

    def force(length):
        all_lengths = jnp.full(3, length)
        active = ours.active_force(all_lengths, jnp.zeros(3))
        return active[0] + ours.passive_force(all_lengths)[0]

    for length in lengths:
        slope = jax.grad(force)(length)
        numeric = (force(length + 1e-7) - force(length - 1e-7)) / 2e-7
        assert_allclose(slope, numeric, atol=2e-2)  # N/m, of some 1e4: the curves have kinks in it


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"bias": PARAMETERS + np.eye(3, 9)}, "gainprm and biasprm differ: one, two, three"),
        ({"path_range": PATHS[:, ::-1]}, "fibre lengths is empty: one, two, three"),
    ],
)
def test_parameters_without_meaning_are_refused(changed, complaint):
    with pytest.raises(InputError, match=complaint):
        muscles(**changed)


def test_persons_without_meaning_are_refused():
    still = jnp.asarray(PATHS).at[1, 1].set(PATHS[1, 0])
    with pytest.raises(InputError, match=r"No range of path lengths: two\."):
        muscles().for_paths(still)
    with pytest.raises(InputError, match="Masses are 0 and 84 kg"):
        muscles().for_mass(0.0, 84.0)
