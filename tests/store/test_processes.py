"""Several real processes on one store."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.store.samples import connection
from tui.domain.failure import AlreadyRunning, FailureClass
from tui.domain.run import FileRecord, FileStatus, Status, Trigger
from tui.paths import Paths
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
Process = asyncio.subprocess.Process
Starter = Callable[[int], Awaitable[list[Process]]]


@pytest.fixture
async def start(paths: Paths) -> AsyncIterator[Starter]:
    """Starts processes that wait for a command; ends them after the test."""
    started: list[Process] = []

    async def one() -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.store.other", str(paths.database)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        started.append(process)
        assert await _answer(process) == "ready"
        return process

    async def several(count: int) -> list[Process]:
        return await asyncio.gather(*(one() for _ in range(count)))

    yield several
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _command(process: Process, text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode() + b"\n")


async def _answer(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().strip()


async def test_processes_that_create_the_store_at_once_agree(paths: Paths, start: Starter) -> None:
    processes = await start(4)
    for number, process in enumerate(processes):
        _command(process, f"save c{number}")
    assert await asyncio.gather(*map(_answer, processes)) == ["saved"] * 4
    store = SqliteStore(paths.database)
    await store.open()
    assert [found.name for found in await store.connections()] == ["c0", "c1", "c2", "c3"]
    await store.close()


async def test_of_processes_that_begin_at_once_one_wins(store: SqliteStore, start: Starter) -> None:
    await store.save(connection())
    processes = await start(4)
    for process in processes:
        _command(process, "begin acme")
    answers = sorted(await asyncio.gather(*map(_answer, processes)))
    (run,) = await store.runs()
    assert answers[0] == f"begun {run.run_id}"
    assert all(f"busy acme is already running since {run.started:%Y-%m-%d %H:%M:%S}" in lost for lost in answers[1:])
    assert all(f"pid {run.owner.pid} on host {run.owner.host}" in lost for lost in answers[1:])
    assert run.owner.pid in {process.pid for process in processes}


async def test_the_run_of_a_killed_process_is_ended(store: SqliteStore, start: Starter) -> None:
    await store.save(connection())
    (process,) = await start(1)
    _command(process, "begin acme")
    run_id = int((await _answer(process)).removeprefix("begun "))
    await store.record_files(run_id, {0: FileRecord("a", 10, 5, FileStatus.IN_PROGRESS)})
    assert await store.end_orphans() == []
    with pytest.raises(AlreadyRunning):
        await store.begin_run("acme", Trigger.MANUAL, this_process())

    process.kill()
    await process.wait()
    (ended,) = await store.end_orphans()
    assert (ended.run_id, ended.status) == (run_id, Status.FAILED)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.INTERRUPTED
    assert (await store.files(run_id))[0].failure == ended.failure
    assert (await store.overview())[0].status is Status.FAILED
    await store.begin_run("acme", Trigger.MANUAL, this_process())


async def test_a_process_killed_within_a_transaction_leaves_nothing(store: SqliteStore, start: Starter) -> None:
    await store.save(connection())
    (process,) = await start(1)
    # Large enough to spill from SQLite's cache into the write-ahead log before the end.
    _command(process, "die-while-saving 20000")
    assert await _answer(process) == ""
    assert await process.wait() == -9
    assert await store.connections() == [connection()]
    await store.save(connection("c0"))


async def test_the_version_shows_what_another_process_wrote(store: SqliteStore, start: Starter) -> None:
    (process,) = await start(1)
    before = await store.version()
    _command(process, "save acme")
    assert await _answer(process) == "saved"
    assert await store.version() != before
    assert await store.connections() == [connection()]
