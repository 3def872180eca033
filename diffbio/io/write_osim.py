"""The fitted person as an OpenSim 4 model: bodies, joints, couplings, markers and bones.

OpenSim's tree begins at the pelvis, whose coordinates are those of our `.mot`. A joint whose motion
follows a coordinate of another joint (vertebrae, shoulder girdle, patella) has a copy of that
coordinate, which a coupler constraint keeps equal, as in Rajagopal's model the patella has.
"""

import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np
from jaxtyping import Float

from diffbio.body.anatomy import Anatomy, AnatomyJoint
from diffbio.errors import InputError
from diffbio.io.osim_elements import (
    axis_with_function,
    body_element,
    coordinate_element,
    coupler_element,
    custom_joint,
    marker_element,
)
from diffbio.io.person_inertia import BodyInertia, together
from diffbio.io.posed_person import ANATOMY_OF, PosedPerson
from diffbio.io.read_result import FittedPerson
from diffbio.io.write_stl import write_stl

GRAVITY = 9.80665
_PELVIS = "pelvis"
_LEAST = BodyInertia(1e-4, np.zeros(3), 1e-8 * np.eye(3))
"""Of bodies whose mass the fit counts to another, as the patella's to the thigh."""

_FREE = (
    ("pelvis_tilt", "rotation1", (0.0, 0.0, 1.0)),
    ("pelvis_list", "rotation2", (1.0, 0.0, 0.0)),
    ("pelvis_rotation", "rotation3", (0.0, 1.0, 0.0)),
    ("pelvis_tx", "translation1", (1.0, 0.0, 0.0)),
    ("pelvis_ty", "translation2", (0.0, 1.0, 0.0)),
    ("pelvis_tz", "translation3", (0.0, 0.0, 1.0)),
)


