"""Bones and muscles in a person's size and pose: C MuJoCo, scaled by hand, is the oracle."""

import mujoco
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import load_keypoint_set
from diffbio.body.anatomy import Anatomy
from diffbio.body.default import default_body
from diffbio.errors import UnknownNameError
from tests.body.native import (
    NECK_CENTRE,
    NativePerson,
    full_body,
    random_person,
    random_pose,
)

EMBLEM = "torso_geom_13_ribcage_s"


class NativeAnatomy(NativePerson):
    """As the native person, with what is fixed to the bodies in their size too."""

    def __init__(self, body, parameters):
        super().__init__(full_body(), body, parameters)
        model = self.model
        size = {}
        for b in range(1, model.nbody):  # a body that is not fitted has its parent's size
            parent = size.get(model.body_parentid[b], 1.0)
            size[b] = self.size.get(model.body(b).name, parent)
            if model.body(model.body_parentid[b]).name not in self.size:
                model.body_pos[b] *= parent
            if model.body(b).name not in self.size:
                first = model.body_jntadr[b]
                model.jnt_pos[first : first + model.body_jntnum[b]] *= size[b]
        self.size |= {model.body(b).name: s for b, s in size.items()}
        # Else MuJoCo takes some geoms to be where the body's centre of mass was.
        model.geom_sameframe[:] = model.site_sameframe[:] = 0
        neck = model.body("neck").id
        for bodies, places in (
            (model.geom_bodyid, model.geom_pos),
            (model.site_bodyid, model.site_pos),
        ):
            places[bodies == neck] -= NECK_CENTRE
            places *= np.array([size.get(b, 1.0) for b in bodies])[:, None]
        self.geom_size = np.array([size.get(b, 1.0) for b in model.geom_bodyid])
        surfaces = model.geom_type != mujoco.mjtGeom.mjGEOM_MESH
        model.geom_size[surfaces] *= self.geom_size[surfaces, None]


@pytest.fixture(scope="module")
def someone():
    """A person, six poses of theirs, and both implementations of it."""
    body = default_body(load_keypoint_set("movi_87"))
    rng = np.random.default_rng(4)
    parameters, pose = random_person(body, rng), random_pose(body, rng, 6)
    anatomy = Anatomy(dict(zip(body.segment_names, np.exp(parameters.log_scale), strict=True)))
    joints = dict(zip(body.joint_names, np.asarray(pose.joints).T, strict=True))
    posed = anatomy.posed(np.asarray(pose.root_position), np.asarray(pose.root_quaternion), joints)
    return body, pose, anatomy, posed, NativeAnatomy(body, parameters)


def mesh_geoms(model):
    """Index of the geom that shows each mesh, by the mesh's name."""
    shown = np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_MESH)
    return {model.mesh(model.geom_dataid[g]).name: int(g) for g in shown}


def placed(native, pose, frame):
    native.place(
        np.asarray(pose.root_position)[frame],
        np.asarray(pose.root_quaternion)[frame],
        np.asarray(pose.joints)[frame],
    )
    return native.state


def test_bodies_are_where_the_fit_has_them(someone):
    body, pose, anatomy, posed, native = someone
    order = [anatomy.body_names.index(name) for name in body.body_names]
    positions, rotations, _ = native.bodies(pose)
    assert_allclose(posed.positions[:, order], positions, atol=1e-9)  # m
    assert_allclose(posed.rotations[:, order], rotations, atol=1e-9)


def test_bones_are_where_mujoco_has_the_geoms_of_the_scaled_model(someone):
    _, pose, anatomy, posed, native = someone
    model = native.model
    geoms = mesh_geoms(model)
    for frame in range(len(posed.positions)):
        state = placed(native, pose, frame)
        for bone in anatomy.bones:
            if bone.name == EMBLEM:
                continue
            g = geoms[bone.name]
            first, count = model.mesh_vertadr[model.geom_dataid[g]], len(bone.vertices)
            mesh = model.mesh_vert[first : first + count] * native.geom_size[g]
            expected = state.geom_xpos[g] + mesh @ state.geom_xmat[g].reshape(3, 3).T
            turned = bone.vertices @ posed.rotations[frame, bone.body].T
            found = posed.positions[frame, bone.body] + turned
            assert_allclose(found, expected, atol=1e-6, err_msg=bone.name)  # m: single precision


