"""Bones and muscles of MyoFullBody: sized for a person, and read off the compiled model."""

import dataclasses
from collections.abc import Mapping

import mujoco
import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from diffbio.body.default import NECK_AXES

_EMBLEM = "torso_geom_13_ribcage_s"
"""The mesh of the ribs, on whose sternum the model's makers put an emblem: four fifths of its
vertices, joined to no bone."""

POINTS_PER_WRAP = 2
"""A path touches a wrapping surface at the point where it comes on and the one where it leaves."""


@dataclasses.dataclass(frozen=True)
class Bone:
    """The surface of a bone.

    Attributes:
        name: of the mesh.
        body: index of the body it is fixed to.
        vertices: in the frame of that body, in metres, in the person's size.
        faces: indices of three vertices, counter-clockwise from outside.
    """

    name: str
    body: int
    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]


@dataclasses.dataclass(frozen=True)
class MusclePaths:
    """Which points the paths of all muscles consist of, one muscle after the other.

    Attributes:
        names: of the muscles.
        force: maximal isometric, of the base model, N.
        start: index of the first point of each muscle, and the number of points at the end.
        body: index of the body that carries each point; for a point on a wrapping surface, the
            body of that surface.
        local: each point in that frame, in metres; NaN on wrapping surfaces, where it moves.
    """

    names: tuple[str, ...]
    force: Float[np.ndarray, "muscle"]
    start: Int[np.ndarray, "muscle_and_end"]
    body: Int[np.ndarray, "point"]
    local: Float[np.ndarray, "point 3"]

    @property
    def wrapped(self) -> Int[np.ndarray, "wrapped"]:
        """Indices of the points on wrapping surfaces, two and two."""
        return np.flatnonzero(np.isnan(self.local[:, 0]))


def add_neck(spec: mujoco.MjSpec, neck: dict[str, list[float]]) -> None:
    """The three hinges of the default body, between thorax and neck."""
    body, base = spec.body("neck"), np.asarray(neck["position"])
    body.pos = body.pos + base
    for fixed in (*body.geoms, *body.sites, *body.bodies):
        fixed.pos = fixed.pos - base
    for motion, axis in NECK_AXES.items():
        body.add_joint(
            name=f"neck_{motion}", type=mujoco.mjtJoint.mjJNT_HINGE, axis=axis, limited=0
        )


def body_sizes(
    spec: mujoco.MjSpec, segments: dict[str, list[str]], scale: Mapping[str, float]
) -> dict[str, float]:
    """Size of every body; one whose segment was not fitted has its parent's."""
    first = {body: segment for segment, bodies in segments.items() for body in bodies}
    sizes: dict[str, float] = {}
    for body in spec.bodies:
        if body.name == "world":
            continue
        inherited = sizes.get(body.parent.name, 1.0)
        sizes[body.name] = float(scale.get(first.get(body.name, ""), inherited))
    return sizes


def scale_bodies(spec: mujoco.MjSpec, sizes: Mapping[str, float]) -> None:
    """Origins follow the parent's size; joint anchors, bones, surfaces and sites their own."""
    for body in spec.bodies:
        if body.name == "world":
            continue
        own = sizes[body.name]
        body.pos = body.pos * sizes.get(body.parent.name, 1.0)
        for fixed in (*body.joints, *body.sites, *body.geoms):
            fixed.pos = fixed.pos * own
        for geom in body.geoms:
            geom.size, geom.fromto = geom.size * own, geom.fromto * own
            if geom.type == mujoco.mjtGeom.mjGEOM_MESH:
                mesh = spec.mesh(geom.meshname)
                mesh.scale = mesh.scale * own


def bones_of(model: mujoco.MjModel) -> list[Bone]:
    """Every mesh, in the frame of its body."""
    bones = []
    for g in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_MESH):
        mesh = int(model.geom_dataid[g])
        first, count = int(model.mesh_vertadr[mesh]), int(model.mesh_vertnum[mesh])
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[g])
        # MuJoCo keeps a mesh in the axes of its inertia, and says where those are.
        vertices = model.mesh_vert[first : first + count].astype(float) @ turn.reshape(3, 3).T
        faces = model.mesh_face[model.mesh_faceadr[mesh] :][: model.mesh_facenum[mesh]].astype(int)
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        if np.einsum("fi,fi->", a, np.cross(b, c)) < 0.0:  # of a mirrored mesh
            faces = faces[:, ::-1]
        name, vertices = model.mesh(mesh).name, vertices + model.geom_pos[g]
        if name == _EMBLEM:
            vertices, faces = _without_largest_piece(vertices, faces)
        bones.append(Bone(name, int(model.geom_bodyid[g]) - 1, vertices, faces))
    return bones


def _without_largest_piece(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> tuple[Float[np.ndarray, "fewer 3"], Int[np.ndarray, "less 3"]]:
    """A mesh without that of its connected pieces which has most vertices."""
    # Pieces meet where vertices coincide, to a micrometre.
    _, point = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    joined = point.ravel()[faces]
    count = int(joined.max()) + 1
    links = coo_matrix(
        (np.ones(joined.size), (joined.ravel(), np.roll(joined, 1, axis=1).ravel())),
        shape=(count, count),
    )
    piece = connected_components(links, directed=False)[1]
    kept = faces[piece[joined[:, 0]] != np.argmax(np.bincount(piece))]
    used, renumbered = np.unique(kept, return_inverse=True)
    return vertices[used], renumbered.reshape(-1, 3)


def muscle_paths_of(model: mujoco.MjModel) -> tuple[MusclePaths, Int[np.ndarray, "site"]]:
    """The paths; and, by site passed, the place among wrapped points of those that follow it."""
    names, force, start, bodies, local = [], [], [0], [], []
    slots: list[int] = []
    wrapped = 0
    tendons = model.actuator_trnid[:, 0]
    for actuator in np.argsort(tendons, kind="stable"):
        tendon = int(tendons[actuator])
        first, count = int(model.tendon_adr[tendon]), int(model.tendon_num[tendon])
        for kind, what in zip(
            model.wrap_type[first : first + count],
            model.wrap_objid[first : first + count],
            strict=True,
        ):
            if kind == mujoco.mjtWrap.mjWRAP_SITE:
                bodies.append(int(model.site_bodyid[what]) - 1)
                local.append(model.site_pos[what])
                slots.append(-1)
            else:
                bodies += [int(model.geom_bodyid[what]) - 1] * POINTS_PER_WRAP
                local += [np.full(3, np.nan)] * POINTS_PER_WRAP
                slots[-1] = wrapped
                wrapped += POINTS_PER_WRAP
        names.append(model.actuator(actuator).name)
        force.append(float(model.actuator_gainprm[actuator, 2]))
        start.append(len(bodies))
    paths = MusclePaths(
        tuple(names), np.array(force), np.array(start), np.array(bodies), np.array(local)
    )
    return paths, np.array(slots)
