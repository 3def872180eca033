"""Draw the pictures of the guides, beside the READMEs that show them.

    python calibration/pictures.py
    python calibration/pictures.py --result RIG

The second also copies the picture of one camera out of RIG, a folder that `diffbio calibrate
board` wrote. Boards are photographed by simulated cameras; everything else is drawn.
"""

import argparse
import io
import itertools
import pathlib

import cv2
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration import make_board
from diffbio.cameras.calibration.printing import board_svg
from diffbio.cameras.calibration.rendering import Photographer

HERE = pathlib.Path(__file__).parent
GOOD, BAD, INK, FAINT = "#1b7f4b", "#b3261e", "#333333", "#b8b8b8"
CAMERA, WAY = "#1f5fa8", "#d9822b"
BOARD = make_board("charuco", 9, 7, 0.09)
PRINTED = {"a4": (9, 6, 0.028), "a3": (10, 7, 0.037)}
"""Boards that fit on paper across: columns, rows, and the side of a square in metres."""

SIZE = (480, 300)


def camera(width: int = SIZE[0], height: int = SIZE[1]) -> CameraRig:
    """One camera of 60 degrees at the origin, looking along z."""
    focal = 0.5 * width / np.tan(np.radians(30.0))
    return CameraRig(
        focal_px=jnp.array([[focal, focal]]),
        principal_px=jnp.array([[(width - 1) / 2, (height - 1) / 2]]),
        distortion=jnp.array([[-0.12, 0.03, 0.0, 0.0, 0.0]]),
        camera_from_world_rotation=jnp.eye(3)[None],
        camera_from_world_translation=jnp.zeros((1, 3)),
        names=("cam",),
        image_size=((width, height),),
        fisheye=(False,),
    )


def photographed(at, tilt_deg=(0.0, 0.0), blur: float = 0.0) -> np.ndarray:
    """The board with its middle somewhere, in metres, tilted about the axes across and down."""
    turn = Rotation.from_euler("xy", tilt_deg, degrees=True).as_matrix()
    middle = np.array([BOARD.columns, BOARD.rows, 0.0]) * BOARD.square / 2.0
    moments = np.linspace(-0.5, 0.5, 15 if blur else 1)
    places = np.asarray(at) - turn @ middle + blur * moments[:, None] * [1.0, 0.3, 0.0]
    turns = np.tile(turn, (len(places), 1, 1))
    return Photographer(camera(), 0, BOARD).photograph(turns, places, noise=0.0)


def draw_poses() -> Figure:
    """Views that determine a lens, above those that do not."""
    good = [
        ("near, fills the picture", (0.0, 0.0, 0.75), (15, 10), 0.0),
        ("in a corner, tilted", (-0.33, -0.16, 0.95), (30, -35), 0.0),
        ("in the other corners too", (0.33, 0.17, 0.95), (-30, 35), 0.0),
        ("tilted about the other axis", (0.0, 0.02, 0.85), (42, 5), 0.0),
    ]
    bad = [
        ("square to the camera:\nnothing of the focal length", (0.0, 0.0, 0.95), (0, 0), 0.0),
        ("far away: corners\ntoo close to each other", (0.1, 0.0, 3.6), (10, 20), 0.0),
        ("moved while the shutter\nwas open", (0.05, 0.0, 1.0), (15, -20), 0.06),
        ("steeper than 60 degrees:\ncorners are lost", (0.0, 0.0, 0.9), (5, 74), 0.0),
    ]
    figure, axes = plt.subplots(2, 4, figsize=(10.4, 4.6), layout="constrained")
    for row, (views, colour) in enumerate(((good, GOOD), (bad, BAD))):
        for axis, (words, at, tilt, blur) in zip(axes[row], views, strict=True):
            axis.imshow(photographed(at, tilt, blur), cmap="gray", vmin=0, vmax=255)
            axis.set_xticks([])
            axis.set_yticks([])
            for spine in axis.spines.values():
                spine.set(color=colour, linewidth=3.0)
            axis.set_title(words, fontsize=9.5, color=colour)
    return figure


def view_of(axis: Axes, at, towards, name: str, reach: float = 3.0, colour: str = CAMERA) -> None:
    """A camera from above, with the edges of what it sees."""
    at, towards = np.asarray(at, float), np.asarray(towards, float)
    ahead = (towards - at) / np.linalg.norm(towards - at)
    aside = np.tan(np.radians(28.0)) * np.array([-ahead[1], ahead[0]])
    seen = np.stack([at, at + reach * (ahead - aside), at + reach * (ahead + aside)])
    axis.fill(*seen.T, color=colour, alpha=0.10, linewidth=0)
    axis.fill(*(at + 0.4 / reach * (seen - at)).T, color=colour, zorder=5)
    axis.annotate(
        name, tuple(at - 0.3 * ahead), ha="center", va="center", fontsize=9, color=colour, zorder=6
    )


