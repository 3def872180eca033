"""Markers of an OpenSim model in motion: forward kinematics for recordings that come without any.

Only what trees of pin, weld and custom joints need; constraints (the patella's) are not solved.
"""

import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from diffbio.io.axes import world_from_opensim
from diffbio.io.read_mot import read_coordinates
from diffbio.observations import Markers

Motion = tuple[Rotation, Float[np.ndarray, "time 3"]]
"""Orientation and position of a frame over time, in OpenSim's ground frame, in metres."""


def model_markers(model: pathlib.Path, motion: pathlib.Path) -> Markers:
    """Every marker of a model at every time of a motion, in the world frame.

    Args:
        model: an `.osim` file of version 4.
        motion: `.mot` or `.sto` with its coordinates.
    """
    time, table = read_coordinates(motion)
    values = dict(zip(table.names, table.values.T, strict=True))
    names, positions = markers_at(ElementTree.parse(model).getroot(), values, len(time))
    return Markers(names, world_from_opensim(positions), time, str(motion))


def markers_at(
    root: ElementTree.Element, values: dict[str, Float[np.ndarray, "time"]], n: int
) -> tuple[tuple[str, ...], Float[np.ndarray, "time marker 3"]]:
    """Every marker of a model in OpenSim's ground frame, in metres, by name.

    Args:
        root: of the model's file.
        values: its coordinates, in radians and metres.
        n: number of times.
    """
    still = (Rotation.identity(n), np.zeros((n, 3)))
    bodies: dict[str, Motion] = {"ground": still}
    joint_set = root.find(".//JointSet/objects")
    joints = list(joint_set) if joint_set is not None else []
    while joints:
        ready = [joint for joint in joints if _frames(joint)[0][0] in bodies]
        if not ready:
            break
        for joint in ready:
            joints.remove(joint)
            used = " ".join(
                axis.findtext("coordinates") or "" for axis in joint.iter("TransformAxis")
            )
            if set(used.split()) <= set(values):  # without the patella, say
                _place(joint, values, bodies, n)
    names, positions = [], []
    for marker in root.iter("Marker"):
        body = (marker.findtext("socket_parent_frame") or "").split("/")[-1]
        if body in bodies:
            rotation, position = bodies[body]
            names.append(marker.get("name") or "")
            positions.append(position + rotation.apply(_vector(marker, "location")))
    return tuple(names), np.stack(positions, axis=1)


def _place(
    joint: ElementTree.Element,
    values: dict[str, Float[np.ndarray, "time"]],
    bodies: dict[str, Motion],
    n: int,
) -> None:
    """Add the body a joint moves, from the one it hangs on."""
    (parent, parent_from_frame), (child, child_from_frame) = _frames(joint)
    rotation, position = bodies[parent]
    position = position + rotation.apply(parent_from_frame[1])
    rotation = rotation * parent_from_frame[0]
    turn, shift = _joint_motion(joint, values, n)
    position = position + rotation.apply(shift)
    rotation = rotation * turn * child_from_frame[0].inv()
    bodies[child] = (rotation, position - rotation.apply(child_from_frame[1]))


def _frames(
    joint: ElementTree.Element,
) -> list[tuple[str, tuple[Rotation, Float[np.ndarray, "3"]]]]:
    """Body and joint frame in it, of parent and child."""
    found = []
    for socket in ("socket_parent_frame", "socket_child_frame"):
        name = (joint.findtext(socket) or "").split("/")[-1]
        frame = joint.find(f"frames/PhysicalOffsetFrame[@name='{name}']")
        if frame is None:
            found.append((name, (Rotation.identity(), np.zeros(3))))
            continue
        body = (frame.findtext("socket_parent") or "").split("/")[-1]
        turn = Rotation.from_euler("XYZ", _vector(frame, "orientation"))
        found.append((body, (turn, _vector(frame, "translation"))))
    return found


def _joint_motion(
    joint: ElementTree.Element, values: dict[str, Float[np.ndarray, "time"]], n: int
) -> Motion:
    axes = joint.findall("SpatialTransform/TransformAxis")
    turn, shift = Rotation.identity(n), np.zeros((n, 3))
    if joint.tag == "PinJoint":
        coordinate = joint.find("coordinates/Coordinate")
        if coordinate is None:
            return turn, shift
        # A motion leaves out what the model locks.
        still = np.full(n, float(coordinate.findtext("default_value") or 0.0))
        angle = values.get(coordinate.get("name") or "", still)
        return Rotation.from_rotvec(angle[:, None] * [0.0, 0.0, 1.0]), shift
    for axis in axes:
        direction = _vector(axis, "axis")
        amount = _amount(axis, values, n)[:, None] * direction
        if (axis.get("name") or "").startswith("rotation"):
            turn = turn * Rotation.from_rotvec(amount)
        else:
            shift = shift + amount
    return turn, shift


def _amount(
    axis: ElementTree.Element, values: dict[str, Float[np.ndarray, "time"]], n: int
) -> Float[np.ndarray, "time"]:
    name = (axis.findtext("coordinates") or "").strip()
    scale = 1.0
    function = next(one for one in axis if one.tag not in ("coordinates", "axis"))
    if function.tag == "MultiplierFunction":
        scale = float(function.findtext("scale") or 1.0)
        inner = function.find("function")
        function = inner[0] if inner is not None else function
    if function.tag == "Constant":
        return np.full(n, scale * float(function.findtext("value") or 0.0))
    if function.tag == "PolynomialFunction":
        return scale * np.polyval(_vector(function, "coefficients"), values[name])
    if function.tag == "LinearFunction":
        slope, offset = _vector(function, "coefficients")
        return scale * (slope * values[name] + offset)
    spline = CubicSpline(_vector(function, "x"), _vector(function, "y"), bc_type="natural")
    return scale * spline(values[name])


def _vector(element: ElementTree.Element, name: str) -> Float[np.ndarray, "_"]:
    return np.array([float(word) for word in (element.findtext(name) or "").split()])
