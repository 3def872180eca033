"""The floor under a person who walks, and which way they walk: the world of the rig."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Fit

SOLES = {"heel": ("calcn", (0.01, -0.03, 0.0)), "ball": ("toes", (0.02, -0.025, 0.0))}
"""Points under each foot, on the base model: body without its side, and place in it."""

STANDING_SPEED = 0.35
"""In metres per second: a part of the foot that moves less stands."""

LEAST_STANCE = 0.08
"""In seconds: shorter stands are chance."""

CONTACT_SD = 0.010
"""In metres: how far above or below the floor the model's sole may be at a contact."""

LEAN_SD, LIST_SD = np.deg2rad([6.0, 2.0])
"""How far a walker's mean trunk may lean forwards or backwards, and the mean line through both
hips to one side."""

WALKED = 1.0
"""In metres: who gets less far does not say which way they walk; the pelvis does."""

TURNED = 0.5
"""Length of the mean of the pelvis' unit vectors to the left, below which a person turned."""

STRAIGHT = 0.7
"""Distance from start to end over length of the way: below, the way is no line."""


class Ground(NamedTuple):
    """The world a rig is to be written in.

    Attributes:
        rotation: new world from old.
        origin: of the new world, in the old one, in metres: on the floor under the middle of
            the way of the pelvis.
        n_contacts: how many times a heel or a ball of the foot stood.
        tilt_sd: standard deviation of the floor's slope along and across x, in radians.
        rms: of the heights of the contacts over the floor, in metres.
        walked: distance from the first to the last place of the pelvis, in metres.
        direction_from: `way`; `pelvis` where the person did not get far; `chance` where they
            turned about, and no direction was theirs.
    """

    rotation: Float[np.ndarray, "3 3"]
    origin: Float[np.ndarray, "3"]
    n_contacts: int
    tilt_sd: Float[np.ndarray, "2"]
    rms: float
    walked: float
    direction_from: str


