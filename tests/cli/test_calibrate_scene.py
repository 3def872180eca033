"""`diffbio calibrate scene`, as a user runs it."""

import csv
import json

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras.calibration.lens_unknowns import WIDTH
from diffbio.cameras.rig_changes import rescaled
from diffbio.cameras.world_axes import axes_in_words
from diffbio.cli.main import main
from diffbio.io.rig_covariance import read_covariance
from diffbio.io.rigs import read_rig, write_rig
from diffbio.simulation.recording import ring_of_cameras

RIG = ring_of_cameras(4)
PLACES = {
    **{f"floor{n}": p for n, p in enumerate([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])},
    **{f"high{n}": p for n, p in enumerate([(-0.8, 0, 1.2), (0.8, 0.2, 0.7), (0, 0.9, 1.5),
                                            (0.1, -0.9, 1.0)])},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A survey in a world of its own (x right, y forward), clicks and lenses."""
    places = np.array(list(PLACES.values()), float)
    exact = np.asarray(RIG.project(jnp.asarray(places)))
    pixels = exact + 0.5 * np.random.default_rng(0).standard_normal(exact.shape)
    surveyed = places @ axes_in_words("x=right,y=forward,z=up").turn + [2.0, -1.0, 0.4]
    with (tmp_path / "points.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["point", "x_m", "y_m", "z_m"])
        writer.writerows([name, *place] for name, place in zip(PLACES, surveyed, strict=True))
    with (tmp_path / "clicks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["camera", "point", "x_px", "y_px"])
        for name, row in zip(("cam_1", "cam_2", "cam_3", "cam_4"), pixels, strict=True):
            writer.writerows([name, p, *pixel] for p, pixel in zip(PLACES, row, strict=True))
    write_rig(RIG, tmp_path / "lenses.toml")
    return tmp_path


def words(folder, *options: str) -> list[str]:
    tables = [str(folder / "points.csv"), str(folder / "clicks.csv")]
    lenses = ["--intrinsics", str(folder / "lenses.toml"), "-o", str(folder / "out")]
    return ["calibrate", "scene", *tables, *lenses, *options]


def test_points_become_a_rig_on_its_floor(folder, capsys):
    options = ["--axes", "x=right,y=forward,z=up", "--floor", "floor0", "floor1", "floor2"]
    options += ["--heading", "floor0", "floor1", "--click-sd-px", "0.5"]
    assert main(words(folder, *options)) == 0
    printed = capsys.readouterr().out
    assert "The 3 points of the floor lie within 0.0 mm rms of z = 0" in printed
    assert "Nothing else checks the floor" in printed
    assert "Ok: the rig can be used." in printed
    found = read_rig(folder / "out" / "rig.toml")
    assert found.names == RIG.names  # the lenses' names, the clicks say cam_1
    # The world begins at floor0 and is parallel to the true one.
    assert_allclose(found.centres, np.asarray(RIG.centres) + [1.0, 1.0, 0.0], atol=0.05)
    summary = json.loads((folder / "out" / "summary.json").read_text())
    assert summary["verdict"] == "ok"
    assert summary["cameras"]["cam01"]["points"] == 8
    assert 0.1 < summary["cameras"]["cam01"]["rms_px"] < 1.5
    assert summary["cameras"]["cam01"]["centre_sd_mm"] > 0.0
    assert "8 points; seen by each camera" in (folder / "out" / "log.txt").read_text()
    assert not list((folder / "out").glob(".*partial*"))
    page = (folder / "out" / "rig.html").read_text()
    assert "Errors of the calibration are added" in page
    assert summary["expected_error"]["median_mm"] > 0.0 and summary["standing"] is None


def test_a_floor_is_verified_by_what_stands_on_it(folder, capsys):
    options = ["--axes", "x=right,y=forward,z=up", "--floor", "floor0", "floor1", "floor2"]
    options += ["--click-sd-px", "0.5"]
    # One of the points was never surveyed.
    lines = (folder / "points.csv").read_text().splitlines()
    (folder / "points.csv").write_text("\n".join(line for line in lines if "high3" not in line))
    assert main(words(folder, *options, "--stands", "floor3=0", "high3=1000")) == 0
    printed = capsys.readouterr().out
    assert "Of 2 points of known height that took no part" in printed
    assert "Nothing else checks" not in printed
    standing = json.loads((folder / "out" / "summary.json").read_text())["standing"]
    for point, height in (("floor3", 0.0), ("high3", 1000.0)):
        one = standing[point]
        assert one["stated_mm"] == height
        assert abs(one["found_mm"] - height) < 4.0 * one["sd_mm"] < 30.0
    # A stand measured wrongly, or clicks of another.
    assert main(words(folder, *options, "--stands", "floor3=0", "high3=1080")) == 1
    printed = capsys.readouterr().out
    assert "Point high3 comes out -8" in printed and "Fail: do not use" in printed


def test_a_rig_is_shown_with_what_the_points_leave_uncertain(folder):
    assert main(words(folder)) == 0
    covariance = read_covariance(
        folder / "out" / "covariance.npz", read_rig(folder / "out" / "rig.toml")
    )
    sd_mm = 1e3 * np.sqrt(np.diag(covariance).reshape(4, WIDTH))
    summary = json.loads((folder / "out" / "summary.json").read_text())["cameras"]
    for row, name in enumerate(RIG.names):
        # The largest direction is no shorter than the longest axis, nor longer than their sum.
        assert sd_mm[row, 3:6].max() <= summary[name]["centre_sd_mm"] * (1 + 1e-9)
        assert summary[name]["centre_sd_mm"] <= np.linalg.norm(sd_mm[row, 3:6]) * (1 + 1e-9)
    assert np.all(sd_mm[:, 6:] == 0.0)  # the lenses were given


def test_without_wishes_the_world_is_the_surveys(folder):
    assert main(words(folder)) == 0
    found = read_rig(folder / "out" / "rig.toml")
    expected = np.asarray(RIG.centres) @ axes_in_words("x=right,y=forward,z=up").turn
    assert_allclose(found.centres, expected + [2.0, -1.0, 0.4], atol=0.05)


def test_lenses_are_rescaled_to_the_pictures(folder, capsys):
    write_rig(rescaled(RIG, 3840, 2160), folder / "lenses.toml")
    assert main(words(folder)) == 1
    assert "give --image-size 1920x1080" in capsys.readouterr().out
    assert main(words(folder, "--image-size", "1920x1080")) == 0
    assert "were rescaled to 1920 x 1080" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--floor", "floor0", "nowhere", "floor1"], "No point that was seen is called 'nowhere'"),
        (["--floor", "floor0", "floor2", "high1"], "would stand on one side of the floor"),
        (["--axes", "x=1"], "--axes: Found 'x=1'"),
        (["--click-sd-px", "0"], "Found 0 and 0"),
        (["--heading", "floor0", "floor0"], "lie one above the other"),
        (["--stands", "floor0"], "--stands: Found 'floor0'"),
        (["--stands", "floor0=high"], "Give points and millimetres, such as stand3=1100"),
        (["--stands", "nowhere=5"], "--stands: Point nowhere was seen by 0 cameras"),
    ],
)
def test_wishes_that_cannot_be_met_are_explained(folder, capsys, options, complaint):
    assert main(words(folder, *options)) == 2
    assert complaint in capsys.readouterr().err
    assert not (folder / "out" / "rig.toml").exists()


def test_clicks_of_a_camera_without_a_lens_are_explained(folder, capsys):
    write_rig(RIG.subset(("cam01", "cam02")), folder / "lenses.toml")
    assert main(words(folder)) == 2
    assert "It has lenses of cam01, cam02, and clicks.csv has clicks" in capsys.readouterr().err


def test_a_rig_is_turned_by_words(tmp_path):
    write_rig(RIG, tmp_path / "rig.toml")
    options = ["--axes", "x=right,y=forward,z=up"]
    assert main(["convert", str(tmp_path / "rig.toml"), str(tmp_path / "new.toml"), *options]) == 0
    turned = np.asarray(RIG.centres)[:, [1, 0, 2]] * [1.0, -1.0, 1.0]
    assert_allclose(read_rig(tmp_path / "new.toml").centres, turned, atol=1e-9)
