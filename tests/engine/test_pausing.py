"""Pause and resume of a run: the partner is let go, nothing is lost, nothing is moved twice."""

import asyncio
from pathlib import Path

import pytest

from tests.engine.conftest import MakeConnection, open_test_engine
from tests.engine.peer import Partner
from tui.domain.failure import FailureClass, UsageProblem
from tui.domain.run import FileStatus, Run, Status
from tui.engine import Engine
from tui.paths import Paths

FILES = {"a.csv": b"a" * 3_000_000, "b.csv": b"b" * 3_000_000, "c.csv": b"c"}


class Reached:
    """Stops the partner in the middle of a file for as long as it takes to pause the run."""

    def __init__(self, partner: Partner, name: str) -> None:
        self._partner = partner
        self._name = name
        self.middle = asyncio.Event()
        partner.on_block = self._block

    def _block(self, name: str) -> None:
        if name == self._name:
            self._partner.on_block = None
            # Also one that does not answer any more is let go.
            self._partner.freeze = True
            self.middle.set()


@pytest.fixture
async def paused(engine: Engine, partner: Partner, make_connection: MakeConnection) -> Run:
    """A run that was paused in the middle of its second file."""
    partner.files = dict(FILES)
    await engine.store.save(make_connection())
    reached = Reached(partner, "b.csv")
    begun = await engine.start("acme")
    await reached.middle.wait()
    engine.pause(begun.run_id)
    await partner.closed.wait()
    partner.freeze = False
    return begun


async def test_a_paused_run_is_in_progress_and_says_so(engine: Engine, paused: Run) -> None:
    live = engine.snapshot().live["acme"]
    assert (live.paused, live.note) == (True, "paused")
    assert (await engine.store.run(paused.run_id)).status is Status.IN_PROGRESS
    first, *_ = await engine.store.files(paused.run_id)
    assert first.status is FileStatus.COMPLETED


async def test_it_goes_on_and_moves_nothing_twice(engine: Engine, partner: Partner, paused: Run, folder: Path) -> None:
    engine.pause(paused.run_id)  # a second time changes nothing
    partner.log.clear()
    engine.resume(paused.run_id)
    ended = await engine.wait(paused.run_id)
    assert (ended.status, ended.attempts) == (Status.COMPLETED, 1)
    assert ended.message == "3 files delivered."
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    reads = [line for line in partner.log if line.startswith("read ")]
    assert [line.split()[1] for line in reads] == ["b.csv", "c.csv"]
    told = [event.detail for event in await engine.store.events(ended.run_id) if event.step == "pause"]
    assert told == ["paused on request", "resumed"]


async def test_a_pause_before_the_next_try_holds_that_up(
    engine: Engine, partner: Partner, paused: Run, folder: Path
) -> None:
    engine.resume(paused.run_id)
    engine.pause(paused.run_id)
    engine.resume(paused.run_id)
    assert (await engine.wait(paused.run_id)).status is Status.COMPLETED
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


async def test_a_paused_run_can_be_cancelled(engine: Engine, paused: Run) -> None:
    await engine.cancel(paused.run_id)
    ended = await engine.wait(paused.run_id)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.CANCELLED


async def test_only_the_process_of_a_run_can_pause_it(
    engine: Engine, partner: Partner, paused: Run, paths: Paths
) -> None:
    other = await open_test_engine(paths)
    try:
        with pytest.raises(UsageProblem, match="not executed here"):
            other.pause(paused.run_id)
    finally:
        await other.close()
