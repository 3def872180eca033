"""Vicon's calibrations, made as its documentation describes them."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.rigs import read_rig, read_rig_file

LENS2 = 'VICON_RADIAL2="ViconRadial2 950 545 -0.06 0.1 -0.04"'
CAMERA = """
<Camera DEVICEID="{name}" DISPLAY_TYPE="{kind}" PIXEL_ASPECT_RATIO="0.998" SENSOR_SIZE="1920 1080">
  <KeyFrames>
    <KeyFrame FOCAL_LENGTH="1300" FRAME="0" PRINCIPAL_POINT="950 545" {lens}
      ORIENTATION="0.7071067811865476 0 0 0.7071067811865476" POSITION="250 -4000 1500"/>
  </KeyFrames>
</Camera>
"""


def camera(name="2111111", kind="Vue", lens='VICON_RADIAL="0 0"') -> str:
    return CAMERA.format(name=name, kind=kind, lens=lens)


@pytest.fixture
def xcp(tmp_path):
    def write(*cameras: str):
        path = tmp_path / "lab.xcp"
        path.write_text(f'<?xml version="1.0"?><Cameras>{"".join(cameras)}</Cameras>')
        return path

    return write


# A quarter turn about x: the camera looks along +y, x is right and -z down.
ROTATION = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
MATRIX = np.array([[1300.0, 0.0, 950.0], [0.0, 1300.0 / 0.998, 545.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("lens", "coefficients"),
    [('VICON_RADIAL="0 0"', [0.0] * 5), (LENS2, [-0.06, 0.1, 0.0, 0.0, -0.04])],
)
def test_a_camera_along_y_images_as_opencv_says(xcp, assert_imaged, lens, coefficients):
    rig = read_rig(xcp(camera(lens=lens)))
    assert rig.image_size == ((1920, 1080),)
    assert_allclose(rig.centres, [[0.25, -4.0, 1.5]], atol=1e-12)
    assert_imaged(rig, "2111111", MATRIX, ROTATION, [-0.25, 1.5, 4.0], coefficients)


def test_what_is_up_and_to_the_right_is_so_in_the_picture(xcp):
    ahead, above, right = read_rig(xcp(camera())).project(
        jnp.asarray([[0.25, 0.0, 1.5], [0.25, 0.0, 2.0], [0.75, 0.0, 1.5]])
    )[0]
    assert_allclose(ahead, [950.0, 545.0], atol=1e-9)
    assert above[1] < ahead[1] and right[0] > ahead[0]


@pytest.mark.parametrize("radial", [(3e-8, 2e-15), (-2e-8, 1e-14), (8e-9, 0.0)])
def test_the_documented_correction_undoes_our_lens(xcp, radial):
    path = xcp(camera(lens=f'VICON_RADIAL="{radial[0]} {radial[1]}"').replace("0.998", "1"))
    reading = read_rig_file(path)
    ideal = read_rig(xcp(camera().replace("0.998", "1")))
    across, up = np.meshgrid(np.linspace(-2.6, 2.6, 15), np.linspace(-1.4, 1.4, 9))
    points = jnp.asarray(np.stack([across + 0.25, np.zeros_like(up), up + 1.5], -1).reshape(-1, 3))
    seen = np.asarray(reading.rig.project(points)[0])
    away = seen - [950.0, 545.0]
    squared = np.sum(away**2, axis=1, keepdims=True)
    corrected = [950.0, 545.0] + away * (1.0 + radial[0] * squared + radial[1] * squared**2)
    misfit = float(reading.notes[0].split("within ")[1].split(" px")[0])
    assert misfit < 0.5
    inside = (np.abs(seen - [960.0, 540.0]) < [960.0, 540.0]).all(axis=1)
    assert inside.sum() > 60
    # What is told is the error in the picture; the correction magnifies it a little.
    error = np.abs(corrected - ideal.project(points)[0])[inside]
    assert_allclose(error, 0.0, atol=1.5 * misfit + 1e-9)


def test_an_undocumented_lens_is_pointed_out(xcp):
    (note,) = read_rig_file(xcp(camera(lens=LENS2))).notes
    assert "VICON_RADIAL2, which Vicon does not define" in note
    other = LENS2.replace("950 545", "900 500")
    assert "are not used" in read_rig_file(xcp(camera(lens=other))).notes[1]
    none = 'VICON_RADIAL2="ViconRadial2 0 0 0 0 0"'
    assert read_rig_file(xcp(camera(lens=none))).notes == ()


def test_cameras_that_cannot_be_used_are_left_out_and_said(xcp):
    bare = camera(name="3").replace("<KeyFrame ", "<Frame ")
    reading = read_rig_file(xcp(camera(), camera(name="2", kind="Vantage V8"), bare))
    assert reading.rig.names == ("2111111",)
    assert reading.notes == (
        "Not calibrated, and so left out: 3.",
        "Cameras that see only markers were left out: 2.",
    )
    video = camera(name="4", kind="VideoInputDevice:Blackfly S")
    assert read_rig(xcp(video, camera(name="2", kind="Vantage V8"))).names == ("4",)
    assert read_rig(xcp(camera(name="2", kind="Vantage V8"))).names == ("2",)


def test_a_camera_that_moves_is_refused(xcp):
    moving = camera().replace("</KeyFrames>", '<KeyFrame FRAME="9"/></KeyFrames>')
    with pytest.raises(InputError, match="camera 2111111: It has 2 key frames, so it moved"):
        read_rig(xcp(moving))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</KeyFrames>", "", "It is not complete XML"),
        ('FOCAL_LENGTH="1300"', "", "camera 1: `KeyFrame` has no attribute `FOCAL_LENGTH`"),
        ('"1300"', '"0"', "camera 1, FOCAL_LENGTH and PRINCIPAL_POINT: The focal lengths are 0"),
        ('"950 545"', '"950"', "camera 1, PRINCIPAL_POINT: Found '950'. Expected 2 numbers"),
        ("0.7071067811865476 0 0 0.7071067811865476", "0 0 0 0", r"`ORIENTATION` is|\[0\.0, 0\.0"),
        ('"0.998"', '"0"', "`PIXEL_ASPECT_RATIO` is 0"),
        ('"1920 1080"', '"1920.5 1080"', r"camera 1, SENSOR_SIZE: Found 1920\.5 x 1080 pixels"),
        ('VICON_RADIAL="0 0"', "", "There is neither VICON_RADIAL nor VICON_RADIAL2"),
        ('"0 0"', '"0"', "camera 1, VICON_RADIAL: Found '0'. Expected 2 numbers"),
        ('"0 0"', '"-9e-7 0"', "camera 1, VICON_RADIAL: .* cannot follow to the border"),
        ('VICON_RADIAL="0 0"', 'VICON_RADIAL2="ViconRadial2 1"', "Expected ViconRadial2 and five"),
        ('VICON_RADIAL="0 0"', 'VICON_RADIAL2="V 0 0 nan 0 0"', "VICON_RADIAL2: It is not finite"),
        ('DEVICEID="1"', "", "`Camera` has no attribute `DEVICEID`"),
    ],
)
def test_bad_files_are_refused_with_camera_and_field(xcp, old, new, message):
    content = camera(name="1")
    assert old in content
    with pytest.raises(InputError, match=message):
        read_rig(xcp(content.replace(old, new, 1)))
