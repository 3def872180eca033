"""From derivatives along twists and within bodies to derivatives by the parameters of a fit."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body.jacobian import TwistKinematics, Twists
from diffbio.fitting.sight import Instruments
from diffbio.geometry import left_jacobian


class ToParameters:
    """From derivatives along twists to derivatives along the parameters, on the last axis.

    A log scale also moves the markers within their carriers, as offsets would. A camera's
    rotation vector is in its own frame, and about zero.
    """

    def __init__(
        self, kinematics: TwistKinematics, twists: Twists, instruments: Instruments
    ) -> None:
        body = kinematics.body
        self.n_scale, self.n_marker = len(body.segment_names), len(body.marker_names)
        segment = np.asarray(body.segment_of_body)[body.marker_body]
        mine = jnp.asarray(np.eye(self.n_scale)[segment], twists.own_scale.dtype)
        own = twists.own_scale[:, :, None] * mine[:, None]
        self.own_scale = own.reshape(3 * self.n_marker, self.n_scale)
        self.n_camera, self.turn = len(instruments.rig.names), None
        if instruments.turn is not None:
            axes = left_jacobian(instruments.turn)
            rotation = instruments.rig.camera_from_world_rotation
            self.turn = jnp.einsum("cij,cik->cjk", rotation, axes)

    def parts(
        self,
        scales: Float[Array, "*batch scale"],
        offsets: Float[Array, "*batch offset"],
        cameras: Float[Array, "*batch column"],
    ) -> tuple[Float[Array, "*batch scale"], Float[Array, "*batch column"]]:
        """Columns of the scales and of the cameras; those of the offsets stay what they are."""
        scales = scales + offsets @ self.own_scale
        if self.turn is None:
            return scales, cameras
        each = cameras.reshape(*cameras.shape[:-1], self.n_camera, -1)
        turned = jnp.einsum("...ci,cij->...cj", each[..., :3], self.turn)
        return scales, each.at[..., :3].set(turned).reshape(cameras.shape)

    def __call__(self, rows: Float[Array, "*batch shared"]) -> Float[Array, "*batch shared"]:
        """All columns, beside each other."""
        end = self.n_scale + 3 * self.n_marker
        offsets = rows[..., self.n_scale : end]
        scales, cameras = self.parts(rows[..., : self.n_scale], offsets, rows[..., end:])
        return jnp.concatenate([scales, offsets, cameras], axis=-1)
