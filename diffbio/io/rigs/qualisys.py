"""Qualisys' `.qca.txt`: XML, one `camera` per camera, in millimetres and 64ths of a pixel.

`transform` holds the camera's place in the world and, row by row, a rotation whose second and
third row are OpenCV's y and z axes reversed: Qualisys' camera looks along -z, with y up. The
rotation is the camera's from the world. `intrinsic` is in 64ths of a pixel of the sensor (some
exports are in pixels: what the sensor's extent says, counts), counted from the corner of the
sensor, of which `fov_video` is the part that was filmed. The distortion has no unit and is
OpenCV's. (Pose2Sim divides it by 64 too, which leaves next to none of it and fits the boards of
its own demonstration worse: `tests/io/rigs/test_qualisys.py`.) The file does not say whether 0 is
the edge or the middle of the first pixel; the latter is assumed, and the former would move the
image by half a pixel. The world is the laboratory's, as a rule with z up.
"""

import dataclasses
import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

import numpy as np

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

_OPENCV_FROM_QUALISYS = np.diag([1.0, -1.0, -1.0])

_SUBPIXELS = 64

_MILLIMETRE = 1e-3

_LAYOUT = (
    "Expected of a camera: `fov_video` (left, top, right, bottom), `transform` (x, y, z, r11 to "
    "r33) and `intrinsic` (focalLengthU, centerPointU, radialDistortion1 and so on)."
)

