"""The viewer: its numbers unpack to those of the fit, and it runs in a real browser."""

import base64
import dataclasses
import json
import re
import shutil
import subprocess
import zlib

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.io.posed_person import posed_person
from diffbio.io.read_result import read_result
from diffbio.report.packed_arrays import Packed
from diffbio.report.view_cameras import in_step, straightened, triangulated
from diffbio.report.view_data import LENGTH_UNIT, TURN_UNIT
from diffbio.report.view_page import render_view
from tests.result_of_a_walk import write_result_of
from tests.walking_figure import walking_fit, with_clocks

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    folder = write_result_of(walking_fit(), tmp_path_factory.mktemp("view") / "out")
    (folder / "events.csv").write_text(
        "time_s,kind,side,sd_s,confidence,method\n0.4,initial_contact,r,0.01,1,heel\n"
        "0.9,toe_off,l,,0.5,toe\n",
        encoding="utf-8",
    )
    return read_result(folder)


@pytest.fixture(scope="module")
def posed(person):
    return posed_person(person)


@pytest.fixture(scope="module")
def page(person, posed):
    return render_view(person, posed)


@pytest.fixture(scope="module")
def content(page):
    """What the page's script finds: the table, and the arrays."""
    data = json.loads(_element(page, "application/json", "data"))
    stream = zlib.decompress(base64.b64decode(_element(page, "text/plain", "numbers")))
    arrays = {}
    for name, one in data["arrays"].items():
        kind = np.dtype(one["kind"]).newbyteorder("<")
        count = int(np.prod(one["shape"]))
        values = np.frombuffer(stream, kind, count, one["at"]).reshape(one["shape"])
        if one["moving"]:
            values = np.cumsum(values, axis=0, dtype=kind)
        arrays[name] = values
    return data, arrays


def _element(page, kind, name):
    found = re.search(rf'<script type="{kind}" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found
    return found[1]


def test_page_needs_nothing_but_itself(page):
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", page)
    assert not re.search(r"<(?:link|script|img|iframe)[^>]+(?:src|href)=[\"'](?!data:)", page)
    assert not re.search(r"@[a-z]+@", page)  # every field filled
    assert "<h1>walk_01</h1>" in page


def test_six_hundred_frames_stay_far_below_the_limit(page, content):
    """What moves grows with time at the rate it has here; 25 MB is the most a page may have."""
    _, arrays = content
    moving = {"time", "root", "positions", "turns", "wrapped", "markers", "triangulated"}
    size = sum(arrays[name].nbytes for name in (*moving, "detections"))  # uncompressed
    longest = len(page) + 4 / 3 * size * (600 / len(arrays["time"]) - 1)
    assert longest < 25e6


def test_parts_move_as_the_bones_do(content, person, posed):
    data, arrays = content
    root = arrays["root"].astype(float)
    assert_allclose(root, person.root_position, atol=1e-6)
    found = root[:, None] + LENGTH_UNIT * arrays["positions"]
    assert_allclose(found, posed.positions, atol=0.51 * LENGTH_UNIT)
    w, x, y, z = np.moveaxis(arrays["turns"] * TURN_UNIT, -1, 0)
    third = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], -1)
    assert_allclose(third, posed.rotations[..., 2], atol=2e-4)
    steps = np.abs(np.diff(arrays["turns"].astype(int), axis=0)) * TURN_UNIT
    assert steps.max() < 0.3  # signs do not flip, so that frames can be blended
    for part, row in zip(posed.parts, data["parts"], strict=True):
        own = arrays["vertices"][row["vertex"] : row["vertex"] + row["vertices"]]
        assert_allclose(own * data["units"]["vertex"], part.vertices, atol=2.6e-5)
        own = arrays["faces"][row["face"] : row["face"] + row["faces"]]
        assert np.array_equal(own, part.faces)


