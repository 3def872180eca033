"""Cameras calibrated by a person who walks about: no board, the body is the measure."""
