"""Rigs with every kind of lens, and OpenCV as the judge of what a file means."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig

LENSES = {
    "ideal": [0.0, 0.0, 0.0, 0.0, 0.0],
    "radial": [-0.12, 0.031, 0.0, 0.0, -0.004],
    "pinhole": [-0.34, 0.097, -0.0013, 0.0031, -0.0037],
    "fisheye": [-0.02, 0.007, -0.003, 0.0004, 0.0],
}

POINTS = np.random.default_rng(3).uniform([-0.8, -0.8, 0.0], [0.8, 0.8, 1.8], (20, 3))
"""Where a person would be, in metres."""


@pytest.fixture(scope="session")
def rig_with():
    """A function that makes three cameras with lenses of a kind; every number has all digits."""

    def make(lens: str, names=("cam_0", "cam_1", "cam_2")) -> CameraRig:
        random = np.random.default_rng(list(LENSES).index(lens))
        rotation = Rotation.random(3, rng=random).as_matrix()
        return CameraRig(
            focal_px=jnp.asarray(random.uniform(900.0, 1400.0, (3, 2))),
            principal_px=jnp.asarray(random.uniform(-40.0, 40.0, (3, 2)) + [960.0, 540.0]),
            distortion=jnp.asarray([LENSES[lens]] * 3),
            camera_from_world_rotation=jnp.asarray(rotation),
            camera_from_world_translation=jnp.asarray(random.normal(size=(3, 3)) * 4.0),
            names=names,
            image_size=((1920, 1080), (1920, 1080), (1920, 1088)),
            fisheye=(lens == "fisheye",) * 3,
        )

    return make


@pytest.fixture(scope="session")
def assert_imaged():
    """A function that compares a camera of a rig with OpenCV, given the file's own numbers."""

    def compare(rig, camera, matrix, rotation, translation, distortion, *, points=POINTS):
        vector = rotation if np.size(rotation) == 3 else cv2.Rodrigues(np.array(rotation))[0]
        arguments = np.ravel(vector).astype(float), np.ravel(translation).astype(float)
        expected, _ = cv2.projectPoints(
            points, *arguments, np.array(matrix, float), np.array(distortion, float)
        )
        row = rig.names.index(camera)
        found = np.asarray(rig.project(jnp.asarray(points)))[row]
        ahead = np.asarray(rig.depth(jnp.asarray(points)))[row] > 0.5
        assert ahead.sum() > 4
        assert_allclose(found[ahead], expected.reshape(-1, 2)[ahead], atol=1e-8)  # px

    return compare
