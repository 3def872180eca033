"""The covariance of a calibration, to a file and back."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.bundle import WIDTH
from diffbio.errors import InputError
from diffbio.io.rig_covariance import (
    COLUMNS,
    read_covariance,
    remove_covariance,
    write_covariance,
)

RIG = CameraRig(
    focal_px=jnp.ones((2, 2)),
    principal_px=jnp.ones((2, 2)),
    distortion=jnp.zeros((2, 5)),
    camera_from_world_rotation=jnp.tile(jnp.eye(3), (2, 1, 1)),
    camera_from_world_translation=jnp.asarray([[0.0, 0.0, 1.0], [1.0, 0.0, 2.0]]),
    names=("a", "b"),
    image_size=((4, 3),) * 2,
    fisheye=(False, False),
)
COVARIANCE = np.diag(np.arange(2.0 * WIDTH))


def test_what_is_written_is_read(tmp_path):
    write_covariance(tmp_path / "covariance.npz", RIG, COVARIANCE)
    assert np.array_equal(read_covariance(tmp_path / "covariance.npz", RIG), COVARIANCE)
    assert [path.name for path in tmp_path.iterdir()] == ["covariance.npz"]
    assert len(COLUMNS) == WIDTH


def test_what_is_of_something_else_is_refused(tmp_path):
    path = tmp_path / "covariance.npz"
    with pytest.raises(InputError, match="cannot be read"):
        read_covariance(path, RIG)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"cannot be read .* remove the file"):
        read_covariance(path, RIG)
    write_covariance(path, RIG, COVARIANCE)
    with pytest.raises(InputError, match="of the cameras a, b, and the rig has a, c"):
        read_covariance(path, dataclasses.replace(RIG, names=("a", "c")))
    moved = dataclasses.replace(RIG, camera_from_world_translation=jnp.ones((2, 3)))
    with pytest.raises(InputError, match="the cameras stood elsewhere"):
        read_covariance(path, moved)
    write_covariance(path, RIG, COVARIANCE[:-1, :-1])
    with pytest.raises(InputError, match="another version"):
        read_covariance(path, RIG)


def test_what_is_of_a_former_rig_is_removed(tmp_path):
    write_covariance(tmp_path / "covariance.npz", RIG, COVARIANCE)
    assert remove_covariance(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not remove_covariance(tmp_path)
