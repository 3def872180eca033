"""The page of a rig: its numbers are those of the library, and it runs in a real browser."""

import base64
import dataclasses
import json
import re
import shutil
import subprocess

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.bundle import WIDTH
from diffbio.cameras.precision import expected_precision
from diffbio.cameras.rig_changes import with_upward
from diffbio.errors import InputError
from diffbio.report.rig_page import render_rig, write_rig_page
from diffbio.report.rig_page_data import (
    UNIT_MM,
    CameraDeviations,
    lens_name,
    rig_page_data,
)
from diffbio.report.shown_rig import expected_error, shown_rig

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
BOX = (np.array([-1.0, -1.0, 0.0]), np.array([1.0, 1.0, 2.0]))


def ring(angles_deg: list[float], radius: float = 4.0, outwards: bool = False) -> CameraRig:
    """Upright cameras around the origin, 2 m above the floor, that look at 1 m height."""
    angles = np.deg2rad(angles_deg)
    centres = np.stack([radius * np.cos(angles), radius * np.sin(angles), 0 * angles + 2.0], -1)
    rotations = []
    for centre in centres:
        forward = np.array([0.0, 0.0, 1.0]) - centre
        forward = forward * ([-1.0, -1.0, 1.0] if outwards else 1.0) / np.linalg.norm(forward)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        rotations.append(np.stack([right, np.cross(forward, right), forward]))
    count, rotation = len(centres), np.stack(rotations)
    return CameraRig(
        focal_px=jnp.full((count, 2), 1200.0),
        principal_px=jnp.tile(jnp.asarray([[959.5, 539.5]]), (count, 1)),
        distortion=jnp.tile(jnp.asarray([[-0.1, 0.02, 0.0, 0.0, 0.0]]), (count, 1)),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres)),
        names=tuple(f"<cam {i}>" for i in range(count)),
        image_size=((1920, 1080),) * count,
        fisheye=(False,) * count,
    )


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def decoded(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


@pytest.fixture(scope="module")
def shown():
    return shown_rig(
        ring([0.0, 100.0, 180.0, 280.0]), "lab & hall", "lab.toml", box=BOX, pixel_sd=2.0
    )


@pytest.fixture(scope="module")
def page(shown):
    return render_rig(shown)


def test_page_needs_nothing_but_itself(page):
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", page)
    assert not re.search(r"<(?:link|script|img|iframe)[^>]+(?:src|href)=[\"'](?!data:)", page)
    assert not re.search(r"@[a-z]+@", page)  # every field filled
    assert len(page.encode()) < 2_000_000
    assert "<h1>lab &amp; hall</h1>" in page and "&lt;cam 1&gt;" in page
    assert "<cam" not in page


def test_embedded_errors_are_those_of_the_library(page, shown):
    data, grid = data_of(page), shown.volume.grid
    assert data["pixel_sd"] == 2.0 and data["floor_known"] and data["from_rig"] is None
    assert data["grid"]["shape"] == list(grid.shape)
    found = expected_precision(shown.rig, grid.points, pixel_sd=2.0)
    for axis, name in enumerate("xyz"):
        stored = decoded(data["from_pixels"][name], "<u2")
        good = stored != data["nothing"]
        assert np.array_equal(good, found.determined)
        sd_mm = 1e3 * found.sd[good, axis]
        within = sd_mm < UNIT_MM * 65533  # larger ones are stored as that
        assert_allclose(UNIT_MM * stored[good][within], sd_mm[within], atol=UNIT_MM / 2 + 1e-9)
    worst = decoded(data["from_pixels"]["worst"], "<u2")[found.determined]
    expected = np.minimum(1e3 * found.worst[0][found.determined], UNIT_MM * 65534)
    assert_allclose(UNIT_MM * worst, expected, atol=UNIT_MM / 2 + 1e-9)
    seen = decoded(data["seen"], "u1")
    for camera in range(4):
        assert np.array_equal((seen >> camera) & 1 == 1, found.seen[camera])
    for one, centre in zip(data["cameras"], np.asarray(shown.rig.centres), strict=True):
        assert_allclose(one["centre"], centre, atol=1e-5)
        assert len(one["edges"]) == 32


def test_more_than_eight_cameras_take_more_than_a_byte():
    shown = shown_rig(ring(list(np.arange(10) * 36.0)), "ten", "ten.toml", box=BOX)
    seen = decoded(rig_page_data(shown)["seen"], "u1").reshape(-1, 2)
    assert np.array_equal((seen[:, 1] >> 1) & 1 == 1, shown.volume.precision.seen[9])


def test_an_uncertain_calibration_is_added_and_said():
    rig = ring([0.0, 80.0, 200.0])
    variance = np.zeros((3, WIDTH))
    variance[:, :3], variance[:, 3:6] = 1e-3**2, np.array([1e-3, 2e-3, 9e-3]) ** 2
    covariance = np.diag(variance.ravel())
    deviations = {name: CameraDeviations(3.46, 0.099, 0.0) for name in rig.names}
    sure = shown_rig(rig, "lab", "lab", box=BOX, rig_covariance=covariance, deviations=deviations)
    page = render_rig(sure)
    stored = decoded(data_of(page)["from_rig"]["x"], "<u2")
    good = sure.volume.precision.determined
    own = 1e3 * np.sqrt(sure.volume.precision.from_rig[good, 0, 0])
    own = np.minimum(own, UNIT_MM * 65534)
    assert_allclose(UNIT_MM * stored[good], own, atol=UNIT_MM / 2 + 1e-9)
    assert "Errors of the calibration are added" in page and "place sd, mm" in page
    assert ">0.099<" in page
    # Turning the world and the covariance with it changes no error: its y is the old z.
    variance[:, 4:6] = variance[:, [5, 4]]
    turned = shown_rig(
        with_upward(rig, "-y"), "lab", "lab", up="y", box=BOX,
        rig_covariance=np.diag(variance.ravel()),
    )  # fmt: skip
    assert_allclose(turned.volume.error, sure.volume.error, atol=1e-9)
    assert "the file's y is z, upwards" in turned.notes[0]


def test_numbers_on_the_page_are_those_of_the_volume(page, shown):
    numbers = expected_error(shown)
    assert f"<dd>{numbers['median_mm']:.1f} mm<small>over the capture volume" in page
    assert f"<dd>{numbers['capture_volume_m3']:.3g} m³" in page
    share = 100 * np.mean(shown.volume.error <= 0.010)
    assert numbers["share_within_10_mm"] == pytest.approx(share / 100)
    assert f"in {share:.0f} % of it, at most 10 mm" in page
    assert "detections miss by 2 px" in page
    angle = 2 * np.rad2deg(np.arctan(0.8))  # of a pinhole: barrel distortion sees more
    across = re.search(r"<td>1200</td><td>(\d+)</td><td>OpenCV, barrel 5\.6 %</td>", page)
    assert across and angle < float(across[1]) < angle + 8


def test_lenses_have_names(shown):
    rig = shown.rig
    plain = dataclasses.replace(rig, distortion=jnp.zeros((4, 5)))
    assert lens_name(plain, 0) == "pinhole"
    assert lens_name(dataclasses.replace(plain, distortion=jnp.full((4, 5), 1e-5)), 0) == (
        "OpenCV, straight"
    )
    assert lens_name(dataclasses.replace(rig, fisheye=(True,) * 4), 0) == "fisheye"


@pytest.mark.parametrize(
    ("rig", "sentence"),
    [
        (ring([0.0]), "One camera: .* nothing can be triangulated"),
        (ring([0.0, 60.0], radius=1e-5), "All cameras stand at one place"),
        (ring([0.0, 180.0], outwards=True), "No place is seen by two cameras"),
    ],
    ids=["one camera", "one place", "looking apart"],
)
def test_a_rig_that_measures_nothing_is_shown_and_says_so(rig, sentence):
    shown = shown_rig(rig, "poor", "poor.toml")
    assert re.search(sentence, shown.headline)
    assert re.search(sentence.replace("<", "&lt;"), render_rig(shown))
    assert expected_error(shown)["median_mm"] is None


def test_hints_name_what_is_wrong():
    rig = ring([0.0, 20.0, 200.0, 340.0])
    turned = ring([0.0, 20.0, 200.0, 340.0], outwards=True)
    last = jnp.arange(4) == 2
    mixed = eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (
            jnp.where(
                last[:, None, None],
                turned.camera_from_world_rotation,
                rig.camera_from_world_rotation,
            ),
            jnp.where(
                last[:, None],
                turned.camera_from_world_translation,
                rig.camera_from_world_translation,
            ),
        ),
    )
    shown = shown_rig(mixed, "mixed", "mixed.toml", box=BOX)
    said = " ".join(shown.hints)
    assert "Camera <cam 2> sees no place that another camera sees" in said
    assert "The error is largest along x" in said  # all others look along x, nearly
    assert re.search(r"Camera <cam [013]> matters most", said)


