"""Rotations and the algebra they obey."""

from diffbio.geometry.rotations import left_jacobian as left_jacobian
from diffbio.geometry.rotations import matrix_from_quaternion as matrix_from_quaternion
from diffbio.geometry.rotations import matrix_from_rotation_vector as matrix_from_rotation_vector
from diffbio.geometry.rotations import quaternion_from_matrix as quaternion_from_matrix
from diffbio.geometry.rotations import (
    quaternion_from_rotation_vector as quaternion_from_rotation_vector,
)
from diffbio.geometry.rotations import quaternion_multiply as quaternion_multiply
from diffbio.geometry.rotations import rotation_vector_from_matrix as rotation_vector_from_matrix
from diffbio.geometry.rotations import (
    rotation_vector_from_quaternion as rotation_vector_from_quaternion,
)
