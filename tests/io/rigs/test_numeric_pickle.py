"""Pickles with code are refused, and the code does not run."""

import collections
import os
import pickle
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from diffbio.errors import InputError
from diffbio.io.rigs.numeric_pickle import read_numbers, write_numbers


class Calls:
    """An object whose pickle calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def pickled(tmp_path):
    def write(content, protocol=4):
        path = tmp_path / "camera.pickle"
        is_made = isinstance(content, bytes)
        path.write_bytes(content if is_made else pickle.dumps(content, protocol=protocol))
        return path

    return write


@pytest.mark.parametrize("protocol", range(6))
def test_numbers_are_read(pickled, protocol):
    content = {
        "array": np.arange(6.0).reshape(2, 3).T,
        "single": np.array([[1.5]], np.float32),
        "whole": np.array([3, 4]),
        "swapped": np.array([1.5, 2.5], ">f8"),
        "scalar": np.float64(0.1),
        "yes": np.bool_(True),
        "list": [1, 2.5, "text", None, True, (3, 4)],
    }
    found = read_numbers(pickled(content, protocol))
    assert found.keys() == content.keys() and found["list"] == content["list"]
    for key in ("array", "single", "whole", "swapped"):
        assert_array_equal(found[key], content[key], strict=key != "swapped")
    assert found["scalar"] == 0.1 and found["yes"] is True


def test_numpy_is_the_same_after_a_state_for_its_types(pickled):
    program = b"cnumpy\ndtype\n(Vf8\nI00\nI00\ntR(I3\nV>\nNNNI-1\nI-1\nI63\ntb."
    with pytest.raises(InputError, match="it holds Kind"):
        read_numbers(pickled(program))
    assert np.dtype("f8").isnative and np.dtype("f8").flags == 0


def test_what_is_written_is_read(pickled):
    content = {"a": np.array([[1 / 3, np.pi]]), "b": np.float64(2.0)}
    found = read_numbers(pickled(write_numbers(content)))
    assert_array_equal(found["a"], content["a"])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, r"(posix|nt)\.system"),
        (eval, r"(builtins|__builtin__)\.eval"),
        (exec, r"(builtins|__builtin__)\.exec"),
        (subprocess.check_output, r"(subprocess|commands)\.check_output"),
        (getattr, r"(builtins|__builtin__)\.getattr"),
        (collections.OrderedDict, r"collections\.OrderedDict"),
        (np.load, r"numpy\.load"),
        (np.save, r"numpy\.save"),
    ],
)
def test_code_is_refused_by_name_and_not_run(pickled, tmp_path, function, name, protocol):
    trace = tmp_path / "it-ran"
    path = pickled({"matrix": Calls(function, f"touch '{trace}'")}, protocol)
    with pytest.raises(InputError, match=rf"asks Python for `{name}`, .* nothing of it was run"):
        read_numbers(path)
    assert not trace.exists()


def test_code_that_follows_numbers_does_not_run_either(pickled, tmp_path):
    trace = tmp_path / "it-ran"
    content = {"matrix": np.eye(3), "rotation": Calls(os.system, f"touch '{trace}'")}
    with pytest.raises(InputError, match="nothing of it was run"):
        read_numbers(pickled(content))
    assert not trace.exists()


def test_the_fixture_would_have_run(tmp_path):
    trace = tmp_path / "it-ran"
    pickle.loads(pickle.dumps(Calls(os.system, f"touch '{trace}'")))
    assert trace.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "It is not a pickle of numbers \\(EOFError"),
        (b"not a pickle", "It is not a pickle of numbers \\("),
        (pickle.dumps(np.eye(3))[:-9], "It is not a pickle of numbers \\("),
        (np.array([{"a": 1}], dtype=object), r"an array of 'O8'"),
        (np.array(["a"]), r"an array of 'U1'"),
        (b"cposix\nsystem\n(S'true'\ntR.", r"asks Python for `posix\.system`"),
        (b"cnumpy.core.multiarray\nfromfile\n.", r"`numpy\.core\.multiarray\.fromfile`"),
        (b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.tobytes\x93.", r"`numpy\.ndarray\.tobytes`"),
        (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntI0\ntR.",
            "an array of another kind",
        ),
        (b"c_codecs\nencode\n(Vabc\nVrot13\ntR.", "text in rot13"),
        (b"cnumpy\nndarray\n(I9\ntR.", "an array that was not written by NumPy"),
        (b"cnumpy\ndtype\n.", "it holds Function"),
        (b"cnumpy\ndtype\n(Vf8\ntR.", "it holds Kind"),
        # A state that would have NumPy take numbers for addresses, or change its own types.
        (b"cnumpy\ndtype\n(Vf8\ntR(I3\nV!\nNNNI-1\nI-1\nI63\ntb.", "in the order '!'"),
        (b"cnumpy\ndtype\n(dV__call__\nNsb.", "a function with a state"),
        (b"\x80\x04\x8f.", "it holds set"),
        (b"(lp0\ng0\na.", "RecursionError|it holds too much"),
        (
            b"(lp0\n"
            + b"".join(b"(lp%d\n" % n + b"g%d\na" % (n - 1) * 9 for n in range(1, 9))
            + b".",
            "it holds too much",
        ),
        (bytes(2_000_000), "It is too large for a calibration"),
    ],
)
def test_what_is_no_pickle_of_numbers_is_refused(pickled, content, message):
    with pytest.raises(InputError, match=message):
        read_numbers(pickled(content))
