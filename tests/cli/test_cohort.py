"""`diffbio cohort fit` and `diffbio fit --base`, as a user runs them."""

import json
import os
import pathlib
import re
import shutil
import signal
import threading
import time

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cli.main import main
from diffbio.io.study import read_study
from diffbio.report.result_folder import RESULT_FILES
from diffbio.study.cluster import cluster_runner
from diffbio.study.job import Job, Settings, Told
from diffbio.study.records import read_learnt
from tests.study.small_study import make_study

QUERIES = pathlib.Path(__file__).parents[2] / "experiments" / "cohort" / "queries.sql"


def answer(query: str) -> list[tuple]:
    """All rows that DuckDB finds."""
    found = duckdb.sql(query)
    assert found is not None
    return found.fetchall()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two participants with two trials each, and a table that gets one height wrong."""
    folder = make_study(tmp_path_factory.mktemp("study with spaces") / "study")
    (folder / "participants.tsv").write_text("participant_id\theight_m\nsub-01\t2.4\nsub-02\tn/a\n")
    return folder


@pytest.fixture(scope="module")
def result(study):
    """Written to where results go by default."""
    status = main(["cohort", "fit", str(study), "--rounds", "1"])
    return status, study / "derivatives" / "diffbio"


def test_a_study_is_fitted(result, study, capsys):
    status, out = result
    assert status == 0
    summary = json.loads((out / "cohort.json").read_text())
    assert set(summary["participants"]) == {"sub-01", "sub-02"}
    reasons = {one["participant"]: one["reason"] for one in summary["left_out"]}
    assert "height of 2.40 m in participants.tsv contradicts their trials (1." in reasons["sub-01"]
    assert set(reasons) == {"sub-01"} and not summary["messages"]
    # Again, from the start: nothing is left to be done, and results are no trials.
    assert main(["cohort", "fit", str(study), "--rounds", "1"]) == 0
    said = capsys.readouterr().out
    assert "2 participants, 4 trials" in said and "(0 of them fitted now)" in said


def test_angles_are_in_one_table(result):
    table = result[1] / "angles.parquet"
    rows = answer(
        f"select participant, session, trial, unit, count(*) from '{table}' "
        "where coordinate = 'knee_angle_r' group by all order by all"
    )
    walks = [(f"sub-0{p}", "ses-01", f"walk{t}", "deg", 30) for p in (1, 2) for t in (1, 2)]
    assert rows == walks


def test_the_table_says_what_each_trial_says(result):
    out = result[1]
    trial = out / "sub-02" / "ses-01" / "walk1" / "angles.csv"
    columns = {"knee_angle_r": ("knee_angle_r_deg", "knee_angle_r_sd_deg"),
               "pelvis_ty": ("pelvis_ty_m", "pelvis_ty_sd_m")}  # fmt: skip
    written = np.genfromtxt(trial, delimiter=",", names=True)
    for coordinate, (value, sd) in columns.items():
        rows = answer(
            f"select time_s, value, sd from '{out / 'angles.parquet'}' where trial = 'walk1' "
            f"and participant = 'sub-02' and coordinate = '{coordinate}' order by time_s"
        )
        expected = np.stack([written["time_s"], written[value], written[sd]], axis=1)
        # The CSV is rounded to six digits after the point.
        np.testing.assert_allclose(np.asarray(rows), expected, atol=1e-6)


@pytest.mark.parametrize("query", [q for q in QUERIES.read_text().split(";\n") if q.strip()])
def test_documented_queries_answer(result, query, monkeypatch):
    monkeypatch.chdir(result[1])
    assert len(answer(query)) > 0


def test_one_trial_is_fitted_with_the_base_of_a_cohort(result, study, tmp_path, capsys):
    trial, base = study / "sub-01" / "ses-01" / "walk1.npz", result[1] / "cohort.nc"
    out = tmp_path / "out"
    assert main(["fit", str(trial), "-o", str(out), "--base", str(base)]) == 0
    assert {path.name for path in out.iterdir()} == set(RESULT_FILES)
    name = json.loads((result[1] / "cohort.json").read_text())["population"]["name"]
    assert f"population {name}, learnt from 2 participants" in (out / "log.txt").read_text()
    words = ["fit", str(trial), "-o", str(out), "--base", str(base), "--hold-out", "cam01"]
    assert main(words) == 2
    assert "does not go with --hold-out" in capsys.readouterr().err
    assert main(["fit", str(trial), "-o", str(out), "--base", str(tmp_path / "no.nc")]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere"], "There is no such folder"),
        (["study", "--workers", "0"], "--workers: 0 is not positive"),
        (["study", "--rounds", "-1"], "--rounds: -1 is not positive"),
        (["study", "--bandwidth", "nan"], "--bandwidth: nan is not positive"),
        (["study", "-o", "study/sub-01/ses-01/rig.toml"], "is a file, not a folder"),
        (["study", "--keypoint-set", "halpe_27"], "No keypoint set is called 'halpe_27'"),
        (["empty"], "None of its 1 trials can be read"),
    ],
)
def test_what_cannot_be_done_is_explained(study, tmp_path, monkeypatch, capsys, words, complaint):
    shutil.copytree(study / "sub-01", tmp_path / "study" / "sub-01")
    (tmp_path / "empty" / "sub-01" / "walk").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert main(["cohort", "fit", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_no_scheduler_answers(study, capsys):
    words = ["cohort", "fit", str(study), "--scheduler", "nonsense://x"]
    assert main(words) == 2
    assert "No scheduler answers" in capsys.readouterr().err


@pytest.mark.slow
def test_a_worker_that_dies_changes_nothing(study, tmp_path):
    """Two workers, one killed while it works: what it did is done by another."""
    killed: list[int] = []

    def kill_one() -> None:
        # A participant's first file appears when a job is nearly done; kill whoever works then.
        deadline = time.monotonic() + 300
        while not killed and time.monotonic() < deadline:
            for child in workers_of(os.getpid()):
                if cpu_seconds(child) > 6.0:
                    os.kill(child, signal.SIGKILL)
                    killed.append(child)
                    return
            time.sleep(0.05)

    threading.Thread(target=kill_one, daemon=True).start()
    words = ["cohort", "fit", str(study), "--rounds", "1", "--workers", "2"]
    assert main([*words, "-o", str(tmp_path / "killed")]) == 0
    assert killed
    assert main([*words, "-o", str(tmp_path / "whole")]) == 0
    for name in ("sub-01", "sub-02"):
        one, other = (read_learnt(tmp_path / out / name) for out in ("killed", "whole"))
        assert one is not None and other is not None
        # Rounding alone may differ: two workers that find no program in the cache compile it each
        # for itself, and XLA does not promise the same code twice. Processes that read one
        # program give the same digits, however busy the machine. A thousandth of a sd.
        sd = 1 / np.sqrt(np.diag(other.evidence.information) + 1.0)
        assert_allclose(one.person / sd, other.person / sd, rtol=0, atol=1e-3)
    differing = answer(
        "select count(*) from (select participant, trial, time_s, coordinate from "
        f"'{tmp_path / 'killed' / 'angles.parquet'}' except all select participant, trial, time_s, "
        f"coordinate from '{tmp_path / 'whole' / 'angles.parquet'}')"
    )
    assert differing == [(0,)]
    ((rows, apart),) = answer(
        "select count(*), max(abs(a.value - b.value) / a.sd) from "
        f"'{tmp_path / 'killed' / 'angles.parquet'}' a join "
        f"'{tmp_path / 'whole' / 'angles.parquet'}' b "
        "using (participant, session, trial, time_s, coordinate)"
    )
    assert rows > 0 and apart < 1e-3


def always_dies(job: Job) -> Told:
    """A job that takes its worker with it."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("never reached")


def says_its_name(job: Job) -> Told:
    """A job that is none."""
    return Told(job.participant.name)


@pytest.mark.slow
def test_a_job_that_kills_its_workers_is_listed(study):
    participants = read_study(study).participants
    jobs = [Job(one, study, Settings("body_25"), "", None) for one in participants]
    with cluster_runner(workers=2) as run:
        dead = {told.participant: told.error for told in run(always_dies, jobs)}
        alive = {told.participant: told.error for told in run(says_its_name, jobs)}
    assert set(dead) == set(alive) == {"sub-01", "sub-02"}
    assert all(re.search("workers died over it", reason) for reason in dead.values())
    assert not any(alive.values())


def workers_of(process: int) -> list[int]:
    """Processes below this one that run Dask's workers."""
    below, found = [process], []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) in below and b"spawn_main" in command:
            found.append(int(status.parent.name))
    return found


def cpu_seconds(process: int) -> float:
    """Time a process has computed."""
    try:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
