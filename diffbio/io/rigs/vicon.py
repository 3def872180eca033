"""Vicon's `.xcp`: XML, one `Camera` per camera, in millimetres and pixels.

`POSITION` is the camera's place in the world, `ORIENTATION` a quaternion (x, y, z, w) of the
rotation from the world into a camera that looks along +z with y down, as OpenCV's does.
`PRINCIPAL_POINT` is counted from the top left; the second focal length is the first over
`PIXEL_ASPECT_RATIO`.

A lens is in `VICON_RADIAL2` ("ViconRadial2", two numbers, k1, k2, k3) or, before Nexus 2, in
`VICON_RADIAL` (w0, w1). The latter is taken to move a point of the picture to where an ideal
camera would have it, `1 + w0 r^2 + w1 r^4` times as far from the principal point, r in pixels.
OpenCV's polynomial goes the other way, so one is fitted to it and the difference told. The former
is documented nowhere; k1, k2 and k3 are read as OpenCV's, as other readers do. The user is told
so. No file of a Vicon system was at hand to check either.
"""

import dataclasses
import pathlib
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.rigs.camera import (
    FileCamera,
    StatedRig,
    cameras_of,
    refuse_fisheye,
    unit_of,
)
from diffbio.io.rigs.fields import CameraFields
from diffbio.io.rigs.xml_tree import attribute, numbers, read_xml

_MILLIMETRE = 1e-3

_VIDEO = ("vue", "videoinputdevice", "bonita video")
"""What the type of a camera that films begins with, in lower case."""

_LARGEST_MISFIT_PX = 0.5
"""Between Vicon's lens and the one of OpenCV fitted to it, anywhere in the picture."""

_RADII = 200

_SAME_CENTRE_PX = 2.0

_LAYOUT = (
    "Expected of a camera: `DEVICEID`, `SENSOR_SIZE` and a `KeyFrame` with `FOCAL_LENGTH`, "
    "`PRINCIPAL_POINT`, `ORIENTATION` and `POSITION`."
)

_CALLED = {
    "size": "SENSOR_SIZE",
    "matrix": "FOCAL_LENGTH and PRINCIPAL_POINT",
    "rotation": "ORIENTATION",
}


def read_vicon(path: pathlib.Path, stated: StatedRig) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the video cameras.

    Raises:
        InputError: the file is no such calibration, a camera moves, or one is impossible.
    """
    unit_of(path, _MILLIMETRE, stated)
    found = list(read_xml(path).iter("Camera"))
    notes = []
    calibrated = [e for e in found if e.find("KeyFrames/KeyFrame") is not None]
    if left := [_name(e) for e in found if e not in calibrated]:
        notes.append(f"Not calibrated, and so left out: {', '.join(left)}.")
    video = [element for element in calibrated if _is_video(element)]
    if video and (left := [_name(e) for e in calibrated if e not in video]):
        notes.append(f"Cameras that see only markers were left out: {', '.join(left)}.")
    cameras = []
    for element in video or calibrated:
        camera, more = _camera(path, element)
        cameras.append(camera)
        notes += more
    return cameras, tuple(notes)


def _name(element: ElementTree.Element) -> str:
    return element.get("DEVICEID", "one without a number")


def _is_video(element: ElementTree.Element) -> bool:
    kinds = (element.get(key, "").lower() for key in ("DISPLAY_TYPE", "TYPE"))
    return element.get("SYSTEM") == "DV" or any(kind.startswith(_VIDEO) for kind in kinds)


def _camera(path: pathlib.Path, element: ElementTree.Element) -> tuple[FileCamera, list[str]]:
    name = attribute(element, "DEVICEID", str(path))
    where = f"{path}, camera {name}"
    frames = element.findall("KeyFrames/KeyFrame")
    if len(frames) > 1:
        raise InputError(
            where,
            f"It has {len(frames)} key frames, so it moved during the recording.",
            "Only cameras that stand still can be used; remove this one.",
        )
    frame = frames[0]
    focal = numbers(frame, ("FOCAL_LENGTH",), where)[0]
    aspect = numbers(element, ("PIXEL_ASPECT_RATIO",), where)[0]
    skew = numbers(element, ("SKEW",), where)[0] if "SKEW" in element.attrib else 0.0
    cx, cy = numbers(frame, ("PRINCIPAL_POINT",), where, each=2)
    quaternion = numbers(frame, ("ORIENTATION",), where, each=4)
    centre = numbers(frame, ("POSITION",), where, each=3) * _MILLIMETRE
    if not aspect > 0.0 or not quaternion.any():
        raise InputError(
            where,
            f"`PIXEL_ASPECT_RATIO` is {aspect:g}, `ORIENTATION` {quaternion.tolist()}.",
            "Calibrate this camera again.",
        )
    fields = CameraFields(
        where,
        {
            "size": numbers(element, ("SENSOR_SIZE",), where, each=2),
            "matrix": [[focal, skew, cx], [0.0, focal / aspect, cy], [0.0, 0.0, 1.0]],
            "distortions": [0.0] * 5,
            "rotation": Rotation.from_quat(quaternion).as_matrix(),
            "translation": [0.0, 0.0, 0.0],
        },
        _LAYOUT,
        _CALLED,
    )
    camera = fields.camera(name, metres_per_unit=_MILLIMETRE)
    camera = dataclasses.replace(camera, translation=-camera.rotation @ centre)
    lens, notes = _lens(where, frame, camera)
    return dataclasses.replace(camera, distortion=np.array(lens)), notes


def _lens(
    where: str, frame: ElementTree.Element, camera: FileCamera
) -> tuple[list[float], list[str]]:
    """OpenCV's coefficients, and what the reader must be told of them."""
    if "VICON_RADIAL2" in frame.attrib:
        return _documented_nowhere(where, frame, camera)
    if "VICON_RADIAL" not in frame.attrib:
        raise InputError(where, "There is neither VICON_RADIAL nor VICON_RADIAL2.", _LAYOUT)
    radial = numbers(frame, ("VICON_RADIAL",), where, each=2)
    if not radial.any():
        return [0.0] * 5, []
    focal, principal, size = camera.matrix[0, 0], camera.matrix[:2, 2], np.array(camera.size)
    corners = np.array([[0.0, 0.0], [size[0], 0.0], [0.0, size[1]], size])
    reach = np.linalg.norm(corners - principal, axis=1).max() / focal
    k, misfit = _opposite_polynomial(radial * focal ** np.array([2, 4]), float(reach))
    if misfit is None or misfit * focal > _LARGEST_MISFIT_PX:
        raise InputError(
            f"{where}, VICON_RADIAL",
            f"Found {radial.tolist()}, which OpenCV's lens cannot follow to the border.",
            "Calibrate this camera with a board.",
        )
    note = f"The lens of {camera.name} was fitted to Vicon's, within {misfit * focal:.2g} px."
    return [k[0], k[1], 0.0, 0.0, k[2]], [note]


