"""Triangle meshes with fewer triangles: for pages and files, where a bone needs no thousands."""

import numpy as np
from jaxtyping import Float, Int

_FLATNESS = 1e-3
"""Of the largest singular value of a cell's quadric, below which the surface does not say where
along that direction the vertex lies: it then stays at the mean of those it stands for."""


def simplified(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], cell: float
) -> tuple[Float[np.ndarray, "fewer 3"], Int[np.ndarray, "less 3"]]:
    """One vertex for all within a cube of space, where the planes of their triangles meet.

    Edges and ridges keep their place, as the vertex is the one nearest to all the planes; details
    smaller than the cube go.

    Args:
        vertices: in any unit.
        faces: indices of three vertices.
        cell: edge of the cubes, in that unit.

    Returns:
        Vertices, and faces that still have three different ones. No vertex is unused.

    Source: P. Lindstrom (2000), Out-of-core simplification of large polygonal models, SIGGRAPH.
    """
    cubes, group = np.unique(np.floor(vertices / cell), axis=0, return_inverse=True)
    group = group.ravel()
    count = int(group.max()) + 1
    centre = np.stack(
        [np.bincount(group, vertices[:, k], count) for k in range(3)], axis=1
    ) / np.bincount(group, minlength=count).reshape(-1, 1)
    matrix, right = _quadrics(vertices, faces, group, centre)
    u, size, vt = np.linalg.svd(matrix)
    firm = size > _FLATNESS * np.maximum(size[:, :1], np.finfo(float).tiny)
    inverse = np.where(firm, 1.0 / np.where(firm, size, 1.0), 0.0)
    shift = np.einsum("gji,gj,gkj,gk->gi", vt, inverse, u, right)
    # A vertex that leaves its cube makes spikes.
    placed = np.clip(centre + shift, cell * cubes, cell * (cubes + 1.0))
    corners = group[faces]
    first, second, third = corners.T
    kept = corners[(first != second) & (second != third) & (third != first)]
    # Triangles that fell together are drawn once; which corner comes first does not matter.
    turn = (np.argmin(kept, axis=1)[:, None] + np.arange(3)) % 3
    kept = np.unique(np.take_along_axis(kept, turn, axis=1), axis=0)
    used, renumbered = np.unique(kept, return_inverse=True)
    return placed[used], renumbered.reshape(-1, 3)


def _quadrics(
    vertices: Float[np.ndarray, "vertex 3"],
    faces: Int[np.ndarray, "face 3"],
    group: Int[np.ndarray, "vertex"],
    centre: Float[np.ndarray, "group 3"],
) -> tuple[Float[np.ndarray, "group 3 3"], Float[np.ndarray, "group 3"]]:
    """Sums, over the triangles at each group, of normal times normal, and of that times distance.

    Normals are as long as twice the triangle's area; distances are from the group's centre.
    """
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    matrix, right = np.zeros((len(centre), 3, 3)), np.zeros((len(centre), 3))
    for k in range(3):
        at = group[faces[:, k]]
        distance = np.einsum("fi,fi->f", normal, a - centre[at])
        np.add.at(matrix, at, normal[:, :, None] * normal[:, None, :])
        np.add.at(right, at, normal * distance[:, None])
    return matrix, right


def vertex_normals(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> Float[np.ndarray, "vertex 3"]:
    """Unit normals: of each vertex the mean of its triangles' by area, z where there is none."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(total, faces[:, k], normal)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 0.0, total / np.where(length > 0.0, length, 1.0), [0.0, 0.0, 1.0])
