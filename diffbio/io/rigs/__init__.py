"""Camera rigs in the formats of other programs: one file per format, one registry."""

from diffbio.io.rigs.camera import StatedRig
from diffbio.io.rigs.formats import FORMATS, RigReading, read_rig, read_rig_file, write_rig

__all__ = ["FORMATS", "RigReading", "StatedRig", "read_rig", "read_rig_file", "write_rig"]