def plan(axis: Axes, title: str, colour: str = INK) -> None:
    """A plan without axes."""
    axis.set_aspect("equal")
    axis.axis("off")
    axis.set_title(title, fontsize=10, color=colour)


def board_at(axis: Axes, at, angle_deg: float, colour: str = INK) -> None:
    """A board from above: a bold line, and where its face looks."""
    along = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    ends = np.asarray(at) + 0.28 * np.array([[-1.0], [1.0]]) * along
    axis.plot(*ends.T, color=colour, linewidth=3.2, solid_capstyle="butt", zorder=4)


def arrow(axis: Axes, start, end, colour: str = WAY, bend: float = 0.0) -> None:
    """From one place to another."""
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 2, "shrinkB": 2}
    axis.annotate("", end, start, arrowprops=style | {"connectionstyle": f"arc3,rad={bend}"})


def draw_walk() -> Figure:
    """The board on its way past neighbouring cameras, and what is missing when it jumps."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 3.9), layout="constrained")
    x = [-3.3, -1.1, 1.1, 3.3]
    titles = (
        "Every camera and its neighbour see the board together:\none chain from cam01 to cam04",
        "Nobody held it where cam02 and cam03 both see it:\ntwo rigs, not one, and refused",
    )
    for axis, title, colour, whole in zip(axes, titles, (GOOD, BAD), (True, False), strict=True):
        for number, place in enumerate(x):
            view_of(axis, (place, 0.0), (place, 1.0), f"cam0{number + 1}", reach=3.4)
        stops = [(-2.45, 2.2), (-2.0, 2.9), (-0.25, 2.9), (0.2, 2.2), (2.0, 2.9), (2.4, 2.2)]
        tilts = [35, -30, 40, -35, 30, -40]
        legs = list(itertools.pairwise(range(len(stops))))
        if not whole:
            legs = [(0, 1), (4, 5)]
        for start, end in legs:
            arrow(axis, stops[start], stops[end], bend=-0.25)
        for stop in sorted({stop for leg in legs for stop in leg}):
            board_at(axis, stops[stop], tilts[stop])
        for number, middle in enumerate((-2.2, 0.0, 2.2)):
            linked = whole or number != 1
            axis.annotate(
                "linked" if linked else "no link", (middle, -0.9), ha="center", fontsize=9,
                color=GOOD if linked else BAD,
                bbox={"boxstyle": "round", "fc": "white", "ec": GOOD if linked else BAD},
            )  # fmt: skip
        axis.set_xlim(-5.3, 5.3)
        axis.set_ylim(-1.2, 3.7)
        plan(axis, title, colour)
    return figure


def seen_points(places: np.ndarray, at, towards) -> np.ndarray:
    """Pixels of places in a camera that stands somewhere and looks somewhere, in metres."""
    ahead = np.asarray(towards, float) - at
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    seen = (places - at) @ np.stack([right, np.cross(ahead, right), ahead]).T
    return np.asarray(camera(960, 600).project(jnp.asarray(seen)))[0]


def draw_points() -> Figure:
    """Known points that hold a camera, and those that hardly do, as it sees them."""
    plate = np.array([[0, 0, 0], [0.6, 0, 0], [0.6, 0.4, 0], [0, 0.4, 0]]) - [0.3, 0.2, 0.0]
    plates = np.concatenate([plate - [0.31, 0, 0], plate + [0.31, 0, 0]])
    stands = np.array([[-1.5, -1.0, 1.2], [1.6, -1.1, 1.6], [1.6, 1.0, 1.1], [-1.5, 1.0, 1.7],
                       [0.0, -1.3, 0.6], [0.2, 1.3, 1.9]])  # fmt: skip
    at, towards = np.array([0.6, -4.2, 1.6]), [0.0, 0.0, 0.75]
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 3.7), layout="constrained")
    cases = (
        ("Force plates and stands: spread over the picture,\nat several depths and heights", GOOD,
         np.concatenate([plates, stands])),
        ("One force plate: small, flat and far away.\nTwo poses fit, and nothing checks them", BAD,
         plate),
    )  # fmt: skip
    for axis, (title, colour, places) in zip(axes, cases, strict=True):
        x = np.linspace(-4.0, 4.0, 9)
        for lines in ([[[a, -4, 0], [a, 6, 0]] for a in x], [[[-4, b, 0], [4, b, 0]] for b in x]):
            for line in lines:
                ends = np.linspace(np.array(line[0], float), np.array(line[1], float), 60)
                ends = ends[(ends - at) @ (np.asarray(towards) - at) > 1.5]
                if len(ends) > 1:
                    axis.plot(*seen_points(ends, at, towards).T, color="#dddddd", linewidth=0.8)
        for corners in (plates[:4], plates[4:]) if len(places) > 4 else (plate,):
            axis.fill(*seen_points(corners, at, towards).T, color="#8a9aa8", alpha=0.5)
        if len(places) > 4:
            for foot in stands:
                pole = np.array([foot * [1, 1, 0], foot])
                axis.plot(*seen_points(pole, at, towards).T, color="#8a9aa8", linewidth=2.0)
        axis.plot(*seen_points(places, at, towards).T, "o", color=colour, markersize=6)
        axis.set(xlim=(0, 960), ylim=(600, 0), xticks=[], yticks=[])
        axis.set_aspect("equal")
        axis.set_title(title, fontsize=10, color=colour)
    return figure


def draw_person() -> Figure:
    """A walk that calibrates cameras, and one that leaves something open."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.6), layout="constrained")
    corners = [(-3.0, -2.6), (3.0, -2.6), (3.0, 2.6), (-3.0, 2.6)]
    turn = np.linspace(0.0, 2.0 * np.pi, 200)
    loop = np.column_stack([1.9 * np.sin(turn), 1.35 * np.sin(2.0 * turn)])
    straight = np.column_stack([np.linspace(-1.9, 1.9, 50), np.zeros(50)])
    cases = (
        ("Up and down, across, near to each camera once:\neverything is found", GOOD, loop),
        ("One straight line: the slope of the floor across it\nrests on how upright you walk",
         WAY, straight),
    )  # fmt: skip
    for axis, (title, colour, way) in zip(axes, cases, strict=True):
        for number, corner in enumerate(corners):
            view_of(axis, corner, (0.0, 0.0), f"cam0{number + 1}", reach=5.2)
        axis.plot(*way.T, color=WAY, linewidth=2.2)
        for row in np.linspace(3, len(way) - 6, 7).astype(int):
            arrow(axis, way[row], way[row + 3])
            ahead = way[row + 3] - way[row]
            aside = np.array([-ahead[1], ahead[0]]) / np.linalg.norm(ahead)
            for side in (-0.13, 0.13):
                axis.plot(*(way[row] + side * aside), "o", color=INK, markersize=3.2)
        axis.set_xlim(-4.0, 4.0)
        axis.set_ylim(-3.4, 3.4)
        plan(axis, title, colour)
    return figure


