"""Study folders: what is found in them, and what is said of what does not fit."""

import pytest

from diffbio.errors import InputError
from diffbio.io.participants_table import Facts
from diffbio.io.study import read_study


@pytest.fixture
def study(tmp_path):
    """Two participants, one with sessions; nothing in the files, since nothing reads them."""
    for trial in ("sub-01/ses-01/walk1", "sub-01/ses-02/walk1", "sub-02/walk1"):
        path = tmp_path / f"{trial}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for rig in ("sub-01/ses-01", "sub-01", "sub-02"):
        (tmp_path / rig / "rig.toml").touch()
    return tmp_path


def reasons(study):
    return [(one.participant, one.trial, one.reason) for one in read_study(study).remarks]


def test_participants_sessions_and_trials_are_listed(study):
    found = read_study(study)
    assert [one.name for one in found.participants] == ["sub-01", "sub-02"]
    keys = [[trial.key for trial in one.trials] for one in found.participants]
    assert keys == [["ses-01/walk1", "ses-02/walk1"], ["walk1"]]
    assert found.remarks == ()


def test_cameras_are_those_of_the_nearest_rig(study):
    first, second = read_study(study).participants
    # Beside an archive the reader finds it by itself.
    assert [trial.rig for trial in first.trials] == [None, study / "sub-01" / "rig.toml"]
    assert second.trials[0].rig is None


def test_a_trial_folder_with_a_calibration_keeps_it(study):
    for name in ("pose2sim", "plain"):
        (study / "sub-02" / name).mkdir()
    (study / "sub-02" / "pose2sim" / "calibration").mkdir()
    rigs = {trial.name: trial.rig for trial in read_study(study).participants[1].trials}
    assert rigs == {"walk1": None, "pose2sim": None, "plain": study / "sub-02" / "rig.toml"}


def test_no_rig_above_the_study_is_used(study):
    inner = study / "sub-02"
    (inner / "sub-09").mkdir()
    (inner / "sub-09" / "walk.npz").touch()
    assert read_study(inner).participants[0].trials[0].rig == inner / "rig.toml"
    (inner / "rig.toml").unlink()
    (study / "rig.toml").touch()
    assert read_study(inner).participants[0].trials[0].rig is None


def test_facts_are_in_si_whatever_the_column(study):
    (study / "participants.tsv").write_text(
        "participant_id\theight_cm\tmass_kg\tsex\tleg_length_r_mm\thandedness\n"
        "sub-01\t172.5\t68\tF\t905\tright\n"
        "02\tn/a\tn/a\tn/a\tn/a\tn/a\n"
    )
    first, second = read_study(study).participants
    assert first.facts == Facts(height=1.725, mass=68.0, sex="f", leg_length_r=0.905)
    assert second.facts == Facts()


def test_facts_have_deviations_in_units_of_their_own(study):
    (study / "participants.tsv").write_text(
        "participant_id\theight_m\theight_sd_cm\tmass_kg\tmass_sd_kg\tleg_length_l_cm\t"
        "leg_length_l_sd_mm\nsub-01\t1.72\t1.5\t68\t0.5\t90\t8\n"
    )
    facts = read_study(study).participants[0].facts
    assert facts == Facts(height=1.72, height_sd=0.015, mass=68.0, mass_sd=0.5, leg_length_l=0.9,
                          leg_length_l_sd=0.008)  # fmt: skip


@pytest.mark.parametrize(
    ("table", "remark"),
    [
        ("participant_id\tsex\nsub-01\tf\nsub-02\tm\nsub-01\tm\n", ("sub-01", "listed twice")),
        ("participant_id\nsub-01\nsub-02\nsub-03\n", ("sub-03", "no folder sub-03")),
        ("participant_id\nsub-01\n", ("sub-02", "does not list them")),
        ("participant_id\theight_m\nsub-01\t172\nsub-02\tn/a\n", ("sub-01", "which nobody is")),
        ("participant_id\theight_sd\nsub-01\t1.7\nsub-02\tn/a\n", ("sub-01", "has no unit")),
        ("participant_id\theight_sd_m\nsub-01\t1.7\nsub-02\t\n", ("sub-01", "which nobody is")),
        ("participant_id\theight\nsub-01\t1.7\nsub-02\tn/a\n", ("sub-01", "has no unit")),
        ("participant_id\tsex\nsub-01\tunknown\nsub-02\tf\n", ("sub-01", "which nobody is")),
        ("participant_id\tsex\n\tf\nsub-01\tf\nsub-02\tf\n", ("", "there is no participant_id")),
    ],
)
def test_doubts_about_the_table_stop_nothing(study, table, remark):
    (study / "participants.tsv").write_text(table)
    found = reasons(study)
    assert [one[0] for one in found] == [remark[0]]
    assert remark[1] in found[0][2]
    assert len(read_study(study).participants) == 2


def test_a_table_without_ids_is_refused(study):
    (study / "participants.tsv").write_text("name\tsex\nsub-01\tf\n")
    with pytest.raises(InputError, match="no column participant_id"):
        read_study(study)


def test_what_is_empty_or_named_twice_is_remarked(study):
    (study / "sub-03").mkdir()
    (study / "sub-01" / "ses-03").mkdir()
    (study / "sub-02" / "walk1").mkdir()
    camera = study / "sub-01" / "ses-04" / "cam1"
    camera.mkdir(parents=True)
    (camera / "000_keypoints.json").touch()
    assert reasons(study) == [
        ("sub-01", "ses-03", "The session is empty."),
        ("sub-01", "ses-04",
         "Keypoints of cam1 lie in it directly. Put them in a folder of their trial."),
        ("sub-02", "walk1", "walk1.npz has the name of walk1. Rename one of them."),
        ("sub-03", "", "They have no trial."),
    ]  # fmt: skip


def test_results_beside_trials_are_no_trials(study):
    for name in ("diffbio", "videos", ".cache"):
        (study / "sub-02" / name).mkdir()
    assert [trial.name for trial in read_study(study).participants[1].trials] == ["walk1"]


@pytest.mark.parametrize(
    ("folders", "complaint"), [([], "no folder sub-NAME"), (["sub-01"], "Nobody in it has a trial")]
)
def test_a_folder_that_is_no_study_is_refused(tmp_path, folders, complaint):
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(InputError, match=complaint):
        read_study(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_study(tmp_path / "nowhere")
