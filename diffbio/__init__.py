"""diffbio: differentiable biomechanics from synchronised cameras."""

__version__ = "0.1.0"
