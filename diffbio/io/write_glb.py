"""The person as glTF, which Blender, browsers and game engines open: bones that move, cameras."""

import json
import pathlib
import struct
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import diffbio
from diffbio.geometry import quaternion_from_matrix
from diffbio.geometry.meshes import vertex_normals
from diffbio.io.posed_person import PosedPerson
from diffbio.io.read_result import FittedPerson

_FLOAT, _UNSIGNED = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
_Y_UP = [-float(np.sqrt(0.5)), 0.0, 0.0, float(np.sqrt(0.5))]
"""The format's y is up: a quarter turn about x, xyzw."""

_STILL = 1e-6
_BONE = [0.88, 0.83, 0.72, 1.0]
_MARKER = [0.04, 0.56, 0.61, 1.0]
_RADIUS = 0.008
_FAR = 100.0
_FLIP = np.diag([1.0, -1.0, -1.0])
"""The format's cameras look along -z with y up, OpenCV's along z with y down."""


class _Scene:
    """A glTF file under construction."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.content: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": f"diffbio {diffbio.__version__}"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"name": "diffbio", "rotation": _Y_UP, "children": []}],
            "meshes": [],
            "materials": [_material("bone", _BONE, 0.7), _material("marker", _MARKER, 0.4)],
            "accessors": [],
            "bufferViews": [],
            "animations": [{"name": "motion", "samplers": [], "channels": []}],
        }

    def array(self, values: np.ndarray, kind: str, target: int | None = None) -> int:
        """Store an array of floats or indices; returns its accessor."""
        component = _UNSIGNED if np.issubdtype(values.dtype, np.integer) else _FLOAT
        stored = np.ascontiguousarray(values, "<u4" if component == _UNSIGNED else "<f4")
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": stored.nbytes}
        if target is not None:
            view["target"] = target
        self.binary += stored.tobytes()
        self.content["bufferViews"].append(view)
        accessor: dict[str, Any] = {
            "bufferView": len(self.content["bufferViews"]) - 1,
            "componentType": component,
            "count": len(stored),
            "type": kind,
        }
        if stored.size and kind in ("VEC3", "SCALAR") and target != _INDICES:
            flat = stored.reshape(len(stored), -1)
            accessor["min"] = [float(value) for value in flat.min(axis=0)]
            accessor["max"] = [float(value) for value in flat.max(axis=0)]
        self.content["accessors"].append(accessor)
        return len(self.content["accessors"]) - 1

    def mesh(self, name: str, vertices: np.ndarray, faces: np.ndarray, material: int) -> int:
        attributes = {
            "POSITION": self.array(vertices, "VEC3", _VERTICES),
            "NORMAL": self.array(vertex_normals(vertices, faces), "VEC3", _VERTICES),
        }
        indices = self.array(faces.ravel(), "SCALAR", _INDICES)
        primitive = {"attributes": attributes, "indices": indices, "material": material}
        self.content["meshes"].append({"name": name, "primitives": [primitive]})
        return len(self.content["meshes"]) - 1

    def node(self, parent: int, **fields: Any) -> int:
        nodes = self.content["nodes"]
        nodes.append(fields)
        nodes[parent].setdefault("children", []).append(len(nodes) - 1)
        return len(nodes) - 1

    def animate(self, node: int, path: str, times: int, values: np.ndarray) -> None:
        """Move a node; a value that never changes is the node's own."""
        if np.ptp(values, axis=0).max() < _STILL:
            return
        animation = self.content["animations"][0]
        output = self.array(values, "VEC4" if path == "rotation" else "VEC3")
        sampler = {"input": times, "output": output, "interpolation": "LINEAR"}
        animation["samplers"].append(sampler)
        target = {"node": node, "path": path}
        animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})

    def bytes(self) -> bytes:
        """The file."""
        if not self.content["animations"][0]["channels"]:
            del self.content["animations"]
        self.content["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.content, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        data = bytes(self.binary) + bytes(-len(self.binary) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
        chunks += struct.pack("<II", len(data), 0x004E4942) + data
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _material(name: str, colour: list[float], roughness: float) -> dict[str, Any]:
    surface = {"baseColorFactor": colour, "metallicFactor": 0.0, "roughnessFactor": roughness}
    return {"name": name, "pbrMetallicRoughness": surface, "doubleSided": True}


def write_glb(path: pathlib.Path, person: FittedPerson, posed: PosedPerson) -> None:
    """Write bones as a tree of moving nodes, markers as balls, and the cameras.

    In metres; the node `diffbio` turns the world, whose z is up, to the format's y. Every moving
    part is a node under the part it hangs on, named as the body is, with its bones as a mesh; its
    motion is stored in every frame. Time begins at zero. A marker stays where it was while no
    camera saw the person. Muscles are not part of the file.

    Args:
        path: the file to write.
        person: the fit.
        posed: its bones.
    """
    scene = _Scene()
    times = scene.array(person.time - person.time[0], "SCALAR")
    _add_parts(scene, posed, times)
    _add_markers(scene, person, times)
    _add_cameras(scene, person)
    path.write_bytes(scene.bytes())


def _add_parts(scene: _Scene, posed: PosedPerson, times: int) -> None:
    nodes: list[int] = []
    for i, part in enumerate(posed.parts):
        places, turns = posed.positions[:, i], posed.rotations[:, i]
        if part.parent >= 0:
            up = np.swapaxes(posed.rotations[:, part.parent], -1, -2)
            places = (up @ (places - posed.positions[:, part.parent])[..., None])[..., 0]
            turns = up @ turns
        rotations = _quaternions(turns)
        fields: dict[str, Any] = {
            "name": part.name,
            "translation": places[0].tolist(),
            "rotation": rotations[0].tolist(),
        }
        if len(part.faces):
            fields["mesh"] = scene.mesh(part.name, part.vertices, part.faces, 0)
        nodes.append(scene.node(0 if part.parent < 0 else nodes[part.parent], **fields))
        scene.animate(nodes[-1], "translation", times, places)
        scene.animate(nodes[-1], "rotation", times, rotations)


def _quaternions(rotations: Float[np.ndarray, "time 3 3"]) -> Float[np.ndarray, "time 4"]:
    """As xyzw, without jumps of sign."""
    turns = np.array(quaternion_from_matrix(jnp.asarray(rotations)))[:, [1, 2, 3, 0]]
    signs = np.where((turns[1:] * turns[:-1]).sum(-1) < 0.0, -1.0, 1.0)
    turns[1:] *= np.cumprod(signs)[:, None]
    return turns


def _add_markers(scene: _Scene, person: FittedPerson, times: int) -> None:
    group = scene.node(0, name="markers")
    ball = scene.mesh("marker", *_ball(), 1)
    for name, places in zip(person.marker_names, person.markers.swapaxes(0, 1), strict=True):
        known = np.isfinite(places).all(axis=1)
        if not known.any():
            continue
        last = np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))
        held = places[np.where(known[last], last, int(np.argmax(known)))]
        node = scene.node(group, name=f"marker {name}", mesh=ball, translation=held[0].tolist())
        scene.animate(node, "translation", times, held)


