"""What a verb shows while it works, and the log it leaves."""

import contextlib
import sys
import time
from collections.abc import Iterator

from tqdm import tqdm


class Console:
    """Says what is going on, on standard error, and remembers it for `log.txt`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._began = time.perf_counter()

    def say(self, sentence: str) -> None:
        """Show and remember one sentence."""
        self.note(sentence)
        tqdm.write(sentence, file=sys.stderr)

    def note(self, sentence: str) -> None:
        """Remember one sentence without showing it."""
        self.lines.append(f"{time.perf_counter() - self._began:8.2f} s  {sentence}")

    @contextlib.contextmanager
    def training(self, steps: int) -> Iterator["TrainingBar"]:
        """A progress bar over the steps of a fit."""
        bar = TrainingBar(steps)
        try:
            yield bar
        finally:
            bar.close()

    @property
    def log(self) -> str:
        """Everything said so far."""
        return "\n".join(self.lines) + "\n"


class TrainingBar:
    """Progress of a fit, with the objective as it falls."""

    def __init__(self, steps: int) -> None:
        self._bar = tqdm(
            total=steps,
            unit="step",
            desc="fitting (the first time compiles, about 10 s)",
            file=sys.stderr,
            dynamic_ncols=True,
            leave=False,
        )

    def __call__(self, step: int, error_px: float) -> None:
        """Show that a step was reached, with the current median error in pixels."""
        self._bar.set_description("fitting")
        self._bar.set_postfix_str(f"median error {error_px:.2f} px", refresh=False)
        self._bar.update(step - self._bar.n)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()
