"""All of a result folder that pages and files of other programs are made from."""

import dataclasses
import pathlib
import xml.etree.ElementTree as ElementTree

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.coordinates import Coordinates
from diffbio.io.person_inertia import BodyInertia, inertia_of

FIT = "fit.nc"

_REMEDY = "Give the folder that `diffbio fit` wrote, or fit again."

_NEEDED = ("root_position", "root_quaternion", "coordinate_value", "coordinate_units")
_NEEDED += ("segment_scale", "body_position", "body_rotation", "marker_position", "seen")
_NEEDED += ("camera_focal_px", "camera_principal_px", "camera_distortion", "camera_fisheye")
_NEEDED += ("camera_from_world_rotation", "camera_from_world_translation", "camera_image_size_px")
_NEEDED += ("detected_px", "projected_px", "confidence")


@dataclasses.dataclass(frozen=True)
class FittedPerson:
    """A fit, read back: who moved, how, and what the cameras saw of it.

    World frame, SI units and radians unless a name says otherwise.

    Attributes:
        folder: of the result.
        name: of the trial.
        source: what was fitted, as its reader named it.
        body_model: name of the body.
        keypoint_set: name of the keypoints.
        frame_rate_hz: of the frames.
        time: of the frames, in seconds.
        seen: whether any camera saw the person.
        root_position: origin of the root.
        root_quaternion: `world_from_root`, wxyz.
        coordinates: pelvis in OpenSim's axes, then the independent joints.
        joint_names: of the independent joints.
        scale: size of the segments relative to the base model.
        body_names: of the bodies that the fit moves.
        body_parents: index of each body's parent, -1 for the root.
        body_positions: their origins.
        body_rotations: `world_from_body`.
        marker_names: of the body's markers.
        markers: where the body has them; NaN while no camera saw the person.
        rig: cameras as fitted.
        clock_offset: seconds added to the time stamps of each camera.
        detected_px: detections used, NaN where there is none.
        projected_px: the body's markers in the pictures, by each camera's clock.
        confidence: of the detections.
        mass: in kg, from the size.
        inertia: of the bodies that the fit moves, from the size, each in its own frame.
        sites: the body that carries each marker, and where it is in its frame.
    """

    folder: pathlib.Path
    name: str
    source: str
    body_model: str
    keypoint_set: str
    frame_rate_hz: float
    time: Float[np.ndarray, "time"]
    seen: Bool[np.ndarray, "time"]
    root_position: Float[np.ndarray, "time 3"]
    root_quaternion: Float[np.ndarray, "time 4"]
    coordinates: Coordinates
    joint_names: tuple[str, ...]
    scale: dict[str, float]
    body_names: tuple[str, ...]
    body_parents: tuple[int, ...]
    body_positions: Float[np.ndarray, "time body 3"]
    body_rotations: Float[np.ndarray, "time body 3 3"]
    marker_names: tuple[str, ...]
    markers: Float[np.ndarray, "time marker 3"]
    rig: CameraRig
    clock_offset: Float[np.ndarray, "camera"]
    detected_px: Float[np.ndarray, "camera time marker 2"]
    projected_px: Float[np.ndarray, "camera time marker 2"]
    confidence: Float[np.ndarray, "camera time marker"]
    mass: float
    inertia: dict[str, BodyInertia]
    sites: dict[str, tuple[str, Float[np.ndarray, "3"]]]

    @property
    def joints(self) -> dict[str, Float[np.ndarray, "time"]]:
        """Independent joint coordinates by name."""
        column = self.coordinates.names.index
        return {name: self.coordinates.values[:, column(name)] for name in self.joint_names}


def result_folder(asked: pathlib.Path) -> pathlib.Path:
    """The folder with `fit.nc`: the one asked for, or `diffbio` inside it.

    Raises:
        InputError: there is none.
    """
    if asked.name == FIT and asked.is_file():
        return asked.parent
    for folder in (asked, asked / "diffbio"):
        if (folder / FIT).is_file():
            return folder
    found = "The folder holds no fit.nc." if asked.is_dir() else "It is not a folder."
    raise InputError(str(asked), found, "Give the folder that `diffbio fit` wrote.")