def test_the_ribs_lose_the_emblem_and_nothing_else(someone):
    _, _, anatomy, _, native = someone
    ribs = next(bone for bone in anatomy.bones if bone.name == EMBLEM)
    model = native.model
    g = mesh_geoms(model)[EMBLEM]
    mesh = int(model.geom_dataid[g])
    whole = model.mesh_vert[model.mesh_vertadr[mesh] :][: model.mesh_vertnum[mesh]]
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, model.geom_quat[g])
    whole = whole * native.geom_size[g] @ turn.reshape(3, 3).T + model.geom_pos[g]
    assert 0.15 < len(ribs.vertices) / len(whole) < 0.4
    assert_allclose(np.ptp(ribs.vertices, axis=0), np.ptp(whole, axis=0), atol=1e-6)


def test_muscles_run_along_mujocos_paths(someone):
    _, pose, anatomy, posed, native = someone
    model, paths = native.model, anatomy.muscles
    names = {model.actuator(a).name: int(model.actuator_trnid[a, 0]) for a in range(model.nu)}
    wrapped = np.full(len(paths.body), -1)
    wrapped[paths.wrapped] = np.arange(len(paths.wrapped))
    for frame in (0, 3):
        state = placed(native, pose, frame)
        mujoco.mj_comPos(model, state)
        mujoco.mj_tendon(model, state)
        carried = np.einsum("pij,pj->pi", posed.rotations[frame, paths.body], paths.local)
        points = posed.positions[frame, paths.body] + carried
        points[paths.wrapped] = posed.wrapped[frame]
        for muscle, name in enumerate(paths.names):
            tendon = names[name]
            first, count = state.ten_wrapadr[tendon], state.ten_wrapnum[tendon]
            expected = state.wrap_xpos.reshape(-1, 3)[first : first + count]
            own = points[paths.start[muscle] : paths.start[muscle + 1]]
            # A path that misses its surface has two points on a straight line instead.
            away = np.linalg.norm(own[:, None] - expected[None], axis=-1)
            assert np.all(away.min(axis=0) < 1e-7), name
            if len(own) == len(expected):
                assert_allclose(own, expected, atol=1e-7, err_msg=name)
    assert len(paths.names) == 416 and np.all(paths.force > 0.0)


def test_parts_are_rigid_and_all_that_moves_is_one(someone):
    body, _, anatomy, posed, _ = someone
    part = np.array(anatomy.rigid_parts(body.joint_names))
    names = anatomy.body_names
    assert names[part[names.index("patella_r")]] == "patella_r"  # it follows the knee
    assert names[part[names.index("2distph_l")]] == "lunate_l"  # no finger is observed
    in_part = np.einsum("tbji,tbjk->tbik", posed.rotations[:, part], posed.rotations)
    assert_allclose(in_part, np.tile(in_part[:1], (len(in_part), 1, 1, 1)), atol=1e-9)
    apart = np.linalg.norm(posed.positions - posed.positions[:, part], axis=-1)
    assert_allclose(apart, np.tile(apart[:1], (len(apart), 1)), atol=1e-9)


def test_surfaces_look_outwards():
    for bone in Anatomy({}).bones:
        a, b, c = (bone.vertices[bone.faces[:, k]] for k in range(3))
        assert np.einsum("fi,fi->", a - a.mean(0), np.cross(b - a, c - a)) > 0.0, bone.name


def test_unknown_names_are_refused():
    with pytest.raises(UnknownNameError, match=r"No segment is called 'tail'"):
        Anatomy({"tail": 1.0})
    still = np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0, 0.0]])
    with pytest.raises(UnknownNameError, match=r"No joint is called 'knie'"):
        Anatomy({}).posed(*still, {"knie": np.zeros(1)})
