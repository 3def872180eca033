"""The same cameras for other pictures, turned or of another size, and in another world."""

import dataclasses
import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

_ROUNDING_PX = 1.0
"""By how much a resized picture may miss the exact proportion: sizes are whole pixels."""

WORLD_FROM_UPWARD = {
    "x": np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    "-x": np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]),
    "y": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
    "-y": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "z": np.eye(3),
    "-z": np.diag([1.0, -1.0, -1.0]),
}
"""The shortest turn that puts what points up in the old world along z of the new one."""


def rescaled(rig: CameraRig, width: int, height: int) -> CameraRig:
    """The rig for pictures resized as a whole, which leaves the lens as it is.

    Args:
        rig: cameras whose pictures all have the proportions asked for.
        width: of the new pictures, in pixels.
        height: of the new pictures, in pixels.

    Raises:
        InputError: a camera's picture has other proportions, so that it was cropped or turned.
    """
    scales = []
    for name, size in zip(rig.names, rig.image_size, strict=True):
        scale = np.array([width, height]) / np.array(size)
        missed = np.abs(scale[::-1] * size - np.array([width, height])).min()
        if missed > _ROUNDING_PX:
            turned = abs(size[0] / size[1] - height / width) < 0.05
            raise InputError(
                f"camera {name}",
                f"It was calibrated at {size[0]} x {size[1]}, and {width} x {height} "
                + ("is that picture turned." if turned else "has other proportions."),
                "Turn the pictures back, or the camera with `diffbio convert ... --turn`."
                if turned
                else "Resize the pictures as a whole, without cropping, or calibrate again at "
                "their size.",
            )
        scales.append(scale)
    factor = jnp.asarray(np.stack(scales), rig.focal_px.dtype)
    changed = eqx.tree_at(
        lambda r: (r.focal_px, r.principal_px),
        rig,
        # Pixel (0, 0) is the middle of the first pixel, so its corner stays where it is.
        (rig.focal_px * factor, (rig.principal_px + 0.5) * factor - 0.5),
    )
    return dataclasses.replace(changed, image_size=((width, height),) * len(rig.names))


def quarter_turned(rig: CameraRig, turns: int) -> CameraRig:
    """The rig for pictures turned clockwise by a quarter so many times."""
    for _ in range(turns % 4):
        rig = _turned_once(rig)
    return rig


def _turned_once(rig: CameraRig) -> CameraRig:
    heights = jnp.asarray([size[1] for size in rig.image_size], rig.principal_px.dtype)
    k1, k2, p1, p2, k3 = jnp.moveaxis(rig.distortion, 1, 0)
    # The old (x right, y down) is (y down, -x right) of the turned picture; (p2, p1) is a vector
    # in it. A fisheye has radial terms there.
    tangential = jnp.stack([k1, k2, p2, -p1, k3], axis=1)
    fisheye = jnp.asarray(rig.fisheye)[:, None]
    new_from_old = jnp.asarray(
        [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], rig.focal_px.dtype
    )
    changed = eqx.tree_at(
        lambda r: (
            r.focal_px,
            r.principal_px,
            r.distortion,
            r.camera_from_world_rotation,
            r.camera_from_world_translation,
        ),
        rig,
        (
            rig.focal_px[:, ::-1],
            jnp.stack([heights - 1.0 - rig.principal_px[:, 1], rig.principal_px[:, 0]], axis=1),
            jnp.where(fisheye, rig.distortion, tangential),
            jnp.einsum("ij,cjk->cik", new_from_old, rig.camera_from_world_rotation),
            jnp.einsum("ij,cj->ci", new_from_old, rig.camera_from_world_translation),
        ),
    )
    return dataclasses.replace(changed, image_size=tuple((h, w) for w, h in rig.image_size))


def with_upward(rig: CameraRig, axis: str) -> CameraRig:
    """The rig in a world turned so that an axis of the old one is z of the new one.

    Args:
        rig: the cameras.
        axis: what points up now, a key of `WORLD_FROM_UPWARD`.

    Raises:
        InputError: there is no such axis.
    """
    if axis not in WORLD_FROM_UPWARD:
        raise InputError("up", f"Found {axis!r}.", f"Give one of {', '.join(WORLD_FROM_UPWARD)}.")
    new_from_old = jnp.asarray(WORLD_FROM_UPWARD[axis], rig.focal_px.dtype)
    return eqx.tree_at(
        lambda r: r.camera_from_world_rotation,
        rig,
        jnp.einsum("cij,kj->cik", rig.camera_from_world_rotation, new_from_old),
    )


def upward_axis(rig: CameraRig) -> str:
    """The axis of the world that is up in most pictures, if all cameras are held upright.

    Cameras are rolled at times, and some look down from above; so the axis is z unless the
    pictures agree on another one.
    """
    up = -np.asarray(rig.camera_from_world_rotation, float)[:, 1]
    votes = {
        f"{sign}{name}": int(np.sum(up[:, index] * (1 if not sign else -1) > np.sqrt(0.5)))
        for (index, name), sign in itertools.product(enumerate("xyz"), ("", "-"))
    }
    winner = max(votes, key=lambda axis: votes[axis])
    return winner if 2 * votes[winner] > len(up) else "z"