def read_result(asked: pathlib.Path) -> FittedPerson:
    """Read a result.

    Args:
        asked: the folder that `diffbio fit` wrote, or its `fit.nc`.

    Raises:
        InputError: there is no result, or a file of it is unreadable or incomplete.
    """
    folder = result_folder(asked)
    path = folder / FIT
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            data = file.load()
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", _REMEDY) from error
    for name in _NEEDED:
        if name not in data:
            raise InputError(f"{path}, {name}", "The variable is missing.", _REMEDY)

    def array(name: str) -> Float[np.ndarray, "..."]:
        return np.asarray(data[name].values, float)

    def labels(name: str) -> tuple[str, ...]:
        return tuple(map(str, data[name].values))

    bodies = _bodies(folder / "body.xml", data.sizes["body"])
    seen, body_names = data["seen"].values.astype(bool), labels("body")
    offset = "camera_adjustment_clock_offset"
    sd = array("coordinate_value_sd") if "coordinate_value_sd" in data else np.array(np.nan)
    return FittedPerson(
        folder=folder,
        name=str(data.attrs.get("trial") or folder.resolve().name),
        source=str(data.attrs.get("source", "")),
        body_model=str(data.attrs.get("body_model", "")),
        keypoint_set=str(data.attrs.get("keypoint_set", "")),
        frame_rate_hz=_rate(data),
        time=array("time"),
        seen=seen,
        root_position=array("root_position"),
        root_quaternion=array("root_quaternion"),
        coordinates=Coordinates(
            labels("coordinate"),
            labels("coordinate_units"),
            array("coordinate_value"),
            sd if np.isfinite(sd).any() else None,
        ),
        joint_names=labels("joint"),
        scale=dict(zip(labels("segment"), array("segment_scale").tolist(), strict=True)),
        body_names=body_names,
        body_parents=tuple(parent for parent, _ in bodies),
        body_positions=array("body_position"),
        body_rotations=array("body_rotation"),
        marker_names=labels("marker"),
        markers=np.where(seen[:, None, None], array("marker_position"), np.nan),
        rig=_rig(data),
        clock_offset=array(offset) if offset in data else np.zeros(data.sizes["camera"]),
        detected_px=array("detected_px"),
        projected_px=array("projected_px"),
        confidence=array("confidence"),
        mass=float(data["mass"]) if "mass" in data else np.nan,
        inertia={
            name: inertia_of(inertial)
            for name, (_, element) in zip(body_names, bodies, strict=True)
            if (inertial := element.find("inertial")) is not None
        },
        sites={
            str(site.get("name")): (name, np.array(site.get("pos", "0 0 0").split(), float))
            for name, (_, element) in zip(body_names, bodies, strict=True)
            for site in element.findall("site")
        },
    )


def _rate(data: xr.Dataset) -> float:
    if "frame_rate_hz" in data.attrs:
        return float(data.attrs["frame_rate_hz"])
    time = data["time"].values
    return 1.0 / float(np.median(np.diff(time))) if len(time) > 1 else np.nan


def _rig(data: xr.Dataset) -> CameraRig:
    def array(name: str):
        return jnp.asarray(np.asarray(data[name].values, float))

    sizes = np.asarray(data["camera_image_size_px"].values).astype(int)
    return CameraRig(
        focal_px=array("camera_focal_px"),
        principal_px=array("camera_principal_px"),
        distortion=array("camera_distortion"),
        camera_from_world_rotation=array("camera_from_world_rotation"),
        camera_from_world_translation=array("camera_from_world_translation"),
        names=tuple(map(str, data["camera"].values)),
        image_size=tuple((int(width), int(height)) for width, height in sizes),
        fisheye=tuple(bool(flag) for flag in data["camera_fisheye"].values),
    )


def _bodies(path: pathlib.Path, count: int) -> list[tuple[int, ElementTree.Element]]:
    """Parent and content of each body, from the person's MJCF: there they are in the fit's order.

    Raises:
        InputError: the file is unreadable, or of another body.
    """
    try:
        world = ElementTree.parse(path).getroot().find("worldbody")
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", _REMEDY) from error
    bodies: list[tuple[int, ElementTree.Element]] = []

    def visit(element: ElementTree.Element, parent: int) -> None:
        for child in element.findall("body"):
            bodies.append((parent, child))
            visit(child, len(bodies) - 1)

    if world is not None:
        visit(world, -1)
    if len(bodies) != count:
        raise InputError(str(path), f"It has {len(bodies)} bodies, and {FIT} has {count}.", _REMEDY)
    return bodies
