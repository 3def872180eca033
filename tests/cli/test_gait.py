"""`diffbio gait`, as a user runs it."""

import csv
import importlib.util
import json
import re
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pytest
from numpy.testing import assert_allclose

from diffbio.cli.main import main
from diffbio.errors import InputError
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.io import write_gait
from diffbio.io.gait_norms import read_norms
from diffbio.io.gait_reference import mean_of_norms
from diffbio.io.write_trc import write_trc
from diffbio.report import gait_folder, gait_print
from tests.gait.fitted_walker import fitted, knee_deg, write_result
from tests.gait.walkers import Walker

FILES = {"metrics.csv", "metrics.parquet", "cycles.csv", "cycles.parquet", "events.csv"}
FILES |= {"gait.json", "gait.html"}


@pytest.fixture
def result(tmp_path):
    """A result folder of a drawn walker."""
    return write_result(tmp_path / "out", fitted(Walker(), "walk-1"))


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_fit_becomes_tables_and_a_page(result, capsys):
    before = {path.name for path in result.iterdir()}
    assert main(["gait", str(result)]) == 0
    assert {path.name for path in result.iterdir()} == before | FILES
    said = capsys.readouterr().out
    assert "strides: 1.25 m/s, 109 steps/min. The page is" in said
    summary = json.loads((result / "gait.json").read_text(encoding="utf-8"))
    assert summary["recording"]["name"] == "walk-1"
    metrics = rows(result / "metrics.csv")
    assert len(metrics) == len(summary["metrics"])
    for row, one in zip(metrics, summary["metrics"], strict=True):
        assert (row["name"], row["side"], row["unit"]) == (
            one["name"], one["side"] or "", one["unit"],
        )  # fmt: skip
        assert float(row["value"]) == pytest.approx(one["value"], abs=1e-6)
        assert int(row["n"]) == one["n"]
    speed = next(one for one in metrics if one["name"] == "speed")
    assert float(speed["value"]) == pytest.approx(1.25, abs=0.01)


def test_cycles_are_tidy_and_the_same_in_both_formats(result):
    main(["gait", str(result)])
    cycles = rows(result / "cycles.csv")
    summary = json.loads((result / "gait.json").read_text(encoding="utf-8"))
    count = sum(summary["cycles"].values())
    assert len(cycles) == count * 101 * 12
    assert {row["unit"] for row in cycles} == {"deg"}
    knee = [row for row in cycles if (row["cycle"], row["coordinate"]) == ("1", "knee_flexion")]
    assert_allclose([float(row["percent"]) for row in knee], np.arange(101))
    expected = knee_deg(np.arange(101))
    assert_allclose([float(row["value"]) for row in knee], expected, atol=1.0)  # degrees
    table = pyarrow.parquet.read_table(result / "cycles.parquet").to_pydict()
    assert list(table) == ["cycle", "side", "percent", "coordinate", "value", "sd", "unit"]
    assert_allclose(table["value"], [float(row["value"]) for row in cycles], rtol=1e-8, atol=1e-12)
    events = rows(result / "events.csv")
    contacts = [row for row in events if (row["kind"], row["side"]) == ("initial_contact", "r")]
    times = np.array([float(row["time_s"]) for row in contacts])
    assert_allclose(np.diff(times), Walker().stride_time, atol=1e-3)


def test_without_pyarrow_there_are_tables_all_the_same(result, capsys, monkeypatch):
    main(["gait", str(result)])
    find = importlib.util.find_spec
    monkeypatch.setattr(
        write_gait.importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "pyarrow" else find(name, *rest),
    )
    capsys.readouterr()
    assert main(["gait", str(result)]) == 0
    assert "No .parquet: it needs pyarrow" in capsys.readouterr().out
    assert not list(result.glob("*.parquet"))  # those of the run before are gone
    assert (result / "metrics.csv").is_file()


def test_markers_are_measured_beside_their_file(tmp_path, capsys):
    walk = fitted(Walker())
    markers = walk.markers
    path = tmp_path / "trial.trc"
    write_trc(path, markers.time, markers.positions, markers.names, 100.0)
    assert main(["gait", str(path)]) == 0
    assert {one.name for one in (tmp_path / "trial-gait").iterdir()} == FILES
    assert "1.25 m/s" in capsys.readouterr().out
    assert main(["gait", str(path), "--events", "file"]) == 2
    assert "trial.trc stores no events" in capsys.readouterr().err


