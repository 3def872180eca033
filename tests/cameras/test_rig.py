"""Projection and its derivatives against OpenCV, choice of cameras."""

import cv2
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import WIDTH, adjustment_of
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

    def weighted(columns, bend):
        bent = eqx.tree_at(lambda r: r.distortion, rig, rig.distortion + bend)
        return jnp.sum(weights * bent.adjusted(adjustment_of(columns)).project(points))

    at = (jnp.zeros((3, WIDTH)), jnp.zeros((3, 5)))
    gradients = jax.jit(jax.grad(weighted, argnums=(0, 1)))(*at)
    value, step = jax.jit(weighted), 1e-5
    for which, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            nudge = jnp.zeros(gradient.shape).at[index].set(step)
            up = value(*(a + nudge if i == which else a for i, a in enumerate(at)))
            down = value(*(a - nudge if i == which else a for i, a in enumerate(at)))
            # px per rad, m or unit, where gradients are about 1e3.
            assert_allclose(gradient[index], (up - down) / (2 * step), atol=1e-4)


@pytest.mark.parametrize(
    "fisheye", [(False, False, False), (True, True), (True, False, True, False)]
)
@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_cameras_with_points_of_their_own_see_what_each_alone_would(fisheye, seed):
    rig, rng = ring(fisheye), np.random.default_rng(seed)
    points = rng.uniform(-1.6, 1.6, (len(fisheye), 5, 7, 3)) + np.array([0.0, 0.0, 1.0])
    own = np.stack(rig.project_components(jnp.asarray(points), own=True), axis=-1)
    u, v, du, dv = rig.project_derivatives(jnp.asarray(points), own=True)
    assert_allclose(np.stack([u, v], axis=-1), own, atol=1e-9)
    for camera, each in enumerate(points):
        assert_allclose(own[camera], opencv_project(rig, each)[camera], atol=1e-6)  # px
        _, _, by_u, by_v = rig.project_derivatives(jnp.asarray(each))
        assert_allclose(du[:, camera], by_u[:, camera], rtol=1e-9, atol=1e-9)
        assert_allclose(dv[:, camera], by_v[:, camera], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("fisheye", [False, True])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_lens_derivatives_are_those_of_opencv(fisheye, seed):
    rig, rng = ring((fisheye, fisheye)), np.random.default_rng(seed)
    points = rng.uniform(-1.2, 1.2, (9, 3)) + np.array([0.0, 0.0, 1.0])
    u, v = rig.lens_derivatives(jnp.asarray(points))
    for camera in range(2):
        jacobian = opencv_jacobian(rig, camera, points).reshape(len(points), 2, -1)
        # Columns: rotation 3, translation 3, focal 2, principal point 2, distortion, for an
        # ordinary lens; focal 2, principal point 2, distortion, pose, skew for a fisheye.
        focal, bent = (0, 4) if fisheye else (6, 10)
        fx, fy = rig.focal_px[camera]
        by_focal = jacobian[..., focal] * fx + jacobian[..., focal + 1] * fy
        expected = np.stack([by_focal, jacobian[..., bent], jacobian[..., bent + 1]])
        for found, image in zip((u, v), np.moveaxis(expected, 2, 0), strict=True):
            assert_allclose(found[:, camera], image, rtol=1e-6, atol=1e-6)


def opencv_jacobian(rig: CameraRig, camera: int, points: np.ndarray) -> np.ndarray:
    """Derivatives of (u, v) by every parameter of one camera, in OpenCV's order."""
    rotation, _ = cv2.Rodrigues(np.asarray(rig.camera_from_world_rotation[camera]))
    translation = np.asarray(rig.camera_from_world_translation[camera])
    (fx, fy), (cx, cy) = rig.focal_px[camera], rig.principal_px[camera]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    arguments = (points.reshape(-1, 1, 3), rotation, translation, matrix)
    distortion = np.asarray(rig.distortion[camera])
    if rig.fisheye[camera]:
        return cv2.fisheye.projectPoints(*arguments, distortion[:4])[1]
    return cv2.projectPoints(*arguments, distortion)[1]


def test_lens_derivatives_of_mixed_lenses_with_points_of_their_own_are_differences():
    rig, rng = ring((False, True, False)), np.random.default_rng(3)
    points = jnp.asarray(rng.uniform(-1.0, 1.0, (3, 6, 3)) + np.array([0.0, 0.0, 1.0]))
    slopes, step = rig.lens_derivatives(points, own=True), 1e-6
    for row, column in enumerate((6, 7, 8)):
        moved = [
            rig.adjusted(adjustment_of(jnp.zeros((3, WIDTH)).at[:, column].set(sign * step)))
            for sign in (1, -1)
        ]
        up, down = (jnp.stack(r.project_components(points, own=True)) for r in moved)
        for found, expected in zip(slopes, (up - down) / (2 * step), strict=True):
            # px per unit, where derivatives are about 1e3.
            assert_allclose(found[row], expected, atol=1e-3)


def test_derivatives_behind_the_camera_are_finite():
    rig = ring()
    depth = np.array([-1.0, 0.0, 0.05, 2.0])[:, None]
    axis = np.asarray(rig.camera_from_world_rotation[0, 2])
    points = jnp.asarray(np.asarray(rig.centres[0]) + depth * axis)
    for found in (*rig.project_derivatives(points), *rig.lens_derivatives(points)):
        assert np.all(np.isfinite(found))


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
