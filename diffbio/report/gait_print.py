"""A page on paper: PDF files printed by the browser that is there."""

import pathlib
import shutil
import subprocess
import tempfile

from diffbio.errors import InputError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")

_LONGEST = 120
"""Seconds, of a browser that starts for the first time on a busy machine."""

NO_BROWSER = (
    "No PDF was printed: there is no Chromium or Chrome on the PATH. Install one, or open the page "
    "in any browser and print it from there."
)


def find_browser() -> pathlib.Path | None:
    """A browser that prints without a window; None where there is none."""
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    return None if found is None else pathlib.Path(found)


def print_pdf(page: pathlib.Path, target: pathlib.Path, browser: pathlib.Path) -> None:
    """Print a page; a file of that name is replaced once the new one is complete.

    Args:
        page: an HTML file that needs nothing but itself.
        target: the PDF.
        browser: as `find_browser` finds it.

    Raises:
        InputError: the browser did not print, or the file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="diffbio-print-") as folder:
        printed = pathlib.Path(folder) / "page.pdf"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        flags += ["--disable-background-networking", f"--user-data-dir={folder}/profile"]
        words = [str(browser), *flags, f"--print-to-pdf={printed}", page.absolute().as_uri()]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=_LONGEST)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(page, browser, str(error)) from error
        if not printed.is_file() or printed.stat().st_size == 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise _failed(page, browser, lines[-1] if lines else f"exit status {done.returncode}")
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.copyfile(printed, partial)
            partial.replace(target)
        except OSError as error:
            raise InputError(
                str(target), f"It cannot be written ({error.strerror}).", "Choose another folder."
            ) from error


def _failed(page: pathlib.Path, browser: pathlib.Path, why: str) -> InputError:
    return InputError(
        str(page), f"{browser} did not print it ({why}).", "Open the page and print it from there."
    )
