"""Fits that were measured already, one file each, so that a run that was stopped goes on."""

import json
import pathlib
import re
from collections.abc import Callable

Measured = dict[str, object]


class Store:
    """A folder of measurements.

    Attributes:
        folder: made with the first entry.
        fresh: measure everything again.
    """

    def __init__(self, folder: pathlib.Path, *, fresh: bool = False):
        self.folder, self.fresh = folder, fresh

    def get(self, name: str, measure: Callable[[], Measured]) -> Measured:
        """What was measured under a name, else what is measured now."""
        path = self.folder / f"{re.sub(r'[^a-z0-9.]+', '-', name.lower())}.json"
        if path.is_file() and not self.fresh:
            return json.loads(path.read_text(encoding="utf-8"))
        measured = measure()
        self.folder.mkdir(parents=True, exist_ok=True)
        # Complete or not at all, whenever the run is stopped.
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
        return measured
