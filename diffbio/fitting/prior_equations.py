"""What the priors add to the linear system of a trial."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.body import BodyModel
from diffbio.fitting.residuals import Curvature
from diffbio.fitting.spline_basis import SplineBasis


def band_of(curvatures: list[Curvature], basis: SplineBasis) -> Float[Array, "4 control n n"]:
    """What the priors add to the band: nothing off the blocks' diagonals."""
    total = jnp.zeros((), basis.weight.dtype)
    for curvature in curvatures:
        if curvature.joints is not None:
            each = jnp.pad(curvature.joints, ((0, 0), (6, 0)))
            total = total + basis.gather_pairs(basis.full_slots(each))
        if curvature.acceleration is not None:
            each = basis.full_slots(curvature.acceleration)
            total = total + basis.gather_pairs(each, bend=True)
    eye = jnp.eye(total.shape[-1], dtype=total.dtype)
    return total[..., None] * eye[None, None]


def corner_of(
    body: BodyModel, curvatures: list[Curvature], columns: Int[np.ndarray, "column"]
) -> Float[Array, "shared shared"]:
    """What the priors add to the block of log scales, marker offsets and cameras.

    Args:
        body: the anatomy.
        curvatures: of all priors.
        columns: what is unknown of each camera, columns as in `CameraAdjustment`.
    """
    n_scale = len(body.segment_names)
    end = n_scale + 3 * len(body.marker_names)
    cameras = next(c.cameras for c in curvatures if c.cameras is not None)[:, columns]
    diagonal = jnp.concatenate([jnp.zeros(end, cameras.dtype), cameras.reshape(-1)])
    corner = jnp.diag(diagonal)
    for curvature in curvatures:
        if curvature.log_scale is not None:
            corner = corner.at[:n_scale, :n_scale].add(curvature.log_scale)
        if curvature.marker_offset is not None:
            each = jnp.repeat(curvature.marker_offset, 3)
            corner = corner.at[n_scale:end, n_scale:end].add(jnp.diag(each))
    return corner


def means_of(
    body: BodyModel, curvatures: list[Curvature], basis: SplineBasis
) -> tuple[Float[Array, "control n joint"], Float[Array, "joint"]]:
    """The rank-one part of a mean over time, as one more shared unknown per joint.

    Eliminating unknowns with corner `1 / a` and border `-w` leaves `-a w w^T`, which is
    what a term that holds the mean once takes back from the frames' own.
    """
    n_joint, dtype = len(body.joint_names), basis.weight.dtype
    n_control = basis.weight.shape[0] + 3
    border = jnp.zeros((n_control, 6 + n_joint, n_joint), dtype)
    corner = jnp.ones(n_joint, dtype)
    found = [c.common for c in curvatures if c.common is not None]
    if not found:
        return border, corner
    ((weight, information),) = found
    total = weight.sum()
    taken = jnp.maximum(total - 1, 0.0) / (total * total)
    felt = basis.gather(basis.full_slots(weight))
    some = taken > 0
    onto = jnp.eye(n_joint, dtype=dtype) * jnp.where(some, -information, 0.0)[None]
    border = border.at[:, 6:].set(felt[:, None, None] * onto[None])
    return border, jnp.where(some, information / jnp.where(some, taken, 1.0), 1.0)
