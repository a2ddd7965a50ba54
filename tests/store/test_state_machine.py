"""Runs of a few connections in any order of events, against a model that is a dictionary."""

import asyncio
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.store.samples import connection, dead_process, fall_silent, process_elsewhere
from tui.domain.failure import AlreadyRunning, FailureClass
from tui.domain.run import Outcome, Owner, Progress, Status, Trigger
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

NAMES = ["a", "b"]
OWNERS = {"ours": this_process(), "dead": dead_process(), "elsewhere": process_elsewhere()}


@dataclass(frozen=True)
class Known:
    """What the model knows of a run."""

    name: str
    owner: Owner
    status: Status
    silent: bool = False
    cancel: bool = False

    @property
    def orphaned(self) -> bool:
        return self.status is Status.IN_PROGRESS and (self.owner == OWNERS["dead"] or self.silent)


class Runs(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "wharf.db"
        self.loop = asyncio.Runner()
        self.store = SqliteStore(self.path)
        self.loop.run(self.store.open())
        self.loop.run(self.store.save_all([connection(name) for name in NAMES], replace=False))
        self.known: dict[int, Known] = {}

    def teardown(self) -> None:
        self.loop.run(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    def _latest(self, name: str) -> int | None:
        return max((run_id for run_id, run in self.known.items() if run.name == name), default=None)

    def _end(self, run_id: int, status: Status) -> None:
        self.known[run_id] = replace(self.known[run_id], status=status)

    @rule(name=st.sampled_from(NAMES), owner=st.sampled_from(sorted(OWNERS)))
    def begin(self, name: str, owner: str) -> None:
        latest = self._latest(name)
        held = latest is not None and self.known[latest].status is Status.IN_PROGRESS
        if latest is not None and held and not self.known[latest].orphaned:
            with pytest.raises(AlreadyRunning):
                self.loop.run(self.store.begin_run(name, Trigger.MANUAL, OWNERS[owner]))
            return
        run = self.loop.run(self.store.begin_run(name, Trigger.MANUAL, OWNERS[owner]))
        if latest is not None and held:
            self._end(latest, Status.FAILED)
        assert run.run_id not in self.known
        self.known[run.run_id] = Known(name, OWNERS[owner], Status.IN_PROGRESS)

    def _is_ours(self, run_id: int) -> bool:
        return self.known[run_id].status is Status.IN_PROGRESS and self.known[run_id].owner == OWNERS["ours"]

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def pulse(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.known)))
        answer = self.loop.run(self.store.pulse(run_id, Progress(bytes_done=run_id), 1))
        assert answer.ours == self._is_ours(run_id)
        assert answer.cancel_requested == (answer.ours and self.known[run_id].cancel)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), status=st.sampled_from([Status.COMPLETED, Status.FAILED]))
    def end(self, data: st.DataObject, status: Status) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.known)))
        if self._is_ours(run_id):
            self._end(run_id, status)
        run = self.loop.run(self.store.end_run(run_id, Outcome(status), Progress()))
        assert run.status is self.known[run_id].status

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def request_cancel(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.known)))
        self.loop.run(self.store.request_cancel(run_id))
        self.known[run_id] = replace(self.known[run_id], cancel=self.known[run_id].status is Status.IN_PROGRESS)

    @precondition(lambda self: any(run.owner == OWNERS["elsewhere"] for run in self.known.values()))
    @rule()
    def everybody_elsewhere_falls_silent(self) -> None:
        for run_id, run in self.known.items():
            if run.owner == OWNERS["elsewhere"]:
                fall_silent(self.path, run_id)
                self.known[run_id] = replace(run, silent=True)

    @rule()
    def end_orphans(self) -> None:
        expected = {run_id for run_id, run in self.known.items() if run.orphaned}
        ended = self.loop.run(self.store.end_orphans())
        assert {run.run_id for run in ended} == expected
        for run in ended:
            assert run.failure is not None
            assert run.failure.failure_class is FailureClass.INTERRUPTED
            self._end(run.run_id, Status.FAILED)

    @invariant()
    def the_store_knows_what_the_model_knows(self) -> None:
        runs = self.loop.run(self.store.runs())
        assert {run.run_id: (run.connection, run.status, run.owner) for run in runs} == {
            run_id: (run.name, run.status, run.owner) for run_id, run in self.known.items()
        }
        for state in self.loop.run(self.store.overview()):
            latest = self._latest(state.connection.name)
            assert state.status is (Status.NONE if latest is None else self.known[latest].status)
            assert state.latest == next((run for run in runs if run.run_id == latest), None)


TestRuns = Runs.TestCase
TestRuns.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