def find_ground(fit: Fit) -> Ground | None:
    """Floor and walking direction from a fitted motion.

    Each time a heel or a ball of the foot stands it marks the floor. Contacts of a straight walk
    lie nearly in a line and leave the slope across it to the person: on average over a walk
    nobody lists to one side by much.

    Returns:
        None where the body has no pelvis or feet, or no foot ever stood.
    """
    if fit.body.pelvis_name is None:
        return None
    axes, turned = _mean_axes(fit)
    contacts = _contacts(fit, axes[:, 2])
    if not len(contacts):
        return None
    slope, covariance = _floor(contacts, axes)
    up = axes @ np.array([-slope[0], -slope[1], 1.0])
    up = up / np.linalg.norm(up)
    pelvis = _pelvis_way(fit)
    way = pelvis[-1] - pelvis[0]
    way = way - (way @ up) * up
    walked = float(np.linalg.norm(way))
    steps = np.linalg.norm(np.diff(pelvis[:: max(1, len(pelvis) // 20)], axis=0), axis=1)
    straight = walked > max(WALKED, STRAIGHT * float(steps.sum()))
    forward = way if straight else axes[:, 0] - (axes[:, 0] @ up) * up
    forward = forward / np.linalg.norm(forward)
    rotation = np.stack([forward, np.cross(up, forward), up])
    heights = contacts @ up
    level = float(np.median(heights))
    middle = 0.5 * (pelvis.min(0) + pelvis.max(0))
    origin = middle + (level - middle @ up) * up
    turn = (rotation @ axes)[:2, :2]
    tilt = np.sqrt(np.diagonal(turn @ covariance @ turn.T))
    return Ground(
        rotation=rotation,
        origin=origin,
        n_contacts=len(contacts),
        tilt_sd=tilt,
        rms=float(np.sqrt(np.mean((heights - level) ** 2))),
        walked=walked,
        direction_from="way" if straight else "chance" if turned else "pelvis",
    )


def on_ground(rig: CameraRig, ground: Ground) -> CameraRig:
    """The rig in the world of its floor."""
    rotation = np.asarray(rig.camera_from_world_rotation, float) @ ground.rotation.T
    centres = (np.asarray(rig.centres, float) - ground.origin) @ ground.rotation.T
    translation = -np.einsum("cij,cj->ci", rotation, centres)
    dtype = rig.focal_px.dtype
    return eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (jnp.asarray(rotation, dtype), jnp.asarray(translation, dtype)),
    )


def _pelvis_way(fit: Fit) -> Float[np.ndarray, "time 3"]:
    pelvis = fit.body.body_names.index(fit.body.pelvis_name or "")
    return fit.motion.body_positions[fit.motion.seen][:, pelvis]


def _mean_axes(fit: Fit) -> tuple[Float[np.ndarray, "3 3"], bool]:
    """Forwards, left and up of the person on average, as columns; whether they turned about.

    Up is halfway between the pelvis' own axis and the line from the pelvis to the top of the
    trunk, so that a pelvis that is tilted, as most are, does not tilt the world.
    """
    names, body = fit.body.body_names, fit.body
    pelvis = names.index(body.pelvis_name or "")
    turn = fit.motion.body_rotations[fit.motion.seen][:, pelvis]
    up = turn[:, :, 1].mean(0)
    if "head" in names:
        places = fit.motion.body_positions[fit.motion.seen]
        trunk = places[:, names.index("head")] - places[:, pelvis]
        up = up / np.linalg.norm(up) + _unit(trunk.mean(0))
    up = _unit(up)
    # The pelvis' Z axis points to its right.
    left = -turn[:, :, 2].mean(0)
    turned = bool(np.linalg.norm(left) < TURNED)
    if turned:  # the hips say nothing of the level
        some = np.eye(3)[int(np.argmin(np.abs(up)))]
        left = np.cross(up, _unit(some - (some @ up) * up))
    # Trunk and hips each have their own idea of what is level: the mean of both.
    left = _unit(left)
    left = _unit(left - 0.5 * (left @ up) * up)
    up = _unit(up - (up @ left) * left)
    return np.stack([np.cross(left, up), left, up], axis=1), turned


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)


def _contacts(fit: Fit, up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "contact 3"]:
    """Where heels and balls of the feet stood, in metres: one point per stand."""
    body, motion = fit.body, fit.motion
    interval = float(np.median(np.diff(motion.time))) if len(motion.time) > 1 else 1.0
    least = max(2, round(LEAST_STANCE / interval))
    points = _sole_points(body, fit)
    if not points:
        return np.zeros((0, 3))
    places = np.stack(points)
    heights = places @ up
    # A foot carried forwards may move slowly for a moment, but not down at the floor.
    low = float(np.percentile(heights.min(0), 50)) + 0.05
    found = []
    for place, height in zip(places, heights, strict=True):
        speed = np.linalg.norm(np.gradient(place, interval, axis=0), axis=1)
        stands = (speed < STANDING_SPEED) & (height < low) & motion.seen
        found += [place[a:b].mean(0) for a, b in _runs(stands) if b - a >= least]
    return np.asarray(found).reshape(-1, 3)


def _sole_points(body: BodyModel, fit: Fit) -> list[Float[np.ndarray, "time 3"]]:
    scale, names = body.body_scale(fit.parameters), body.body_names
    points = []
    for stem, local in SOLES.values():
        for side in "rl":
            if f"{stem}_{side}" in names:
                index = names.index(f"{stem}_{side}")
                turned = fit.motion.body_rotations[:, index] @ (scale[index] * np.asarray(local))
                points.append(fit.motion.body_positions[:, index] + turned)
    return points


def _runs(true: Bool[np.ndarray, "time"]) -> list[tuple[int, int]]:
    """First and one past the last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], true.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _floor(
    contacts: Float[np.ndarray, "contact 3"], axes: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2 2"]]:
    """Slope of the floor along the person's forwards and left, and its covariance.

    Least squares with Huber's weights and a prior: the person stands upright on average.
    """
    local = (contacts - contacts.mean(0)) @ axes
    rows = np.column_stack([local[:, :2], np.ones(len(local))])
    prior = np.diag([LEAN_SD**-2.0, LIST_SD**-2.0, 0.0])
    weight = np.ones(len(local))
    normal, solution = prior, np.zeros(3)
    for _ in range(20):
        heavy = rows * (weight / CONTACT_SD**2)[:, None]
        normal = heavy.T @ rows + prior
        solution = np.linalg.solve(normal, heavy.T @ local[:, 2])
        left = np.abs(local[:, 2] - rows @ solution)
        weight = np.minimum(1.0, 1.5 * CONTACT_SD / np.maximum(left, 1e-9))
    return solution[:2], np.linalg.inv(normal)[:2, :2]
