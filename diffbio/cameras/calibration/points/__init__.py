"""Cameras from moving points of which nothing is known but that several cameras saw them."""
