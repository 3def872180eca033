"""A study fitted as a whole: participant by participant, restartable, on any number of workers."""

from diffbio.study.fit import StudyFit as StudyFit
from diffbio.study.fit import fit_study as fit_study
from diffbio.study.job import Settings as Settings