def _ball() -> tuple[Float[np.ndarray, "vertex 3"], np.ndarray]:
    """An octahedron, each face once divided, rounded."""
    x, y, z = np.eye(3)
    corners = [x, y, -x, -y]
    triangles = []
    for i in range(4):
        a, b = corners[i], corners[(i + 1) % 4]
        for top, first, second in ((z, a, b), (-z, b, a)):
            p, q, r = first + second, second + top, top + first
            triangles += [(first, p, r), (p, second, q), (r, q, top), (p, q, r)]
    vertices = np.array(triangles).reshape(-1, 3)
    vertices *= _RADIUS / np.linalg.norm(vertices, axis=1, keepdims=True)
    return vertices, np.arange(len(vertices)).reshape(-1, 3)


def _add_cameras(scene: _Scene, person: FittedPerson) -> None:
    """Pinholes with the height of each camera's view; the format knows no lens distortion."""
    rig = person.rig
    if not rig.names:
        return
    group, scene.content["cameras"] = scene.node(0, name="cameras"), []
    world_from_camera = np.swapaxes(np.asarray(rig.camera_from_world_rotation), -1, -2) @ _FLIP
    turns = np.array(quaternion_from_matrix(jnp.asarray(world_from_camera)))[:, [1, 2, 3, 0]]
    for i, name in enumerate(rig.names):
        width, height = rig.image_size[i]
        across, down = np.asarray(rig.focal_px[i], float)
        lens = {
            "yfov": float(2 * np.arctan(0.5 * height / down)),
            "aspectRatio": float(width / across / (height / down)),
            "znear": 0.05,
            "zfar": _FAR,
        }
        scene.content["cameras"].append({"name": name, "type": "perspective", "perspective": lens})
        place = np.asarray(rig.centres[i], float).tolist()
        scene.node(group, name=name, camera=i, translation=place, rotation=turns[i].tolist())
