"""Simulated recordings with known truth. Everything made here is called simulated."""

from diffbio.simulation.recording import SimulatedRecording as SimulatedRecording
from diffbio.simulation.recording import simulate_walking as simulate_walking
