"""The objective as a whole: padding, order, gradient."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.fitting.problem import CORRELATION_TIME, DETECTOR_SD, make_problem

DEPTH = np.full(4, 5.0)


def cost(problem, unknowns):
    return float(eqx.filter_jit(lambda p, u: p.cost(u))(problem, unknowns))


def test_padded_frames_weigh_nothing(recording, unknowns, problem):
    n = len(recording.keypoints.time)
    assert len(problem.time) >= n
    assert not np.asarray(problem.reprojection.weight)[:, n:].any()
    cut = jax.tree.map(lambda x: x, recording.keypoints)
    fewer = dataclasses.replace(
        cut,
        pixels=cut.pixels[:, : n - 3],
        confidence=cut.confidence[:, : n - 3],
        time=cut.time[: n - 3],
    )
    hidden = dataclasses.replace(
        cut, confidence=cut.confidence * (np.arange(n) < n - 3)[None, :, None]
    )
    short = make_problem(recording.body, recording.rig, fewer, DEPTH, dtype=np.float64)
    masked = make_problem(recording.body, recording.rig, hidden, DEPTH, dtype=np.float64)
    assert len(short.time) == len(masked.time)
    ours, other = (p.reprojection(p.estimate(unknowns)) for p in (short, masked))
    assert_allclose(ours, other, rtol=1e-9)


def test_order_of_keypoints_does_not_matter(recording, unknowns, problem):
    keypoints = recording.keypoints
    order = np.random.default_rng(0).permutation(len(keypoints.names))
    shuffled = dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :, order],
        confidence=keypoints.confidence[:, :, order],
        names=tuple(keypoints.names[i] for i in order),
    )
    other = make_problem(recording.body, recording.rig, shuffled, DEPTH, dtype=np.float64)
    assert_allclose(cost(other, unknowns), cost(problem, unknowns), rtol=1e-12)


def test_sigma_is_one_centimetre_at_the_person(recording, problem):
    focal = np.asarray(recording.rig.focal_px).mean(1)
    assert_allclose(problem.reprojection.sigma_px, focal * DETECTOR_SD / DEPTH)


def test_frames_closer_than_the_correlation_time_share_information(recording, problem):
    interval = 1 / 24.0
    assert_allclose(
        problem.reprojection.weight.max(), 0.99 * interval / CORRELATION_TIME, rtol=0.05
    )


def test_low_confidence_is_ignored(recording):
    low = dataclasses.replace(
        recording.keypoints, confidence=np.minimum(recording.keypoints.confidence, 0.29)
    )
    problem = make_problem(recording.body, recording.rig, low, DEPTH)
    assert not np.asarray(problem.reprojection.weight).any()


@pytest.mark.parametrize("part", ["network", "log_scale", "marker_offset", "cameras"])
def test_gradient_matches_central_differences(problem, unknowns, part):
    """Along a random direction in each kind of unknown, relative error below 1e-4."""
    where = {
        "network": lambda u: u.trajectory.network.layers[-1].weight,
        "log_scale": lambda u: u.parameters.log_scale,
        "marker_offset": lambda u: u.parameters.marker_offset,
        "cameras": lambda u: u.camera_rotation,
    }[part]
    base = where(unknowns)
    direction = jnp.asarray(np.random.default_rng(1).normal(size=base.shape))

    @jax.jit
    def along(step):
        return problem.cost(eqx.tree_at(where, unknowns, base + step * direction))

    h = 1e-5
    slope = jax.grad(along)(jnp.asarray(0.0))
    central = (along(jnp.asarray(h)) - along(jnp.asarray(-h))) / (2 * h)
    assert_allclose(slope, central, rtol=1e-4)
