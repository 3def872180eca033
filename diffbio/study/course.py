"""A study on its way: what was done before, what is done now, and what fails."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

from diffbio.io.study import Enrolled, Remark, Study
from diffbio.study.job import Job, Settings, deliver, learn
from diffbio.study.records import TABLE_FILE, Delivered, Learnt, read_delivered, read_learnt
from diffbio.study.runners import Runner

BASE_FILE = "cohort.nc"

WORK = {"learn": ("learning", learn), "deliver": ("writing results", deliver)}
"""What is done for a participant: what to call it, and the job."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclasses.dataclass
class Course:
    """A study on its way: what is known of whom, and who does the work.

    Attributes:
        study: what is fitted.
        output: folder of results.
        settings: how it is fitted.
        run: who does the work.
        progress: told of every job.
        inputs: fingerprint of each participant's trials.
        remarks: what could not be used now, and why, by participant and trial.
        given_up: participants whose last job failed.
        jobs: that succeeded now, of each kind.
    """

    study: Study
    output: pathlib.Path
    settings: Settings
    run: Runner
    progress: Progress | None
    inputs: dict[str, str]
    remarks: dict[tuple[str, str], Remark] = dataclasses.field(default_factory=dict)
    given_up: set[str] = dataclasses.field(default_factory=set)
    jobs: dict[str, int] = dataclasses.field(default_factory=lambda: dict.fromkeys(WORK, 0))

    def learnt(self) -> dict[str, Learnt]:
        """Evidence of these inputs, fitted with these settings."""
        found = {name: read_learnt(self.output / name) for name in self.inputs}
        return {
            name: one
            for name, one in found.items()
            if one is not None and self._is_current(name, one)
        }

    def delivered(self) -> dict[str, Delivered]:
        """Results of these inputs, fitted with these settings, whose files are still there."""
        found = {name: read_delivered(self.output / name) for name in self.inputs}
        return {
            name: one
            for name, one in found.items()
            if one is not None and self._is_current(name, one) and self._is_there(name, one)
        }

    def _is_there(self, name: str, one: Delivered) -> bool:
        folder = self.output / name
        files = (TABLE_FILE, *(f"{trial}/summary.json" for trial in one.trials))
        return all((folder / file).is_file() for file in files)

    def _is_current(self, name: str, one: Learnt | Delivered) -> bool:
        return one.inputs == self.inputs[name] and one.settings == self.settings.digest()

    def do(
        self, what: str, who: Sequence[Enrolled], *, under_population: bool, turns: dict[str, int]
    ) -> None:
        """Have something done for participants, and remember what fails.

        Args:
            what: one of `WORK`.
            who: for whom.
            under_population: whether the prior is that of `cohort.nc`.
            turns: how often each was solved for before.
        """
        jobs = [
            Job(
                participant=one,
                folder=self.output / one.name,
                settings=self.settings,
                inputs=self.inputs[one.name],
                population=self.output / BASE_FILE if under_population else None,
                posture_share=1 / len(self.study.participants),
                turns=turns.get(one.name, 0),
            )
            for one in who
        ]
        if not jobs:
            return
        label, work = WORK[what]
        self._say(label, 0, len(jobs))
        for done, told in enumerate(self.run(work, jobs), 1):
            if told.error:
                self.remark(told.participant, "", told.error)
                self.given_up.add(told.participant)
            else:
                self.jobs[what] += 1
            self._say(label, done, len(jobs))

    @property
    def left_out(self) -> tuple[Remark, ...]:
        """What could not be used now."""
        return tuple(self.remarks.values())

    def remark(self, participant: str, trial: str, reason: str) -> None:
        """List something that could not be used."""
        self.remarks[participant, trial] = Remark(participant, trial, reason)

    def _say(self, label: str, done: int, of: int) -> None:
        if self.progress is not None:
            self.progress(label, done, of)
