"""Measuring in a fresh process, where nothing is compiled yet, in memory or on disk."""

import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.arguments import ROOT
from diffbio.errors import DiffbioError


class ColdError(DiffbioError, RuntimeError):
    """A process that measured ended without a result."""


def measure_in_new_process(module: str, *words: str) -> dict[str, Any]:
    """Run `python -m MODULE WORDS` without a compilation cache, and read the JSON it prints last.

    Raises:
        ColdError: it failed; the message holds the last line it wrote.
    """
    environment = {**os.environ, "JAX_TRACEBACK_FILTERING": "off"}
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or "nothing was said").splitlines()[-1]
        raise ColdError(f"{module} {' '.join(words)} ended with {done.returncode}: {last}")
    return json.loads(done.stdout.splitlines()[-1])