_ROTATION = tuple(f"r{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))

_LENS = (
    "radialDistortion1",
    "radialDistortion2",
    "tangentalDistortion1",
    "tangentalDistortion2",
    "radialDistortion3",
)
"""In OpenCV's order, and in Qualisys' spelling."""

_CALLED = {
    "size": "fov_video",
    "matrix": "intrinsic",
    "rotation": "transform",
    "translation": "transform",
}


def read_qualisys(
    path: pathlib.Path, stated: StatedRig
) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the video cameras.

    Raises:
        InputError: the file is no such calibration, or a camera is incomplete or impossible.
    """
    unit_of(path, _MILLIMETRE, stated)
    found = list(read_xml(path).iter("camera"))
    notes = []
    calibrated = [element for element in found if _is_calibrated(element)]
    if left := [_name(element) for element in found if element not in calibrated]:
        notes.append(f"Not calibrated, and so left out: {', '.join(left)}.")
    video = [element for element in calibrated if _is_video(element)]
    if video and (left := [_name(element) for element in calibrated if element not in video]):
        notes.append(f"Cameras that see only markers were left out: {', '.join(left)}.")
    cameras = []
    for element in video or calibrated:
        name = attribute(element, "serial", str(path))
        where = f"{path}, camera {name}"
        cameras.append(_camera(where, name, element))
        notes += _about_the_picture(name, element)
    return cameras, tuple(notes)


def _name(element: ElementTree.Element) -> str:
    return element.get("serial", "one without serial number")


def _is_calibrated(element: ElementTree.Element) -> bool:
    off = element.get("active") == "0" or element.get("calibrated") == "false"
    return not off and element.find("transform") is not None


def _is_video(element: ElementTree.Element) -> bool:
    model = element.get("model", "none").lower()
    return model in ("", "none") or "video" in model


def _about_the_picture(name: str, element: ElementTree.Element) -> list[str]:
    """What the file says of the video and its numbers do not contain."""
    notes = []
    if element.get("viewrotation", "0") not in ("0", ""):
        notes.append(
            f"QTM shows {name} turned by {element.get('viewrotation')} degrees; its calibration "
            "is of the unturned picture. If the video was exported turned, turn the camera: "
            "`diffbio convert ... --turn`."
        )
    mode = element.get("video_resolution", "")
    if mode and mode[:-1].isdecimal() and (field := element.find("fov_video_max")) is not None:
        lines = 1 + min(float(field.get("bottom", "0")), float(field.get("right", "0")))
        if abs(lines / float(mode[:-1]) - 1.0) > 0.05:
            notes.append(
                f"{name} filmed in {mode}, and its calibration is of {lines:g} lines; give the "
                "size of the video: `diffbio convert ... --size`."
            )
    return notes


def _camera(where: str, name: str, element: ElementTree.Element) -> FileCamera:
    intrinsic, transform = (_child(element, tag, where) for tag in ("intrinsic", "transform"))
    left, top, size, subpixels = _picture(where, element, intrinsic)
    names = ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    fu, fv, cu, cv = numbers(intrinsic, names, where) / subpixels
    skew = _number_or_zero(intrinsic, "skew", where) / subpixels
    rotation = numbers(transform, _ROTATION, where).reshape(3, 3)
    fields = CameraFields(
        where,
        {
            "size": size,
            "matrix": [[fu, skew, cu - left], [0.0, fv, cv - top], [0.0, 0.0, 1.0]],
            "distortions": [_number_or_zero(intrinsic, key, where) for key in _LENS],
            "rotation": _OPENCV_FROM_QUALISYS @ rotation,
            "translation": [0.0, 0.0, 0.0],
        },
        _LAYOUT,
        _CALLED,
    )
    camera = fields.camera(name, metres_per_unit=_MILLIMETRE)
    centre = numbers(transform, "xyz", where) * _MILLIMETRE
    return dataclasses.replace(camera, translation=-camera.rotation @ centre)


def _picture(
    where: str, element: ElementTree.Element, intrinsic: ElementTree.Element
) -> tuple[float, float, tuple[float, float], float]:
    """Left and top of the filmed part, its width and height, and units of `intrinsic` a pixel."""
    field = element.find("fov_video")
    if field is None:
        if "sensorDimU" in intrinsic.attrib:  # written by Theia: pixels, the whole sensor
            width, height = numbers(intrinsic, ("sensorDimU", "sensorDimV"), where)
            return 0.0, 0.0, (float(width), float(height)), 1.0
        raise InputError(where, "The field `fov_video` is missing.", _LAYOUT)
    left, top, right, bottom = numbers(field, ("left", "top", "right", "bottom"), where)
    whole = element.find("fov_video_max")
    last = right if whole is None else numbers(whole, ("right",), where)[0]
    extent = numbers(intrinsic, ("sensorMaxU",), where)[0]
    for units in (_SUBPIXELS, 1):
        # The last pixel, or the last subpixel of it.
        if min(abs(extent / units - last), abs((extent + 1) / units - last - 1)) < 0.01:
            return left, top, (right - left + 1, bottom - top + 1), float(units)
    raise InputError(
        f"{where}, sensorMaxU",
        f"The sensor reaches to {extent:g} and the video to pixel {last:g}, so the intrinsics are "
        f"neither in pixels nor in {_SUBPIXELS}ths of a pixel.",
        "Export the calibration again from QTM.",
    )


def _number_or_zero(element: ElementTree.Element, name: str, where: str) -> float:
    """A term that older versions leave out where it is zero."""
    return float(numbers(element, (name,), where)[0]) if name in element.attrib else 0.0


def _child(element: ElementTree.Element, tag: str, where: str) -> ElementTree.Element:
    child = element.find(tag)
    if child is None:
        raise InputError(where, f"The field `{tag}` is missing.", _LAYOUT)
    return child


def write_qualisys(rig: CameraRig) -> dict[str, str]:
    """The file, every number with all its digits.

    Raises:
        InputError: a lens is a fisheye.
    """
    refuse_fisheye(rig, "Qualisys")
    cameras = "\n".join(_camera_text(camera) for camera in cameras_of(rig))
    head = "<?xml version='1.0' encoding='UTF-8'?>\n<calibration type=\"regular\">\n  <cameras>\n"
    return {"": f"{head}{cameras}\n  </cameras>\n</calibration>\n"}


def _camera_text(camera: FileCamera) -> str:
    width, height = camera.size
    field = f'left="0" top="0" right="{width - 1}" bottom="{height - 1}"'
    centre = -camera.rotation.T @ camera.translation / _MILLIMETRE
    rotation = (_OPENCV_FROM_QUALISYS @ camera.rotation).ravel()
    place = _attributes(dict(zip("xyz", centre, strict=True)))
    turn = _attributes(dict(zip(_ROTATION, rotation, strict=True)))
    lens = _attributes(dict(zip(_LENS, camera.distortion, strict=True)))
    matrix = _attributes(
        {
            "sensorMinU": 0,
            "sensorMaxU": _SUBPIXELS * width - 1,
            "sensorMinV": 0,
            "sensorMaxV": _SUBPIXELS * height - 1,
            "focalLengthU": camera.matrix[0, 0] * _SUBPIXELS,
            "focalLengthV": camera.matrix[1, 1] * _SUBPIXELS,
            "centerPointU": camera.matrix[0, 2] * _SUBPIXELS,
            "centerPointV": camera.matrix[1, 2] * _SUBPIXELS,
            "skew": 0,
        }
    )
    return "\n".join(
        [
            f'    <camera active="1" serial={quoteattr(camera.name)} model="none" '
            'viewrotation="0">',
            f"      <fov_video {field}/>",
            f"      <fov_video_max {field}/>",
            f"      <transform {place} {turn}/>",
            f"      <intrinsic {matrix} {lens}/>",
            "    </camera>",
        ]
    )


def _attributes(values: Mapping[str, float | int]) -> str:
    return " ".join(f'{name}="{float(value)!r}"' for name, value in values.items())
