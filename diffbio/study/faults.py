"""Why something of a study failed, in words for its list."""

import traceback

from diffbio.errors import DiffbioError


def reason_of(error: BaseException) -> str:
    """Why a job failed, in a sentence; with the place where it is a fault of the program."""
    if isinstance(error, DiffbioError):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}: {error}"
