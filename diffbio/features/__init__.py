"""What a person's walking is reduced to, and simple models on top of it.

Codes describe what a body model predicts. Nothing here is a diagnosis, nor tested as one.
"""

from diffbio.features.cohort_examples import Examples as Examples
from diffbio.features.cohort_examples import examples_of as examples_of
from diffbio.features.heads import head as head
from diffbio.features.kinematic_code import CoordinateMotion as CoordinateMotion
from diffbio.features.kinematic_code import KinematicCode as KinematicCode
from diffbio.features.kinematic_code import finger_less_layout as finger_less_layout
from diffbio.features.kinematic_code import kinematic_code as kinematic_code
from diffbio.features.phase_code import PhaseCode as PhaseCode
from diffbio.features.phase_code import leg_muscle_names as leg_muscle_names
from diffbio.features.phase_code import phase_code as phase_code
from diffbio.features.summary import CodeFactors as CodeFactors
from diffbio.features.summary import SharedBasis as SharedBasis
from diffbio.features.summary import person_synergies as person_synergies
from diffbio.features.summary import shared_basis as shared_basis
from diffbio.features.summary import summary_names as summary_names
from diffbio.features.validation import Evaluation as Evaluation
from diffbio.features.validation import Fold as Fold
from diffbio.features.validation import evaluate as evaluate
from diffbio.features.validation import leave_one_cohort_out as leave_one_cohort_out
from diffbio.features.validation import person_folds as person_folds
