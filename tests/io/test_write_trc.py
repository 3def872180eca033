"""TRC files, read back by a reader that follows the format's own rules."""

import numpy as np
from numpy.testing import assert_allclose

from diffbio.io.write_trc import write_trc

NAMES = ("LKnee", "RKnee")
TIME = np.arange(4) / 60.0


def read_trc(path):
    """Header fields, marker names, frame numbers, times and positions; empty cells are NaN."""
    lines = path.read_text().splitlines()
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    names = [cell for cell in lines[3].split("\t")[2:] if cell]
    assert lines[4].split("\t")[2:] == [f"{a}{i + 1}" for i in range(len(names)) for a in "XYZ"]
    assert lines[5] == ""
    cells = [[float(cell or "nan") for cell in line.split("\t")] for line in lines[6:]]
    table = np.array(cells)
    return header, names, table[:, 0], table[:, 1], table[:, 2:].reshape(len(table), -1, 3)


def test_trc_reads_back(tmp_path):
    markers = np.random.default_rng(2).normal(size=(4, 2, 3))
    write_trc(tmp_path / "markers.trc", TIME, markers, NAMES, 60.0)
    first = (tmp_path / "markers.trc").read_text().splitlines()[0]
    assert first == "PathFileType\t4\t(X/Y/Z)\tmarkers.trc"
    header, names, frames, time, positions = read_trc(tmp_path / "markers.trc")
    assert header["Units"] == "m"
    assert (header["NumFrames"], header["NumMarkers"]) == ("4", "2")
    assert float(header["DataRate"]) == float(header["OrigDataRate"]) == 60.0
    assert (header["OrigDataStartFrame"], header["OrigNumFrames"]) == ("1", "4")
    assert names == list(NAMES)
    assert_allclose(frames, [1, 2, 3, 4])
    assert_allclose(time, TIME, atol=1e-6)  # s; six decimals
    x, y, z = np.moveaxis(markers, -1, 0)
    assert_allclose(positions, np.stack([x, z, -y], axis=-1), atol=1e-6)  # m; six decimals


def test_missing_marker_is_an_empty_cell(tmp_path):
    markers = np.zeros((4, 2, 3))
    markers[1, 0] = np.nan
    write_trc(tmp_path / "markers.trc", TIME, markers, NAMES, 59.94)
    header, _, _, _, positions = read_trc(tmp_path / "markers.trc")
    assert header["DataRate"] == "59.94"
    assert np.isnan(positions[1, 0]).all()
    assert np.isfinite(positions[1, 1]).all()
    assert "nan" not in (tmp_path / "markers.trc").read_text()
