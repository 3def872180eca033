"""`diffbio calibrate`, as a user runs it."""

import csv
import json
import shutil

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import BoardViews, make_board
from diffbio.cameras.calibration.boards import KINDS
from diffbio.cameras.calibration.rendering import Photographer
from diffbio.cameras.calibration.simulated import simulate_views
from diffbio.cameras.rig_changes import quarter_turned, rescaled
from diffbio.cli import print_board
from diffbio.cli.calibrate_board import check_half_turn
from diffbio.cli.main import main
from diffbio.errors import InputError
from diffbio.io.rigs import read_rig, write_rig

BOARD = make_board("charuco", 6, 5, 0.12)
DESCRIBED = ["--columns", "6", "--rows", "5", "--square-mm", "120"]


@pytest.fixture(scope="module")
def rig():
    """Two cameras 1.6 m apart that look along y and a little towards each other."""
    rotations = []
    for side in (0.2, -0.2):
        forward = np.array([side, 1.0, 0.0]) / np.hypot(side, 1.0)
        right = np.array([forward[1], -forward[0], 0.0])
        rotations.append(np.stack([right, np.cross(forward, right), forward]))
    rotation = np.stack(rotations)
    centres = np.array([[-0.8, 0.0, 1.5], [0.8, 0.0, 1.5]])
    return CameraRig(
        focal_px=jnp.full((2, 2), 560.0),
        principal_px=jnp.asarray([[322.0, 239.0]] * 2),
        distortion=jnp.asarray([[-0.05, 0.0, 0.0, 0.0, 0.0]] * 2),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=("left", "right"),
        image_size=((640, 480),) * 2,
        fisheye=(False, False),
    )


def simulated(rig, count, noise_px=0.0, seed=3):
    return simulate_views(
        rig, BOARD, ((0, 1),), count, noise_px=noise_px, distance=(1.5, 2.5), seed=seed
    )


@pytest.fixture(scope="module")
def footage(rig, tmp_path_factory):
    """Pictures of both cameras."""
    folder = tmp_path_factory.mktemp("footage")
    views, poses = simulated(rig, 8)
    turns = np.asarray(poses.world_from_board_rotation)[:, None]
    places = np.asarray(poses.world_from_board_translation)[:, None]
    for camera, name in enumerate(rig.names):
        photographer = Photographer(rig, camera, BOARD)
        (folder / name).mkdir()
        for view in np.flatnonzero(views.sighted[camera]):
            picture = photographer.photograph(turns[view], places[view])
            cv2.imwrite(str(folder / name / f"{view:03d}.png"), picture)
    return folder


@pytest.fixture(scope="module")
def videos(rig, tmp_path_factory):
    """A board carried from place to place: each third frame held, the others blurred or empty."""
    folder = tmp_path_factory.mktemp("videos")
    _, poses = simulated(rig, 7, seed=4)
    turns = np.asarray(poses.world_from_board_rotation)
    places = np.asarray(poses.world_from_board_translation)
    for camera, name in enumerate(rig.names):
        photographer = Photographer(rig, camera, BOARD)
        code = cv2.VideoWriter.fourcc(*"mp4v")
        video = cv2.VideoWriter(str(folder / f"{name}.mp4"), code, 25.0, rig.image_size[0], False)
        for view, (turn, place) in enumerate(zip(turns, places, strict=True)):
            moved = place + 0.004 * np.arange(-4, 5)[:, None]
            for moments in (place[None], moved, moved[:0]):
                there = np.tile(turn, (len(moments), 1, 1))
                video.write(photographer.photograph(there, moments, seed=view))
        video.release()
    return folder


@pytest.fixture
def table(rig, tmp_path):
    """Corners as a table, and the rig they were seen by."""
    views, _ = simulated(rig, 30, noise_px=0.2)
    path = tmp_path / "corners.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["sync_index", "cam_id", "point_id", "img_loc_x", "img_loc_y", "obj_loc_x", "obj_loc_y"]
        )
        for camera, view, corner in np.argwhere(views.seen):
            place = BOARD.points[corner, :2]
            pixels = views.pixels[camera, view, corner]
            writer.writerow([view, rig.names[camera], corner, *pixels, *place])
    write_rig(rig, tmp_path / "given.toml")
    return path


