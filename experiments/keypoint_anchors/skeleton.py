"""The default body standing in its neutral pose, with the vertices of its bones."""

import dataclasses
import functools

import mujoco
import musclemimic_models
import numpy as np
from jaxtyping import Float


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """Bones of the default body in one frame: X forward, Y up, Z right, origin of the pelvis.

    The body frames of the model are parallel to that frame in the neutral pose (the knee's and
    the patella's to within a degree), so a direction means the same in every rule.

    Attributes:
        body_positions: origin of each body, in metres.
        body_rotations: rotation of each body.
        bones: vertices of each bone mesh, by mesh name, in metres.
        bone_faces: triangles of each bone mesh, as indices of its vertices.
        bodies_of_bones: name of the body that carries each bone mesh.
    """

    body_positions: dict[str, Float[np.ndarray, "3"]]
    body_rotations: dict[str, Float[np.ndarray, "3 3"]]
    bones: dict[str, Float[np.ndarray, "vertex 3"]]
    bone_faces: dict[str, np.ndarray]
    bodies_of_bones: dict[str, str]

    def bones_of(self, *bodies: str) -> Float[np.ndarray, "vertex 3"]:
        """Vertices of every bone carried by the bodies named, in metres."""
        names = [bone for bone, body in self.bodies_of_bones.items() if body in bodies]
        return np.concatenate([self.bones[name] for name in names])

    def in_body(self, body: str, point: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
        """A point of the common frame, expressed in the frame of a body, in metres."""
        return (point - self.body_positions[body]) @ self.body_rotations[body]

    def from_body(self, body: str, point: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
        """A point of a body's frame, expressed in the common frame, in metres."""
        return self.body_positions[body] + self.body_rotations[body] @ point


def neutral_coordinates(model: mujoco.MjModel) -> Float[np.ndarray, "coordinate"]:
    """The reference pose with every coupled joint where its polynomial puts it.

    MuJoCo enforces joint equalities as soft constraints of the dynamics only; its kinematics
    leaves the patella and the other coupled joints at their references.
    """
    coordinates = model.qpos0.copy()
    for equality in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
        # The reference pose leaves the independent joint at its own reference, so that only the
        # constant term of the polynomial is left.
        dependent = model.jnt_qposadr[model.eq_obj1id[equality]]
        coordinates[dependent] = model.qpos0[dependent] + model.eq_data[equality, 0]
    return coordinates


@functools.cache
def neutral_skeleton() -> Skeleton:
    """The default body in its neutral pose."""
    model = mujoco.MjModel.from_xml_path(str(musclemimic_models.get_xml_path("myofullbody")))
    state = mujoco.MjData(model)
    state.qpos[:] = neutral_coordinates(model)
    mujoco.mj_kinematics(model, state)
    pelvis = model.body("pelvis").id
    origin, world_from_common = state.xpos[pelvis], state.xmat[pelvis].reshape(3, 3)

    names = [model.body(body).name for body in range(model.nbody)]
    positions = {n: (state.xpos[b] - origin) @ world_from_common for b, n in enumerate(names)}
    rotations = {n: world_from_common.T @ state.xmat[b].reshape(3, 3) for b, n in enumerate(names)}
    bones, faces, carriers = {}, {}, {}
    for geom in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_MESH):
        mesh = model.mesh(model.geom_dataid[geom])
        vertices = model.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]]
        in_world = state.geom_xpos[geom] + vertices @ state.geom_xmat[geom].reshape(3, 3).T
        bones[mesh.name] = (in_world - origin) @ world_from_common
        faces[mesh.name] = model.mesh_face[mesh.faceadr[0] : mesh.faceadr[0] + mesh.facenum[0]]
        carriers[mesh.name] = names[model.geom_bodyid[geom]]
    return Skeleton(positions, rotations, bones, faces, carriers)
