"""Cameras are found from moving points alone: exactly without noise, and as sure as they say."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.cameras.adjustment import adjustment_of
from diffbio.cameras.calibration.points.certainty import certainty, in_world
from diffbio.cameras.calibration.points.clocks import find_clocks, rays_of
from diffbio.cameras.calibration.points.equations import CLOCK, FOCAL, WIDTH
from diffbio.cameras.calibration.points.first_poses import NotPlaced
from diffbio.cameras.calibration.points.pairs import relative_pose
from diffbio.cameras.calibration.points.prediction import predicted
from diffbio.cameras.calibration.points.solve import find_cameras, refined_cameras
from diffbio.cameras.calibration.points.tracks import sampled
from tests.cameras.calibration.points.moving_points import laid_over, positions, recorded

LATE = np.array([0.08, -0.05, 0.0, -0.11])


@pytest.fixture(scope="module")
def exact():
    rig, tracks = recorded()
    return rig, tracks, find_cameras(rig, tracks)


def test_exact_detections_give_the_exact_rig(exact):
    rig, _, found = exact
    turn_deg, away = laid_over(found.rig, rig)
    assert turn_deg.max() < 1e-3
    assert away.max() < 1e-4  # m
    assert np.nanmax(found.residual_px) < 1e-2


def test_poses_of_the_lenses_are_not_looked_at(exact):
    rig, tracks, found = exact
    moved = rig.adjusted(_some_adjustment(rig))
    again = find_cameras(moved, tracks)
    np.testing.assert_allclose(again.rig.centres, found.rig.centres, atol=1e-9)


def _some_adjustment(rig):
    columns = np.zeros((len(rig.names), 11))
    columns[:, :6] = np.random.default_rng(0).normal(size=(len(rig.names), 6))
    return adjustment_of(jnp.asarray(columns))


def test_outliers_do_not_move_the_rig():
    rig, tracks = recorded(noise_px=1.0, outliers=0.06)
    turn_deg, away = laid_over(find_cameras(rig, tracks).rig, rig)
    assert turn_deg.max() < 0.2
    assert away.max() < 0.03  # m


def test_relative_pose_is_that_of_the_rig():
    rig, tracks = recorded(2, outliers=0.2)
    rays = rays_of(rig, tracks.pixels, tracks.seen).reshape(2, -1, 3)
    pose = relative_pose(rays[0], rays[1])
    assert pose is not None
    rotation = np.asarray(rig.camera_from_world_rotation)
    direction = rotation[1] @ np.asarray(rig.centres[0] - rig.centres[1])
    np.testing.assert_allclose(pose.rotation, rotation[1] @ rotation[0].T, atol=1e-4)
    np.testing.assert_allclose(pose.direction, direction / np.linalg.norm(direction), atol=1e-4)


@pytest.mark.slow
def test_clocks_come_out_with_the_poses():
    rig, tracks = recorded(late=LATE)
    found = find_cameras(rig, tracks, clocks=True)
    error = found.offset - LATE
    # Pictures are interpolated along straight lines between frames 33 ms apart.
    assert np.abs(error - error.mean()).max() < 0.002  # s
    assert laid_over(found.rig, rig)[0].max() < 0.2


def test_clocks_of_points_at_rest_are_not_known():
    rig, tracks = recorded(noise_px=0.5, moving=False)
    assert not find_clocks(rig, tracks).known.any()


def test_focal_lengths_come_out_of_a_prior():
    rig, tracks = recorded()
    wrong = np.array([1.02, 0.98, 1.01, 1.0])[:, None]
    lenses = dataclasses.replace(rig, focal_px=rig.focal_px * wrong)
    found = find_cameras(lenses, tracks, focal_sd=0.05)
    # Size and focal lengths are known up to what the prior says of their common part.
    ratio = np.asarray(found.rig.focal_px / rig.focal_px)[:, 0]
    assert np.abs(ratio - 1.0).max() < 0.01


def test_standard_deviations_of_focal_lengths_hold():
    """Each is what the picture leaves of the prior: errors over it are about one."""
    rng, scores = np.random.default_rng(3), []
    for seed in range(3):
        rig, noisy = recorded(noise_px=2.0, seed=seed)
        wrong = rng.normal(0.0, 0.03, 4)
        lenses = dataclasses.replace(rig, focal_px=rig.focal_px * jnp.exp(wrong)[:, None])
        found = find_cameras(lenses, noisy, focal_sd=0.03)
        error = np.log(np.asarray(found.rig.focal_px / rig.focal_px))[:, 0]
        sd = certainty(found).log_focal
        assert (sd < 0.03).all()
        scores.append(error / sd)
    assert 0.4 < np.sqrt(np.mean(np.square(scores))) < 1.7


def test_of_two_cameras_the_directions_are_uncertain_and_the_places_are_not():
    """Two centres always lie on two others; how both look is what may be wrong."""
    rig, noisy = recorded(2, noise_px=2.0)
    sure = certainty(find_cameras(rig, noisy))
    assert sure.centre.max() < 1e-6
    assert (sure.rotation > 1e-4).all()


def test_the_covariance_turns_and_grows_with_the_world(exact):
    rig, _, _ = exact
    _, noisy = recorded(noise_px=2.0)
    found = find_cameras(rig, noisy)
    sure = certainty(found)
    there = in_world(sure, rig, found.rig)
    variances = np.diagonal(there.covariance).reshape(4, WIDTH)
    np.testing.assert_allclose(np.sqrt(variances[:, 3:6].sum(1)), there.centre, rtol=1e-6)
    places = [np.asarray(r.centres) for r in (rig, found.rig)]
    spread = [np.linalg.norm(one - one.mean(0)) for one in places]
    np.testing.assert_allclose(there.centre, sure.centre * spread[0] / spread[1], rtol=1e-9)
    np.testing.assert_allclose(there.rotation, sure.rotation)


def test_what_was_seen_between_frames_is_interpolated():
    rig, tracks = recorded()
    times = np.arange(0.5, 2.0, 0.01)
    late = np.array([0.013, -0.02, 0.0, 0.004])
    samples = sampled(tracks, times, late)
    there = positions(times[None] - late[:, None])
    truth = np.stack(rig.project_components(jnp.asarray(there), own=True), axis=-1)
    assert np.abs(samples.pixels - truth).max() < 2.0  # px, of up to 300 px per second per frame
    there = positions(times[None] - late[:, None] + 1e-4)
    later = np.stack(rig.project_components(jnp.asarray(there), own=True), axis=-1)
    assert np.abs(samples.velocity_px - (later - truth) / 1e-4).max() < 60.0  # px / s


def test_a_camera_that_shares_nothing_is_left():
    rig, tracks = recorded()
    weight = tracks.weight.copy()
    weight[3, :45], weight[:3, 45:] = 0.0, 0.0
    with pytest.raises(NotPlaced) as caught:
        find_cameras(rig, dataclasses.replace(tracks, weight=weight))
    assert caught.value.left == [3]


def test_standard_deviations_hold():
    """Errors of centres over what was stated: one, over many recordings."""
    scores = []
    rig, tracks = recorded()
    first = find_cameras(rig, tracks)
    for seed in range(8):
        _, noisy = recorded(noise_px=2.0, seed=seed)
        free = np.ones((4, WIDTH), bool)
        free[:, [FOCAL, CLOCK]] = False
        found = refined_cameras(first.rig, noisy, first.times, np.zeros(4), free)
        size = np.linalg.norm(rig.centres - rig.centres.mean(0)[None])
        ours = np.asarray(found.rig.centres)
        unit = size / np.linalg.norm(ours - ours.mean(0))
        scores.append(laid_over(found.rig, rig)[1] / (unit * certainty(found).centre))
    assert 0.5 < np.sqrt(np.mean(np.square(scores))) < 1.5


@pytest.mark.slow
def test_blocks_that_are_kept_out_are_predicted(exact):
    rig, _, _ = exact
    _, noisy = recorded(noise_px=2.0)
    ahead = predicted(find_cameras(rig, noisy), noisy)
    # The median of a Rayleigh error of 2 px is 2.4 px; the others' own errors add to it.
    assert (ahead.median_px > 2.0).all()
    assert (ahead.median_px < 5.0).all()
    assert (ahead.agreeing > 0.8).all()