def test_muscles_are_those_of_the_anatomy(content, posed):
    data, arrays = content
    paths = posed.muscles
    assert paths is not None and data["muscles"]["names"] == list(paths.names)
    wrapped = arrays["path_wrapped"]
    assert np.array_equal(np.flatnonzero(wrapped >= 0), paths.wrapped)
    fixed = wrapped < 0
    assert_allclose(arrays["path_fixed"][fixed], paths.local[fixed], atol=1e-6)
    assert_allclose(LENGTH_UNIT * arrays["wrapped"], posed.wrapped, atol=0.51 * LENGTH_UNIT)


def test_markers_and_detections_are_those_of_the_fit(content, person):
    data, arrays = content
    found = arrays["root"][:, None].astype(float) + LENGTH_UNIT * arrays["markers"]
    assert_allclose(found, person.markers, atol=0.6 * LENGTH_UNIT)
    for i, camera in enumerate(data["cameras"]):  # these lenses have no distortion
        stored = arrays["detections"][:, i].astype(float)
        seen = np.isfinite(person.detected_px[i, ..., 0])
        assert np.array_equal(stored[..., 0] != data["missing"], seen)
        pixels = stored * camera["unit"] + np.asarray(camera["size"]) / 2
        assert_allclose(pixels[seen], person.detected_px[i][seen], atol=0.51 * camera["unit"])
    assert [one["kind"] for one in data["events"]] == ["initial_contact", "toe_off"]


def test_a_lens_is_taken_out_of_detections(person):
    bent = jnp.tile(jnp.asarray([[-0.2, 0.05, 0.001, -0.002, 0.0]]), (6, 1))
    rig = walking_fit().rig
    straight, crooked = rig, type(rig)(
        rig.focal_px, rig.principal_px, bent, rig.camera_from_world_rotation,
        rig.camera_from_world_translation, rig.names, rig.image_size, rig.fisheye,
    )  # fmt: skip
    points = jnp.asarray(person.markers)
    assert_allclose(
        straightened(crooked, crooked.project(points)), straight.project(points), atol=1e-3
    )


def test_triangulated_points_are_where_the_detections_meet(person):
    exact = np.asarray(person.rig.project(jnp.asarray(person.markers)))
    seen = np.isfinite(person.detected_px)
    clean = dataclasses.replace(person, detected_px=np.where(seen, exact, np.nan))
    found = triangulated(clean)
    enough = seen[..., 0].sum(axis=0) >= 2
    assert_allclose(found[enough], person.markers[enough], atol=5e-5)  # m: it is damped
    assert np.isnan(found[~enough]).all()
    wrong = clean.detected_px.copy()
    wrong[0, 10, 3] += 80.0  # one camera of six is mistaken
    away = triangulated(dataclasses.replace(clean, detected_px=wrong))[10, 3] - found[10, 3]
    assert np.linalg.norm(away) < 0.01


def test_a_clock_that_is_late_is_corrected(tmp_path):
    """Detections shown at a time are those that the camera took at that time."""
    fit = with_clocks(walking_fit(), {"cam_02": 0.5 / 50.0})
    late = read_result(write_result_of(fit, tmp_path / "out"))
    recorded, shown = late.detected_px[1], in_step(late)[1]
    assert np.isnan(shown[0]).all()
    between = (recorded[:-1] + recorded[1:]) / 2
    known = np.isfinite(between)
    assert_allclose(shown[1:][known], between[known], atol=1e-9)
    assert_allclose(in_step(late)[0], late.detected_px[0])


def test_packed_numbers_survive():
    rng = np.random.default_rng(2)
    values = rng.integers(-32768, 32768, (7, 5))
    packed = Packed()
    packed.add("first", np.array([1.5, 2.5, 3.5]), "float32")
    packed.add("odd", np.array([1, 2, 3]), "uint16")
    packed.add("moving", values, "int16", moving=True)
    stream = zlib.decompress(base64.b64decode(packed.text()))
    one = packed.table["moving"]
    assert one["at"] % 4 == 0
    found = np.frombuffer(stream, "<i2", 35, one["at"]).reshape(7, 5)
    assert np.array_equal(np.cumsum(found, axis=0, dtype=np.int16), values)


