"""What is wrong with plates, as one sentence that says it and one that says what to do."""

from typing import NamedTuple

from diffbio.observations import GroundReactions


class PlateFault(NamedTuple):
    """One disagreement.

    Attributes:
        kind: one of `plate_checks.FAULTS`.
        found: as a sentence.
        remedy: as a sentence.
    """

    kind: str
    found: str
    remedy: str


Look = tuple[PlateFault | None, GroundReactions]
"""What one check found, and the plates with it corrected."""
