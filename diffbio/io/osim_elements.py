"""Pieces of an OpenSim 4 model as XML: bodies, joints, coordinates, couplers, markers."""

import xml.etree.ElementTree as ElementTree

import numpy as np
from jaxtyping import Float

from diffbio.io.person_inertia import BodyInertia

Element = ElementTree.Element


def numbers(values: Float[np.ndarray, "*n"]) -> str:
    """Numbers as the format writes them."""
    return " ".join(f"{value:.12g}" for value in np.ravel(values).tolist())


def body_element(name: str, inertia: BodyInertia, mesh: str | None) -> Element:
    """A body, with a mesh in its frame where there is one."""
    body = Element("Body", name=name)
    if mesh is not None:
        drawn = ElementTree.SubElement(
            ElementTree.SubElement(body, "attached_geometry"), "Mesh", name=f"{name}_bone"
        )
        _add(drawn, "socket_frame", "..")
        _add(drawn, "scale_factors", "1 1 1")
        look = ElementTree.SubElement(drawn, "Appearance")
        _add(look, "color", "0.93 0.89 0.8")
        _add(drawn, "mesh_file", mesh)
    _add(body, "mass", f"{inertia.mass:.12g}")
    _add(body, "mass_center", numbers(inertia.centre))
    tensor = inertia.tensor
    # Moments first, then products.
    _add(body, "inertia", numbers(np.concatenate([np.diag(tensor), tensor[[0, 0, 1], [1, 2, 2]]])))
    return body


def coordinate_element(name: str, value: float, limits: tuple[float, float]) -> Element:
    """A coordinate, free within and beyond its range; radians or metres."""
    coordinate = Element("Coordinate", name=name)
    low, high = np.clip(limits, -1e3, 1e3).tolist()
    _add(coordinate, "default_value", f"{value:.12g}")
    _add(coordinate, "range", f"{low:.12g} {high:.12g}")
    _add(coordinate, "clamped", "false")
    _add(coordinate, "locked", "false")
    return coordinate


def axis_with_function(
    place: str,
    axis: Float[np.ndarray, "3"] | tuple[float, float, float],
    coordinate: str,
    powers: Float[np.ndarray, "power"],
) -> Element:
    """One axis of a custom joint.

    Args:
        place: `rotation1` to `translation3`.
        axis: direction.
        coordinate: what moves it; empty for an axis that stands still.
        powers: its displacement as a polynomial of the coordinate, lowest power first.
    """
    element = Element("TransformAxis", name=place)
    _add(element, "coordinates", coordinate)
    _add(element, "axis", numbers(np.asarray(axis)))
    if not coordinate:
        _add(ElementTree.SubElement(element, "Constant", name="function"), "value", f"{powers[0]}")
    elif len(powers) == 2:
        line = ElementTree.SubElement(element, "LinearFunction", name="function")
        _add(line, "coefficients", numbers(powers[::-1]))
    else:
        curve = ElementTree.SubElement(element, "PolynomialFunction", name="function")
        _add(curve, "coefficients", numbers(powers[::-1]))
    return element


def custom_joint(
    name: str,
    parent: str,
    child: str,
    place: tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]],
    coordinates: list[Element],
    axes: list[Element],
) -> Element:
    """A joint at a place in the parent, at the origin of the child.

    Args:
        name: of the joint.
        parent: path of the parent's frame.
        child: path of the child's frame.
        place: `parent_from_joint`: rotation, and position in metres.
        coordinates: of the joint.
        axes: the six of its transform.
    """
    if not coordinates:
        joint = Element("WeldJoint", name=name)
    else:
        joint = Element("CustomJoint", name=name)
    _add(joint, "socket_parent_frame", f"{name}_parent")
    _add(joint, "socket_child_frame", f"{name}_child")
    ElementTree.SubElement(joint, "coordinates").extend(coordinates)
    frames = ElementTree.SubElement(joint, "frames")
    ends = ((parent, "parent", place), (child, "child", (np.eye(3), np.zeros(3))))
    for body, end, (rotation, position) in ends:
        frame = ElementTree.SubElement(frames, "PhysicalOffsetFrame", name=f"{name}_{end}")
        _add(frame, "socket_parent", body)
        _add(frame, "translation", numbers(position))
        _add(frame, "orientation", numbers(euler_xyz(rotation)))
    if coordinates:
        ElementTree.SubElement(joint, "SpatialTransform").extend(axes)
    return joint


def coupler_element(leader: str, follower: str) -> Element:
    """A constraint that keeps a coordinate equal to another."""
    coupler = Element("CoordinateCouplerConstraint", name=f"{follower}_follows")
    _add(coupler, "isEnforced", "true")
    line = ElementTree.SubElement(
        ElementTree.SubElement(coupler, "coupled_coordinates_function"), "LinearFunction"
    )
    _add(line, "coefficients", "1 0")
    _add(coupler, "independent_coordinate_names", leader)
    _add(coupler, "dependent_coordinate_name", follower)
    _add(coupler, "scale_factor", "1")
    return coupler


def marker_element(name: str, body: str, position: Float[np.ndarray, "3"]) -> Element:
    """A marker fixed in a body."""
    marker = Element("Marker", name=name)
    _add(marker, "socket_parent_frame", body)
    _add(marker, "location", numbers(position))
    _add(marker, "fixed", "false")
    return marker


def euler_xyz(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3"]:
    """Angles of rotations about x, then the new y, then the new z, in radians."""
    sine = float(np.clip(rotation[0, 2], -1.0, 1.0))
    if abs(sine) > 1.0 - 1e-12:  # only the sum or the difference of the others is known
        return np.array([np.arctan2(rotation[1, 0], rotation[1, 1]), np.arcsin(sine), 0.0])
    return np.array(
        [
            np.arctan2(-rotation[1, 2], rotation[2, 2]),
            np.arcsin(sine),
            np.arctan2(-rotation[0, 1], rotation[0, 0]),
        ]
    )


def _add(element: Element, name: str, text: str) -> None:
    ElementTree.SubElement(element, name).text = text
