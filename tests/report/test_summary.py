"""The summary of fits that went well, and of those that did not."""

import dataclasses
import json

import numpy as np
import pytest

from diffbio.report.summary import summary_of, write_summary
from diffbio.report.verdict import judge
from tests.walking_figure import walking_fit, walking_trial


def test_nothing_detected_gives_null_and_not_nan(tmp_path):
    fit = walking_fit()
    error = dataclasses.replace(fit.error, px=np.full_like(fit.error.px, np.nan))
    blind, trial = dataclasses.replace(fit, error=error, cost=float("nan")), walking_trial(fit)
    write_summary(tmp_path / "summary.json", summary_of(blind, trial, judge(blind, trial)))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["reprojection_error_px"]["median"] is None
    assert summary["reprojection_error_px"]["per_camera"] == {}
    assert summary["solver"]["cost"] is None
    assert summary["verdict"] == "fail"


def test_stages_not_timed_are_null():
    fit = dataclasses.replace(walking_fit(), time_s={"solve": 2.0})
    times = summary_of(fit, walking_trial(fit), judge(fit, walking_trial(fit)))["time_s"]
    assert times == {"load": None, "compile": None, "solve": 2.0, "write": None, "total": 2.0}


def test_summary_with_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_summary(tmp_path / "summary.json", {"value": float("nan")})
