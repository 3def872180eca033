"""Body models: the anatomy a fit holds fixed, with the markers it can predict."""

import dataclasses
import functools
import hashlib
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.body.fused import FusedKinematics
from diffbio.body.keypoint_set import Anchor, AnchorClass
from diffbio.body.parameters import BodyParameters
from diffbio.body.pose import Pose
from diffbio.body.skeleton import Skeleton
from diffbio.body.write_mjcf import Sites, neutral_sites, spec_from_skeleton
from diffbio.errors import InputError, UnknownNameError

POSTURE_SD = np.pi / 2
"""In radians (metres for slides): where a model says nothing about posture."""

KINEMATICS = ("fused", "mjx")


@runtime_checkable
class Kinematics(Protocol):
    """Forward kinematics of a skeleton whose bodies have any size."""

    def __call__(
        self, scale: Float[Array, "body"], pose: Pose
    ) -> tuple[Float[Array, "time body 3"], Float[Array, "time body 3 3"]]:
        """World positions, in metres, and `world_from_body` of every body."""
        ...

    def points(
        self,
        scale: Float[Array, "body"],
        pose: Pose,
        carrier: Int[np.ndarray, "point"],
        local: Float[Array, "point 3"],
    ) -> Float[Array, "time point 3"]:
        """World positions, in metres, of points fixed in the bodies that carry them."""
        ...