def baseline(rig: CameraRig) -> float:
    return float(np.linalg.norm(rig.centres[0] - rig.centres[1]))


def test_choices_are_those_of_the_library():
    assert print_board.KINDS == KINDS


def test_pictures_become_a_rig(footage, rig, tmp_path, capsys):
    write_rig(rig, tmp_path / "lenses.toml")
    words = ["calibrate", "board", str(footage), "-o", str(tmp_path / "out"), *DESCRIBED]
    words += ["--intrinsics", str(tmp_path / "lenses.toml"), "--floor", "000002"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "rig.toml" in printed
    found = read_rig(tmp_path / "out" / "rig.toml")
    # 8 pictures at 640 x 480: a few millimetres over 1.6 m.
    assert baseline(found) == pytest.approx(1.6, abs=0.01)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["cameras"]["left"]["views"] == 8
    assert summary["reprojection_error_px"]["median"] < 0.2
    picture = cv2.imread(str(tmp_path / "out" / "left.jpg"))
    assert picture is not None and picture.shape == (720, 960, 3)
    assert not list((tmp_path / "out").glob(".*partial*"))


def test_videos_become_a_rig(videos, rig, tmp_path, capsys):
    write_rig(rig, tmp_path / "lenses.toml")
    words = ["calibrate", "board", str(videos), "-o", str(tmp_path / "out"), *DESCRIBED]
    words += ["--intrinsics", str(tmp_path / "lenses.toml"), "--every", "1"]
    assert main(words) == 0
    said = capsys.readouterr()
    # 7 places, of which some frames of the moving board may be found too.
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert 7 <= summary["cameras"]["left"]["views"] <= 14
    assert baseline(read_rig(tmp_path / "out" / "rig.toml")) == pytest.approx(1.6, abs=0.015)
    assert "Expect errors of" in said.err and (tmp_path / "out" / "rig.html").is_file()


def test_a_floor_is_checked_by_the_views_that_show_it(footage, rig, tmp_path, capsys):
    write_rig(rig, tmp_path / "lenses.toml")
    words = ["calibrate", "board", str(footage), "-o", str(tmp_path / "out"), *DESCRIBED]
    words += ["--intrinsics", str(tmp_path / "lenses.toml"), "--floor", "000002", "000005"]
    # The board was held up in both, in two ways.
    assert main(words) == 2
    assert "--floor: " in capsys.readouterr().err
    assert not (tmp_path / "out" / "rig.toml").exists()


def test_a_table_of_corners_becomes_a_rig(table, tmp_path, capsys):
    words = ["calibrate", "board", str(table), "--intrinsics", str(tmp_path / "given.toml")]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert baseline(read_rig(tmp_path / "out" / "rig.toml")) == pytest.approx(1.6, abs=0.005)
    assert "The world is the frame of camera" in capsys.readouterr().out


def test_lenses_of_another_size_are_rescaled_and_said(table, rig, tmp_path, capsys):
    write_rig(rescaled(rig, 1280, 960), tmp_path / "large.toml")
    lines = ["calibrate", "board", str(table), "--image-size", "640x480"]
    lines += ["--intrinsics", str(tmp_path / "large.toml"), "-o", str(tmp_path / "out")]
    assert main(lines) == 0
    assert "The lens of left was rescaled to 640 x 480" in capsys.readouterr().err
    assert_allclose(read_rig(tmp_path / "out" / "rig.toml").focal_px, 560.0, atol=1e-6)


def test_lenses_alone_are_written_with_their_error_bars(table, tmp_path, capsys):
    words = ["calibrate", "board", str(table), "--image-size", "640x480", "--not-synchronised"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert "poses there mean nothing" in capsys.readouterr().out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    for lens in summary["lenses"].values():
        assert abs(lens["focal_px"][0] / 560.0 - 1.0) < max(0.01, 4.0 * lens["sd"]["focal"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "--columns, --rows, --square-mm is missing"),
        (["--columns", "6", "--rows", "5"], "--square-mm is missing"),
        ([*DESCRIBED, "--every", "0"], "--every: Found 0"),
        ([*DESCRIBED, "--fisheye", "middle"], "--fisheye: No camera is called 'middle'"),
        ([*DESCRIBED, "--fisheye", "left", "--pinhole", "left"], "Both name left"),
        (
            [*DESCRIBED, "--dictionary", "DICT_4X4_50"],
            "The first one shows markers 0 to 14 of DICT_5X5",
        ),
    ],
)
def test_a_board_that_does_not_fit_is_explained(footage, tmp_path, capsys, words, complaint):
    assert main(["calibrate", "board", str(footage), "-o", str(tmp_path / "out"), *words]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out" / "rig.toml").exists()


def test_a_checkerboard_that_looks_the_same_turned_is_refused():
    board = make_board("checkerboard", 6, 4, 0.1)
    views = BoardViews(board, ("a", "b"), ((640, 480),) * 2, np.zeros((2, 1, 24, 2)), ("1",))
    with pytest.raises(InputError, match="looks the same turned by 180 degrees"):
        check_half_turn(views)


def test_pictures_of_two_sizes_are_refused(tmp_path, capsys):
    for number, size in enumerate([(480, 640), (640, 480)]):
        (tmp_path / "cam").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "cam" / f"{number}.png"), np.full(size, 128, np.uint8))
    assert main(["calibrate", "board", str(tmp_path), *DESCRIBED]) == 2
    assert "It is 480 x 640, the pictures before it are 640 x 480" in capsys.readouterr().err


