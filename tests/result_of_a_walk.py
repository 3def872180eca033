"""A result folder as `diffbio fit` writes it, of the made-up walking person."""

import pathlib

from diffbio.fitting.fit import Fit
from diffbio.io.write_netcdf import write_netcdf
from tests.walking_figure import walking_trial


def write_result_of(fit: Fit, folder: pathlib.Path) -> pathlib.Path:
    """The files of a result that pages and exports are made from."""
    folder.mkdir(parents=True, exist_ok=True)
    write_netcdf(folder / "fit.nc", fit, walking_trial(fit))
    (folder / "body.xml").write_text(fit.body.to_mjcf(fit.parameters), encoding="utf-8")
    return folder
