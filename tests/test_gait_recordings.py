"""Forward kinematics of OpenSim models, which a benchmark of gait needs."""

import numpy as np
from numpy.testing import assert_allclose

from benchmarks.opensim_markers import model_markers
from diffbio.io.axes import world_from_opensim
from diffbio.io.read_trc import read_trc

MODEL = """<OpenSimDocument><Model><JointSet><objects>
<PinJoint name="knee">
 <socket_parent_frame>thigh_offset</socket_parent_frame>
 <socket_child_frame>shank_offset</socket_child_frame>
 <coordinates><Coordinate name="knee_angle"/></coordinates>
 <frames>
  <PhysicalOffsetFrame name="thigh_offset"><socket_parent>/bodyset/thigh</socket_parent>
   <translation>0 -0.4 0</translation><orientation>0 0 0</orientation></PhysicalOffsetFrame>
  <PhysicalOffsetFrame name="shank_offset"><socket_parent>/bodyset/shank</socket_parent>
   <translation>0 0.1 0</translation><orientation>0 0 0</orientation></PhysicalOffsetFrame>
 </frames></PinJoint>
<CustomJoint name="hip">
 <socket_parent_frame>/ground</socket_parent_frame>
 <socket_child_frame>/bodyset/thigh</socket_child_frame>
 <SpatialTransform>
  <TransformAxis name="rotation1"><coordinates>hip_angle</coordinates><axis>0 0 1</axis>
   <LinearFunction><coefficients>1 0</coefficients></LinearFunction></TransformAxis>
  <TransformAxis name="rotation2"><coordinates></coordinates><axis>1 0 0</axis>
   <Constant><value>0</value></Constant></TransformAxis>
  <TransformAxis name="translation1"><coordinates>hip_tx</coordinates><axis>1 0 0</axis>
   <MultiplierFunction><function><PolynomialFunction>
    <coefficients>2 0</coefficients></PolynomialFunction></function><scale>0.5</scale>
   </MultiplierFunction></TransformAxis>
 </SpatialTransform></CustomJoint>
</objects></JointSet>
<MarkerSet><Marker name="ankle"><socket_parent_frame>/bodyset/shank</socket_parent_frame>
 <location>0 -0.3 0</location></Marker></MarkerSet>
</Model></OpenSimDocument>"""


def test_two_links_are_where_trigonometry_puts_them(tmp_path):
    (tmp_path / "leg.osim").write_text(MODEL)
    hip, knee, way = np.linspace(-0.5, 0.9, 8), np.linspace(0.0, -1.2, 8), np.linspace(0, 1, 8)
    rows = np.column_stack([np.arange(8) / 10, hip, knee, way])
    header = "inDegrees=no\nendheader\ntime\thip_angle\tknee_angle\thip_tx\n"
    body = "\n".join("\t".join(map(str, row)) for row in rows)
    (tmp_path / "leg.mot").write_text(header + body)
    found = model_markers(tmp_path / "leg.osim", tmp_path / "leg.mot")
    # The ankle is 0.4 m below the knee frame, which is 0.4 m below the hip.
    x = way + 0.4 * np.sin(hip) + 0.4 * np.sin(hip + knee)
    y = -0.4 * np.cos(hip) - 0.4 * np.cos(hip + knee)
    expected = world_from_opensim(np.stack([x, y, np.zeros(8)], axis=1))
    assert_allclose(found.of("ankle"), expected, atol=1e-12)


def test_model_follows_the_markers_it_was_fitted_to(shared_data):
    folder = shared_data / "falisse-walking"
    model = model_markers(folder / "model" / "scaled.osim", folder / "ik" / "gait-14.mot")
    measured = read_trc(folder / "markers" / "gait-14.trc")
    at = np.searchsorted(measured.time, model.time - 1e-6)
    names = [name for name in model.names if name in measured.names]
    assert len(names) > 40
    error = [np.linalg.norm(model.of(n) - measured.of(n)[at], axis=1) for n in names]
    # m; OpenSim itself left 7 to 8 mm (README of the recording)
    assert np.sqrt(np.nanmean(np.square(error))) < 0.009
