"""What a study leaves beside the results of its trials."""

import json
import pathlib

from diffbio.io.angles_table import join_tables
from diffbio.study.course import BASE_FILE
from diffbio.study.fit import StudyFit
from diffbio.study.page import study_page
from diffbio.study.records import TABLE_FILE, replace_text
from diffbio.study.summary import failed_table, summary_of

STUDY_FILES = ("cohort.json", "report.html", "failed.tsv", TABLE_FILE)
"""Beside `cohort.nc`, which is written while the population is learnt."""


def write_study(fit: StudyFit, output: pathlib.Path) -> int:
    """Write the study's own files, each all of it or nothing.

    Args:
        fit: the study.
        output: folder of its results.

    Returns:
        Rows of the table of angles.
    """
    summary = summary_of(fit)
    text = json.dumps(summary, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    replace_text(output / "cohort.json", text)
    replace_text(output / "report.html", study_page(summary))
    replace_text(output / "failed.tsv", failed_table(fit.remarks))
    parts = (output / name / TABLE_FILE for name in sorted(fit.delivered))
    return join_tables(output / TABLE_FILE, parts)


def files_of(fit: StudyFit) -> tuple[str, ...]:
    """Names of the study's own files."""
    return STUDY_FILES if fit.population is None else (BASE_FILE, *STUDY_FILES)
