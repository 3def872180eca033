"""One body for all trials of a person, one prior for all people."""

from diffbio.cohort.participant import ParticipantFit as ParticipantFit
from diffbio.cohort.participant import fit_participant as fit_participant
from diffbio.cohort.prior import BodyPrior as BodyPrior
from diffbio.cohort.prior import default_prior as default_prior
