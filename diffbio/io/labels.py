"""Marker labels as capture programs write them, with the subject's name in front."""

from collections.abc import Sequence


def without_subject(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels without the subject's name, `Anna:LHEE` as `LHEE`.

    They stay as they are where several subjects are named, or a label would then be there twice.
    """
    subjects = {label.partition(":")[0] for label in labels if ":" in label}
    short = tuple(label.partition(":")[2] if ":" in label else label for label in labels)
    if len(subjects) != 1 or len(set(short)) < len(set(labels)):
        return tuple(labels)
    return short
