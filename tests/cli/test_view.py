"""`diffbio view`, as a user runs it."""

import subprocess
import sys

import pytest

from diffbio.cli.main import EXIT_ERROR, main
from tests.result_of_a_walk import write_result_of
from tests.walking_figure import walking_fit


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return write_result_of(walking_fit(), tmp_path_factory.mktemp("view") / "out")


def test_a_fit_becomes_a_page(result, capsys):
    assert main(["view", str(result)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("walk_01: 100 frames, ") and "416 muscles, 6 cameras" in said
    assert f"The page is {result / 'view.html'}" in said
    assert (result / "view.html").stat().st_size < 6e6


def test_the_page_may_go_elsewhere_but_not_nowhere(result, tmp_path, capsys):
    page = tmp_path / "shown.html"
    assert main(["view", str(result), "-o", str(page)]) == 0
    assert page.is_file()
    assert main(["view", str(result), "-o", str(tmp_path / "no" / "shown.html")]) == EXIT_ERROR
    assert "cannot be written" in capsys.readouterr().err
    assert main(["view", str(tmp_path)]) == EXIT_ERROR
    assert "holds no fit.nc" in capsys.readouterr().err


def test_help_answers_at_once():
    """Without loading what it runs."""
    code = "import sys; from diffbio.cli.main import main\n"
    code += "try: main(['view', '--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit('jax' in sys.modules or 'mujoco' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "view.html" in done.stdout
