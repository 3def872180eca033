"""What a study says where the packages of the extra are not there, and what it tells of faults."""

import re
import sys

import pytest

from diffbio.errors import FitError, InputError
from diffbio.io.angles_table import check_parquet
from diffbio.io.participants_table import Facts
from diffbio.io.study import Enrolled
from diffbio.study.cluster import cluster_runner
from diffbio.study.job import Job, Settings
from diffbio.study.runners import in_turn


def test_parquet_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install diffbio\[cohort\]"):
        check_parquet()


def test_workers_without_dask_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(InputError, match=r"pip install diffbio\[cohort\].*leave out --workers"),
        cluster_runner(workers=2),
    ):
        pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FitError("Nobody there."), "Nobody there."),
        (InputError("rig.toml", "Empty.", "Write it."), "rig.toml: Empty. Write it."),
        (KeyError("cam1"), r"KeyError at fails, line \d+: 'cam1'"),
    ],
)
def test_a_fault_is_told_in_words_and_the_next_job_is_done(tmp_path, error, reason):
    jobs = [
        Job(Enrolled(name, Facts(), ()), tmp_path, Settings("body_25"), "", None)
        for name in ("sub-01", "sub-02")
    ]

    def fails(job):
        raise error

    told = list(in_turn(fails, jobs))
    assert [one.participant for one in told] == ["sub-01", "sub-02"]
    assert all(re.fullmatch(reason, one.error) for one in told)
