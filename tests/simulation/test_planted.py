"""With planted feet a simulated walk has steps that can be measured."""

import jax
import numpy as np
import pytest

from diffbio.body import default_body, load_keypoint_set
from diffbio.gait import gait_points, marker_events, spatiotemporal
from diffbio.observations import Markers
from diffbio.simulation import walking

TIME = np.arange(240) / 60.0


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set("halpe_26"))


def measured(body, **how):
    parameters = body.default_parameters(np.float64)
    pose = walking.walking_pose(body, parameters, TIME, **how)
    positions = np.asarray(jax.jit(body.marker_positions)(parameters, pose), float)
    points = gait_points(Markers(body.marker_names, positions, TIME, "simulated"))
    return spatiotemporal(points, marker_events(points)), np.asarray(pose.root_position)


def test_steps_are_those_of_the_simulation(body):
    table, root = measured(body, planted=True, phase_at_start=0.3)
    assert len(table.strides) >= 5 and not table.cycles.excluded
    assert table.metric("cadence").value == pytest.approx(120 * walking.CADENCE_HZ, rel=0.005)
    mean = (root[-1, 0] - root[0, 0]) / (TIME[-1] - TIME[0])
    assert table.metric("speed").value == pytest.approx(mean, abs=0.05)  # m/s; whole strides only
    assert 55.0 < table.metric("stance_percent", "r").value < 65.0
    right, left = (table.metric("step_length", side).value for side in ("r", "l"))
    assert right == pytest.approx(left, abs=0.01)  # m; the simulated person is symmetric


def test_without_they_slide_and_nothing_is_measured(body):
    table, root = measured(body, phase_at_start=0.3)
    assert not table.strides
    assert "The feet slide" in str(table.metric("speed").reason)
    assert np.ptp(np.diff(root[:, 0])) < 1e-9  # m: constant speed
