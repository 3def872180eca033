"""Rigs as arrays: without names, with those of another, and made of single cameras."""

import dataclasses
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from diffbio.cameras.rig import CameraRig

_ARRAYS = (
    "focal_px",
    "principal_px",
    "distortion",
    "camera_from_world_rotation",
    "camera_from_world_translation",
)


def bare_rig(rig: CameraRig) -> CameraRig:
    """The rig in double precision, its cameras numbered, its pictures of no size.

    Names and sizes would make a compiled program of every rig.
    """
    count = len(rig.names)
    names = tuple(str(number) for number in range(count))
    bare = dataclasses.replace(rig, names=names, image_size=((1, 1),) * count)
    return bare.astype(np.float64)


def named(rig: CameraRig, like: CameraRig) -> CameraRig:
    """The rig with the names and sizes of another."""
    return dataclasses.replace(rig, names=like.names, image_size=like.image_size)


def side_by_side(rigs: Sequence[CameraRig]) -> CameraRig:
    """One rig of the cameras of several, in their order."""
    arrays = {name: jnp.concatenate([getattr(rig, name) for rig in rigs]) for name in _ARRAYS}
    return CameraRig(
        **arrays,
        names=tuple(name for rig in rigs for name in rig.names),
        image_size=tuple(size for rig in rigs for size in rig.image_size),
        fisheye=tuple(wide for rig in rigs for wide in rig.fisheye),
    )
