"""The lens models that may be fitted to views of a board, and what is unknown in each."""

import numpy as np
from jaxtyping import Bool

from diffbio.cameras.calibration.lens_unknowns import LENS, WIDTH

PINHOLE_ORDERS = {
    "focal": ("focal",),
    "focal, k1": ("focal", "k1"),
    "focal, centre, k1": ("focal", "cx", "cy", "k1"),
    "focal, centre, k1 k2": ("focal", "cx", "cy", "k1", "k2"),
    "fx, fy, centre, k1 k2": ("focal", "aspect", "cx", "cy", "k1", "k2"),
    "fx, fy, centre, k1 k2 p1 p2": ("focal", "aspect", "cx", "cy", "k1", "k2", "p1", "p2"),
    "fx, fy, centre, k1 k2 p1 p2 k3": LENS,
}
"""Models of an ordinary lens, each with what the one before it has."""

FISHEYE_ORDERS = {
    "fisheye: focal": ("focal",),
    "fisheye: focal, k1": ("focal", "k1"),
    "fisheye: focal, centre, k1": ("focal", "cx", "cy", "k1"),
    "fisheye: focal, centre, k1 k2": ("focal", "cx", "cy", "k1", "k2"),
    "fisheye: focal, centre, k1 k2 k3 k4": ("focal", "cx", "cy", "k1", "k2", "p1", "p2"),
    "fisheye: fx, fy, centre, k1 k2 k3 k4": LENS[:8],
}
"""The same of OpenCV's fisheye model, whose k3 and k4 stand where p1 and p2 are in `LENS`."""

ORDERS = PINHOLE_ORDERS | FISHEYE_ORDERS

OPENCV_ORDER = "fx, fy, centre, k1 k2 p1 p2 k3"
OPENCV_FISHEYE_ORDER = "fisheye: fx, fy, centre, k1 k2 k3 k4"
"""What OpenCV fits when nothing is held."""

_AS_WELL = 1.01
"""Errors on held-out views that differ by less than 1 % are taken as equal."""

CLEARLY_BETTER = 0.95
"""Of the error on held-out views: a lens is taken for a fisheye when its model leaves less than
this share of what the other leaves, which programs without fisheye models can read too."""


def orders_of(fisheye: bool) -> dict[str, tuple[str, ...]]:
    """The models of one kind of lens, in order."""
    return FISHEYE_ORDERS if fisheye else PINHOLE_ORDERS


def is_fisheye(order: str) -> bool:
    """Whether a model of `ORDERS` is one of a fisheye lens."""
    return order in FISHEYE_ORDERS


def richest(fisheye: bool) -> str:
    """The model of one kind of lens that has most unknowns."""
    return OPENCV_FISHEYE_ORDER if fisheye else OPENCV_ORDER


def chosen(held_out_px: dict[str, float]) -> str:
    """The richest order that predicts as well as the best one.

    A term left out bends the picture where nobody looks and turns the camera in the rig; one too
    many only widens the error bars, which say so.
    """
    limit = _AS_WELL * min(held_out_px.values())
    return [known for known, error in held_out_px.items() if error <= limit][-1]


def lens_mask(unknowns: tuple[str, ...]) -> Bool[np.ndarray, "9"]:
    """Which of `LENS` are sought."""
    return np.array([name in unknowns for name in LENS])


def lens_columns(lens: Bool[np.ndarray, "9"]) -> Bool[np.ndarray, "15"]:
    """Which unknowns of a camera are sought when only those of its lens are."""
    return np.concatenate([np.zeros(WIDTH - len(LENS), bool), lens])
