"""One thing worth saying about a fit."""

import dataclasses
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["ok", "check", "fail"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was found and what to do about it.

    Attributes:
        level: `ok` for what one should know, `check` for what needs a look before the fit is
            used, `fail` for what forbids its use.
        reason: what was found, as the beginning of a sentence.
        remedy: what to do.
    """

    level: Level
    reason: str
    remedy: str
