"""A surface as binary STL."""

import pathlib

import numpy as np
from jaxtyping import Float, Int


def write_stl(
    path: pathlib.Path, vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> None:
    """Write triangles, in the unit of the vertices, counter-clockwise from outside."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = normal / np.where(length > 0.0, length, 1.0)
    kind = [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")]
    triangles = np.zeros(len(faces), kind)
    triangles["normal"], triangles["corners"] = normal, np.stack([a, b, c], axis=1)
    header = b"diffbio".ljust(80) + np.uint32(len(faces)).tobytes()
    path.write_bytes(header + triangles.tobytes())
