"""Tables of corners are read as they are meant, and what contradicts itself is named."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.board_corners import read_board_corners

HEAD = "sync_index,cam_id,point_id,img_loc_x,img_loc_y,obj_loc_x,obj_loc_y"
PLACES = [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.1, 0.1)]


def table(tmp_path, *more: str, head: str = HEAD):
    """One camera's view of four corners, and further lines."""
    rows = [f"7,1,{n},{100 + n},{200 - n},{x},{y}" for n, (x, y) in enumerate(PLACES)]
    (tmp_path / "corners.csv").write_text("\n".join([head, *rows, *more]) + "\n")
    return tmp_path / "corners.csv"


def test_corners_are_put_where_they_belong(tmp_path):
    path = table(tmp_path, "9,2,3,55,66,0.1,0.1")
    views = read_board_corners(path, (640, 480))
    assert views.camera_names == ("1", "2") and views.labels == ("7", "9")
    assert views.board.square == pytest.approx(0.1)
    assert_allclose(views.pixels[0, 0], [[100, 200], [101, 199], [102, 198], [103, 197]])
    assert_allclose(views.pixels[1, 1, 3], [55, 66])
    assert np.isfinite(views.pixels).all(axis=-1).sum() == 5


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("8,1,0,nan,20,0,0", r"corners.csv, line 6: Its img_loc_x is 'nan', no number"),
        ("8,1,0,1,20,inf,0", r"line 6: Its obj_loc_x is 'inf'"),
        ("8,1,0,1", r"line 6: Its img_loc_y is None, no number"),
        ("8,1,0,1,two,0,0", r"line 6: Its img_loc_y is 'two'"),
        ("7,1,2,5,6,0,0.1", r"Lines 4 and 6 are of one corner in one picture"),
        ("8,1,2,5,6,0,0.3", r"Corner 2 lies at \(0, 0.*\) m on the board, and elsewhere at"),
    ],
)
def test_what_contradicts_itself_is_named(tmp_path, line, complaint):
    with pytest.raises(InputError, match=complaint):
        read_board_corners(table(tmp_path, line), (640, 480))


def test_empty_tables_and_unknown_cameras_are_refused(tmp_path):
    (tmp_path / "empty.csv").write_text(HEAD + "\n")
    with pytest.raises(InputError, match="It lacks sync_index"):
        read_board_corners(tmp_path / "empty.csv", (640, 480))
    with pytest.raises(InputError, match="It names a camera '1', and the rig has left"):
        read_board_corners(table(tmp_path), {"left": (640, 480)})
