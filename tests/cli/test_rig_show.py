"""`diffbio rig show`, as a user runs it."""

import base64
import dataclasses
import json
import re

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.bundle import WIDTH
from diffbio.cameras.precision import PIXEL_SD, expected_precision
from diffbio.cameras.rig_changes import with_upward
from diffbio.cli import rig_show
from diffbio.cli.main import main
from diffbio.io.rig_covariance import COVARIANCE_FILE, write_covariance
from diffbio.io.rigs import FORMATS, read_rig, write_rig
from diffbio.report.rig_page_data import UNIT_MM

BOX = "--volume=-1,1,-1,1,0,2"


def two_cameras() -> CameraRig:
    """Cameras that look along y and a little towards each other, 1.5 m above the floor."""
    rotations = []
    for side in (0.4, -0.4):
        forward = np.array([side, 1.0, 0.0]) / np.hypot(side, 1.0)
        right = np.array([forward[1], -forward[0], 0.0])
        rotations.append(np.stack([right, np.cross(forward, right), forward]))
    rotation = np.stack(rotations)
    centres = np.array([[-1.6, -4.0, 1.5], [1.6, -4.0, 1.5]])
    return CameraRig(
        focal_px=jnp.asarray([[1500.0, 1501.0], [1400.0, 1402.0]]),
        principal_px=jnp.asarray([[960.0, 540.0], [955.0, 545.0]]),
        distortion=jnp.asarray([[-0.1, 0.02, 0.001, -0.002, 0.01]] * 2),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=("left", "right"),
        image_size=((1920, 1080),) * 2,
        fisheye=(False, False),
    )


@pytest.fixture
def source(tmp_path):
    write_rig(two_cameras(), tmp_path / "lab.toml")
    return tmp_path / "lab.toml"


def data_of(page) -> dict:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def along_y_mm(page) -> np.ndarray:
    """Standard deviations along y of the cells that are determined."""
    data = data_of(page)
    stored = np.frombuffer(base64.b64decode(data["from_pixels"]["y"]), "<u2")
    return UNIT_MM * stored[stored != data["nothing"]]


def test_default_is_that_of_the_library():
    assert rig_show.PIXEL_SD == PIXEL_SD


def test_the_page_lies_beside_the_rig_and_its_numbers_are_said(source, capsys):
    assert main(["rig", "show", str(source), BOX]) == 0
    page = source.with_name("lab.html")
    printed = capsys.readouterr().out
    assert f"The page is {page}." in printed
    assert re.search(r"Expect errors of [\d.]+ mm at best .* if detections miss by 3 px", printed)
    data = data_of(page)
    assert data["grid"]["low"] == [-1.0, -1.0, 0.0] and data["pixel_sd"] == 3.0
    middle = expected_precision(read_rig(source), np.array([[0.0, 0.0, 1.0]])).sd[0, 1]
    assert along_y_mm(page).min() < 1e3 * middle < along_y_mm(page).max()


def test_errors_are_proportional_to_those_of_detections(source, tmp_path):
    pages = [tmp_path / "half.html", tmp_path / "two.html"]
    for page, pixels in zip(pages, ("0.5", "2"), strict=True):
        assert main(["rig", "show", str(source), BOX, "--pixel-sd", pixels, "-o", str(page)]) == 0
    # Both are rounded, the first before it is multiplied by 4.
    assert_allclose(4 * along_y_mm(pages[0]), along_y_mm(pages[1]), atol=2.6 * UNIT_MM)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "vicon"])
def test_every_format_is_shown(tmp_path, name):
    path = tmp_path / f"rig{FORMATS[name].ending}" if FORMATS[name].ending else tmp_path / "rig"
    write_rig(two_cameras(), path, name)
    page = tmp_path / "page.html"
    assert main(["rig", "show", str(path), BOX, "-o", str(page)]) == 0
    assert [one["name"] for one in data_of(page)["cameras"]] == ["left", "right"]


