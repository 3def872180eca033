"""Exceptions raised by diffbio: where the fault lies, what was found, what to do."""


class DiffbioError(Exception):
    """Base class of every error diffbio raises on purpose."""


class InputError(DiffbioError, ValueError):
    """Something handed to diffbio cannot be used as it is.

    Attributes:
        where: the file, or the file and field, at fault.
        found: what was found there, as a sentence.
        remedy: what the reader can do about it, as a sentence.
    """

    def __init__(self, where: str, found: str, remedy: str) -> None:
        self.where, self.found, self.remedy = where, found, remedy
        super().__init__(f"{where}: {found} {remedy}")


class UnknownNameError(InputError):
    """A name was asked for that its owner does not have."""

    def __init__(self, where: str, kind: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            where,
            f"No {kind} is called {name!r}.",
            f"The {len(known)} known names are: {', '.join(known)}.",
        )


class FitError(DiffbioError, RuntimeError):
    """A fit stopped without a usable result."""
