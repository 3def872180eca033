"""The made-up walking person as a result that was read back, for the tests of writers."""

import functools
import pathlib
import tempfile

from diffbio.io.posed_person import PosedPerson, posed_person
from diffbio.io.read_result import FittedPerson, read_result
from tests.result_of_a_walk import write_result_of
from tests.walking_figure import walking_fit, with_uncertainty


@functools.cache
def walker() -> FittedPerson:
    """Read from a folder that is gone again."""
    with tempfile.TemporaryDirectory() as folder:
        return read_result(write_result_of(with_uncertainty(walking_fit()), pathlib.Path(folder)))


@functools.cache
def posed_walker() -> PosedPerson:
    """With bones."""
    return posed_person(walker())
