"""What is shipped is the package, whole, and nothing beside it."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile

import pytest

import diffbio

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "diffbio"
LEFT_BEHIND = {"__pycache__"}

IMPORT_EVERYTHING = """
import importlib, pathlib, pkgutil, diffbio
names = [m.name for m in pkgutil.walk_packages(diffbio.__path__, "diffbio.")]
for name in names:
    importlib.import_module(name)
from diffbio.body.keypoint_set import keypoint_set_names, load_keypoint_set
for name in keypoint_set_names():
    load_keypoint_set(name)
print(pathlib.Path(diffbio.__file__).parent, len(names), len(keypoint_set_names()))
"""


def package_files() -> set[str]:
    """Every file of the package in the checkout, relative to the repository."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and not LEFT_BEHIND & set(path.parts)
    }


def run(*command: object, cwd: pathlib.Path) -> str:
    """Run a command that knows nothing of this checkout, and return what it printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> pathlib.Path:
    """The wheel, built from a clean copy so that no earlier build leaks into it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    shutil.copytree(PACKAGE, source / "diffbio", ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("tests", "benchmarks", "calibration", "experiments"):
        (source / name).mkdir()
        (source / name / "__init__.py").touch()
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*build, "-w", folder, source, cwd=folder)
    return next(folder.glob("*.whl"))


def test_wheel_holds_the_whole_package_and_nothing_else(wheel):
    shipped = set(zipfile.ZipFile(wheel).namelist())
    described = {name for name in shipped if ".dist-info/" in name}
    assert sorted(package_files() - shipped) == [], "missing from the wheel (no __init__.py?)"
    assert sorted(shipped - described - package_files()) == [], "not part of the package"
    assert "diffbio/py.typed" in shipped
    assert any(name.endswith("licenses/LICENSE") for name in described)


def test_wheel_works_in_a_bare_environment(wheel, tmp_path):
    environment = tmp_path / "bare"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # A path file adds the dependencies, but not the checkout: path files inside are not read.
    site = next(environment.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    printed = run(python, "-c", IMPORT_EVERYTHING, cwd=tmp_path)
    place, modules, keypoint_sets = printed.splitlines()[-1].split()  # MJX prints lines of its own
    assert pathlib.Path(place) == site / "diffbio"
    assert int(modules) > 10
    assert int(keypoint_sets) > 0
    command = environment / "bin" / "diffbio"
    assert run(command, "--version", cwd=tmp_path) == f"diffbio {diffbio.__version__}\n"
    assert "diffbio is ready to fit trials" in run(command, "doctor", cwd=tmp_path)


def test_every_dependency_has_a_range_and_every_extra_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [line for line in project["dependencies"] if ">=" not in line] == []
    assert set(project["optional-dependencies"]) == {"cohort", "cuda", "dev"}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "calibration/README.md"])
def test_links_lead_somewhere(page):
    path = ROOT / page
    targets = re.findall(r"\]\(([^)#]+)", path.read_text())
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (path.parent / target).exists()] == []
