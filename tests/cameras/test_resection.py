"""One camera placed anew among wrong detections: back where it stood."""

import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from diffbio.cameras.adjustment import adjustment_of
from diffbio.cameras.resection import placed_anew
from diffbio.simulation.recording import ring_of_cameras

TRUE = ring_of_cameras(4).subset(("cam02",))
POINTS = np.random.default_rng(0).uniform([-1.0, -1.0, 0.0], [1.0, 1.0, 1.8], (500, 3))
NUDGE = jnp.asarray([[0.02, -0.03, 0.01, 0.05, -0.04, 0.03, 0.0, 0.0, 0.0, 0.0, 0.0]])


def seen() -> np.ndarray:
    return np.asarray(TRUE.project(jnp.asarray(POINTS)))[0]


def test_exact_detections_put_it_back():
    found = placed_anew(TRUE.adjusted(adjustment_of(NUDGE)), POINTS, seen())
    assert found.names == TRUE.names
    assert_allclose(found.centres, TRUE.centres, atol=1e-8)  # m
    assert_allclose(found.camera_from_world_rotation, TRUE.camera_from_world_rotation, atol=1e-9)


def test_a_tenth_of_wrong_detections_hardly_moves_it():
    rng = np.random.default_rng(1)
    pixels = seen() + rng.standard_normal((500, 2))
    pixels[:50] += 200.0
    found = placed_anew(TRUE.adjusted(adjustment_of(NUDGE)), POINTS, pixels)
    # 1 px over 450 points at 5 m: about 2 mm; Huber's loss lets the outliers pull a little.
    assert np.linalg.norm(np.asarray(found.centres - TRUE.centres)) < 0.015
    assert_allclose(found.focal_px, TRUE.focal_px)