@dataclasses.dataclass(frozen=True, eq=False)
class BodyModel:
    """A skeleton with scale groups and markers. Immutable, compared by content.

    It is a compile-time constant, not a pytree: no gradient can reach it, and two trials that
    use the same model share one compiled program. What differs between people is
    `BodyParameters`.

    Attributes:
        skeleton: bodies, joints and couplings.
        segment_names: names of the groups of bodies that share one scale.
        segment_of_body: index of the segment of every body.
        anchors: one per marker; the marker's name is the keypoint's.
        pelvis_name: body whose axes are X forward, Y up, Z right (OpenSim), None where the
            model has none.
        height_points: top and bottom points of the standing body, None where unknown.
        posture: mean and standard deviation of joint coordinates that nothing observes, by
            name; others have their reference and `POSTURE_SD`.
        kinematics_name: `fused` (diffbio's own) or `mjx` (MuJoCo's).
    """

    skeleton: Skeleton
    segment_names: tuple[str, ...]
    segment_of_body: tuple[int, ...]
    anchors: tuple[Anchor, ...]
    pelvis_name: str | None = None
    height_points: tuple[Anchor, Anchor] | None = None
    posture: tuple[tuple[str, float, float], ...] = ()
    kinematics_name: str = "fused"

    def __post_init__(self) -> None:
        if self.kinematics_name not in KINEMATICS:
            raise UnknownNameError(self.name, "kinematics", self.kinematics_name, KINEMATICS)
        if not self.anchors:
            raise InputError(self.name, "No keypoint is anchored on it.", "Choose another set.")

    @functools.cached_property
    def _fingerprint(self) -> str:
        fields = (getattr(self, field.name) for field in dataclasses.fields(self))
        text = repr([self.skeleton.fingerprint(), *(f for f in fields if f is not self.skeleton)])
        return hashlib.sha256(text.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BodyModel) and self._fingerprint == other._fingerprint

    def __hash__(self) -> int:
        return hash(self._fingerprint)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.skeleton.name

    @property
    def body_names(self) -> tuple[str, ...]:
        """Names of the bodies kept, root first."""
        return self.skeleton.body_names

    @property
    def body_parents(self) -> tuple[int, ...]:
        """Index of each body's parent, -1 for the root."""
        return self.skeleton.parents

    @functools.cached_property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the independent joint coordinates."""
        return tuple(joint.name for joint in self.skeleton.independent)

    @functools.cached_property
    def joint_kinds(self) -> tuple[str, ...]:
        """`hinge` or `slide`, one per independent joint coordinate."""
        return tuple(joint.kind for joint in self.skeleton.independent)

    @functools.cached_property
    def joint_range(self) -> Float[np.ndarray, "joint 2"]:
        """Lowest and highest value of the independent joint coordinates."""
        return np.asarray([joint.range for joint in self.skeleton.independent]).reshape(-1, 2)

    @functools.cached_property
    def joint_reference(self) -> Float[np.ndarray, "joint"]:
        """Independent joint coordinates of the neutral pose."""
        return np.asarray([joint.reference for joint in self.skeleton.independent])

    @functools.cached_property
    def joint_posture(self) -> tuple[Float[np.ndarray, "joint"], Float[np.ndarray, "joint"]]:
        """Mean and standard deviation of every independent joint coordinate, unobserved."""
        known = {name: (mean, sd) for name, mean, sd in self.posture}
        rows = [known.get(j.name, (j.reference, POSTURE_SD)) for j in self.skeleton.independent]
        mean, sd = np.asarray(rows).reshape(-1, 2).T
        return mean, sd

    @functools.cached_property
    def marker_names(self) -> tuple[str, ...]:
        """Names of the markers: the anchored keypoints."""
        return tuple(anchor.keypoint for anchor in self.anchors)

    @functools.cached_property
    def marker_body(self) -> Int[np.ndarray, "marker"]:
        """Index of the body that carries each marker."""
        return np.asarray([self.body_names.index(anchor.body) for anchor in self.anchors])

    @functools.cached_property
    def marker_position(self) -> Float[np.ndarray, "marker 3"]:
        """Position of each marker in its body, on the unscaled model, in metres."""
        return np.asarray([anchor.position for anchor in self.anchors])

    @functools.cached_property
    def marker_kind(self) -> tuple[AnchorClass, ...]:
        """Class of every marker's anchor."""
        return tuple(anchor.kind for anchor in self.anchors)

    @functools.cached_property
    def _kinematics(self) -> Kinematics:
        if self.kinematics_name == "fused":
            return FusedKinematics(self.skeleton)
        # Importing MJX takes seconds and warns about Warp, so it waits until it is asked for.
        from diffbio.body.mjx_kinematics import MjxKinematics

        return MjxKinematics(self.skeleton)

    @property
    def compiler_options(self) -> tuple[tuple[str, bool], ...]:
        """What XLA needs to be told to compile these kinematics.

        On a CPU its fusion of MJX's tree recomputes bodies exponentially often; without the
        fusion emitters it compiles and runs in seconds.
        """
        if self.kinematics_name == "mjx" and jax.default_backend() == "cpu":
            return (("xla_cpu_use_fusion_emitters", False),)
        return ()

    def with_kinematics(self, name: str) -> "BodyModel":
        """The same anatomy with another implementation of forward kinematics."""
        return dataclasses.replace(self, kinematics_name=name)

    def default_parameters(self, dtype: np.dtype | type = np.float32) -> BodyParameters:
        """The base model: no scaling, markers at their anchors."""
        return BodyParameters(
            jnp.zeros(len(self.segment_names), dtype), jnp.zeros((len(self.anchors), 3), dtype)
        )

    def neutral_pose(self, n_time: int = 1, dtype: np.dtype | type = np.float32) -> Pose:
        """Every joint at its reference, the root at the origin with its own axes."""
        joints = np.broadcast_to(self.joint_reference, (n_time, len(self.joint_names)))
        return Pose(
            jnp.zeros((n_time, 3), dtype),
            jnp.tile(jnp.asarray([1, 0, 0, 0], dtype), (n_time, 1)),
            jnp.asarray(joints, dtype),
        )

    def marker_positions(
        self, parameters: BodyParameters, pose: Pose
    ) -> Float[Array, "time marker 3"]:
        """Forward kinematics of the markers.

        Args:
            parameters: the person.
            pose: generalised positions.

        Returns:
            Marker positions in the world frame, in metres.
        """
        scale = jnp.exp(parameters.log_scale)[np.asarray(self.segment_of_body)]
        anchored = jnp.asarray(self.marker_position, scale.dtype) * scale[self.marker_body][:, None]
        local = anchored + parameters.marker_offset
        return self._kinematics.points(scale, pose, self.marker_body, local)

    def body_poses(
        self, parameters: BodyParameters, pose: Pose
    ) -> tuple[Float[Array, "time body 3"], Float[Array, "time body 3 3"]]:
        """Forward kinematics of the bodies.

        Returns:
            Origin of every body in the world frame, in metres, and `world_from_body`.
        """
        scale = jnp.exp(parameters.log_scale)[np.asarray(self.segment_of_body)]
        return self._kinematics(scale, pose)

    def body_scale(self, parameters: BodyParameters) -> Float[np.ndarray, "body"]:
        """Size of every body relative to the base model, unitless."""
        return np.exp(np.asarray(parameters.log_scale, float))[list(self.segment_of_body)]

    def mass(self, parameters: BodyParameters) -> float:
        """Mass in kg if density were that of the base model (volume scaling, not measured)."""
        masses = np.asarray([inertia.mass for inertia in self.skeleton.inertia])
        return float(masses @ self.body_scale(parameters) ** 3)

    def height(self, parameters: BodyParameters) -> float | None:
        """Standing height in metres, None where the model does not say what to measure."""
        if self.height_points is None or self.pelvis_name is None:
            return None
        if not {point.body for point in self.height_points} <= set(self.body_names):
            return None
        scale = self.body_scale(parameters)
        sites: Sites = {
            end: (point.body, np.asarray(point.position) * scale[self.body_names.index(point.body)])
            for end, point in zip(("top", "bottom"), self.height_points, strict=True)
        }
        sites["pelvis"] = (self.pelvis_name, np.zeros(3))
        sites["above"] = (self.pelvis_name, np.array([0.0, 1.0, 0.0]))
        found = neutral_sites(self.skeleton, scale, sites)
        return float((found["top"] - found["bottom"]) @ (found["above"] - found["pelvis"]))

    def to_mjcf(self, parameters: BodyParameters) -> str:
        """The person as MJCF with markers as sites, loadable by MuJoCo.

        MuJoCo's kinematics does not apply the joint couplings by itself; its dynamics does.
        """
        scale = self.body_scale(parameters)
        local = self.marker_position * scale[self.marker_body][:, None]
        local += np.asarray(parameters.marker_offset, float)
        sites: Sites = {
            anchor.keypoint: (anchor.body, position)
            for anchor, position in zip(self.anchors, local, strict=True)
        }
        spec = spec_from_skeleton(self.skeleton, scale, sites)
        spec.compile()
        return spec.to_xml()