def draw_refine() -> Figure:
    """A camera that was touched, before and after."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 4.3), layout="constrained")
    person, stray = np.array([0.2, 0.3]), np.array([-0.75, 0.62])
    cameras = [np.array([-3.0, -2.2]), np.array([3.0, -2.2]), np.array([0.0, 3.2])]
    cases = (
        ("Somebody touched cam02: its line of sight\npasses the person whom the others see", BAD,
         stray),
        ("Refined from the trial: all of them meet,\nand a camera left out agrees", GOOD, person),
    )  # fmt: skip
    for axis, (title, colour, met) in zip(axes, cases, strict=True):
        for number, at in enumerate(cameras):
            knocked = number == 1
            goal = met if knocked else person
            view_of(axis, at, goal, f"cam0{number + 1}", 5.0, colour if knocked else CAMERA)
            beyond = at + 1.15 * (goal - at)
            axis.plot(
                *np.transpose([at, beyond]), color=colour if knocked else CAMERA, linewidth=1.4
            )
        axis.plot(*person, "o", color=WAY, markersize=11, zorder=7)
        axis.annotate("a joint", person + [0.25, -0.28], fontsize=9, color=WAY)
        axis.set_xlim(-4.0, 4.0)
        axis.set_ylim(-3.0, 4.0)
        plan(axis, title, colour)
    return figure


def write(figure: Figure, path: pathlib.Path) -> None:
    """A PNG file of few colours, which is small."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=85)
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the guides.")
    parser.add_argument("--result", type=pathlib.Path, help="a rig from a board, to show one of")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    plt.rcParams["figure.constrained_layout.h_pad"] = 0.12
    drawings = {
        "board/poses": draw_poses,
        "board/walk": draw_walk,
        "scene/points": draw_points,
        "person/ways": draw_person,
        "refine/touched": draw_refine,
    }
    for name, draw in drawings.items():
        figure = draw()
        write(figure, HERE / f"{name}.png")
    for paper, (columns, rows, square) in PRINTED.items():
        board = make_board("charuco", columns, rows, square)
        (HERE / "board" / f"charuco-{paper}.svg").write_text(board_svg(board), encoding="utf-8")
    if arguments.result:
        picture = cv2.imread(str(arguments.result / "cam02.jpg"))
        if picture is None:
            parser.error(f"{arguments.result} has no cam02.jpg")
        small = cv2.resize(picture, (720, 405), interpolation=cv2.INTER_AREA)
        quality = [cv2.IMWRITE_JPEG_QUALITY, 80]
        cv2.imwrite(str(HERE / "board" / "coverage.jpg"), small, quality)


if __name__ == "__main__":
    main()
