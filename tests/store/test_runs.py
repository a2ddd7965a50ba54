import apsw
import pytest

from tests.store.samples import NETWORK_DOWN, connection, dead_process, fall_silent, process_elsewhere
from tui.domain.failure import AlreadyRunning, FailureClass
from tui.domain.run import FileRecord, FileStatus, Outcome, Progress, Status, Trigger
from tui.paths import Paths
from tui.store.base import Pulse
from tui.store.overview import OF_RUNS, OVERVIEW
from tui.store.process import this_process
from tui.store.runs import page_query
from tui.store.sqlite import SqliteStore

HALF_WAY = Progress(1, 2, 500, 1000, "b\udcff.csv")


@pytest.fixture(autouse=True)
async def _acme(store: SqliteStore) -> None:
    await store.save(connection())


async def test_a_run_from_begin_to_end(store: SqliteStore) -> None:
    begun = await store.begin_run("acme", Trigger.COMMAND_LINE, this_process())
    assert begun.status is Status.IN_PROGRESS
    assert (begun.connection, begun.trigger, begun.owner) == ("acme", Trigger.COMMAND_LINE, this_process())
    assert (begun.ended, begun.failure, begun.progress) == (None, None, Progress())

    assert await store.pulse(begun.run_id, HALF_WAY, 3) == Pulse(ours=True, cancel_requested=False)
    assert (await store.run(begun.run_id)).progress == HALF_WAY
    assert (await store.run(begun.run_id)).attempts == 3

    ended = await store.end_run(begun.run_id, Outcome(Status.FAILED, NETWORK_DOWN, "So it is."), Progress(1, 2, 3, 4))
    assert (ended.status, ended.failure, ended.message) == (Status.FAILED, NETWORK_DOWN, "So it is.")
    assert ended.progress == Progress(1, 2, 3, 4)
    assert ended.attempts == 3
    assert ended.ended is not None
    assert ended.ended >= begun.started
    assert await store.run(begun.run_id) == ended


async def test_a_connection_runs_once_at_a_time(store: SqliteStore, neighbour: SqliteStore) -> None:
    begun = await store.begin_run("acme", Trigger.MANUAL, this_process())
    with pytest.raises(AlreadyRunning) as caught:
        await neighbour.begin_run("acme", Trigger.MANUAL, this_process())
    for known in (f"{begun.started:%Y-%m-%d %H:%M:%S}", str(begun.owner.pid), begun.owner.host):
        assert known in str(caught.value)
    assert await store.runs() == [begun]
    await store.end_run(begun.run_id, Outcome(Status.COMPLETED), Progress())
    assert (await neighbour.begin_run("acme", Trigger.MANUAL, this_process())).run_id > begun.run_id


async def test_the_schema_itself_allows_one_run_in_progress(store: SqliteStore, paths: Paths) -> None:
    await store.begin_run("acme", Trigger.MANUAL, this_process())
    database = apsw.Connection(str(paths.database))
    copy = (
        "INSERT INTO runs (connection_id, connection_name, trigger, status, started, heartbeat, owner_pid, owner_host, "
        "owner_started) SELECT connection_id, 'x', 'manual', ?, 0, 0, 1, 'h', 's' FROM runs"
    )
    with pytest.raises(apsw.ConstraintError, match="UNIQUE"):
        database.execute(copy, ("In Progress",))
    database.close()


async def test_runs_of_other_connections_do_not_hinder(store: SqliteStore) -> None:
    await store.save(connection("other"))
    await store.begin_run("acme", Trigger.MANUAL, this_process())
    await store.begin_run("other", Trigger.MANUAL, this_process())
    assert len(await store.runs(status=Status.IN_PROGRESS)) == 2


async def test_a_run_of_a_dead_process_gives_way(store: SqliteStore) -> None:
    lost = await store.begin_run("acme", Trigger.MANUAL, dead_process())
    files = {
        0: FileRecord("done", 5, 5, FileStatus.COMPLETED, "aa"),
        1: FileRecord("half", 5, 2, FileStatus.IN_PROGRESS),
        2: FileRecord("later", 5),
        3: FileRecord("bad", 5, 0, FileStatus.FAILED, failure=NETWORK_DOWN),
    }
    await store.record_files(lost.run_id, files)
    begun = await store.begin_run("acme", Trigger.MANUAL, this_process())

    ended = await store.run(lost.run_id)
    assert ended.status is Status.FAILED
    assert ended.ended is not None
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.INTERRUPTED
    assert str(ended.owner.pid) in ended.failure.message
    after = await store.files(lost.run_id)
    assert [file.status for file in after] == [FileStatus.COMPLETED, *[FileStatus.FAILED] * 3]
    assert [file.failure for file in after] == [None, ended.failure, ended.failure, NETWORK_DOWN]
    assert (await store.overview())[0].latest == begun


async def test_a_process_elsewhere_is_believed_until_it_falls_silent(store: SqliteStore, paths: Paths) -> None:
    run = await store.begin_run("acme", Trigger.MANUAL, process_elsewhere())
    fall_silent(paths.database, run.run_id, seconds=50)
    assert await store.end_orphans() == []
    with pytest.raises(AlreadyRunning, match="another-host"):
        await store.begin_run("acme", Trigger.MANUAL, this_process())
    fall_silent(paths.database, run.run_id, seconds=11)
    (ended,) = await store.end_orphans()
    assert ended == await store.run(run.run_id)
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.INTERRUPTED
    assert await store.end_orphans() == []


