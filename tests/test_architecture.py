"""The package keeps its shape: imports point down, and one layer owns each heavy dependency."""

import ast
import itertools
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "diffbio"
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    ("errors", "_jax"),
    ("geometry", "signals"),
    ("cameras", "body", "observations"),
    ("trajectories",),
    ("fitting",),
    ("simulation", "gait", "dynamics", "muscle"),
    ("cohort", "policy", "features"),
    ("io",),
    ("report",),
    ("study",),
    ("cli",),
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}

SOLE_IMPORTERS = {
    "cv2": {"cameras", "io", "report"},
    "ezc3d": {"io"},
    "flax": {"policy", "features"},
    "mujoco": {"body"},
    "musclemimic_models": {"body"},
    "optax": {"fitting"},
}

MAY_IMPORT_INSIDE_FUNCTIONS = {"cli"}
"""A command imports what it runs when it runs, so that `--help` answers at once."""

IMPORTED_LATE = {"cv2", "dask", "distributed", "pyarrow"}
"""OpenCV needs system libraries that a headless machine may lack, so only who reads a video imports
it; the others come with the extra `cohort`, which few need."""

MAY_BE_LATE = {"diffbio.body.mjx_kinematics.MjxKinematics"}
"""MJX takes a second to import, and few fits use it."""


def part_of(path: pathlib.Path) -> str:
    """Top-level part of the package a file belongs to; the package's own file is `__init__`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Dotted name and line of everything a piece of code imports.

    `from diffbio import body` and `from diffbio.body import Pose` both start `diffbio.body`.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def violations(part: str, source: str) -> list[str]:
    """What one file does against the rules, as sentences."""
    tree = ast.parse(source)
    return [*_layering(part, tree), *_late_imports(part, tree), *_style(part, tree)]


def _layering(part: str, tree: ast.Module) -> Iterator[str]:
    for name, line in imported_modules(tree):
        top, _, rest = name.partition(".")
        owners = SOLE_IMPORTERS.get(top)
        if owners and part not in owners:
            yield f"line {line}: only {', '.join(sorted(owners))} may import {top}"
        target = rest.partition(".")[0]
        if top == "diffbio" and part != "__init__" and target not in ("", "__version__"):
            if target not in RANK:
                yield f"line {line}: {target} has no place in the layers"
            elif target != part and RANK[target] >= RANK[part]:
                yield f"line {line}: {part} may not import {target}, which is not below it"


def _late_imports(part: str, tree: ast.Module) -> Iterator[str]:
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    late = set(itertools.chain.from_iterable(imported_modules(f) for f in functions))
    for name, line in sorted(late):
        top = name.partition(".")[0]
        if name in MAY_BE_LATE or top in IMPORTED_LATE:
            continue
        if part not in MAY_IMPORT_INSIDE_FUNCTIONS:
            yield f"line {line}: {name} is imported inside a function"
    for name, line in set(imported_modules(tree)) - late:
        if name.partition(".")[0] in IMPORTED_LATE:
            yield f"line {line}: {name} is imported when the module is"


def _style(part: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                yield f"line {node.lineno}: a relative import"
            if node.module == "__future__":
                yield f"line {node.lineno}: a __future__ import hides shapes from jaxtyping"
            if any(alias.name == "*" for alias in node.names):
                yield f"line {node.lineno}: a star import"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "print" and part != "cli":
                yield f"line {node.lineno}: print outside the command line"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: a bare except"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_keeps_the_rules(path):
    part = part_of(path)
    assert part == "__init__" or part in RANK, f"{part} has no place in the layers"
    assert violations(part, path.read_text()) == []


@pytest.mark.parametrize(
    ("part", "source", "complaint"),
    [
        ("body", "from diffbio.fitting import fit", "body may not import fitting"),
        ("body", "from diffbio.cameras import CameraRig", "body may not import cameras"),
        ("body", "from diffbio import io", "body may not import io"),
        ("body", "import diffbio.nowhere", "nowhere has no place"),
        ("gait", "import mujoco.mjx", "only body may import mujoco"),
        ("body", "def f():\n    import numpy", "inside a function"),
        ("io", "import cv2", "imported when the module is"),
        ("body", "from math import *", "star import"),
        ("body", "from .pose import Pose", "relative import"),
        ("body", "from __future__ import annotations", "hides shapes"),
        ("body", "print(1)", "print outside"),
        ("body", "try:\n    pass\nexcept:\n    pass", "bare except"),
    ],
)
def test_rule_is_enforced(part, source, complaint):
    assert any(complaint in sentence for sentence in violations(part, source))


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("report", "from diffbio.io import Trial"),
        ("fitting", "import optax\nfrom diffbio.errors import FitError"),
        ("io", "def frames():\n    import cv2"),
        ("cli", "def run():\n    print(1)\n    from diffbio.fitting import fit"),
        ("io", "from diffbio import __version__"),
        ("io", "import diffbio"),
    ],
)
def test_what_is_allowed_passes(part, source):
    assert violations(part, source) == []


# Written in pieces, so that this file does not find itself.
FOREIGN_TEXT = re.compile(
    r"(?<![\w.])/(?:hom[e]|Use?r[s]|roo[t]|wor[k]|tm[p]|mn[t])/\w"
    r"|\b[A-Z]:\\[Uu]sers"
    r"|--(?:extra-)?inde[x]-url"
    r"|https?://\S+/simpl[e](?:/|\b)"
    r"|pythonhoste[d]\.org"
)


def repository_files() -> list[pathlib.Path]:
    """Files that are, or would be, under version control."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so nothing says which files belong to the repository")
    # A checkout may belong to another user than the one who runs the tests.
    git = ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT}"]
    listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run([*git, *listed], capture_output=True, text=True, check=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_machine_or_a_registry():
    found = []
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or other binary file
        for number, line in enumerate(text.splitlines(), 1):
            if match := FOREIGN_TEXT.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    assert found == []


def test_constraints_are_plain_exact_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", pin)] == []
    assert pins == sorted(pins, key=str.casefold)