def test_a_world_that_is_not_upright_is_turned_and_said(tmp_path, source, capsys):
    turned = tmp_path / "turned.toml"
    write_rig(with_upward(two_cameras(), "-y"), turned)
    for path in (source, turned):
        assert main(["rig", "show", str(path), BOX]) == 0
    assert "the file's y is z, upwards" in capsys.readouterr().out
    pages = [path.with_suffix(".html") for path in (source, turned)]
    assert_allclose(along_y_mm(pages[0]), along_y_mm(pages[1]), atol=UNIT_MM)


def test_a_calibration_folder_tells_its_errors(tmp_path, capsys):
    folder = tmp_path / "calibrated"
    folder.mkdir()
    rig = two_cameras()
    write_rig(rig, folder / "rig.toml")
    sd = np.zeros((2, WIDTH))
    sd[1, :3] = 1e-3
    write_covariance(folder / COVARIANCE_FILE, rig, np.diag(sd.ravel() ** 2))
    one = {"centre_sd_mm": 1.25, "rotation_sd_deg": 0.057, "focal_sd_percent": 0.31}
    (folder / "summary.json").write_text(json.dumps({"cameras": {"right": one}}))
    assert main(["rig", "show", str(folder), BOX]) == 0
    text = (folder / "rig.html").read_text(encoding="utf-8")
    assert "<h1>calibrated</h1>" in text and "<td>0.057</td>" in text
    assert data_of(folder / "rig.html")["from_rig"] is not None
    moved = dataclasses.replace(
        rig, camera_from_world_translation=rig.camera_from_world_translation + 0.01
    )
    write_rig(moved, folder / "rig.toml")
    assert main(["rig", "show", str(folder)]) == 2
    assert "another calibration: the cameras stood elsewhere" in capsys.readouterr().err


def test_the_summary_of_a_fit_states_no_deviations(tmp_path):
    write_rig(two_cameras(), tmp_path / "rig.toml")
    (tmp_path / "summary.json").write_text(json.dumps({"cameras": ["left", "right"]}))
    assert main(["rig", "show", str(tmp_path), BOX]) == 0
    assert "place sd" not in (tmp_path / "rig.html").read_text(encoding="utf-8")


def test_a_browser_opens_when_asked(source, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main(["rig", "show", str(source), BOX]) == 0
    assert opened == []
    assert main(["rig", "show", str(source), BOX, "--open"]) == 0
    assert opened == [source.with_name("lab.html").as_uri()]


def test_lenses_without_poses_are_refused(tmp_path, capsys):
    rig = two_cameras()
    nowhere = dataclasses.replace(
        rig,
        camera_from_world_rotation=jnp.tile(jnp.eye(3), (2, 1, 1)),
        camera_from_world_translation=jnp.zeros((2, 3)),
    )
    write_rig(nowhere, tmp_path / "lenses.toml")
    assert main(["rig", "show", str(tmp_path / "lenses.toml")]) == 2
    assert "Its 2 cameras have lenses and no poses" in capsys.readouterr().err
    assert main(["rig", "show", str(tmp_path)]) == 2
    assert "It holds lenses without poses" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--pixel-sd", "0"], "0 is not a number of pixels above 0"),
        (["--pixel-sd", "many"], "many is not a number of pixels"),
        (["--volume=1,0,0,1,0,1"], "is not a box: six numbers in metres"),
        (["--volume=0,1,0,1"], "is not a box"),
        (["--volume=0,nan,0,1,0,1"], "is not a box"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(source, capsys, words, complaint):
    with pytest.raises(SystemExit):
        main(["rig", "show", str(source), *words])
    assert complaint in capsys.readouterr().err


def test_a_page_is_not_written_over_a_rig_or_into_nothing(source, tmp_path, capsys):
    before = source.read_bytes()
    for output, complaint in (
        (source, "It is the rig itself."),
        (tmp_path, "It is a folder."),
        (tmp_path / "no" / "rig.html", "Its folder does not exist."),
    ):
        assert main(["rig", "show", str(source), "-o", str(output)]) == 2
        assert complaint in capsys.readouterr().err
    assert source.read_bytes() == before


def test_what_is_no_rig_is_refused(tmp_path, capsys):
    assert main(["rig", "show", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["rig", "show", str(tmp_path)]) == 2
    assert "no camera rig of a known format" in capsys.readouterr().err
