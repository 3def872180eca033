"""One body for all trials of a person, one prior for all people."""

from diffbio.cohort.cohort import CohortFit as CohortFit
from diffbio.cohort.cohort import fit_cohort as fit_cohort
from diffbio.cohort.participant import ParticipantFit as ParticipantFit
from diffbio.cohort.participant import fit_participant as fit_participant
from diffbio.cohort.population import Population as Population
from diffbio.cohort.population import first_population as first_population
from diffbio.cohort.prior import BodyPrior as BodyPrior
from diffbio.cohort.prior import default_prior as default_prior
from diffbio.cohort.stance import Stance as Stance
