"""Simulated recordings with known truth. Everything made here is called simulated."""

from diffbio.simulation.recording import SimulatedRecording as SimulatedRecording
from diffbio.simulation.recording import simulate_walking as simulate_walking
from diffbio.simulation.truth import Difference as Difference
from diffbio.simulation.truth import differences as differences