async def test_a_living_process_of_this_host_may_be_silent(store: SqliteStore, paths: Paths) -> None:
    run = await store.begin_run("acme", Trigger.MANUAL, this_process())
    fall_silent(paths.database, run.run_id, seconds=100_000)
    assert await store.end_orphans() == []


async def test_a_pulse_proves_life(store: SqliteStore, paths: Paths) -> None:
    run = await store.begin_run("acme", Trigger.MANUAL, this_process())
    fall_silent(paths.database, run.run_id)
    heartbeat = "SELECT heartbeat FROM runs"
    database = apsw.Connection(str(paths.database))
    before = database.execute(heartbeat).get
    await store.pulse(run.run_id, Progress(), 1)
    assert database.execute(heartbeat).get - before >= 61_000_000
    database.close()


async def test_a_run_ended_by_somebody_else_stays_as_it_is(
    store: SqliteStore, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_owner", process_elsewhere())
    run = await store.begin_run("acme", Trigger.MANUAL, process_elsewhere())
    assert (await store.pulse(run.run_id, Progress(), 1)).ours
    fall_silent(paths.database, run.run_id)
    (ended,) = await store.end_orphans()

    assert await store.pulse(run.run_id, HALF_WAY, 5) == Pulse(ours=False, cancel_requested=False)
    assert await store.end_run(run.run_id, Outcome(Status.COMPLETED), HALF_WAY) == ended
    assert await store.run(run.run_id) == ended


async def test_the_run_of_another_process_is_not_ours(store: SqliteStore) -> None:
    run = await store.begin_run("acme", Trigger.MANUAL, process_elsewhere())
    assert not (await store.pulse(run.run_id, HALF_WAY, 5)).ours
    assert await store.end_run(run.run_id, Outcome(Status.COMPLETED), HALF_WAY) == run


async def test_no_pulse_without_a_run(store: SqliteStore) -> None:
    assert await store.pulse(99, Progress(), 1) == Pulse(ours=False, cancel_requested=False)


async def test_a_cancel_request_reaches_the_executing_process(store: SqliteStore, neighbour: SqliteStore) -> None:
    run = await store.begin_run("acme", Trigger.MANUAL, this_process())
    await neighbour.request_cancel(run.run_id)
    assert await store.pulse(run.run_id, Progress(), 1) == Pulse(ours=True, cancel_requested=True)
    ended = await store.end_run(run.run_id, Outcome(Status.FAILED), Progress())
    await neighbour.request_cancel(run.run_id)
    assert await store.run(run.run_id) == ended


async def test_pages_of_history(store: SqliteStore) -> None:
    await store.save(connection("other"))
    made: list[tuple[int, str, Status]] = []
    for number in range(12):
        name = "acme" if number % 3 else "other"
        status = Status.COMPLETED if number % 2 else Status.FAILED
        run = await store.begin_run(name, Trigger.MANUAL, this_process())
        await store.end_run(run.run_id, Outcome(status), Progress())
        made.insert(0, (run.run_id, name, status))
    for name_wanted in (None, "acme", "other"):
        for status_wanted in (None, *Status):
            expected = [
                run_id
                for run_id, name, status in made
                if name_wanted in (None, name) and status_wanted in (None, status)
            ]
            found: list[int] = []
            while page := await store.runs(
                name_wanted, before=found[-1] if found else None, limit=2, status=status_wanted
            ):
                assert len(page) <= 2
                found += [run.run_id for run in page]
            assert found == expected


@pytest.mark.parametrize("number", [None, 1])
@pytest.mark.parametrize("status", [None, Status.FAILED])
@pytest.mark.parametrize("before", [None, 5])
async def test_a_page_is_one_range_of_an_index(
    store: SqliteStore, paths: Paths, number: int | None, status: Status | None, before: int | None
) -> None:
    query, values = page_query(number, before=before, limit=100, status=status)
    plan = _plan(paths, query, values)
    index = {
        (False, False): "",
        (True, False): "runs_by_connection ",
        (False, True): "runs_by_status ",
        (True, True): "runs_by_connection_and_status ",
    }[number is not None, status is not None]
    assert "TEMP B-TREE" not in plan
    assert index in plan
    if index or before:
        assert "SCAN runs" not in plan


async def test_the_overview_reads_one_run_per_connection(paths: Paths) -> None:
    plan = _plan(paths, OVERVIEW, ())
    assert "SEARCH runs USING INTEGER PRIMARY KEY" in plan
    assert "SCAN runs" not in plan
    assert "TEMP B-TREE" not in plan


async def test_the_overview_finds_the_connections_of_runs_by_their_numbers(paths: Paths) -> None:
    plan = _plan(paths, OF_RUNS, ("[]",))
    assert "SEARCH runs USING INTEGER PRIMARY KEY" in plan
    assert "SEARCH connections USING INTEGER PRIMARY KEY" in plan


def _plan(paths: Paths, query: str, values: tuple[object, ...]) -> str:
    database = apsw.Connection(str(paths.database))
    try:
        rows = database.execute(f"EXPLAIN QUERY PLAN {query}", values)
        return "\n".join(str(row[3]) for row in rows)
    finally:
        database.close()
