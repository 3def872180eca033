"""Keypoint sets: which point of which body a detector's keypoint is."""

import dataclasses
import enum
import math
import pathlib
import tomllib
from typing import Any, TypeGuard

from diffbio.errors import InputError, UnknownNameError

_FOLDER = pathlib.Path(__file__).parent / "keypoint_sets"
_EXAMPLES = "See the tables in diffbio/body/keypoint_sets for examples."


class AnchorClass(enum.StrEnum):
    """What kind of point a keypoint is; it sets how far a detector may be from the anchor."""

    JOINT_CENTRE = "joint_centre"
    BONY_LANDMARK = "bony_landmark"
    SOFT_TISSUE = "soft_tissue"
    CLUSTER = "cluster"
    """A marker anywhere on a segment, there to be tracked and not to mark a place."""


@dataclasses.dataclass(frozen=True)
class Anchor:
    """Where a keypoint sits on the base model.

    Attributes:
        keypoint: the detector's name of the keypoint.
        body: name of the body that carries it.
        position: in the frame of that body, in metres, on the unscaled base model.
        kind: class of the anchor.
    """

    keypoint: str
    body: str
    position: tuple[float, float, float]
    kind: AnchorClass


@dataclasses.dataclass(frozen=True)
class KeypointSet:
    """A detector's keypoints and their anchors on the default body.

    Attributes:
        name: short name, for instance `halpe_26`.
        keypoints: every name the detector writes, in its own order.
        anchors: the keypoints the body model carries; the rest (fingers, say) is not fitted.
        edges: pairs of keypoints to connect in drawings.
    """

    name: str
    keypoints: tuple[str, ...]
    anchors: tuple[Anchor, ...]
    edges: tuple[tuple[str, str], ...] = ()


def keypoint_set_names() -> tuple[str, ...]:
    """Names of the keypoint sets shipped with diffbio."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_keypoint_set(name_or_path: str | pathlib.Path) -> KeypointSet:
    """Read a shipped keypoint set by name, or a user's own table by path.

    Args:
        name_or_path: a name out of `keypoint_set_names()`, or the path of a file `.toml`.

    Raises:
        UnknownNameError: no shipped set has that name.
        InputError: the table cannot be read, or a field is missing or of the wrong kind.
    """
    path = pathlib.Path(name_or_path)
    if path.suffix != ".toml":
        known = keypoint_set_names()
        if str(name_or_path) not in known:
            raise UnknownNameError("keypoint set", "keypoint set", str(name_or_path), known)
        path = _FOLDER / f"{name_or_path}.toml"
    found = _keypoint_set(_read(path), str(path))
    _check_names(found, str(path))
    return found


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            str(path),
            f"The file cannot be read ({error.strerror}).",
            "Give the path of a keypoint table in TOML.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"It is not TOML ({error}).", _EXAMPLES) from error


def _keypoint_set(table: dict[str, Any], where: str) -> KeypointSet:
    """The set a table describes; every field is checked for its kind."""
    name, keypoints, anchors = (table.get(field) for field in ("name", "keypoints", "anchors"))
    if not isinstance(name, str):
        raise InputError(f"{where}, name", f"Found {name!r}.", "Give the set a name, as a string.")
    if not _is_list_of_names(keypoints):
        raise InputError(
            f"{where}, keypoints",
            f"Found {keypoints!r}.",
            "List every keypoint of the detector by name, in the detector's order.",
        )
    if not isinstance(anchors, dict) or not anchors:
        raise InputError(
            f"{where}, anchors",
            "The table [anchors] is missing or empty.",
            f"Give at least one keypoint a place on the body. {_EXAMPLES}",
        )
    edges = table.get("edges", [])
    if not isinstance(edges, list) or any(
        not _is_list_of_names(pair) or len(pair) != 2 for pair in edges
    ):
        raise InputError(
            f"{where}, edges",
            "It is not a list of pairs of keypoints.",
            'Write `edges = [["RHip", "RKnee"]]`, or leave it out.',
        )
    return KeypointSet(
        name,
        tuple(keypoints),
        tuple(_anchor(k, anchor, f"{where}, anchors.{k}") for k, anchor in anchors.items()),
        tuple((first, second) for first, second in edges),
    )


def _is_list_of_names(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(n, str) for n in value)


def _anchor(keypoint: str, table: object, where: str) -> Anchor:
    if not isinstance(table, dict):
        raise InputError(where, "It is not a table.", "Give it `body`, `position` and `class`.")
    if not isinstance(body := table.get("body"), str):
        raise InputError(f"{where}.body", f"Found {body!r}.", "Name the body that carries it.")
    position = table.get("position")
    if (
        not isinstance(position, list)
        or len(position) != 3
        or not all(type(x) in (int, float) and math.isfinite(x) for x in position)
    ):
        raise InputError(
            f"{where}.position",
            f"Found {position!r}.",
            "Give three numbers, in metres, in the frame of the body.",
        )
    if (kind := table.get("class")) not in list(AnchorClass):
        raise InputError(
            f"{where}.class", f"Found {kind!r}.", f"It is one of: {', '.join(AnchorClass)}."
        )
    x, y, z = map(float, position)
    return Anchor(keypoint, body, (x, y, z), AnchorClass(kind))


def _check_names(found: KeypointSet, where: str) -> None:
    """Every keypoint is listed once, and anchors and edges name keypoints of the list."""
    repeated = sorted({name for name in found.keypoints if found.keypoints.count(name) > 1})
    if repeated:
        raise InputError(
            f"{where}, keypoints",
            f"{repeated[0]!r} is listed more than once.",
            "Keypoints are told apart by name: give each its own.",
        )
    for field, names in (
        ("anchors", [anchor.keypoint for anchor in found.anchors]),
        ("edges", [name for edge in found.edges for name in edge]),
    ):
        if stray := [name for name in names if name not in found.keypoints]:
            raise InputError(
                f"{where}, {field}",
                f"{stray[0]!r} is not in `keypoints`.",
                f"Add it to the list, or remove it from `{field}`.",
            )
