"""Parameters of a C3D file, by group and name."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError


@dataclasses.dataclass(frozen=True)
class C3dParameters:
    """Parameters as the library hands them over.

    Attributes:
        path: the file, for messages.
        groups: group, name, and then `value`.
    """

    path: pathlib.Path
    groups: Any

    def texts(self, group: str, name: str) -> tuple[str, ...]:
        """A list of words without blanks around; empty where it is not there.

        A list of more than 255 goes on in NAME2, NAME3 and so on, which are appended.
        """
        return tuple(str(value).strip() for value in self._values(group, name))

    def number(self, group: str, name: str) -> float:
        """A single number.

        Raises:
            InputError: it is missing, or no number.
        """
        values = self._values(group, name)
        try:
            return float(values[0])
        except (IndexError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.path}, {group}:{name}", "The number is missing.", "Export the file again."
            ) from error

    def array(self, group: str, name: str) -> Float[np.ndarray, "..."]:
        """Numbers in the shape of the file; of no size where they are not there.

        Further parts (NAME2 and so on) follow along the last axis.

        Raises:
            InputError: something in it is no number.
        """
        try:
            parts = [np.asarray(part, float) for part in self._parts(group, name)]
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{self.path}, {group}:{name}", "It holds no numbers.", "Export the file again."
            ) from error
        if not parts:
            return np.zeros(0)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def _values(self, group: str, name: str) -> list[Any]:
        return [value for part in self._parts(group, name) for value in np.ravel(part)]

    def _parts(self, group: str, name: str) -> list[Any]:
        parts = []
        while (key := f"{name}{len(parts) + 1 if parts else ''}") in self.groups.get(group, {}):
            value = self.groups[group][key]["value"]
            if len(value) == 0:
                break
            parts.append(value)
        return parts
