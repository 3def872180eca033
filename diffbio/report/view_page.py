"""`view.html`: the person in space on one page that needs nothing but itself."""

import dataclasses
import html
import os
import pathlib
import re
from collections.abc import Mapping
from types import MappingProxyType

import diffbio
from diffbio.errors import InputError
from diffbio.io.posed_person import PosedPerson
from diffbio.io.read_result import FittedPerson
from diffbio.report.page_parts import embedded_json, page_file
from diffbio.report.view_data import view_data
from diffbio.report.view_pictures import CameraPictures

PAGE = "view.html"

_SCRIPTS = ("charts.js", "view_paint.js", "view_motion.js", "view_scene.js", "view_page.js")


def render_view(
    person: FittedPerson,
    posed: PosedPerson,
    pictures: Mapping[str, CameraPictures] = MappingProxyType({}),
) -> str:
    """The page, without any reference to a network or another file.

    Args:
        person: the fit.
        posed: its bones and muscles.
        pictures: of videos, by camera.
    """
    content = view_data(person, posed)
    shown = [pictures.get(name) for name in person.rig.names]
    content.described["pictures"] = [one and dataclasses.asdict(one) for one in shown]
    simulated = person.source == "simulated"
    title = f"{person.name} (simulated data)" if simulated else person.name
    duration = float(person.time[-1] - person.time[0])
    banner = '<p class="banner" role="note">SIMULATED DATA: no person was recorded</p>'
    fields = {
        "title": html.escape(title),
        "subtitle": html.escape(
            f"{person.body_model}, {len(person.time)} frames in {duration:.2f} s, "
            f"{len(person.rig.names)} cameras"
        ),
        "simulated": banner if simulated else "",
        "bands": "" if person.coordinates.sd is None else " Bands hold the truth in 90 % of cases.",
        "notes": f'<p class="note">{html.escape(posed.note)}</p>' if posed.note else "",
        "version": html.escape(diffbio.__version__),
        "style": page_file("page.css") + page_file("view_page.css"),
        "script": "\n".join(page_file(name) for name in _SCRIPTS),
        "data": embedded_json(content.described),
        "numbers": content.numbers,
    }
    # One pass over the template, so that nothing inside a value is taken for a field.
    return re.sub(r"@([a-z]+)@", lambda field: fields[field[1]], page_file("view_page.html"))


def write_view(
    person: FittedPerson,
    posed: PosedPerson,
    path: pathlib.Path,
    pictures: Mapping[str, CameraPictures] = MappingProxyType({}),
) -> None:
    """Write the page in one step: what was there stays until it is done.

    Raises:
        InputError: the file cannot be written.
    """
    text = render_view(person, posed, pictures)
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
