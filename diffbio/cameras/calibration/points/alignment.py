"""One rig laid over another whose world is elsewhere, turned, and of another size."""

import numpy as np
from jaxtyping import Float

from diffbio.cameras.rig import CameraRig


def size_ratio(new: CameraRig, old: CameraRig) -> float:
    """Size of a rig over that of another."""
    spread = [np.linalg.norm(centres - centres.mean(0)) for centres in map(_centres, (new, old))]
    return float(spread[0] / spread[1])


def new_from_old(new: CameraRig, old: CameraRig) -> Float[np.ndarray, "3 3"]:
    """The turn between the worlds of two rigs, by where their cameras look."""
    u, _, vt = np.linalg.svd(np.einsum("cji,cjk->ik", _rotations(new), _rotations(old)))
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt


def moved(
    new: CameraRig, old: CameraRig
) -> tuple[Float[np.ndarray, "camera"], Float[np.ndarray, "camera"]]:
    """Turn in degrees and movement of every camera, the old rig laid over the new one."""
    world_turn, centres = new_from_old(new, old), [_centres(rig) for rig in (new, old)]
    turn = np.einsum("cij,kj,clk->cil", _rotations(old), world_turn, _rotations(new))
    cosine = (np.trace(turn, axis1=1, axis2=2) - 1.0) / 2.0
    placed = (centres[1] - centres[1].mean(0)) @ world_turn.T * size_ratio(new, old)
    away = np.linalg.norm(placed - (centres[0] - centres[0].mean(0)), axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), away


def _centres(rig: CameraRig) -> Float[np.ndarray, "camera 3"]:
    return np.asarray(rig.centres, float)


def _rotations(rig: CameraRig) -> Float[np.ndarray, "camera 3 3"]:
    return np.asarray(rig.camera_from_world_rotation, float)
