"""`diffbio export`, as a user runs it."""

import numpy as np
import pytest

from diffbio.cli.export import FORMATS
from diffbio.cli.main import EXIT_ERROR, main
from diffbio.io import write_gait
from diffbio.io.read_c3d import Analog, read_c3d
from diffbio.io.write_c3d import write_c3d
from tests.result_of_a_walk import write_result_of
from tests.walking_figure import walking_fit

FILES = {"motion.mot", "motion.sto", "markers.trc", "person.osim", "motion.c3d", "motion.bvh"}
FILES |= {"person.glb", "markers.csv", "angles.csv", "motion.parquet", "Geometry", "bids"}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return write_result_of(walking_fit(), tmp_path_factory.mktemp("export") / "out")


def test_everything_is_written(result, tmp_path, capsys):
    assert main(["export", str(result), "-o", str(tmp_path / "files")]) == 0
    assert {path.name for path in (tmp_path / "files").iterdir()} == FILES
    said = capsys.readouterr().out
    assert all(f"- {name}: " in said for name in FORMATS)
    assert f"100 frames were written in {len(FORMATS)} formats" in said


def test_some_formats_only(result, capsys):
    assert main(["export", str(result), "--formats", "bvh", "trc", "bvh"]) == 0
    assert {path.name for path in (result / "export").iterdir()} == {"motion.bvh", "markers.trc"}
    assert "in 2 formats" in capsys.readouterr().out


def test_without_pyarrow(result, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(write_gait, "can_write_parquet", lambda: False)
    assert main(["export", str(result), "-o", str(tmp_path), "--formats", "parquet"]) == EXIT_ERROR
    assert "It needs pyarrow" in capsys.readouterr().err


def test_analog_channels_of_the_same_recording(result, tmp_path, capsys):
    time = np.arange(2000) / 1000.0
    analog = Analog(("Fz",), ("N",), 700.0 + np.sin(time)[:, None], time)
    given = tmp_path / "lab.c3d"
    write_c3d(given, np.arange(100) / 50.0, np.ones((100, 1, 3)), ("A",), 50.0, analog=analog)
    out = tmp_path / "files"
    words = ["export", str(result), "-o", str(out), "--formats", "c3d", "--analog", str(given)]
    assert main(words) == 0
    read = read_c3d(out / "motion.c3d").analog
    assert read is not None and read.names == ("Fz",)
    plain = tmp_path / "plain.c3d"
    write_c3d(plain, np.arange(100) / 50.0, np.ones((100, 1, 3)), ("A",), 50.0)
    assert main([*words[:-1], str(plain)]) == EXIT_ERROR
    assert "It has no analog channel" in capsys.readouterr().err


def test_what_cannot_be_written_is_said(result, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["export", str(result), "-o", str(tmp_path / "file")]) == EXIT_ERROR
    assert "The folder cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", str(result), "--formats", "doc"])
