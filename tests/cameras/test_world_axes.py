"""Worlds turned to a floor and to axes: what is seen must stay where it is in the picture."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras.world_axes import (
    DIRECTIONS,
    WorldChange,
    axes_in_words,
    floor_height_mm,
    heading,
    level_on,
)
from diffbio.errors import InputError
from diffbio.simulation.recording import ring_of_cameras

RIG = ring_of_cameras(3)
POINTS = np.random.default_rng(0).uniform(-1.0, 1.0, (5, 3))
FLOOR = np.array([[0.0, 0.0, 0.0], [1.0, 0.2, 0.0], [-0.5, 0.8, 0.0], [0.3, -0.9, 0.0]])


def turned(angle: float, tilt: float) -> WorldChange:
    """A world in general position, from the upright one."""
    c, s, d, t = np.cos(angle), np.sin(angle), np.cos(tilt), np.sin(tilt)
    about_z = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, d, -t], [0.0, t, d]])
    return WorldChange(about_x @ about_z, np.array([0.4, -0.3, 0.2]))


@pytest.mark.parametrize("text", ["x=right,y=forward,z=up", "x=up, y=left, z=backward"])
def test_a_turned_world_shows_the_same_picture(text):
    change = axes_in_words(text)
    rig, points = change.of_rig(RIG), change.of_points(POINTS)
    assert_allclose(rig.project(jnp.asarray(points)), RIG.project(jnp.asarray(POINTS)), atol=1e-8)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("text", ["x=right,y=forward,z=up", "x=down,y=left,z=forward"])
def test_axes_point_where_the_words_say(text, axis):
    word = text.split(",")[axis].split("=")[1]
    assert_allclose(axes_in_words(text).of_points(np.eye(3)[axis]), DIRECTIONS[word])


@pytest.mark.parametrize(
    "text", ["", "x=forward", "x=forward,y=left,z=north", "x=forward,y=left,z=up,w=down"]
)
def test_words_that_name_no_axes_are_refused(text):
    with pytest.raises(InputError, match=r"--axes: Found .* Write for example x=forward"):
        axes_in_words(text)


def test_two_axes_along_one_line_are_refused():
    with pytest.raises(InputError, match="two axes point along one line"):
        axes_in_words("x=forward,y=backward,z=up")


def test_cameras_cannot_be_mirrored():
    mirrored = axes_in_words("x=forward,y=right,z=up")
    assert_allclose(mirrored.of_points(np.array([1.0, 2.0, 3.0])), [1.0, -2.0, 3.0])
    with pytest.raises(InputError, match="make a right-handed world left-handed"):
        mirrored.of_rig(RIG)


@pytest.mark.parametrize("tilt", [0.0, 0.3, 2.8])
def test_a_floor_comes_out_level_with_everything_above_it(tilt):
    old = turned(0.5, tilt)
    rig, floor = old.of_rig(RIG), old.of_points(FLOOR)
    change = level_on(floor, np.asarray(rig.centres))
    found = change.of_rig(rig)
    assert_allclose(np.linalg.det(change.turn), 1.0)
    assert_allclose(np.asarray(found.centres)[:, 2], np.asarray(RIG.centres)[:, 2], atol=1e-9)
    assert floor_height_mm(found, change.of_points(floor)) < 1e-9
    head = np.array([0.0, 0.0, 1.7])
    assert_allclose(change.of_points(old.of_points(head))[2], 1.7)


def test_a_floor_that_is_level_already_stays():
    change = level_on(FLOOR, np.asarray(RIG.centres))
    assert_allclose(change.turn, np.eye(3), atol=1e-12)
    assert_allclose(change.origin, np.zeros(3), atol=1e-12)


def test_heights_of_an_uneven_floor_are_told():
    uneven = FLOOR + np.array([[0.0, 0.0, h] for h in (0.003, -0.003, 0.003, -0.003)])
    assert_allclose(floor_height_mm(RIG, uneven), 3.0)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (FLOOR[:2], "Found 2 points. Give three or more"),
        (np.outer([0.0, 1.0, 2.0], [1.0, 1.0, 0.0]), "Its points lie on one line"),
        (
            FLOOR + [0.0, 0.0, 2.0],
            r"Of the cameras 1 would stand on one side .* and 2 on the other",
        ),
    ],
)
def test_points_that_are_no_floor_are_refused(points, message):
    with pytest.raises(InputError, match=message):
        level_on(points, np.asarray(RIG.centres))


def test_cameras_below_the_floor_are_refused():
    upside_down = WorldChange(np.diag([1.0, -1.0, -1.0]), np.zeros(3)).of_rig(RIG)
    with pytest.raises(InputError, match=r"Camera cam01, cam02, cam03 would stand 2400 mm below"):
        floor_height_mm(upside_down, FLOOR)


def test_x_points_from_the_first_to_the_second():
    a, b = np.array([1.0, 2.0, 0.3]), np.array([0.0, 5.0, 0.9])
    change = heading(a, b)
    assert_allclose(change.of_points(a), [0.0, 0.0, 0.3], atol=1e-12)
    assert_allclose(change.of_points(b), [np.sqrt(10.0), 0.0, 0.9], atol=1e-12)


def test_a_heading_straight_up_is_refused():
    with pytest.raises(InputError, match="lie one above the other"):
        heading(np.zeros(3), np.array([0.0, 0.0, 1.0]))