ACTIONS = """<script>
const key = (name, more) =>
  document.dispatchEvent(new KeyboardEvent("keydown", { key: name, ...more }));
const note = (name, text) => { document.body.dataset[name] = text; };
(function wait() {
  if (document.body.dataset.ready !== "yes") return setTimeout(wait, 50);
  const clock = () => document.getElementById("clock").textContent;
  const reading = () => document.getElementById("reading").textContent;
  key("Home"); note("home", clock());
  key("ArrowRight"); note("right", clock());
  key("ArrowRight", { shiftKey: true }); note("ten", clock());
  key("End"); note("end", clock());
  key("ArrowLeft"); note("left", clock());
  key("2"); note("camera", reading());
  key("z"); key("9"); key("0"); note("back", reading());
  for (const name of "wasd+-ffmmbbgckp") key(name);
  for (const view of document.querySelectorAll("[data-view]")) view.click();
  for (const box of document.querySelectorAll("details")) box.open = true;
  document.querySelector(".parts input").click();
  key(" ");
  note("playing", document.getElementById("play").getAttribute("aria-label"));
  setTimeout(() => { key(" "); note("after", clock()); note("done", "yes"); }, 500);
})();
</script></body>"""


def browse(tmp_path, page):
    """The page as a browser leaves it, and what the browser complained about."""
    if BROWSER is None:
        pytest.skip("no Chromium on the PATH, so the page's scripts cannot be run")
    path = tmp_path / "view.html"
    path.write_text(page, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-background-networking"]
    flags += ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=6000"]
    flags += ["--enable-logging=stderr", "--v=0", "--dump-dom", "--window-size=600,500"]
    done = subprocess.run(
        [BROWSER, *flags, path.as_uri()], capture_output=True, text=True, timeout=300, check=True
    )
    # That drawing without a graphics card is slow is no complaint.
    complaints = [
        line for line in done.stderr.splitlines() if "CONSOLE" in line and "GL Driver" not in line
    ]
    return done.stdout, complaints


@pytest.mark.slow
def test_scripts_run_in_a_browser_by_keyboard(tmp_path, page, person):
    dom, complaints = browse(tmp_path, page.replace("</body>", ACTIONS))
    assert complaints == []
    body = re.search(r"<body[^>]*>", dom)
    assert body
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', body[0]))
    assert said["done"] == "yes" and said["playing"] == "Pause"
    last = len(person.time)
    frames = [f"frame {n} of {last}" for n in (1, 2, 12, last, last - 1)]
    for name, frame in zip(("home", "right", "ten", "end", "left"), frames, strict=True):
        assert said[name].endswith(frame)
    assert "as cam_02 saw it" in said["camera"] and "saw it" not in said["back"]
    at = last - 2
    knee = np.rad2deg(person.joints["knee_angle_r"][at])
    spoken = re.search(r"Knee angle right (−?\d+)°", said["camera"])
    assert spoken and float(spoken[1].replace("−", "-")) == pytest.approx(knee, abs=0.51)
    assert re.search(r'id="no-drawing"[^>]*hidden', dom), "WebGL2 did not start"
    assert dom.count("<i class=") == 2


@pytest.mark.slow
def test_scripts_run_without_bones_and_without_a_drawing(tmp_path, person):
    other = dataclasses.replace(person, body_model="robot")
    blind = 'HTMLCanvasElement.prototype.getContext = () => null;</script><script type="application'
    page = render_view(other, posed_person(other))
    page = page.replace('<script type="application', f"<script>{blind}", 1)
    dom, complaints = browse(tmp_path, page.replace("</body>", ACTIONS))
    assert complaints == []
    assert 'data-done="yes"' in dom
    assert not re.search(r'id="no-drawing"[^>]*hidden', dom)
    assert "Bones and muscles of robot are not known." in dom
