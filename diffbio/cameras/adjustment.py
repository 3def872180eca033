"""What a fit may correct in a calibrated rig: poses, lenses and clocks."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

GROUPS = ("poses", "lenses", "clocks")
"""What can be refined, each on its own."""

COLUMNS = {"poses": slice(0, 6), "lenses": slice(6, 9), "clocks": slice(9, 11)}
"""Columns of `CameraAdjustment.columns`, by group."""

WIDTH = 11


class CameraAdjustment(eqx.Module):
    """Corrections of every camera, all zero for a rig that is right.

    Attributes:
        rotation: rotation vectors in the camera frame, radians, applied on the left about the
            camera's own centre: `R' = exp(rotation) @ R`.
        shift: movement of the camera's centre, world frame, metres.
        log_focal: natural logarithm of the factor of both focal lengths.
        distortion: what is added to k1 and k2.
        clock_offset: what is added to the camera's time stamps to make them common time, in
            seconds. Positive: the picture was taken later than its time stamp says.
        clock_drift: by how much that grows per second since the middle of the trial.
    """

    rotation: Float[Array | np.ndarray, "camera 3"]
    shift: Float[Array | np.ndarray, "camera 3"]
    log_focal: Float[Array | np.ndarray, "camera"]
    distortion: Float[Array | np.ndarray, "camera 2"]
    clock_offset: Float[Array | np.ndarray, "camera"]
    clock_drift: Float[Array | np.ndarray, "camera"]

    def columns(self) -> Float[Array, "camera 11"]:
        """All corrections of a camera in one row, in the order of the attributes."""
        single = (self.log_focal[:, None], self.clock_offset[:, None], self.clock_drift[:, None])
        parts = (self.rotation, self.shift, single[0], self.distortion, *single[1:])
        return jnp.concatenate(parts, axis=1)


def no_adjustment(n_cameras: int, dtype: np.dtype | type = np.float32) -> CameraAdjustment:
    """The adjustment that changes nothing."""
    return adjustment_of(jnp.zeros((n_cameras, WIDTH), dtype))


def adjustment_of(columns: Float[Array, "camera 11"]) -> CameraAdjustment:
    """Inverse of `CameraAdjustment.columns`."""
    return CameraAdjustment(
        rotation=columns[:, :3],
        shift=columns[:, 3:6],
        log_focal=columns[:, 6],
        distortion=columns[:, 7:9],
        clock_offset=columns[:, 9],
        clock_drift=columns[:, 10],
    )


def columns_of(groups: tuple[str, ...]) -> Int[np.ndarray, "column"]:
    """Columns of `CameraAdjustment.columns` that belong to these groups, in order."""
    chosen = [np.arange(WIDTH)[part] for group, part in COLUMNS.items() if group in groups]
    return np.concatenate([*chosen, np.zeros(0, int)])
