"""The page of a rig: cameras, what they see, and how precisely, in one file."""

import html
import os
import pathlib
import re

import numpy as np

import diffbio
from diffbio.cameras.capture_volume import THRESHOLD
from diffbio.errors import InputError
from diffbio.report.page_parts import embedded_json, page_file
from diffbio.report.rig_page_data import ShownRig, camera_rows, height_rows, rig_page_data

_SCRIPTS = ("rig_map.js", "rig_scene.js", "rig_page.js")


def render_rig(shown: ShownRig) -> str:
    """The page, without any reference to a network or another file."""
    grid = shown.volume.grid
    fields = {
        "title": html.escape(shown.name),
        "subtitle": html.escape(f"{len(shown.rig.names)} cameras of {shown.source}"),
        "sentence": html.escape(shown.headline),
        "hints": _list(shown.hints),
        "notes": _list(shown.notes),
        "numbers": _numbers(shown),
        "pixels": f"{shown.pixel_sd:g}",
        "box": ", ".join(
            f"{axis} {low:.2f} to {high:.2f}"
            for axis, low, high in zip("xyz", grid.low, grid.high, strict=True)
        ),
        "cell": " × ".join(f"{100 * step:.0f}" for step in grid.step),
        "floor": _floor(shown),
        "rigerror": _rig_error(shown),
        "cameras": _table(camera_rows(shown)),
        "heights": _table(height_rows(shown)),
        "version": html.escape(diffbio.__version__),
        "style": page_file("page.css") + page_file("rig_page.css"),
        "script": "\n".join(page_file(name) for name in _SCRIPTS),
        "data": embedded_json(rig_page_data(shown)),
    }
    # One pass over the template, so that nothing inside a value is taken for a field.
    return re.sub(r"@([a-z]+)@", lambda field: fields[field[1]], page_file("rig_page.html"))


def write_rig_page(shown: ShownRig, path: pathlib.Path) -> None:
    """Write the page in one step: what was there stays until it is done.

    Raises:
        InputError: the file cannot be written.
    """
    text = render_rig(shown)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(
            str(path),
            f"The page cannot be written ({error.strerror}).",
            "Choose a file in a folder that exists and may be written, with -o.",
        ) from error


def _list(sentences: tuple[str, ...]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="messages">{items}</ul>'


def _numbers(shown: ShownRig) -> str:
    volume, error = shown.volume, shown.volume.error
    numbers = [("Cameras", str(len(shown.rig.names)), "calibrated")]
    if error.size:
        best, median, most = (f"{1e3 * x:.1f} mm" for x in np.percentile(error, [0, 50, 95]))
        share = f"{100 * volume.share_within():.0f} %"
        numbers += [
            ("Capture volume", f"{volume.size:.3g} m³", "seen by two or more cameras"),
            ("Best", best, f"expected 3-D error at {shown.pixel_sd:g} px"),
            ("Median", median, "over the capture volume"),
            ("95 % within", most, "of the capture volume"),
            (f"Within {1e3 * THRESHOLD:.0f} mm", share, "of the capture volume"),
        ]
    return "\n".join(
        f"<div><dt>{label}</dt><dd>{value}<small>{note}</small></dd></div>"
        for label, value, note in numbers
    )


def _floor(shown: ShownRig) -> str:
    if shown.floor_known:
        return "The grid is the floor, z = 0, as in the file."
    return (
        "Where the floor lies is not known, as the file does not say; the grid lies at the lower "
        "end of the box."
    )


def _rig_error(shown: ShownRig) -> str:
    if np.nanmax(shown.volume.precision.from_rig[:, 0, 0], initial=0.0) > 0.0:
        return "Errors of the calibration are added, with the covariance that it found."
    return "The calibration itself is taken to be exact: its errors come on top."


def _table(rows: list[dict[str, str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(key)}</th>' for key in rows[0])
    body = ""
    for row in rows:
        first, *rest = row.values()
        cells = "".join(f"<td>{html.escape(value)}</td>" for value in rest)
        body += f'<tr><th scope="row">{html.escape(first)}</th>{cells}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