def test_another_board_is_told_by_its_corners(footage, tmp_path, capsys):
    """Markers of a ChArUco board are found by their numbers, but lie elsewhere on a grid."""
    words = ["calibrate", "board", str(footage), "-o", str(tmp_path / "out"), "--board", "aruco"]
    assert main([*words, *DESCRIBED]) == 2
    assert "corners were found that lie as on no flat board" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pictures_turned_against_their_lenses_are_refused(footage, rig, tmp_path, capsys):
    write_rig(quarter_turned(rig, 1), tmp_path / "turned.toml")
    words = ["calibrate", "board", str(footage), "-o", str(tmp_path / "out"), *DESCRIBED]
    assert main([*words, "--intrinsics", str(tmp_path / "turned.toml")]) == 2
    assert "640 x 480 is that picture turned" in capsys.readouterr().err


def test_a_camera_without_footage_and_a_single_camera_are_said(footage, rig, tmp_path, capsys):
    shutil.copytree(footage / "left", tmp_path / "both" / "left")
    (tmp_path / "both" / "right").mkdir()
    write_rig(rig, tmp_path / "lenses.toml")
    words = ["calibrate", "board", str(tmp_path / "both"), *DESCRIBED]
    assert main([*words, "--intrinsics", str(tmp_path / "lenses.toml")]) == 0
    said = capsys.readouterr().err
    assert "No pictures and no video are in right: left out." in said
    assert "One camera: it tells in which direction" in said and "nan" not in said


def test_folders_without_footage_are_refused(tmp_path, capsys):
    assert main(["calibrate", "board", str(tmp_path), *DESCRIBED]) == 2
    assert "holds no camera's pictures or videos" in capsys.readouterr().err
    assert main(["calibrate", "board", str(tmp_path / "no"), *DESCRIBED]) == 2
    assert "It is no folder" in capsys.readouterr().err


def test_tables_that_lack_something_are_refused(table, tmp_path, capsys):
    words = ["calibrate", "board"]
    assert main([*words, str(table)]) == 2
    assert "does not say how large the pictures are" in capsys.readouterr().err
    assert main([*words, str(table), "--image-size", "wide"]) == 2
    assert "Found 'wide'" in capsys.readouterr().err
    bare = tmp_path / "bare.csv"
    bare.write_text("cam_id,img_loc_x\n1,2\n")
    assert main([*words, str(bare), "--image-size", "640x480"]) == 2
    assert "It lacks sync_index, point_id" in capsys.readouterr().err


def test_a_board_is_printed_once(tmp_path, capsys):
    file = tmp_path / "board.svg"
    assert main(["calibrate", "print-board", str(file), *DESCRIBED]) == 0
    assert "720 x 600 mm" in capsys.readouterr().out
    assert file.read_text().startswith("<svg")
    assert main(["calibrate", "print-board", str(file), *DESCRIBED]) == 2
    assert "It is there already" in capsys.readouterr().err
    assert main(["calibrate", "print-board", str(tmp_path / "board.pdf"), *DESCRIBED]) == 2
    assert "Boards are written as SVG" in capsys.readouterr().err