def _documented_nowhere(
    where: str, frame: ElementTree.Element, camera: FileCamera
) -> tuple[list[float], list[str]]:
    """The lens of VICON_RADIAL2, with a warning."""
    words = attribute(frame, "VICON_RADIAL2", where).split()
    try:
        u, v, k1, k2, k3 = (float(word) for word in words[1:])
    except ValueError as error:
        raise InputError(
            f"{where}, VICON_RADIAL2",
            f"Found {' '.join(words)!r}.",
            "Expected ViconRadial2 and five numbers.",
        ) from error
    if not np.all(np.isfinite((k1, k2, k3))):
        raise InputError(f"{where}, VICON_RADIAL2", "It is not finite.", "Calibrate again.")
    if not any((k1, k2, k3)):
        return [0.0] * 5, []
    notes = [
        f"The lens of {camera.name} is that of VICON_RADIAL2, which Vicon does not define; it was "
        "read as OpenCV's k1, k2, k3. See whether straight edges near the border fit."
    ]
    if np.hypot(*(camera.matrix[:2, 2] - (u, v))) > _SAME_CENTRE_PX and (u or v):
        notes.append(f"{camera.name}: the first two numbers of VICON_RADIAL2 are not used.")
    return [k1, k2, 0.0, 0.0, k3], notes


def _opposite_polynomial(
    radial: Float[np.ndarray, "2"], reach: float
) -> tuple[Float[np.ndarray, "3"], float | None]:
    """Coefficients that distort as the given ones undistort.

    Args:
        radial: of r^2 and r^4, in units of the focal length.
        reach: of the picture, in the same unit.

    Returns:
        k1, k2, k3, and the largest difference, in the same unit; None where the given lens
        folds the picture.
    """
    bent = np.linspace(0.0, reach, _RADII)[1:]
    ideal = bent * (1.0 + radial[0] * bent**2 + radial[1] * bent**4)
    if np.any(np.diff(ideal) <= 0.0):
        return np.zeros(3), None
    powers = ideal[:, None] ** np.array([3, 5, 7])
    k = np.linalg.lstsq(powers, bent - ideal, rcond=None)[0]
    return k, float(np.abs(ideal + powers @ k - bent).max())


def write_vicon(rig: CameraRig) -> dict[str, str]:
    """The file, every number with all its digits.

    Raises:
        InputError: a lens is a fisheye, or is not radial.
    """
    refuse_fisheye(rig, "Vicon")
    cameras = "\n".join(_camera_text(camera) for camera in cameras_of(rig))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<Cameras SOURCE="diffbio" VERSION="2.0">\n'
    return {"": f"{head}{cameras}\n</Cameras>\n"}


def _camera_text(camera: FileCamera) -> str:
    k1, k2, p1, p2, k3 = camera.distortion.tolist()
    if p1 or p2:
        raise InputError(
            f"camera {camera.name}",
            f"Its lens has tangential terms (p1 {p1:g}, p2 {p2:g}), which Vicon cannot express.",
            "Write another format, or calibrate without tangential distortion.",
        )
    (fx, _, cx), (_, fy, cy), _ = camera.matrix.tolist()
    centre = (-camera.rotation.T @ camera.translation / _MILLIMETRE).tolist()
    turn = Rotation.from_matrix(camera.rotation).as_quat().tolist()
    frame = {
        "FOCAL_LENGTH": [fx],
        "FRAME": [0],
        "ORIENTATION": turn,
        "POSITION": centre,
        "PRINCIPAL_POINT": [cx, cy],
        "VICON_RADIAL2": ["ViconRadial2", cx, cy, k1, k2, k3],
    }
    values = " ".join(f'{key}="{" ".join(map(str, value))}"' for key, value in frame.items())
    return "\n".join(
        [
            f'  <Camera DEVICEID={quoteattr(camera.name)} DISPLAY_TYPE="VideoInputDevice" '
            f'PIXEL_ASPECT_RATIO="{fx / fy!r}" SENSOR_SIZE="{camera.size[0]} {camera.size[1]}" '
            'SYSTEM="DV" TYPE="VideoInputDevice">',
            f"    <KeyFrames>\n      <KeyFrame {values}/>\n    </KeyFrames>",
            "  </Camera>",
        ]
    )
