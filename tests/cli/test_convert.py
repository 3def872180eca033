"""`diffbio convert`, as a user runs it."""

import pickle

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cameras.rig_changes import WORLD_FROM_UPWARD
from diffbio.cli import convert
from diffbio.cli.main import main
from diffbio.io.rigs import FORMATS, read_rig, write_rig


@pytest.fixture
def source(tmp_path):
    """Two cameras beside each other that look along y, 1.5 m above the floor."""
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    centres = np.array([[-0.5, -4.0, 1.5], [0.5, -4.0, 1.5]])
    rig = CameraRig(
        focal_px=jnp.asarray([[1500.0, 1501.0], [1400.0, 1402.0]]),
        principal_px=jnp.asarray([[960.0, 540.0], [955.0, 545.0]]),
        distortion=jnp.asarray([[-0.1, 0.02, 0.001, -0.002, 0.01]] * 2),
        camera_from_world_rotation=jnp.asarray([rotation] * 2),
        camera_from_world_translation=jnp.asarray(-centres @ rotation.T),
        names=("left", "right"),
        image_size=((1920, 1080),) * 2,
        fisheye=(False, False),
    )
    write_rig(rig, tmp_path / "rig.toml")
    return tmp_path / "rig.toml"


POINTS = jnp.asarray([[0.1, 0.3, 1.2], [-0.4, -0.2, 0.4]])


def test_choices_are_those_of_the_library():
    assert tuple(FORMATS) == convert.FORMATS
    assert tuple(WORLD_FROM_UPWARD) == convert.AXES


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "vicon"])
def test_a_rig_is_rewritten_and_said(source, tmp_path, capsys, name):
    target = (
        tmp_path / "out" if not FORMATS[name].ending else tmp_path / f"out{FORMATS[name].ending}"
    )
    assert main(["convert", str(source), str(target), "--to", name]) == 0
    printed = capsys.readouterr().out
    assert f"2 cameras (left, right), read as pose2sim, were written as {name}: " in printed
    assert str(target) in printed
    assert_allclose(read_rig(target).project(POINTS), read_rig(source).project(POINTS), atol=1e-8)


def test_the_name_of_the_target_tells_the_format(source, tmp_path):
    assert main(["convert", str(source), str(tmp_path / "lab.qca.txt")]) == 0
    assert "<calibration" in (tmp_path / "lab.qca.txt").read_text()


def test_a_target_that_is_there_is_kept_unless_forced(source, tmp_path, capsys):
    target = tmp_path / "lab.qca.txt"
    target.write_text("the only one")
    assert main(["convert", str(source), str(target)]) == 2
    assert f"{target}: It is there already. Use --force to replace it." in capsys.readouterr().err
    assert target.read_text() == "the only one"
    assert main(["convert", str(source), str(target), "--force"]) == 0
    assert read_rig(target).names == ("left", "right")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.qca.txt", "rig.toml"]


def test_one_of_two_files_that_is_there_is_kept(source, tmp_path):
    (tmp_path / "extri.yml").write_text("the only one")
    assert main(["convert", str(source), str(tmp_path), "--to", "easymocap"]) == 2
    assert not (tmp_path / "intri.yml").exists()


def test_a_folder_is_not_replaced(source, tmp_path, capsys):
    (tmp_path / "lab.xcp").mkdir()
    assert main(["convert", str(source), str(tmp_path / "lab.xcp"), "--to", "opencv"]) == 2
    assert "lab.xcp: It is a folder. Give the name of a file." in capsys.readouterr().err


def test_what_a_format_would_lose_is_refused(source, tmp_path, capsys):
    assert main(["convert", str(source), str(tmp_path / "lab.xcp")]) == 2
    assert "tangential terms (p1 0.001, p2 -0.002), which Vicon cannot" in capsys.readouterr().err
    assert not (tmp_path / "lab.xcp").exists()


def test_an_unknown_target_name_is_refused(source, tmp_path, capsys):
    assert main(["convert", str(source), str(tmp_path / "rig")]) == 2
    assert "Its name does not tell the format. State it with --to" in capsys.readouterr().err


def test_other_pictures_and_another_world(source, tmp_path, capsys):
    target = tmp_path / "out.toml"
    words = ["--turn", "90", "--size", "540x960", "--up=y"]
    assert main(["convert", str(source), str(target), *words]) == 0
    printed = capsys.readouterr().out
    assert "- The cameras were turned for pictures turned clockwise by 90°." in printed
    assert "- The lenses were rescaled from 1080x1920 to 540x960." in printed
    assert "- The world was turned: its y axis is now z, upwards." in printed
    before, after = read_rig(source), read_rig(target)
    assert after.image_size == ((540, 960),) * 2
    pixels = np.asarray(before.project(POINTS))
    turned = np.stack([1080 - 1 - pixels[..., 1], pixels[..., 0]], axis=-1)
    in_new_world = POINTS @ jnp.asarray(WORLD_FROM_UPWARD["y"]).T
    assert_allclose(after.project(in_new_world), (turned + 0.5) / 2 - 0.5, atol=1e-8)  # px


def test_pictures_of_other_proportions_are_refused(source, tmp_path, capsys):
    assert main(["convert", str(source), str(tmp_path / "out.toml"), "--size", "640x480"]) == 2
    assert "1920 x 1080, and 640 x 480 has other proportions" in capsys.readouterr().err


def test_what_the_source_does_not_say_is_stated(source, tmp_path):
    storage = cv2.FileStorage(str(tmp_path / "one.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_matrix", np.array([[900.0, 0, 600], [0, 900, 400], [0, 0, 1]]))
    storage.write("distortion_coefficients", np.zeros((5, 1)))
    storage.write("R", np.eye(3))
    storage.write("T", np.array([[100.0], [200.0], [300.0]]))
    storage.release()
    words = ["convert", str(tmp_path / "one.yml"), str(tmp_path / "one.toml")]
    assert main(words) == 2
    assert main([*words, "--unit", "cm"]) == 2
    assert main([*words, "--unit", "cm", "--calibrated-at", "1200x800"]) == 0
    rig = read_rig(tmp_path / "one.toml")
    assert rig.image_size == ((1200, 800),)
    assert_allclose(rig.centres, [[-1.0, -2.0, -3.0]])


class Code:
    def __reduce__(self):
        return eval, ("1 / 0",)


def test_a_pickle_with_code_is_an_error_in_a_sentence(tmp_path, capsys):
    (tmp_path / "camera.pickle").write_bytes(pickle.dumps(Code()))
    assert main(["convert", str(tmp_path / "camera.pickle"), str(tmp_path / "out.toml")]) == 2
    complaint = capsys.readouterr().err
    assert "asks Python for `builtins.eval`" in complaint and "nothing of it was run" in complaint


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--size", "1920"], "1920 is not a size such as 1920x1080"),
        (["--size", "0x5"], "0x5 is not a size such as 1920x1080"),
        (["--unit", "inch"], "inch is not m, cm, mm, or a length in metres"),
        (["--unit", "-1"], "-1 is not m, cm, mm, or a length in metres"),
        (["--unit", "nan"], "nan is not m, cm, mm, or a length in metres"),
        (["--to", "theia"], "invalid choice: 'theia'"),
    ],
)
def test_wrong_words_end_with_usage(capsys, words, complaint):
    with pytest.raises(SystemExit, match="2"):
        main(["convert", "a.toml", "b.toml", *words])
    assert complaint in capsys.readouterr().err
