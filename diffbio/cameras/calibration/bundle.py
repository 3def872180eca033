"""Bundle adjustment: camera poses, lenses and board poses at once, by damped Gauss-Newton.

Everything runs in the precision of the rig, which should be double.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.calibration.board_equations import (
    Given,
    normal_equations,
    placed,
    reduced,
    solved,
    view_scores,
)
from diffbio.cameras.calibration.damping import descend
from diffbio.cameras.calibration.lens_unknowns import WIDTH as WIDTH
from diffbio.cameras.calibration.lens_unknowns import with_lens_moved
from diffbio.cameras.calibration.sightings import BoardPoses, Sightings
from diffbio.cameras.rig import CameraRig
from diffbio.geometry import matrix_from_rotation_vector

MAX_STEPS = 40
_ENOUGH = 1e-10
"""A step that changes the cost by a smaller share is the last."""


class Adjusted(NamedTuple):
    """An adjusted rig.

    Attributes:
        rig: the cameras.
        poses: of the board, in every view.
        residual_px: distance of each corner from its detection.
        information: inverse covariance of the cameras' unknowns, board poses eliminated, for
            corners with an error of 1 px in each coordinate; ones on the diagonal of what is held.
        scores: gradient of the cost of each view, of half the weighted squares.
        steps: taken.
        converged: the last accepted step changed next to nothing.
    """

    rig: CameraRig
    poses: BoardPoses
    residual_px: Float[Array, "camera sighting corner"]
    information: Float[Array, "unknown unknown"]
    scores: Float[Array, "view unknown"]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


@eqx.filter_jit
def adjust(
    rig: CameraRig,
    poses: BoardPoses,
    points: Float[Array, "corner 3"],
    sightings: Sightings,
    free: Bool[Array, "camera column"],
    scale_px: Float[Array, ""],
) -> Adjusted:
    """Minimise the Huber loss of the distances between corners and their detections.

    Args:
        rig: where to start.
        poses: of the board in every view, where to start.
        points: corners on the board, in metres.
        sightings: what was detected.
        free: which unknowns of each camera are sought, in the order of `WIDTH`; of one camera
            at least the pose has to be held, or the world may drift.
        scale_px: beyond this distance a corner counts linearly. Infinite is least squares.
    """

    given = Given(points, sightings, free, scale_px)

    def cost(now: tuple[CameraRig, BoardPoses]) -> Float[Array, ""]:
        distance = distance_px(*now, points, sightings)
        beyond = jnp.maximum(distance - scale_px, 0.0)
        return jnp.sum(jnp.where(sightings.seen, distance**2 - beyond**2, 0.0))

    def step(now: tuple[CameraRig, BoardPoses], damping: Float[Array, ""]):
        return _moved(*now, *solved(normal_equations(*now, given), free, damping))

    end = descend((rig, poses), cost, step, enough=_ENOUGH, max_steps=MAX_STEPS)
    rig, poses = end.unknowns
    undamped = jnp.zeros((), rig.focal_px.dtype)
    return Adjusted(
        rig,
        poses,
        distance_px(rig, poses, points, sightings),
        reduced(normal_equations(rig, poses, given), free, undamped)[0],
        view_scores(rig, poses, given),
        end.steps,
        end.converged,
    )


def distance_px(
    rig: CameraRig, poses: BoardPoses, points: Float[Array, "corner 3"], sightings: Sightings
) -> Float[Array, "camera sighting corner"]:
    """Distance between projected corners and their detections; 0 where nothing was detected."""
    u, v = rig.project_components(placed(poses, points, sightings), own=True)
    du, dv = u - sightings.pixels[..., 0], v - sightings.pixels[..., 1]
    squared = jnp.where(sightings.seen, du**2 + dv**2, 0.0)
    return jnp.sqrt(squared)


def _moved(
    rig: CameraRig,
    poses: BoardPoses,
    cameras: Float[Array, "camera column"],
    boards: Float[Array, "view 6"],
) -> tuple[CameraRig, BoardPoses]:
    rotation = matrix_from_rotation_vector(cameras[:, :3]) @ rig.camera_from_world_rotation
    centres = rig.centres + cameras[:, 3:6]
    rig = eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        with_lens_moved(rig, cameras[:, 6:]),
        (rotation, -jnp.einsum("cij,cj->ci", rotation, centres)),
    )
    turn = matrix_from_rotation_vector(boards[:, :3])
    return rig, BoardPoses(
        turn @ poses.world_from_board_rotation, poses.world_from_board_translation + boards[:, 3:]
    )