def test_a_laboratory_file_is_measured_with_its_own_events(shared_data, tmp_path, capsys):
    """The laboratory's table of this walk has 1.27 m/s for the stride it chose, of 0.98 s."""
    path = shared_data / "stanev-clinical-c3d" / "walk.c3d"
    words = ["gait", str(path), "--events", "file", "--foot-point", "toe", "-o", str(tmp_path)]
    assert main(words) == 0
    summary = json.loads((tmp_path / "gait.json").read_text(encoding="utf-8"))
    assert {one["method"] for one in summary["events"]["methods"]} == {"events stored in the file"}
    found = {(one["name"], one["side"]): one for one in summary["metrics"]}
    assert found["stride_time", "l"]["value"] == pytest.approx(0.98, abs=0.02)
    assert found["speed", None]["value"] == pytest.approx(1.27, abs=0.04)
    assert found["speed", None]["sd"] is None  # nobody knows an operator's error
    assert main(["gait", str(path), "-o", str(tmp_path / "ours")]) == 0
    assert "3 right and 3 left strides: 1.2" in capsys.readouterr().out


def test_a_treadmill_needs_its_speed(tmp_path, capsys):
    folder = write_result(tmp_path / "belt", fitted(Walker(belt=True)))
    assert main(["gait", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "A treadmill: the ground moved at 1.25 m/s" in said
    assert "speed not determined (on a treadmill" in said
    assert main(["gait", str(folder), "--belt-speed", "1.25"]) == 0
    assert "1.25 m/s, 109 steps/min" in capsys.readouterr().out


def test_standing_is_said_and_is_no_success(tmp_path, capsys):
    folder = write_result(tmp_path / "still", fitted(Walker(duration=0.4)))
    assert main(["gait", str(folder)]) == 1
    assert "No stride " in capsys.readouterr().out
    assert (folder / "gait.html").is_file()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["missing"], "It does not exist"),
        (["empty"], "holds no fit.nc"),
        (["notes.txt"], "Files of type '.txt' are not read here"),
        (["broken"], "cannot be read"),
        (["empty", "--norms-group", "Free"], "There are no norms"),
        (["empty", "--norms", "nowhere.csv"], "nowhere.csv: It cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, monkeypatch, capsys, words, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("walk")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "fit.nc").write_text("no NetCDF")
    assert main(["gait", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_speed_is_a_number(capsys):
    with pytest.raises(SystemExit):
        main(["gait", "out", "--belt-speed", "fast"])
    assert "fast is not a speed in m/s" in capsys.readouterr().err


def test_a_write_that_fails_leaves_what_was_there(result, capsys, monkeypatch):
    main(["gait", str(result)])
    before = {path.name: path.read_bytes() for path in result.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gait_folder, "write_csv", full)
    assert main(["gait", str(result)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in result.iterdir()} == before


def test_two_visits_are_compared(result, tmp_path, capsys):
    other = write_result(tmp_path / "before", fitted(Walker(speed=1.0), "walk-0"))
    assert main(["gait", str(result), "--compare", str(other)]) == 0
    assert re.search(r"Compared with walk-0: \d+ of \d+ numbers changed", capsys.readouterr().out)
    changes = {(row["name"], row["side"]): row for row in rows(result / "comparison.csv")}
    assert float(changes["speed", ""]["difference"]) == pytest.approx(0.25, abs=0.01)
    assert changes["speed", ""]["beyond_error"] == "yes"
    main(["gait", str(result)])
    assert not (result / "comparison.csv").exists()  # of the run before, and no longer true


def test_scores_are_written_with_the_numbers(result, tmp_path):
    table = tmp_path / "people.csv"
    people = [("anna", 0.0), ("bert", 4.0), ("cleo", 9.0)]
    table.write_text("person,side,percent,coordinate,value\n" + "".join(
        f"{name},r,{percent},{angle},{level + percent / 10}\n"
        for name, level in people for angle in CLINICAL_ANGLES for percent in (0, 100)
    ))  # fmt: skip
    assert main(["gait", str(result), "--reference", str(table)]) == 0
    found = {(row["name"], row["side"]): row for row in rows(result / "metrics.csv")}
    assert float(found["gdi", "r"]["value"]) < 100.0 and float(found["gps", ""]["value"]) > 0.0


@pytest.mark.parametrize("browser", [True, False])
def test_the_page_is_printed_where_there_is_a_browser(result, capsys, monkeypatch, browser):
    if not browser:
        monkeypatch.setattr(gait_print.shutil, "which", lambda name: None)
    elif gait_print.find_browser() is None:
        pytest.skip("no Chromium on the PATH, so nothing can be printed")
    assert main(["gait", str(result), "--pdf"]) == 0
    said = capsys.readouterr().out
    printed = result / "gait.pdf"
    assert printed.is_file() == browser
    if browser:
        content = printed.read_bytes()
        assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") == 3
    else:
        assert "No PDF was printed: there is no Chromium" in said


def test_a_browser_that_fails_is_named(result, capsys, monkeypatch, tmp_path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["gait", str(result), "--pdf"]) == 2
    assert "did not print it (no display). Open the page" in capsys.readouterr().err


def test_the_pages_of_a_result_are_made_anew(result, tmp_path, capsys):
    assert main(["report", str(result)]) == 0
    assert (result / "gait.html").is_file() and not (result / "report.html").exists()
    still = write_result(tmp_path / "still", fitted(Walker(duration=0.4)))
    assert main(["report", str(still)]) == 1
    (still / "report.html").write_text("<p>the fit")
    assert main(["report", str(still)]) == 0
    assert "The page of the fit is" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "nowhere")]) == 2


def test_plates_time_the_steps_they_saw(shared_data, tmp_path, capsys):
    folder = shared_data / "falisse-walking"
    trc, mot = folder / "markers" / "gait-14.trc", folder / "grf" / "gait-14.mot"
    assert main(["gait", str(trc), "--grf", str(mot), "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"Force plates timed 4 of \d+ contacts and lift-offs: contacts of the", said)
    methods = [row["method"] for row in rows(tmp_path / "events.csv")]
    assert methods.count("force plate, 20 N") == 4 and len(methods) > 4
    laboratory = shared_data / "stanev-clinical-c3d" / "walk.c3d"
    assert main(["gait", str(laboratory), "--events", "plates", "-o", str(tmp_path)]) == 0
    assert "Force plates timed" in capsys.readouterr().out


def test_forces_that_do_not_go_with_the_walk_are_named(shared_data, tmp_path, capsys):
    folder = shared_data / "falisse-walking"
    trc, mot = folder / "markers" / "gait-14.trc", folder / "grf" / "gait-14.mot"
    out = ["-o", str(tmp_path)]
    assert main(["gait", str(trc), "--events", "plates", *out]) == 2
    assert "There is no force plate." in capsys.readouterr().err
    assert main(["gait", str(trc), "--events", "markers", "--grf", str(mot), *out]) == 2
    assert "--grf: Events are to come from markers." in capsys.readouterr().err
    away = tmp_path / "away.mot"
    lines = mot.read_text().splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("time"))
    columns = lines[head].split("\t")
    moved = [
        "\t".join(
            f"{float(x) + 3.0}" if name.endswith("pz") else x
            for name, x in zip(columns, line.split("\t"), strict=False)
        )
        for line in lines[head + 1 :]
    ]
    away.write_text("\n".join([*lines[: head + 1], *moved]) + "\n")
    assert main(["gait", str(trc), "--grf", str(away), *out]) == 2
    assert "State it with --plate-foot NAME=r (or l)" in capsys.readouterr().err
    feet = ["--plate-foot", "1_ground_force=r", "--plate-foot", "ground_force=l"]
    assert main(["gait", str(trc), "--grf", str(away), *feet, *out]) == 0
    with pytest.raises(SystemExit):
        main(["gait", str(trc), "--plate-foot", "left"])


def test_walks_are_measured_without_loading_the_solver(result):
    """It is a third of the time that `diffbio gait` takes."""
    code = (
        "import sys; from diffbio.cli.main import main; "
        f"main(['gait', {str(result)!r}]); "
        "print(sorted({'jax', 'equinox', 'mujoco', 'xarray', 'scipy.signal'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_norms_stand_beside_the_numbers(result, tmp_path):
    table = tmp_path / "ours.csv"
    table.write_text("name,percent,mean,sd\nspeed,,1.3,0.1\nknee_flexion,0,5,4\n"
                     "knee_flexion,100,6,4\n")  # fmt: skip
    assert main(["gait", str(result), "--norms", str(table)]) == 0
    summary = json.loads((result / "gait.json").read_text(encoding="utf-8"))
    speed = next(one for one in summary["metrics"] if one["name"] == "speed")
    assert speed["norm"] == {"mean": 1.3, "sd": 0.1}
    assert 'class="norm"' in (result / "gait.html").read_text(encoding="utf-8")


PLUG_IN_GAIT = "speed,curve,axis,percent,mean,sd\n" + "".join(
    f"{speed},KneeAngles,X,{percent},{mean},5\nFree,HipMoment,X,{percent},1,1\n"
    for speed, mean in (("Slow", 4), ("Free", 8))
    for percent in (0, 50, 100)
)


def test_curves_of_plug_in_gait_are_read_by_group(tmp_path):
    path = tmp_path / "norms.csv"
    path.write_text(PLUG_IN_GAIT)
    norms = read_norms(path, "Free")
    assert list(norms.curves) == ["knee_flexion"] and norms.source == "norms.csv, Free"
    assert_allclose(norms.curves["knee_flexion"].mean, 8.0)
    assert_allclose(norms.curves["knee_flexion"].percent, [0, 50, 100])


WIDE = (
    "Label,Context,Axis,StatType,Condition,Frame0,Frame050,Frame100\n"
    "KneeAngles,overall,X,mean,centreOne,5,20,6\nKneeAngles,overall,X,sd,centreOne,4,5,4\n"
    "KneeAngles,overall,X,mean,centreTwo,7,22,8\nKneeAngles,overall,X,sd,centreTwo,4,5,4\n"
    "HipMoment,overall,X,mean,centreOne,1,1,1\n"
)


def test_curves_in_lines_are_read_by_condition(tmp_path):
    path = tmp_path / "norms.csv"
    path.write_text(WIDE)
    norms = read_norms(path, "centreTwo")
    assert list(norms.curves) == ["knee_flexion"]
    assert_allclose(norms.curves["knee_flexion"].mean, [7, 22, 8])
    assert_allclose(norms.curves["knee_flexion"].percent, [0, 50, 100])


def test_published_norms_score_every_angle(shared_data):
    for name, group in (("schwartz-2008", "Free"), ("pinzone-2014-kinematics", "centreOne")):
        norms = read_norms(shared_data / "norms" / f"{name}.csv", group)
        reference = mean_of_norms(norms)
        assert reference is not None and reference.mean.shape == (51, 9)
        knee = reference.mean[:, CLINICAL_ANGLES.index("knee_flexion")]
        assert 50.0 < knee.max() < 65.0  # degrees, in swing


@pytest.mark.parametrize(
    ("text", "group", "complaint"),
    [
        (WIDE, None, "2 groups: centreOne, centreTwo. None was chosen"),
        (WIDE.replace("X,sd,centreTwo", "Y,sd,centreTwo"), "centreTwo", "It has mean. Give a line"),
        (PLUG_IN_GAIT, None, "2 groups: Slow, Free. None was chosen"),
        (PLUG_IN_GAIT, "Fast", "Fast is not there"),
        ("name,mean,sd\nspeed,1,1\n", "Free", "holds one group only"),
        ("a,b\n1,2\n", None, "Its columns are a, b"),
        ("name,mean,sd\nspeed,fast,1\n", None, "line 2, mean: It says 'fast'"),
        ("name,mean,sd\nspeed,1,-1\n", None, "line 2, sd: It says '-1'"),
        ("name,mean,sd\n", None, "no quantity that is known"),
        ("name,percent,mean,sd\nhip,0,1,1\nhip,0,2,1\n", None, "hip, percent: There are 2 points"),
    ],
)
def test_norms_that_cannot_be_used_are_named(tmp_path, text, group, complaint):
    path = tmp_path / "norms.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_norms(path, group)
