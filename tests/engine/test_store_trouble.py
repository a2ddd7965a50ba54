"""Runs whose store is locked by somebody else for too long: a backup program, a stopped process, a full disk."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import apsw
import pytest

from tests.engine.conftest import MakeConnection, open_test_engine
from tests.engine.peer import Partner
from tui.domain.failure import FailureClass, StoreProblem
from tui.domain.run import FileStatus, Outcome, Progress, Run, Status
from tui.engine import Engine
from tui.engine.retry import Backoff
from tui.paths import Paths
from tui.store.sqlite import SqliteStore


@contextmanager
def locked(paths: Paths) -> Iterator[None]:
    """Nobody else can write to the store in the body."""
    database = apsw.Connection(str(paths.database))
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


@pytest.fixture
async def impatient(paths: Paths, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    """An engine that does not wait long for a lock, and looks often."""
    monkeypatch.setattr("tui.engine.engine._LOOK", 0.05)
    store = SqliteStore(paths.database, patience=0.05)
    await store.open()
    engine = Engine(store, paths, backoff=Backoff(fraction=lambda: 0.0))
    await engine.start_up()
    yield engine
    await engine.close()


async def start_frozen(engine: Engine, partner: Partner) -> Run:
    partner.freeze = True
    partner.files = {"a.csv": b"12"}
    run = await engine.start("acme")
    await partner.frozen.wait()
    return run


async def test_an_end_that_was_not_on_record_is_once_the_store_can_be_written(
    impatient: Engine, paths: Paths, partner: Partner, make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded, end_run = asyncio.Event(), impatient.store.end_run

    async def watched_end_run(run_id: int, outcome: Outcome, progress: Progress) -> Run:
        ended = await end_run(run_id, outcome, progress)
        recorded.set()
        return ended

    monkeypatch.setattr(impatient.store, "end_run", watched_end_run)
    await impatient.store.save(make_connection())
    run = await start_frozen(impatient, partner)
    with locked(paths), pytest.raises(StoreProblem, match="locked"):
        await impatient.wait(run.run_id)
    async with asyncio.timeout(10):
        await recorded.wait()
    assert impatient.snapshot().live == {}
    ended = await impatient.wait(run.run_id)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.INTERRUPTED
    assert "could not be kept on record" in ended.failure.message
    assert "locked" in ended.failure.message
    # What could not be written when it happened has not been lost.
    assert {"list", "plan", "end"} <= {event.step for event in await impatient.store.events(run.run_id)}
    [record] = await impatient.store.files(run.run_id)
    assert record.status is FileStatus.FAILED

    partner.freeze = False
    assert (await impatient.wait((await impatient.start("acme")).run_id)).status is Status.COMPLETED


async def test_it_is_put_on_record_at_the_latest_when_the_engine_is_closed(
    impatient: Engine, paths: Paths, partner: Partner, make_connection: MakeConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await impatient.store.save(make_connection())
    run = await start_frozen(impatient, partner)
    monkeypatch.setattr("tui.engine.engine._LOOK", 3600)
    with locked(paths), pytest.raises(StoreProblem):
        await impatient.wait(run.run_id)
    await impatient.close()

    reopened = await open_test_engine(paths)
    [ended] = await reopened.store.runs()
    await reopened.close()
    assert ended.failure is not None
    assert "could not be kept on record" in ended.failure.message


@pytest.mark.parametrize("files", [1, 3])
async def test_trouble_in_the_midst_of_the_work_is_not_called_a_fault_of_wharf(
    impatient: Engine,
    paths: Paths,
    partner: Partner,
    make_connection: MakeConnection,
    monkeypatch: pytest.MonkeyPatch,
    files: int,
) -> None:
    """Whether one lane or several were at work."""
    partner.files = {f"{number}.csv": b"12" for number in range(files)}
    await impatient.store.save(make_connection(parallel=files, retries=3))

    async def record_nothing(*_: object) -> None:
        raise StoreProblem("The disk is full.")

    monkeypatch.setattr(impatient.store, "record_delivery", record_nothing)
    ended = await impatient.wait((await impatient.start("acme")).run_id)
    assert ended.failure is not None
    assert ended.failure.message == "The run could not be kept on record: The disk is full."
    assert ended.attempts == 1
