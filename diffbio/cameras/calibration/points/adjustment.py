"""Bundle adjustment of cameras that saw points of which nothing is known, by damped Gauss-Newton.

Everything runs in the precision of the rig, which should be double. Nothing holds place, direction
and size of the whole but the damping: the caller does.
"""

from typing import NamedTuple, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.calibration.damping import descend
from diffbio.cameras.calibration.points.equations import (
    FOCAL,
    Normal,
    PointViews,
    damped_step,
    moved,
    normal_equations,
    reduced,
    squared_px,
)
from diffbio.cameras.rig import CameraRig

MAX_STEPS = 60
ENOUGH = 1e-7
"""A step that lowers the cost by a smaller share is the last, unless asked for otherwise."""

_State: TypeAlias = tuple[CameraRig, Float[Array, "camera"], Float[Array, "point 3"]]
"""Cameras, what is added to their clocks, and points."""


class FocalPrior(NamedTuple):
    """What is known of focal lengths beforehand.

    Attributes:
        log_px: their logarithms, as given.
        sd: standard deviation of those, infinite where nothing is known.
    """

    log_px: Float[Array, "camera"]
    sd: Float[Array, ""]


class PointsAdjusted(NamedTuple):
    """Adjusted cameras and points.

    Attributes:
        rig: the cameras.
        clock: what is to be added to time stamps, besides what was, in seconds.
        points: in the world.
        residual_px: distance of each detection from its point's picture; 0 where not seen.
        information: inverse covariance of the cameras' unknowns, points eliminated, for
            detections with an error of 1 px in each coordinate; the prior is in it, as sure as it
            was against the noise; ones on the diagonal where held.
        scores: gradient of the cost of each point, of half the weighted squares.
        steps: taken.
        converged: the last accepted step changed next to nothing.
    """

    rig: CameraRig
    clock: Float[Array, "camera"]
    points: Float[Array, "point 3"]
    residual_px: Float[Array, "camera point"]
    information: Float[Array, "unknown unknown"]
    scores: Float[Array, "point unknown"]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


@eqx.filter_jit
def adjust_points(
    rig: CameraRig,
    points: Float[Array, "point 3"],
    views: PointViews,
    free: Bool[Array, "camera column"],
    prior: FocalPrior,
    scale_px: Float[Array, ""],
    noise_px: Float[Array, ""],
    enough: Float[Array, ""],
) -> PointsAdjusted:
    """Minimise the Geman-McClure cost of the distances between points' pictures and detections.

    Args:
        rig: where to start.
        points: where to start, in the world.
        views: what was detected.
        free: which unknowns of each camera are sought, in the order of `UNKNOWNS`.
        prior: on the focal lengths, where they are sought.
        scale_px: distance at which a detection counts for half as much as an outlier.
        noise_px: standard deviation of a good detection, against which the prior weighs.
        enough: a step that lowers the cost by a smaller share is the last.
    """
    strength = (noise_px / prior.sd) ** 2

    def departure(rig: CameraRig) -> Float[Array, "camera"]:
        return jnp.log(rig.focal_px[:, 0]) - prior.log_px

    def cost(state: _State) -> Float[Array, ""]:
        squared = squared_px(*state, views)
        robust = squared / (1.0 + squared / scale_px**2)
        return jnp.sum(views.weight * robust) + strength * jnp.sum(departure(state[0]) ** 2)

    def equations(state: _State) -> Normal:
        normal = normal_equations(*state, views, free, scale_px)
        return normal._replace(
            cameras=normal.cameras.at[:, FOCAL, FOCAL].add(strength),
            camera_gradient=normal.camera_gradient.at[:, FOCAL].add(strength * departure(state[0])),
        )

    def step(state: _State, damping: Float[Array, ""]) -> _State:
        return moved(*state, *damped_step(equations(state), free, damping))

    start = rig, jnp.zeros_like(prior.log_px), points
    end = descend(start, cost, step, enough=enough, max_steps=MAX_STEPS)
    rig, clock, points = end.unknowns
    normal = equations((rig, clock, points))
    information, _, carried = reduced(normal, free, jnp.zeros_like(end.cost))
    own = normal.each_gradient.reshape(free.size, -1)
    scores = own - jnp.einsum("api,pi->ap", carried, normal.point_gradient)
    return PointsAdjusted(
        rig,
        clock,
        points,
        jnp.sqrt(squared_px(rig, clock, points, views)),
        information,
        scores.T,
        end.steps,
        end.converged,
    )
