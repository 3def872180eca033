"""The root's reference path: close to its samples however often the person turns."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.trajectories import RootReference
from diffbio.trajectories.reference import KNOT_SPACING, fit_root_reference

TIME = np.arange(500) / 50.0


def turning_walk(turns: float) -> tuple[np.ndarray, Rotation]:
    """A walk in a circle that ends after that many turns, and its heading with a little sway."""
    phase = TIME / TIME[-1]
    heading = 2 * np.pi * turns * phase
    position = np.stack([np.sin(heading), 1 - np.cos(heading), 0.9 + 0.1 * phase], axis=1)
    sway = np.stack([0.1 * np.sin(6 * TIME), 0.05 * np.cos(5 * TIME), heading], axis=1)
    return position, Rotation.from_euler("xyz", sway)


def angle_between(reference: RootReference, rotation: Rotation, time: np.ndarray) -> np.ndarray:
    """In degrees."""
    _, quaternion = reference(jnp.asarray(time))
    found = Rotation.from_quat(np.array(quaternion), scalar_first=True)
    return np.rad2deg((found * rotation.inv()).magnitude())


def fitted(
    position: np.ndarray, quaternion: np.ndarray, valid: np.ndarray, n_control: int = 54
) -> RootReference:
    return fit_root_reference(TIME, position, quaternion, valid, n_control, np.float64)


@pytest.mark.parametrize("turns", [0.0, 1.0, -2.6])
def test_it_stays_close_through_several_turns_and_gaps(turns: float):
    position, rotation = turning_walk(turns)
    rng = np.random.default_rng(11)
    # Signs at random, as a solver frame by frame returns them.
    quaternion = rotation.as_quat(scalar_first=True) * rng.choice([-1.0, 1.0], (len(TIME), 1))
    valid = np.ones(len(TIME), bool)
    valid[120:150] = valid[300:320] = False
    garbage = np.where(valid[:, None], 0.0, np.nan)
    reference = fitted(position + garbage, quaternion + garbage, valid)
    found, unit = reference(jnp.asarray(TIME))
    assert_allclose(np.linalg.norm(unit, axis=1), 1.0, rtol=0, atol=1e-14)
    # Metres and degrees: what a spline with knots 0.2 s apart leaves of a turn in four seconds.
    assert np.abs(np.asarray(found) - position)[valid].max() < 0.01
    assert angle_between(reference, rotation, TIME)[valid].max() < 2.0
    # Through a gap of 0.6 s too.
    assert np.abs(np.asarray(found) - position).max() < 0.05
    assert angle_between(reference, rotation, TIME).max() < 6.0


def test_single_posed_frame_holds_everywhere():
    position, rotation = turning_walk(1.0)
    valid = np.arange(len(TIME)) == 40
    reference = fitted(position, rotation.as_quat(scalar_first=True), valid)
    assert angle_between(reference, rotation[40], TIME).max() < 1e-3
    assert_allclose(
        reference(jnp.asarray(TIME))[0], np.tile(position[40], (len(TIME), 1)), rtol=0, atol=1e-5
    )


def test_knots_span_the_trial_and_are_never_closer_than_stated():
    position, rotation = turning_walk(0.0)
    quaternion, everywhere = rotation.as_quat(scalar_first=True), np.ones(len(TIME), bool)
    few = fitted(position, quaternion, everywhere, n_control=13)
    assert float(few.spacing) == pytest.approx(TIME[-1] / 10)
    many = fitted(position, quaternion, everywhere, n_control=90)
    assert float(many.spacing) == KNOT_SPACING
    assert many.position_control.shape == (90, 3)
    # Frames that pad a trial lie beyond the last sample; they stay nearby and finite.
    padding = TIME[-1] + np.linspace(0.0, TIME[-1] / 8, 20)
    found, unit = many(jnp.asarray(padding))
    assert np.linalg.norm(np.asarray(found) - position[-1], axis=1).max() < 2.0
    assert_allclose(np.linalg.norm(unit, axis=1), 1.0, rtol=0, atol=1e-14)
