"""A swarm of points that crosses a room and beats like limbs, before a ring of cameras."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.points.tracks import Tracks
from diffbio.simulation.recording import ring_of_cameras

POINTS, SECONDS, RATE_HZ = 12, 3.0, 30.0


def positions(time: Float[np.ndarray, "*time"], moving: bool = True) -> np.ndarray:
    """Where the points are at some times, in metres."""
    rng = np.random.default_rng(5)
    rest = rng.uniform([-0.3, -0.3, 0.1], [0.3, 0.3, 1.7], (POINTS, 3))
    beat, phase = rng.uniform(0.1, 0.3, (POINTS, 3)), rng.uniform(0, 6, (POINTS, 3))
    if not moving:
        return np.broadcast_to(rest, (*time.shape, *rest.shape))
    swing = beat * np.sin(2 * np.pi * 0.95 * time[..., None, None] + phase)
    middle = np.stack([1.2 * (time - SECONDS / 2), 0.4 * np.sin(1.3 * time), 0 * time], axis=-1)
    return rest + swing + middle[..., None, :]


def recorded(
    n_cameras: int = 4,
    *,
    late: Float[np.ndarray, "camera"] | None = None,
    noise_px: float = 0.0,
    outliers: float = 0.0,
    moving: bool = True,
    seed: int = 0,
) -> tuple[CameraRig, Tracks]:
    """The rig, and what its cameras saw, each so much later than its time stamps say."""
    rig = ring_of_cameras(n_cameras)
    time = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    late = np.zeros(n_cameras) if late is None else late
    there = positions(time[None] + late[:, None], moving)
    pixels = np.stack(rig.project_components(jnp.asarray(there), own=True), axis=-1)
    rng = np.random.default_rng(seed)
    pixels = pixels + noise_px * rng.normal(size=pixels.shape)
    wrong = rng.random(pixels.shape[:3]) < outliers
    pixels[wrong] += rng.normal(size=(int(wrong.sum()), 2)) * 150.0
    weight = np.ones(pixels.shape[:3])
    stamps = np.tile(time, (n_cameras, 1))
    return rig, Tracks(pixels, weight, stamps, tuple(range(POINTS)))


def laid_over(found: CameraRig, truth: CameraRig) -> tuple[np.ndarray, np.ndarray]:
    """Turn (degrees) and distance (metres) of every camera from the true one, the rig laid over
    it by the best similarity of the centres (Umeyama 1991)."""
    a, b = (np.asarray(rig.centres, float) for rig in (found, truth))
    a, middle = a - a.mean(0), b.mean(0)
    u, s, vt = np.linalg.svd((b - middle).T @ a)
    sign = np.array([1.0, 1.0, np.linalg.det(u @ vt)])
    turn = u @ np.diag(sign) @ vt
    away = (s * sign).sum() / (a * a).sum() * a @ turn.T + middle - b
    rotations = [np.asarray(rig.camera_from_world_rotation, float) for rig in (found, truth)]
    product = np.einsum("cij,kj,clk->cil", rotations[0], turn, rotations[1])
    cosine = (np.trace(product, axis1=1, axis2=2) - 1.0) / 2.0
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), np.linalg.norm(away, axis=1)
