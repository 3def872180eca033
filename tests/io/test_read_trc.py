"""TRC files: what our own writer wrote, what others write, and what is wrong in them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.read_trc import read_trc
from diffbio.io.write_trc import write_trc

TIME = 0.5 + np.arange(5) / 50.0
NAMES = ("LHEE", "RHEE", "SACR")


@pytest.fixture
def markers():
    low, high = [-0.3, -0.2, 0.0], [0.3, 0.2, 1.0]
    return np.random.default_rng(4).uniform(low, high, (5, 3, 3))


@pytest.fixture
def path(tmp_path, markers):
    write_trc(tmp_path / "walk.trc", TIME, markers, NAMES, 50.0)
    return tmp_path / "walk.trc"


def changed(path, *pairs):
    """The file with pieces of text replaced, each of which must be there."""
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


def test_what_was_written_is_read(path, markers):
    read = read_trc(path)
    assert read.names == NAMES and read.source == str(path)
    assert_allclose(read.time, TIME, atol=1e-6)  # s, six decimals
    assert_allclose(read.positions, markers, atol=1e-6)  # m, six decimals
    assert read.frame_rate_hz == pytest.approx(50.0, abs=1e-3) and read.sd is None
    assert_allclose(read.of("SACR"), markers[:, 2], atol=1e-6)
    assert_allclose(read.mean_of(("LHEE", "RHEE")), markers[:, :2].mean(1), atol=1e-6)


def test_millimetres_are_what_the_header_says(tmp_path, markers):
    write_trc(tmp_path / "mm.trc", TIME, 1000 * markers, NAMES, 50.0)
    read = read_trc(changed(tmp_path / "mm.trc", ("\tm\t", "\tmm\t")))
    assert_allclose(read.positions, markers, atol=1e-6)  # m


def test_missing_positions_stay_missing(tmp_path, markers):
    markers[2, 1] = markers[4] = np.nan
    write_trc(tmp_path / "gaps.trc", TIME, markers, NAMES, 50.0)
    read = read_trc(tmp_path / "gaps.trc")
    assert_allclose(read.positions, markers, atol=1e-6)
    assert read.seen.sum() == 5 * 3 - 4


def test_windows_line_ends_and_trailing_tabs_are_read(path, markers):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\t\t\r\n"))
    assert_allclose(read_trc(path).positions, markers, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("PathFileType", "Time", r"walk\.trc: It is no TRC file\. A TRC file has six lines"),
        ("50\t50\t5\t3", "50\t50\t6\t3", "NumFrames: It says 6, and there are 5 frames"),
        ("50\t50\t5\t3", "50\t50\t5\t4", "NumMarkers: It says 4, and there are 3 marker names"),
        ("50\t50\t5\t3", "50\t5\t3", "line 3: There are 7 values for 8 names"),
        ("\tm\t", "\tinch\t", "Units: The unit 'inch' is not known"),
        ("Units\t", "Unit\t", r"Units: The unit is missing\. State it: m, "),
        ("\tm\t", "\tmm\t", r"Units: The unit is mm, and the markers would be 0\.00"),
        ("50\t50\t5\t3", "60\t50\t5\t3", "DataRate: It says 60 Hz, and the times are 50 Hz apart"),
        ("50\t50\t5\t3", "?\t50\t5\t3", "DataRate: It is no number"),
        ("RHEE", "LHEE", "LHEE: The marker is there 2 times"),
        ("Frame#", "Frame", "line 4: It does not begin with Frame# and Time"),
        ("0.520000", "0.400000", r"time: Time 0\.4 s follows 0\.5 s"),
        ("0.520000", "", "time: Time 2 is not a number"),
        ("0.520000", "soon", "line 8, column 2: 'soon' is no number"),
    ],
)
def test_contradiction_names_file_and_field(path, old, new, message):
    with pytest.raises(InputError, match=message):
        read_trc(changed(path, (old, new)))


def test_metres_that_are_millimetres_are_refused(tmp_path, markers):
    write_trc(tmp_path / "walk.trc", TIME, 1000 * markers, NAMES, 50.0)
    with pytest.raises(InputError, match=r"The unit is m, and .* contradict each other .m or mm\?"):
        read_trc(tmp_path / "walk.trc")


def test_ragged_row_is_refused(path):
    lines = path.read_text().splitlines()
    lines[8] = lines[8].rsplit("\t", 2)[0]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match="line 9: It has 9 columns, the header 11"):
        read_trc(path)


def test_column_of_nothing_is_refused(path):
    lines = path.read_text().splitlines()
    for i in range(6, 11):
        cells = lines[i].split("\t")
        cells[6] = "NaN"
        lines[i] = "\t".join(cells)
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"RHEE: Its Y is missing in frame 1, .*\(5 such frames\)"):
        read_trc(path)


def test_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.trc: The file cannot be read \(No such file"):
        read_trc(tmp_path / "none.trc")
    (tmp_path / "image.trc").write_bytes(bytes(range(255)))
    with pytest.raises(InputError, match="It is not a text file"):
        read_trc(tmp_path / "image.trc")
    (tmp_path / "empty.trc").write_text("")
    with pytest.raises(InputError, match="It is no TRC file"):
        read_trc(tmp_path / "empty.trc")


def test_unknown_marker_is_refused(path):
    with pytest.raises(UnknownNameError, match=r"No marker is called 'RTOE'\. The 3 known names"):
        read_trc(path).of("RTOE")


def test_files_of_several_programs_are_read(shared_data):
    heights = {}
    for path in sorted(shared_data.rglob("*.trc")):
        read = read_trc(path)
        heights[str(path)] = float(np.nanmax(read.positions[..., 2]))
    assert len(heights) >= 20
    assert all(1.3 < height < 1.8 for height in heights.values()), heights  # m, heads or shoulders
