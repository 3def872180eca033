"""Hand-written MJCFs that hold what the default body does not, and keypoints on them."""

import pathlib

from diffbio.body import Anchor, BodyModel, KeypointSet, body_from_mjcf
from diffbio.body.keypoint_set import AnchorClass

WALKER = """
<mujoco model="walker">
  <compiler angle="radian"/>
  <worldbody>
    <body name="floor"><geom type="box" size="1 1 0.1" mass="500"/></body>
    <body name="trunk" pos="0.3 -0.2 1" quat="0.9 0.1 -0.3 0.2">
      <freejoint/>
      <inertial pos="0.01 0.02 0.1" mass="30" diaginertia="1 0.8 0.5"/>
      <body name="arm" pos="0.1 0.2 0.4" quat="0.5 0.5 -0.5 0.5">
        <inertial pos="0 0 -0.1" mass="3" diaginertia="0.1 0.1 0.02"/>
        <joint name="raise" axis="0 1 0.2" pos="0.02 -0.01 0.03" ref="0.4" range="-1 2"/>
        <joint name="twist" axis="0 0 1" pos="0 0.05 0" range="-0.5 0.5"/>
        <body name="hand" pos="0 0.02 -0.4">
          <inertial pos="0 0 -0.05" mass="0.5" diaginertia="0.01 0.01 0.01"/>
          <body name="finger" pos="0 0 -0.1">
            <inertial pos="0 0 -0.03" mass="0.1" diaginertia="0.001 0.001 0.001"/>
            <joint name="curl" axis="1 0 0" range="0 1.5"/>
          </body>
        </body>
      </body>
      <body name="thigh" pos="0 0.1 -0.1">
        <inertial pos="0 0 -0.2" mass="8" diaginertia="0.2 0.2 0.05"/>
        <joint name="hip" axis="0 1 0" range="-0.6 1.8"/>
        <body name="shank" pos="0 0 -0.4">
          <inertial pos="0 0 -0.2" mass="3" diaginertia="0.1 0.1 0.01"/>
          <joint name="glide" type="slide" axis="0.6 0 0.8" ref="0.01" range="-0.1 0.1"/>
          <joint name="knee" axis="0 1 0" pos="0.01 0 -0.02" ref="-0.2" range="-2 0.2"/>
        </body>
      </body>
    </body>
  </worldbody>
  <equality>
    <joint joint1="glide" joint2="knee" polycoef="0.002 0.01 -0.004 0.002 0.001"/>
  </equality>
</mujoco>
"""

CRANE = """
<mujoco model="crane">
  <compiler angle="radian"/>
  <worldbody>
    <body name="mast" pos="0 0 1" quat="0.8 0 0.6 0">
      <inertial pos="0 0 0.5" mass="20" diaginertia="1 1 0.1"/>
      <joint name="slew" axis="0 0 1"/>
      <body name="trolley" pos="0.5 0 0">
        <inertial pos="0 0 0" mass="2" diaginertia="0.1 0.1 0.1"/>
        <joint name="travel" type="slide" axis="1 0 0" ref="0.1" range="-0.5 0.5"/>
        <body name="hook" pos="0 0 -0.3">
          <inertial pos="0 0 0" mass="1" diaginertia="0.1 0.1 0.1"/>
          <joint name="sway" axis="0 1 0" ref="0.3" pos="0 0 0.3"/>
          <joint name="hoist" type="slide" axis="0 0 1"/>
        </body>
      </body>
      <body name="counterweight" pos="-0.5 0 0">
        <inertial pos="0 0 0" mass="5" diaginertia="0.1 0.1 0.1"/>
        <joint name="balance" type="slide" axis="1 0 0" range="-0.2 0.2"/>
        <joint name="brake" axis="0 0 1"/>
      </body>
    </body>
  </worldbody>
  <equality>
    <joint joint1="sway" joint2="travel" polycoef="0.05 0.8 -0.3 0.1 0.2"/>
    <joint joint1="hoist" joint2="balance" polycoef="0.01 0.7 0.5 -0.2 0.1"/>
  </equality>
</mujoco>
"""


def keypoints_on(*places: tuple[str, tuple[float, float, float]]) -> KeypointSet:
    """One keypoint for each body and position in it."""
    anchors = tuple(
        Anchor(f"{body}_{i}", body, position, AnchorClass.SOFT_TISSUE)
        for i, (body, position) in enumerate(places)
    )
    return KeypointSet("own", tuple(anchor.keypoint for anchor in anchors), anchors)


WALKER_POINTS = keypoints_on(
    ("trunk", (0.1, 0.0, 0.2)), ("hand", (0.01, 0.02, -0.1)), ("shank", (0.05, 0.0, -0.3))
)
CRANE_POINTS = keypoints_on(("mast", (0.0, 0.1, 0.8)), ("hook", (0.02, -0.03, -0.1)))


def body_of(
    text: str,
    keypoints: KeypointSet,
    folder: pathlib.Path,
    kinematics: str = "fused",
) -> BodyModel:
    """The body of an MJCF written into a folder."""
    path = folder / "small.xml"
    path.write_text(text, encoding="utf-8")
    return body_from_mjcf(path, keypoints, kinematics)
