"""The command line answers at once, and an error is a sentence and an exit status."""

import subprocess
import sys
import types

import pytest

from diffbio import __version__
from diffbio.cli import main as command
from diffbio.errors import InputError


def verb(run):
    """A verb's module that does nothing but `run`."""
    return types.SimpleNamespace(add_arguments=lambda parser: None, run=run)


def replace_doctor(monkeypatch, run):
    monkeypatch.setattr(command.importlib, "import_module", lambda name: verb(run))


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        command.main(["--version"])
    assert capsys.readouterr().out == f"diffbio {__version__}\n"


def test_help_names_every_verb(capsys):
    with pytest.raises(SystemExit, match="0"):
        command.main(["--help"])
    printed = capsys.readouterr().out
    for name, summary in command.VERBS.items():
        assert name in printed
        assert summary in printed


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in command.VERBS)])
def test_help_does_not_load_jax(words):
    code = (
        "import sys\nfrom diffbio.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    print('jax' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.endswith("False\n"), answer.stderr


@pytest.mark.parametrize(
    ("words", "complaint"), [([], "required: VERB"), (["fly"], "invalid choice: 'fly'")]
)
def test_wrong_words_end_with_usage(capsys, words, complaint):
    with pytest.raises(SystemExit, match="2"):
        command.main(words)
    assert complaint in capsys.readouterr().err


def test_error_is_a_sentence(monkeypatch, capsys):
    def run(arguments):
        raise InputError("rig.toml", "Camera 'c3' has no focal length.", "Add `matrix`.")

    replace_doctor(monkeypatch, run)
    assert command.main(["doctor"]) == 2
    printed = capsys.readouterr()
    complaint = "diffbio doctor: rig.toml: Camera 'c3' has no focal length. Add `matrix`.\n"
    assert printed.err == complaint
    assert printed.out == ""


def test_interruption_is_a_sentence(monkeypatch, capsys):
    def run(arguments):
        raise KeyboardInterrupt

    replace_doctor(monkeypatch, run)
    assert command.main(["doctor"]) == 130
    assert "Stopped; the previous result is intact." in capsys.readouterr().err


def test_mistakes_of_our_own_keep_their_traceback(monkeypatch):
    def run(arguments):
        raise ZeroDivisionError("a defect")

    replace_doctor(monkeypatch, run)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        command.main(["doctor"])


def test_exit_status_is_that_of_the_verb(monkeypatch):
    replace_doctor(monkeypatch, lambda arguments: 1)
    assert command.main(["doctor"]) == 1


def test_small_solves_use_one_thread_unless_the_user_chose(monkeypatch):
    replace_doctor(monkeypatch, lambda arguments: 0)
    for chosen, expected in ((None, "1"), ("4", "4")):
        monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
        if chosen:
            monkeypatch.setenv("OPENBLAS_NUM_THREADS", chosen)
        command.main(["doctor"])
        assert command.os.environ["OPENBLAS_NUM_THREADS"] == expected
