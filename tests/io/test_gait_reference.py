"""A reference population as a table."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.io.gait_reference import norms_of, read_reference

HEAD = "person,side,cycle,percent,coordinate,value\n"


def rows(person, side, level, cycle=1, percents=(0, 50, 100), names=CLINICAL_ANGLES):
    return "".join(
        f"{person},{side},{cycle},{percent},{name},{level + percent}\n"
        for name in names
        for percent in percents
    )


def test_people_and_sides_have_their_mean_curves(tmp_path):
    path = tmp_path / "people.csv"
    text = HEAD + rows("anna", "r", 1.0) + rows("anna", "r", 3.0, cycle=2)
    text += rows("anna", "l", 5.0) + rows("bert", "r", 9.0) + "bert,r,1,0,trunk_lean,4\n"
    path.write_text(text)
    found = read_reference(path)
    assert found.names == CLINICAL_ANGLES and found.source == "people.csv"
    # Two cycles averaged; straight lines in between.
    expected = np.array([2.0, 5.0, 9.0])[:, None] + np.linspace(0, 100, 51)
    assert_allclose(found.curves, np.repeat(expected[..., None], 9, axis=2))
    norms = norms_of(found)
    assert_allclose(norms.curves["knee_flexion"].sd, np.std([2, 5, 9], ddof=1))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("person,side,percent,value\n", "coordinate: The column is missing"),
        (HEAD, "It holds no curve of pelvis_tilt"),
        (HEAD + rows("a", "r", 1) + rows("a", "l", 1), "has 2 curves"),
        (HEAD + rows("a", "right", 1), "person a, side right: The side is 'right'"),
        (HEAD + rows("a", "r", 1, names=CLINICAL_ANGLES[:8]), "There is no foot_progression"),
        (HEAD + rows("a", "r", 1, percents=(0, 50)), "A cycle has 2 points from 0 to 50"),
        (HEAD + rows("a", "r", 1, percents=(0, 0, 100)), "A cycle has 3 points"),
        (HEAD + "a,r,1,0,knee_flexion,much\n", "line 2, value: It says 'much'"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_named(tmp_path, text, complaint):
    path = tmp_path / "people.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_reference(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_reference(tmp_path / "nowhere.csv")
