"""Calibrated cameras: OpenCV's lens model and poses, differentiable."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.cameras import lens
from diffbio.cameras.adjustment import CameraAdjustment
from diffbio.errors import UnknownNameError
from diffbio.geometry import matrix_from_rotation_vector

MIN_DEPTH = 0.1
"""In metres. A point nearer to a camera than this, or behind it, is projected as if it stood
at this depth, so that a projection and its gradient are finite wherever the point is."""


class CameraRig(eqx.Module):
    """Several calibrated cameras, batched along the first axis.

    Attributes:
        focal_px: focal lengths (fx, fy), in pixels.
        principal_px: principal point (cx, cy), in pixels; (0, 0) is the centre of the
            top-left pixel.
        distortion: OpenCV (k1, k2, p1, p2, k3); for a fisheye lens (k1, k2, k3, k4, 0).
        camera_from_world_rotation: rotation matrices.
        camera_from_world_translation: in metres; the camera centre is `-R.T @ t`.
        names: one name per camera, in array order.
        image_size: (width, height) of each camera, in pixels.
        fisheye: which cameras use OpenCV's fisheye model.
    """

    focal_px: Float[Array, "camera 2"]
    principal_px: Float[Array, "camera 2"]
    distortion: Float[Array, "camera 5"]
    camera_from_world_rotation: Float[Array, "camera 3 3"]
    camera_from_world_translation: Float[Array, "camera 3"]
    names: tuple[str, ...] = eqx.field(static=True)
    image_size: tuple[tuple[int, int], ...] = eqx.field(static=True)
    fisheye: tuple[bool, ...] = eqx.field(static=True)

    @property
    def centres(self) -> Float[Array, "camera 3"]:
        """Where the cameras stand in the world, in metres."""
        return -jnp.einsum(
            "cji,cj->ci", self.camera_from_world_rotation, self.camera_from_world_translation
        )

    def in_camera(self, points: Float[Array, "*batch 3"]) -> Float[Array, "camera *batch 3"]:
        """World points in the frame of every camera (x right, y down, z forward), in metres."""

        def one(rotation: Float[Array, "3 3"], centre: Float[Array, "3"]) -> Array:
            shift = jnp.expand_dims(centre, tuple(range(points.ndim - 1)))
            return jnp.einsum("ij,...j->...i", rotation, points - shift)

        # Differences from the camera centre keep single precision good far from the origin.
        return jax.vmap(one)(self.camera_from_world_rotation, self.centres)

    def depth(self, points: Float[Array, "*batch 3"]) -> Float[Array, "camera *batch"]:
        """Distance of world points along every optical axis, in metres; negative is behind."""
        return self.in_camera(points)[..., 2]

    def project(self, points: Float[Array, "*batch 3"]) -> Float[Array, "camera *batch 2"]:
        """Image every camera forms of world points, lens distortion included.

        Args:
            points: in the world frame, in metres.

        Returns:
            Pixels (u right, v down), not clipped to the image. Points closer than `MIN_DEPTH`
            or behind a camera are treated as standing at `MIN_DEPTH`.
        """
        return jnp.stack(self.project_components(points), axis=-1)

    def project_components(
        self, points: Float[Array, "*batch 3"], *, own: bool = False
    ) -> tuple[Float[Array, "camera *rest"], Float[Array, "camera *rest"]]:
        """As `project`, with u and v apart: ten times quicker to differentiate.

        The barriers keep XLA from computing the whole chain anew for each component of the
        gradient.

        Args:
            points: in the world frame, in metres.
            own: each camera has points of its own, along the first axis.
        """
        n_cameras, batch = self.focal_px.shape[0], points.shape[int(own) : -1]
        x, y, z = self._seen(points, own)
        z = jnp.maximum(z, MIN_DEPTH)
        u, v = self._bent(x / z, y / z)
        u = u * self.focal_px[:, :1] + self.principal_px[:, :1]
        v = v * self.focal_px[:, 1:] + self.principal_px[:, 1:]
        u, v = jax.lax.optimization_barrier((u, v))
        return u.reshape(n_cameras, *batch), v.reshape(n_cameras, *batch)

    def project_derivatives(
        self, points: Float[Array, "*batch 3"], *, own: bool = False
    ) -> tuple[
        Float[Array, "camera *rest"],
        Float[Array, "camera *rest"],
        Float[Array, "3 camera *rest"],
        Float[Array, "3 camera *rest"],
    ]:
        """As `project_components`, with the derivatives of u and of v in world coordinates."""
        n_cameras, batch = self.focal_px.shape[0], points.shape[int(own) : -1]
        x, y, z = self._seen(points, own)
        clamped = jnp.maximum(z, MIN_DEPTH)
        a, b = x / clamped, y / clamped
        one, zero = jnp.ones_like(a), jnp.zeros_like(a)
        (u, v), along_x = jax.jvp(self._bent, (a, b), (one, zero))
        _, along_y = jax.jvp(self._bent, (a, b), (zero, one))
        rotation = self.camera_from_world_rotation
        images, slopes = (u, v), []
        for axis in range(2):
            focal = self.focal_px[:, axis : axis + 1]
            by_x, by_y = focal * along_x[axis] / clamped, focal * along_y[axis] / clamped
            by_z = jnp.where(z > MIN_DEPTH, -(by_x * a + by_y * b), 0.0)
            seen = (by_x, by_y, by_z)
            world = [sum(rotation[:, i, j, None] * seen[i] for i in range(3)) for j in range(3)]
            slopes.append(jnp.stack(world).reshape(3, n_cameras, *batch))
        pixels = [
            (image * self.focal_px[:, axis, None] + self.principal_px[:, axis, None])
            for axis, image in enumerate(images)
        ]
        u, v = (image.reshape(n_cameras, *batch) for image in pixels)
        return jax.lax.optimization_barrier((u, v, slopes[0], slopes[1]))

    def lens_derivatives(
        self, points: Float[Array, "*batch 3"], *, own: bool = False
    ) -> tuple[Float[Array, "3 camera *rest"], Float[Array, "3 camera *rest"]]:
        """Derivatives of u and of v: by the logarithm of the focal lengths, by k1 and by k2."""

        def image(lens: Float[Array, "3"]) -> tuple[Array, Array]:
            focal = self.focal_px * jnp.exp(lens[0])
            bent = self.distortion.at[:, :2].add(lens[None, 1:])
            changed = eqx.tree_at(lambda r: (r.focal_px, r.distortion), self, (focal, bent))
            return changed.project_components(points, own=own)

        zero = jnp.zeros(3, self.focal_px.dtype)
        along = [jax.jvp(image, (zero,), (axis,))[1] for axis in jnp.eye(3, dtype=zero.dtype)]
        u, v = zip(*along, strict=True)
        return jax.lax.optimization_barrier((jnp.stack(u), jnp.stack(v)))

    def _seen(
        self, points: Float[Array, "*batch 3"], own: bool
    ) -> tuple[Float[Array, "camera n"], Float[Array, "camera n"], Float[Array, "camera n"]]:
        """World points in the frame of every camera, components apart, in metres."""
        # About the middle of the cameras, single precision stays good far from the origin.
        middle = self.centres.mean(0)
        rotation = self.camera_from_world_rotation
        exact = jax.lax.Precision.HIGHEST
        shift = jnp.einsum("cij,cj->ic", rotation, middle[None] - self.centres, precision=exact)
        if own:
            flat = points.reshape(points.shape[0], -1, 3) - middle[None, None]
            seen = jnp.einsum("cij,cnj->icn", rotation, flat, precision=exact)
        else:
            flat = points.reshape(-1, 3).T - middle[:, None]
            seen = jnp.einsum("cij,jn->icn", rotation, flat, precision=exact)
        seen = seen + shift[:, :, None]
        return jax.lax.optimization_barrier((seen[0], seen[1], seen[2]))

    def _bent(
        self, x: Float[Array, "camera n"], y: Float[Array, "camera n"]
    ) -> tuple[Float[Array, "camera n"], Float[Array, "camera n"]]:
        if not any(self.fisheye):
            coefficients = tuple(self.distortion[:, i : i + 1] for i in range(5))
            return lens.distort_components(x, y, coefficients)
        bent = self._through_lens(lens.distort, lens.distort_fisheye, jnp.stack([x, y], axis=-1))
        return bent[..., 0], bent[..., 1]

    def image_from_normalised(
        self, normalised: Float[Array, "camera *batch 2"]
    ) -> Float[Array, "camera *batch 2"]:
        """Pixels of ideal coordinates (x / z, y / z), lens distortion added."""
        bent = self._through_lens(lens.distort, lens.distort_fisheye, normalised)
        return bent * _beside(self.focal_px, bent) + _beside(self.principal_px, bent)

    def normalised_from_image(
        self, pixels: Float[Array, "camera *batch 2"]
    ) -> Float[Array, "camera *batch 2"]:
        """Ideal coordinates (x / z, y / z) of pixels, lens distortion removed."""
        bent = (pixels - _beside(self.principal_px, pixels)) / _beside(self.focal_px, pixels)
        return self._through_lens(lens.undistort, lens.undistort_fisheye, bent)

    def adjusted(self, adjustment: CameraAdjustment) -> "CameraRig":
        """The rig with its poses and lenses corrected; clocks are no part of a rig.

        Every camera is turned about its own centre and then moved. The pose is what
        `CameraAdjustment` says: a turn leaves the centre where it is.
        """
        turn = matrix_from_rotation_vector(jnp.asarray(adjustment.rotation))
        rotation = turn @ self.camera_from_world_rotation
        centres = self.centres + adjustment.shift
        return eqx.tree_at(
            lambda r: (
                r.focal_px,
                r.distortion,
                r.camera_from_world_rotation,
                r.camera_from_world_translation,
            ),
            self,
            (
                self.focal_px * jnp.exp(adjustment.log_focal)[:, None],
                self.distortion.at[:, :2].add(adjustment.distortion),
                rotation,
                -jnp.einsum("cij,cj->ci", rotation, centres),
            ),
        )

    def astype(self, dtype: np.dtype | type) -> "CameraRig":
        """The same cameras in another precision."""
        return jax.tree.map(lambda array: jnp.asarray(array, dtype), self)

    def subset(self, names: tuple[str, ...]) -> "CameraRig":
        """The named cameras, in the order asked for.

        Raises:
            UnknownNameError: the rig has no camera of that name.
        """
        for name in names:
            if name not in self.names:
                raise UnknownNameError("camera rig", "camera", name, self.names)
        rows = [self.names.index(name) for name in names]
        picked = jax.tree.map(lambda array: jnp.asarray(np.asarray(array)[rows]), self)
        return CameraRig(
            focal_px=picked.focal_px,
            principal_px=picked.principal_px,
            distortion=picked.distortion,
            camera_from_world_rotation=picked.camera_from_world_rotation,
            camera_from_world_translation=picked.camera_from_world_translation,
            names=tuple(names),
            image_size=tuple(self.image_size[row] for row in rows),
            fisheye=tuple(self.fisheye[row] for row in rows),
        )

    def _through_lens(
        self,
        pinhole: Callable[[Array, Array], Array],
        fisheye: Callable[[Array, Array], Array],
        coordinates: Float[Array, "camera *batch 2"],
    ) -> Float[Array, "camera *batch 2"]:
        """Apply to each camera the lens model it has."""
        if not any(self.fisheye):
            return jax.vmap(pinhole)(coordinates, self.distortion)
        if all(self.fisheye):
            return jax.vmap(fisheye)(coordinates, self.distortion)
        each = [
            (fisheye if is_fisheye else pinhole)(coordinates[row], self.distortion[row])
            for row, is_fisheye in enumerate(self.fisheye)
        ]
        return jnp.stack(each)


def _beside(
    per_camera: Float[Array, "camera 2"], like: Float[Array, "camera *batch 2"]
) -> Float[Array, "camera *ones 2"]:
    """Insert batch axes of length one, to broadcast without rank promotion."""
    return jnp.expand_dims(per_camera, tuple(range(1, like.ndim - 1)))
