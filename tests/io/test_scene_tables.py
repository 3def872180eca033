"""Tables of surveyed points and clicks: units, names, and everything that may be wrong."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.scene_tables import read_clicks, read_points, read_scene

POINTS = "point,x_mm,y_mm,z_mm,sd_mm\na,1000,-500,0,2\nb,0,0,50,3\nc,1,2,3,2\n"
CLICKS = "camera,point,x_px,y_px\nleft,a,10.5,20\nleft,b,30,40\nright,a,50,60\n"


@pytest.fixture
def tables(tmp_path):
    """Writes two tables and reads them."""

    def read(points: str = POINTS, clicks: str = CLICKS, **options):
        (tmp_path / "points.csv").write_text(points)
        (tmp_path / "clicks.csv").write_text(clicks)
        return read_scene(tmp_path / "points.csv", tmp_path / "clicks.csv", **options)

    return read


def test_millimetres_become_metres_and_unseen_points_are_said(tables):
    views, notes = tables()
    assert views.point_names == ("a", "b")
    assert views.camera_names == ("left", "right")
    assert_allclose(views.places, [[1.0, -0.5, 0.0], [0.0, 0.0, 0.05]])
    assert_allclose(views.place_sd, [0.002, 0.003])
    assert_allclose(views.pixels[0], [[10.5, 20.0], [30.0, 40.0]])
    assert views.seen.tolist() == [[True, True], [True, False]]
    assert notes == ("No camera saw c.",)


def test_points_may_be_kept_out(tables, tmp_path):
    clicks = CLICKS + "left,top,1,2\nright,top,3,4\n"
    views, _ = tables(clicks=clicks, kept_out=("b", "top"))
    assert views.point_names == ("a",) and views.camera_names == ("left", "right")
    pixels = read_clicks(tmp_path / "clicks.csv", ("right", "left"), ("top", "b"))
    assert_allclose(pixels, [[[3, 4], [np.nan, np.nan]], [[1, 2], [30, 40]]])


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("cm", 0.01)])
def test_the_unit_is_in_the_names_of_the_columns(tables, unit, factor):
    points = f"point, x_{unit}, y_{unit}, z_{unit}\na, 1, 2, 3\nb, 4, 5, 6\n"
    views, _ = tables(points)
    assert_allclose(views.places, factor * np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    assert_allclose(views.place_sd, 0.0)


def test_a_stated_deviation_is_for_what_the_table_leaves_open(tables):
    assert_allclose(tables(point_sd_mm=5.0)[0].place_sd, [0.002, 0.003])
    bare = "point,x_m,y_m,z_m\na,1,2,3\nb,4,5,6\n"
    assert_allclose(tables(bare, point_sd_mm=5.0)[0].place_sd, 0.005)


def test_points_of_pose2sim_are_numbered(tmp_path):
    config = tmp_path / "Config.toml"
    config.write_text(
        "[calibration.calculate.extrinsics.scene]\nobject_coords_3d = [[-2.0, 0.3, 0.0],"
        " [-2, 0, 0.05]]\n"
    )
    names, places, _ = read_points(config)
    assert names == ("1", "2")
    assert_allclose(places, [[-2.0, 0.3, 0.0], [-2.0, 0.0, 0.05]])
    config.write_text("[calibration]\n")
    with pytest.raises(InputError, match="It has no points of a scene"):
        read_points(config)


@pytest.mark.parametrize(
    ("points", "clicks", "message"),
    [
        ("point,x,y,z\na,1,2,3\n", CLICKS, "none of them say where points are. Call them x_m"),
        (POINTS + "a,1,2,3,4\n", CLICKS, "Point 'a' is there twice"),
        (POINTS.replace("1000", "one"), CLICKS, "Point a has x_mm 'one'"),
        ("name,x_m\na,1\n", CLICKS, "It lacks point"),
        ("", CLICKS, "It has no rows"),
        (POINTS, CLICKS + "left,a,1,2\n", "Camera left has point a twice"),
        (POINTS, CLICKS + "left,z,1,2\n", r"It has a point 'z', which points.csv does not \(a, b"),
        (POINTS, CLICKS.replace("10.5", ""), "Point a has x_px ''"),
        (POINTS, "camera,point\nleft,a\n", "It lacks x_px, y_px"),
    ],
)
def test_tables_that_are_wrong_are_explained(tables, points, clicks, message):
    with pytest.raises(InputError, match=message):
        tables(points, clicks)


def test_a_table_that_is_not_there_is_explained(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.csv: It cannot be read"):
        read_points(tmp_path / "nowhere.csv")
