"""What every page is made of: files of this folder, and data that no parser takes for markup."""

import json
import pathlib

_FOLDER = pathlib.Path(__file__).parent


def embedded_json(content: object) -> str:
    """JSON that no HTML parser can mistake for markup; fails on NaN."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def page_file(name: str) -> str:
    """Text of a template, style or script."""
    return (_FOLDER / name).read_text(encoding="utf-8")