def test_a_page_that_cannot_be_written_is_an_error(tmp_path, shown):
    with pytest.raises(InputError, match="cannot be written"):
        write_rig_page(shown, tmp_path / "missing" / "rig.html")
    write_rig_page(shown, tmp_path / "rig.html")
    assert [path.name for path in tmp_path.iterdir()] == ["rig.html"]


def browse(tmp_path, page: str) -> tuple[str, list[str]]:
    """The page as a browser leaves it, and what the browser complained about."""
    if BROWSER is None:
        pytest.skip("no Chromium on the PATH, so the page's scripts cannot be run")
    path = tmp_path / "rig.html"
    path.write_text(page, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"]
    flags += ["--enable-logging=stderr", "--v=0", "--dump-dom", "--window-size=1200,900"]
    done = subprocess.run(
        [BROWSER, *flags, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


ACTIONS = """<script>
const at = (id) => document.getElementById(id), canvas = at("scene");
function change(id, value) { at(id).value = value; at(id).dispatchEvent(new Event("change")); }
function key(name) { canvas.dispatchEvent(new KeyboardEvent("keydown", { key: name })); }
setTimeout(() => {
  for (const name of ["ArrowLeft", "ArrowUp", "+", "-", "PageUp"]) key(name);
  at("show-views").click();
  for (const view of document.querySelectorAll("[data-view]")) view.click();
  for (const axis of ["0", "1", "2"]) change("axis", axis);
  for (const quantity of ["count", "worst", "x", "error"]) change("quantity", quantity);
  at("pixels").value = 4; at("pixels").dispatchEvent(new Event("input"));
  at("slice").value = 5; at("slice").dispatchEvent(new Event("input"));
  document.querySelector("[data-view=top]").click();
  const frame = canvas.getBoundingClientRect();
  canvas.dispatchEvent(new PointerEvent("pointermove", {
    clientX: frame.left + frame.width / 2 + 5, clientY: frame.top + frame.height / 2 }));
}, 1000);
</script></body>"""


def test_scripts_run_in_a_browser(tmp_path, page, shown):
    dom, complaints = browse(tmp_path, page.replace("</body>", ACTIONS))
    assert complaints == []
    grid = shown.volume.grid
    error = np.where(shown.volume.precision.determined, shown.volume.precision.error, np.nan)
    layer = 2e3 * error.reshape(grid.shape)[:, :, 5]  # twice: at 4 px instead of 2, in mm
    height = grid.low[2] + 5.5 * grid.step[2]
    reading = re.search(r'<p id="reading"[^>]*>At height ([\d.]+) m, .* ([\d.]+) mm at best', dom)
    assert reading and float(reading[1]) == pytest.approx(height, abs=0.006)
    assert float(reading[2]) == pytest.approx(np.nanmin(layer), abs=0.56)
    tip = re.search(r'<div id="tip"[^>]*><b>([\d.]+) mm</b>.*?at x (\S+), y (\S+), z', dom)
    assert tip
    cell = [round((float(tip[2 + k]) - grid.low[k]) / grid.step[k] - 0.5) for k in range(2)]
    assert float(tip[1]) == pytest.approx(layer[cell[0], cell[1]], abs=0.56)
    assert "4 of 4 see it" in dom


@pytest.mark.parametrize("angles", [[0.0], [0.0, 180.0]])
def test_scripts_run_where_nothing_is_measured(tmp_path, angles):
    shown = shown_rig(ring(angles, outwards=True), "poor", "poor.toml")
    dom, complaints = browse(tmp_path, render_rig(shown).replace("</body>", ACTIONS))
    assert complaints == []
    assert "nothing can be triangulated.</p>" in dom
