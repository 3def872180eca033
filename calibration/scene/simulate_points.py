"""Write a simulated survey, clicks of it, lenses, and the true rig beside them.

    python calibration/scene/simulate_points.py FOLDER

Four cameras stand around two force plates, of which every corner was clicked, and around six
marks on stands. The survey is good to 2 mm, a click to 1 px. A mark on the floor and the corner of
a box 400 mm high were clicked and not surveyed: they verify the floor.
"""

import argparse
import csv
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from diffbio.io.rigs import write_rig
from diffbio.simulation.recording import ring_of_cameras

PLATE, GAP = (0.6, 0.4), 0.01
SURVEY_SD_MM, CLICK_SD_PX = 2.0, 1.0


def true_places() -> dict[str, np.ndarray]:
    """Corners of two force plates, one behind the other along x, and marks on stands, in metres."""
    places = {}
    for plate, start in (("plate1", -PLATE[0] - GAP / 2), ("plate2", GAP / 2)):
        for number, (x, y) in enumerate([(0, 0), (1, 0), (1, 1), (0, 1)], 1):
            corner = [start + x * PLATE[0], (y - 0.5) * PLATE[1], 0.0]
            places[f"{plate}-{number}"] = np.array(corner)
    stands = [(-1.5, -1.0, 1.2), (1.5, -1.0, 1.6), (1.5, 1.0, 1.1), (-1.5, 1.0, 1.7),
              (0.0, -1.2, 0.6), (0.0, 1.2, 1.9)]  # fmt: skip
    places |= {f"stand{n}": np.array(place) for n, place in enumerate(stands, 1)}
    return places


STANDING = {"mark": np.array([-0.9, 0.7, 0.0]), "box": np.array([0.8, 0.6, 0.4])}
"""On the floor, in metres."""


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description="Write a simulated survey and clicks of it.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    folder, rng = arguments.folder, np.random.default_rng(arguments.seed)
    folder.mkdir(parents=True, exist_ok=True)
    rig, places = ring_of_cameras(4), true_places()
    with (folder / "points.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["point", "x_mm", "y_mm", "z_mm", "sd_mm"])
        for name, place in places.items():
            surveyed = 1e3 * place + SURVEY_SD_MM * rng.standard_normal(3)
            writer.writerow([name, *(f"{value:.1f}" for value in surveyed), SURVEY_SD_MM])
    clicked_too = places | STANDING
    exact = np.asarray(rig.project(jnp.asarray(np.stack(list(clicked_too.values())))))
    with (folder / "clicks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["camera", "point", "x_px", "y_px"])
        for camera, pixels in zip(rig.names, exact, strict=True):
            for name, pixel in zip(clicked_too, pixels, strict=True):
                clicked = pixel + CLICK_SD_PX * rng.standard_normal(2)
                writer.writerow([camera, name, *(f"{value:.1f}" for value in clicked)])
    write_rig(rig, folder / "lenses.toml")
    write_rig(rig, folder / "true-rig.toml")


if __name__ == "__main__":
    main()
