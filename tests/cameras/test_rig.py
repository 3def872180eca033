"""Projection against OpenCV, adjustment of cameras, choice of cameras."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.errors import UnknownNameError

STRONG = [-0.25, 0.1, 2e-3, -1.5e-3, -0.02]
FISHEYE = [0.05, -0.02, 0.008, -0.003, 0.0]


def ring(fisheye: tuple[bool, ...] = (False, False, False)) -> CameraRig:
    """Cameras on a circle of 4 m, looking at its middle, with strong lenses."""
    angles = np.linspace(0.0, 4.0, len(fisheye))
    centres = np.stack([4.0 * np.cos(angles), 4.0 * np.sin(angles), 1.0 + 0.2 * angles], axis=-1)
    forward = np.array([0.0, 0.0, 1.0]) - centres
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    count = len(fisheye)
    return CameraRig(
        focal_px=jnp.asarray(np.tile([1300.0, 1310.0], (count, 1))),
        principal_px=jnp.asarray(np.tile([955.0, 545.0], (count, 1))),
        distortion=jnp.asarray([FISHEYE if wide else STRONG for wide in fisheye]),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=tuple(f"cam{number}" for number in range(1, count + 1)),
        image_size=((1920, 1080),) * count,
        fisheye=fisheye,
    )


def opencv_project(rig: CameraRig, points: np.ndarray) -> np.ndarray:
    images = []
    for camera, wide in enumerate(rig.fisheye):
        rotation, _ = cv2.Rodrigues(np.asarray(rig.camera_from_world_rotation[camera]))
        translation = np.asarray(rig.camera_from_world_translation[camera])
        (fx, fy), (cx, cy) = rig.focal_px[camera], rig.principal_px[camera]
        matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
        distortion = np.asarray(rig.distortion[camera])
        arguments = (points.reshape(-1, 1, 3), rotation, translation, matrix)
        image, _ = (
            cv2.fisheye.projectPoints(*arguments, distortion[:4])
            if wide
            else cv2.projectPoints(*arguments, distortion)
        )
        images.append(image.reshape(*points.shape[:-1], 2))
    return np.stack(images)


@pytest.mark.parametrize(
    "fisheye", [(False, False, False), (True, True), (True, False, True, False)]
)
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_projection_agrees_with_opencv_out_to_the_image_edge(fisheye, seed):
    rig = ring(fisheye)
    points = np.random.default_rng(seed).uniform(-1.6, 1.6, (5, 7, 3)) + np.array([0.0, 0.0, 1.0])
    assert_allclose(rig.project(jnp.asarray(points)), opencv_project(rig, points), atol=1e-6)  # px


def test_pixels_return_to_the_ray_they_came_from():
    rig = ring((False, True, False))
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (40, 3)) + np.array([0.0, 0.0, 1.0])
    pixels = rig.project(jnp.asarray(points))
    again = rig.image_from_normalised(rig.normalised_from_image(pixels))
    assert_allclose(again, pixels, atol=1e-3)  # px, as promised
    seen = rig.in_camera(jnp.asarray(points))
    assert_allclose(rig.normalised_from_image(pixels), seen[..., :2] / seen[..., 2:], atol=1e-9)


def test_depth_is_measured_from_the_centre_along_the_optical_axis():
    rig = ring()
    forward = rig.camera_from_world_rotation[:, 2]
    ahead = rig.centres + 2.5 * forward
    assert_allclose(jnp.diagonal(rig.depth(ahead)), 2.5, atol=1e-12)
    assert_allclose(rig.depth(jnp.zeros(3)).shape, (3,))


@pytest.mark.parametrize("depth", [-1.0, 0.0, 1e-9, 0.0999, 2.0])
def test_gradient_is_finite_in_front_at_and_behind_the_camera(depth):
    rig = ring()
    point = rig.centres[0] + depth * rig.camera_from_world_rotation[0, 2]
    image, jacobian = rig.project(point), jax.jacrev(rig.project)(point)
    assert np.all(np.isfinite(image)) and np.all(np.isfinite(jacobian))


def test_gradient_with_respect_to_every_camera_parameter_equals_central_differences():
    rig = ring((False, True, False))
    points = jnp.asarray([[0.3, -0.2, 1.4], [-0.5, 0.4, 0.2]])
    # Pixels times fixed weights, so that errors of opposite sign cannot cancel.
    weights = jnp.asarray(np.random.default_rng(1).normal(size=(3, 2, 2)))

    def weighted(turn, shift, bend):
        moved = rig.adjusted(turn, shift)
        lens = jax.tree.map(lambda x: x, moved)
        object.__setattr__(lens, "distortion", rig.distortion + bend)
        return jnp.sum(weights * lens.project(points))

    at = (jnp.zeros((3, 3)), jnp.zeros((3, 3)), jnp.zeros((3, 5)))
    gradients = jax.jit(jax.grad(weighted, argnums=(0, 1, 2)))(*at)
    value, step = jax.jit(weighted), 1e-5
    for which, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            nudge = jnp.zeros(gradient.shape).at[index].set(step)
            up = value(*(a + nudge if i == which else a for i, a in enumerate(at)))
            down = value(*(a - nudge if i == which else a for i, a in enumerate(at)))
            # px per rad, m or unit, where gradients are about 1e3.
            assert_allclose(gradient[index], (up - down) / (2 * step), atol=1e-4)


def test_adjustment_turns_a_camera_about_its_own_centre_then_moves_it():
    rig = ring()
    rotation = jnp.asarray(np.random.default_rng(2).normal(scale=0.1, size=(3, 3)))
    translation = jnp.asarray(np.random.default_rng(3).normal(scale=0.1, size=(3, 3)))
    adjusted = rig.adjusted(rotation, translation)
    assert_allclose(adjusted.centres, rig.centres + translation, atol=1e-12)
    turned = Rotation.from_rotvec(np.array(rotation)).as_matrix() @ np.asarray(
        rig.camera_from_world_rotation
    )
    assert_allclose(adjusted.camera_from_world_rotation, turned, atol=1e-12)
    assert adjusted.names == rig.names


def test_moving_the_world_with_the_cameras_changes_no_pixel():
    rig = ring()
    world_from_world = Rotation.from_rotvec([0.3, -1.0, 0.4]).as_matrix()
    shift = np.array([10.0, -20.0, 3.0])
    points = np.random.default_rng(4).uniform(-1.0, 1.0, (6, 3))
    rotation = np.asarray(rig.camera_from_world_rotation) @ world_from_world.T
    moved = CameraRig(
        focal_px=rig.focal_px,
        principal_px=rig.principal_px,
        distortion=rig.distortion,
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=rig.camera_from_world_translation
        - jnp.asarray(rotation @ shift),
        names=rig.names,
        image_size=rig.image_size,
        fisheye=rig.fisheye,
    )
    carried = points @ world_from_world.T + shift
    assert_allclose(
        moved.project(jnp.asarray(carried)), rig.project(jnp.asarray(points)), atol=1e-8
    )


def test_subset_keeps_the_order_asked_for():
    rig = ring((False, True, False))
    chosen = rig.subset(("cam3", "cam2"))
    assert chosen.names == ("cam3", "cam2") and chosen.fisheye == (False, True)
    point = jnp.asarray([0.1, 0.2, 1.0])
    assert_allclose(chosen.project(point), rig.project(point)[jnp.asarray([2, 1])], atol=1e-12)


def test_subset_names_the_cameras_it_knows():
    message = r"No camera is called 'kitchen'.*cam1, cam2, cam3"
    with pytest.raises(UnknownNameError, match=message):
        ring().subset(("cam1", "kitchen"))