def write_osim(
    path: pathlib.Path, person: FittedPerson, posed: PosedPerson
) -> tuple[pathlib.Path, ...]:
    """Write the scaled model, and its bones as STL in `Geometry` beside it.

    Masses are those of the fit, from the size of the segments. There are no muscles.

    Args:
        path: the `.osim` file.
        person: the fit.
        posed: its bones.

    Returns:
        The files written, the model first.

    Raises:
        InputError: the body is not the default one.
    """
    if person.body_model != ANATOMY_OF or posed.note:
        raise InputError(
            str(path),
            f"Only {ANATOMY_OF} can be written for OpenSim, and the fitted body is "
            f"{person.body_model}{': ' + posed.note if posed.note else ''}.",
            "Leave this format out.",
        )
    tree = _Tree(person, posed)
    document = ElementTree.Element("OpenSimDocument", Version="40500")
    model = ElementTree.SubElement(document, "Model", name=_plain(person.name))
    _add(model, "gravity", f"0 {-GRAVITY} 0")
    _add(model, "credits", "MyoFullBody (musclemimic-models, Apache-2.0), fitted by diffbio.")
    _add(model, "length_units", "meters")
    _add(model, "force_units", "N")
    ElementTree.SubElement(model, "Ground", name="ground")
    files = [path]
    bodies = _set(model, "BodySet", "bodyset")
    geometry = path.parent / "Geometry"
    for i, part in enumerate(posed.parts):
        mesh = None
        if len(part.faces):
            mesh = f"{path.stem}_{tree.names[i]}.stl"
            geometry.mkdir(parents=True, exist_ok=True)
            write_stl(geometry / mesh, tree.in_frame(i, part.vertices), part.faces)
            files.append(geometry / mesh)
        bodies.append(body_element(tree.names[i], tree.inertia[i], mesh))
    joints, constraints = (
        _set(model, "JointSet", "jointset"),
        _set(model, "ConstraintSet", "constraintset"),
    )
    for joint, couplers in tree.joints():
        joints.append(joint)
        constraints.extend(couplers)
    markers = _set(model, "MarkerSet", "markerset")
    markers.extend(tree.markers())
    ElementTree.indent(document, "\t")
    text = ElementTree.tostring(document, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="UTF-8" ?>\n{text}\n', encoding="utf-8")
    return tuple(files)


class _Tree:
    """Parts as OpenSim's bodies: their frames are ours, but the first one's is the pelvis's."""

    def __init__(self, person: FittedPerson, posed: PosedPerson) -> None:
        self.person, self.posed = person, posed
        self.anatomy = anatomy = Anatomy(person.scale)
        self.part_of = anatomy.rigid_parts(person.joint_names)
        self.tops = sorted(set(self.part_of))
        self.index = {top: i for i, top in enumerate(self.tops)}
        self.names = [_plain(part.name) for part in posed.parts]
        self.names[0] = _PELVIS
        # Which body moves how within its part does not depend on the frame.
        self._frame = anatomy.posed(
            person.root_position[:1],
            person.root_quaternion[:1],
            {name: values[:1] for name, values in person.joints.items()},
        )
        self.inertia = self._part_inertia()

    def pose(self, part: int, body: int) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """`frame_from_body` of a body in the OpenSim frame of the part it is rigid with."""
        top = self.tops[part] if part else self.anatomy.body_names.index(_PELVIS)
        at, turned = self._frame.positions[0], self._frame.rotations[0]
        return turned[top].T @ turned[body], turned[top].T @ (at[body] - at[top])

    def in_frame(
        self, part: int, points: Float[np.ndarray, "point 3"]
    ) -> Float[np.ndarray, "point 3"]:
        """Points of our part in OpenSim's frame of it."""
        turn, shift = self.pose(part, self.tops[part])
        return points @ turn.T + shift

    def joints(self) -> list[tuple[ElementTree.Element, list[ElementTree.Element]]]:
        """Every joint of the model, and the couplers it needs."""
        found = [(self._free_joint(), [])]
        for i in range(1, len(self.tops)):
            found.append(self._joint(i))
        return found

    def _free_joint(self) -> ElementTree.Element:
        coordinates = [coordinate_element(name, 0.0, (-1e3, 1e3)) for name, _, _ in _FREE]
        axes = [
            axis_with_function(place, axis, name, np.array([0.0, 1.0]))
            for name, place, axis in _FREE
        ]
        still = np.eye(3), np.zeros(3)
        return custom_joint(
            "ground_pelvis", "/ground", f"/bodyset/{_PELVIS}", still, coordinates, axes
        )

    def _joint(self, part: int) -> tuple[ElementTree.Element, list[ElementTree.Element]]:
        body = self.tops[part]
        above = self.anatomy.body_parents[body]
        parent = self.index[self.part_of[above]]
        turn, shift = self.pose(parent, above)
        positions, quaternions = self.anatomy.body_pose
        place = turn @ _matrix(quaternions[body]), shift + turn @ positions[body]
        coordinates, couplers, functions = [], [], {True: [], False: []}
        moving = set(self.person.joint_names)
        own = [joint for joint in self.anatomy.joints if joint.body == body]
        self._check(own)
        known: dict[str, str] = {j.name: j.name for j in own if j.name in moving}
        for joint in own:
            leader = joint.leader if joint.polynomial is not None else joint.name
            power = np.zeros(2)
            if joint.name in moving:
                power = joint.stretch * np.array([-joint.reference, 1.0])
                coordinates.append(coordinate_element(joint.name, joint.reference, joint.range))
            elif joint.polynomial is not None and leader in moving:
                assert leader is not None
                if leader not in known:
                    known[leader] = f"{leader}_at_{self.names[part]}"
                    coordinates.append(coordinate_element(known[leader], 0.0, (-1e3, 1e3)))
                    couplers.append(coupler_element(leader, known[leader]))
                power = joint.stretch * joint.polynomial
            elif joint.polynomial is not None:
                power = joint.stretch * joint.polynomial[:1]
            coordinate = known.get(leader or "", "")
            functions[joint.slides].append((joint.axis, coordinate, power))
        axes = [
            *_three_axes("rotation", functions[False]),
            *_three_axes("translation", functions[True]),
        ]
        name = "_".join(dict.fromkeys([self.names[parent], self.names[part]]))
        element = custom_joint(
            name,
            f"/bodyset/{self.names[parent]}",
            f"/bodyset/{self.names[part]}",
            place,
            coordinates,
            axes,
        )
        return element, couplers

    def _check(self, joints: list[AnatomyJoint]) -> None:
        """One OpenSim joint does it: slides before hinges, and all through the body's origin."""
        kinds = [joint.slides for joint in joints]
        anchored = all(not joint.anchor.any() and joint.reference == 0.0 for joint in joints)
        assert kinds == sorted(kinds, reverse=True) and max(kinds.count(True), 3) == 3 and anchored

    def _part_inertia(self) -> list[BodyInertia]:
        """Masses of the fit's bodies, put together by part, in OpenSim's frames."""
        members: list[list[BodyInertia]] = [[] for _ in self.tops]
        for name, inertia in self.person.inertia.items():
            body = self.anatomy.body_names.index(name)
            part = self.index[self.part_of[body]]
            members[part].append(inertia.moved(*self.pose(part, body)))
        return [together(own) if own else _LEAST for own in members]

    def markers(self) -> list[ElementTree.Element]:
        """The body's markers where the fit has them."""
        elements = []
        for name, (carrier, position) in self.person.sites.items():
            body = self.anatomy.body_names.index(carrier)
            part = self.index[self.part_of[body]]
            turn, shift = self.pose(part, body)
            place = turn @ position + shift
            elements.append(marker_element(_plain(name), f"/bodyset/{self.names[part]}", place))
        return elements


def _three_axes(
    kind: str, functions: list[tuple[Float[np.ndarray, "3"], str, Float[np.ndarray, "_"]]]
) -> list[ElementTree.Element]:
    """Three axes of a custom joint: those that are used, and others that go with them."""
    axes = [axis for axis, _, _ in functions]
    while len(axes) < 3:
        # The direction least alike to those there are.
        basis = np.linalg.svd(np.array(axes).reshape(-1, 3))[2] if axes else np.eye(3)
        axes.append(basis[len(axes)] if axes else basis[0])
    filled = [*functions, *[(axis, "", np.zeros(1)) for axis in axes[len(functions) :]]]
    return [
        axis_with_function(f"{kind}{i}", axis, coordinate, power)
        for i, (axis, coordinate, power) in enumerate(filled, 1)
    ]


def _matrix(quaternion: Float[np.ndarray, "4"]) -> Float[np.ndarray, "3 3"]:
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _set(model: ElementTree.Element, kind: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(ElementTree.SubElement(model, kind, name=name), "objects")


def _add(element: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(element, name).text = text


def _plain(name: str) -> str:
    """A name as OpenSim takes it: no blanks, no slashes."""
    return "".join(c if c.isalnum() or c in "_-." else "_" for c in name) or "unnamed"
