"""Fewer triangles, the same shape: checked on shapes whose surface is known."""

import numpy as np
from numpy.testing import assert_allclose

from diffbio.geometry.meshes import simplified, vertex_normals


def ball(steps: int, radius: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """A sphere around the origin, its faces counter-clockwise from outside."""
    polar, around = np.meshgrid(
        np.linspace(0.0, np.pi, steps), np.arange(2 * steps) * np.pi / steps, indexing="ij"
    )
    vertices = radius * np.stack(
        [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1
    )
    index = np.arange(polar.size).reshape(polar.shape)
    a, b = index[:-1], index[1:]
    c, d = np.roll(b, -1, axis=1), np.roll(a, -1, axis=1)
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    return vertices.reshape(-1, 3), faces


def volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6.0)


def test_a_ball_stays_a_ball():
    vertices, faces = ball(60)
    fewer, less = simplified(vertices, faces, 0.008)
    assert len(fewer) < 0.15 * len(vertices) and set(less.ravel()) == set(range(len(fewer)))
    assert_allclose(np.linalg.norm(fewer, axis=1), 0.05, atol=0.001)  # an eighth of the cell
    assert abs(volume(fewer, less) / volume(vertices, faces) - 1.0) < 0.05


def test_edges_of_a_box_stay_sharp():
    axis = np.linspace(0.0, 1.0, 21)
    u, v = np.meshgrid(axis, axis, indexing="ij")
    index = np.arange(u.size).reshape(u.shape)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    one = np.concatenate([np.stack([a, b, c], -1), np.stack([a, c, d], -1)]).reshape(-1, 3)
    sides, faces = [], []
    for k in range(3):
        for end in (0.0, 1.0):
            sides.append(np.insert(np.stack([u.ravel(), v.ravel()], -1), k, end, axis=1))
            faces.append(one + u.size * len(faces))
    fewer, _ = simplified(np.concatenate(sides) + 0.013, np.concatenate(faces), 0.2)
    corners = np.stack(np.meshgrid(*[[0.013, 1.013]] * 3), -1).reshape(-1, 3)
    nearest = np.linalg.norm(fewer[:, None] - corners[None], axis=-1).min(axis=0)
    assert_allclose(nearest, 0.0, atol=1e-6)


def test_normals_point_outwards():
    vertices, faces = ball(30)
    normals = vertex_normals(vertices, faces)
    away = np.abs(np.abs(vertices[:, 2]) - 0.05) > 1e-9  # the poles are many vertices in one place
    assert_allclose(normals[away], vertices[away] / 0.05, atol=0.02)
    alone = vertex_normals(np.zeros((4, 3)), np.array([[0, 1, 2]]))
    assert_allclose(alone, np.tile([0.0, 0.0, 1.0], (4, 1)))
