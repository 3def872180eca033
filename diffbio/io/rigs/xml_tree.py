"""XML of the makers of cameras: attributes of elements, read one by one."""

import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.io.rigs.camera import unreadable


def read_xml(path: pathlib.Path) -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        InputError: it cannot be read, is no XML, or declares entities, which a calibration has
            no use for and which can be made to fill the memory.
    """
    try:
        content = path.read_bytes()
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise InputError(
                str(path), "It declares a document type or entities.", "Export it anew."
            )
        return ElementTree.fromstring(content)
    except OSError as error:
        raise unreadable(path, error) from error
    except ElementTree.ParseError as error:
        raise InputError(
            str(path), f"It is not complete XML ({error}).", "Export the calibration again."
        ) from error


def attribute(element: ElementTree.Element, name: str, where: str) -> str:
    """One attribute.

    Raises:
        InputError: the element does not have it.
    """
    value = element.get(name)
    if value is None:
        raise InputError(
            where,
            f"`{element.tag}` has no attribute `{name}`.",
            "Export the calibration again, from a calibrated system.",
        )
    return value


def numbers(
    element: ElementTree.Element, names: Sequence[str], where: str, *, each: int = 1
) -> Float[np.ndarray, "number"]:
    """All numbers that the named attributes hold, one after the other.

    Args:
        element: what has the attributes.
        names: of the attributes.
        where: the file and the camera.
        each: how many numbers every attribute holds.

    Raises:
        InputError: an attribute is missing, or holds something else.
    """
    found = []
    for name in names:
        text = attribute(element, name, where)
        try:
            values = np.array([float(word) for word in text.split()])
        except ValueError:
            values = np.array([])
        if values.size != each or not np.all(np.isfinite(values)):
            expected = "one number" if each == 1 else f"{each} numbers"
            raise InputError(f"{where}, {name}", f"Found {text!r}.", f"Expected {expected}.")
        found.append(values)
    return np.concatenate(found)
