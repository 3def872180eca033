"""Both lens models against OpenCV, their inverses, and their gradients."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import lens

FOCAL_PX = 1300.0
STRONG = np.array([-0.25, 0.1, 2e-3, -1.5e-3, -0.02])
FISHEYE = np.array([0.05, -0.02, 0.008, -0.003, 0.0])
EDGE = np.stack(np.meshgrid(np.linspace(-0.75, 0.75, 9), np.linspace(-0.45, 0.45, 7)), axis=-1)
"""Normalised coordinates out to the corners of a 1920 x 1080 image at that focal length."""


def opencv_pinhole(normalised: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    rays = np.concatenate([normalised, np.ones((*normalised.shape[:-1], 1))], axis=-1)
    image, _ = cv2.projectPoints(
        rays.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), np.eye(3), distortion
    )
    return image.reshape(normalised.shape)


def opencv_fisheye(normalised: np.ndarray, distortion: np.ndarray) -> np.ndarray:
    return cv2.fisheye.distortPoints(
        normalised.reshape(-1, 1, 2), np.eye(3), distortion[:4]
    ).reshape(normalised.shape)


def test_strong_lens_agrees_with_opencv_at_the_image_edge():
    ours = lens.distort(jnp.asarray(EDGE), jnp.asarray(STRONG))
    # 1e-6 px is the promise; rounding alone leaves 1e-12.
    assert_allclose(ours * FOCAL_PX, opencv_pinhole(EDGE, STRONG) * FOCAL_PX, atol=1e-6)


def test_fisheye_agrees_with_opencv_out_to_70_degrees():
    wide = EDGE * (np.tan(np.deg2rad(70.0)) / 0.875)
    ours = lens.distort_fisheye(jnp.asarray(wide), jnp.asarray(FISHEYE))
    assert_allclose(ours * FOCAL_PX, opencv_fisheye(wide, FISHEYE) * FOCAL_PX, atol=1e-6)


@pytest.mark.parametrize(
    "bend, straighten, distortion, reach",
    [
        (lens.distort, lens.undistort, STRONG, 1.0),
        (lens.distort, lens.undistort, np.array([0.3, 0.1, 0.0, 1e-3, 0.0]), 1.0),
        (lens.distort, lens.undistort, np.zeros(5), 1.0),
        (lens.distort_fisheye, lens.undistort_fisheye, FISHEYE, 3.0),
        (lens.distort_fisheye, lens.undistort_fisheye, np.zeros(5), 3.0),
    ],
)
def test_undistortion_is_the_inverse(bend, straighten, distortion, reach):
    ideal = jnp.asarray(reach * EDGE)
    there = bend(ideal, jnp.asarray(distortion))
    back = straighten(there, jnp.asarray(distortion))
    # 1e-3 px is the promise; Newton's method ends at rounding.
    assert_allclose(back * FOCAL_PX, ideal * FOCAL_PX, atol=1e-6)


@pytest.mark.parametrize("radius", [0.0, 1e-6, 0.999e-4, 1.001e-4, 0.5])
@pytest.mark.parametrize(
    "bend", [lens.distort, lens.undistort, lens.distort_fisheye, lens.undistort_fisheye]
)
def test_gradient_equals_central_differences_also_on_the_axis(bend, radius):
    distortion = jnp.asarray(FISHEYE)
    point = radius * jnp.asarray([0.6, 0.8])
    step = 1e-5
    numeric = np.stack(
        [
            (bend(point + step * e, distortion) - bend(point - step * e, distortion)) / (2 * step)
            for e in jnp.eye(2)
        ],
        axis=-1,
    )
    jacobian = jax.jacrev(bend)(point, distortion)
    # Unitless; truncation of the difference (1e-10) and rounding (1e-16 / 1e-5).
    assert_allclose(jacobian, numeric, atol=1e-8)


def test_single_precision_round_trip_stays_below_a_hundredth_of_a_pixel():
    ideal = jnp.asarray(EDGE, jnp.float32)
    distortion = jnp.asarray(STRONG, jnp.float32)
    back = lens.undistort(lens.distort(ideal, distortion), distortion)
    assert back.dtype == jnp.float32
    # Single precision resolves 1300 px * 6e-8 = 1e-4 px.
    assert_allclose(back * FOCAL_PX, ideal * FOCAL_PX, atol=1e-2)
