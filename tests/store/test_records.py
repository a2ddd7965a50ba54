from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.samples import NETWORK_DOWN, alter, connection, dead_process
from tui.domain.failure import Failure, FailureClass, StoreProblem
from tui.domain.run import Event, FileRecord, FileStatus, Outcome, Progress, Run, Status, Trigger
from tui.paths import Paths
from tui.store import database as module
from tui.store import records, rows
from tui.store.base import Delivery, FileChanges
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

HOSTILE = [
    "a[/red].csv",
    "../../x",
    "\x1b]0;t\x07",
    "a\r\nb",
    "x" * 4000,
    "\u202egnp.csv",
    "nul\0nul",
    "\udcff\udc80.csv",
]


@pytest.fixture
async def run(store: SqliteStore) -> Run:
    await store.save(connection())
    return await store.begin_run("acme", Trigger.MANUAL, this_process())


async def test_files_come_back_equal_in_the_order_of_the_plan(store: SqliteStore, run: Run) -> None:
    files = {
        number: FileRecord(name, 10, 5, FileStatus.COMPLETED, "ab" * 32, "sizes equal", NETWORK_DOWN, 7, 2)
        for number, name in enumerate(HOSTILE)
    }
    later = {len(HOSTILE): FileRecord("plain", 2**63 - 1)}
    await store.record_files(run.run_id, later)
    await store.record_files(run.run_id, files)
    assert await store.files(run.run_id) == list((files | later).values())


async def test_a_file_written_again_replaces_the_first(store: SqliteStore, run: Run) -> None:
    await store.record_files(run.run_id, {0: FileRecord("a", 10), 1: FileRecord("b", 10)})
    await store.record_files(run.run_id, {1: FileRecord("b", 11, 11, FileStatus.COMPLETED)})
    assert await store.files(run.run_id) == [FileRecord("a", 10), FileRecord("b", 11, 11, FileStatus.COMPLETED)]


async def test_an_impossible_size_is_refused_in_words(store: SqliteStore, run: Run) -> None:
    with pytest.raises(StoreProblem, match="2\\^63"):
        await store.record_files(run.run_id, {0: FileRecord("a", 1), 1: FileRecord("b", 2**63)})
    assert await store.files(run.run_id) == []


async def test_a_run_that_has_ended_gets_no_unfinished_files(store: SqliteStore) -> None:
    await store.save(connection())
    lost = await store.begin_run("acme", Trigger.MANUAL, dead_process())
    await store.record_files(lost.run_id, {0: FileRecord("a", 10), 1: FileRecord("b", 10)})
    await store.end_orphans()
    done = FileRecord("a", 10, 10, FileStatus.COMPLETED, "aa")
    await store.record_files(lost.run_id, {0: done, 1: FileRecord("b", 10, 5, FileStatus.IN_PROGRESS)})
    first, second = await store.files(lost.run_id)
    assert first == done
    assert second.status is FileStatus.FAILED


async def test_ending_fails_what_is_unfinished(store: SqliteStore, run: Run) -> None:
    files = [
        FileRecord("a", 1),
        FileRecord("b", 1, 1, FileStatus.COMPLETED),
        FileRecord("c", 1, 0, FileStatus.IN_PROGRESS),
    ]
    await store.record_files(run.run_id, dict(enumerate(files)))
    await store.end_run(run.run_id, Outcome(Status.FAILED, NETWORK_DOWN), Progress())
    after = await store.files(run.run_id)
    assert [(file.status, file.failure) for file in after] == [
        (FileStatus.FAILED, NETWORK_DOWN),
        (FileStatus.COMPLETED, None),
        (FileStatus.FAILED, NETWORK_DOWN),
    ]


async def test_whoever_reads_changes_only_has_the_same_files(store: SqliteStore, run: Run) -> None:
    other = await _other_run(store)
    moving, done = FileStatus.IN_PROGRESS, FileStatus.COMPLETED
    writes: list[dict[int, FileRecord]] = [
        {place: FileRecord(f"{place}.csv", 10) for place in range(5)},
        {3: FileRecord("3.csv", 10, 4, moving), 1: FileRecord("1.csv", 10, 1, moving)},
        {},
        {3: FileRecord("3.csv", 10, 10, done, "ab")},
        {5: FileRecord("5.csv", 10)},
    ]
    known: dict[int, FileRecord] = {}
    revision = 0
    for written in writes:
        await store.record_files(run.run_id, written)
        await store.record_files(other.run_id, {0: FileRecord("other", revision)})
        changes = await store.changed_files(run.run_id, since=revision)
        assert changes.files == written
        assert changes.revision >= revision
        known |= changes.files
        revision = changes.revision
    await store.end_run(run.run_id, Outcome(Status.FAILED, NETWORK_DOWN), Progress())
    changes = await store.changed_files(run.run_id, since=revision)
    assert changes.files.keys() == {0, 1, 2, 4, 5}
    assert list({**known, **changes.files}.values()) == await store.files(run.run_id)
    assert await store.changed_files(run.run_id, since=changes.revision) == FileChanges(changes.revision, {})
    assert await store.changed_files(run.run_id) == FileChanges(
        changes.revision, dict(enumerate(await store.files(run.run_id)))
    )


async def _other_run(store: SqliteStore) -> Run:
    await store.save(connection("other"))
    return await store.begin_run("other", Trigger.MANUAL, this_process())


async def test_what_a_delivery_and_another_process_write_is_a_change(
    store: SqliteStore, neighbour: SqliteStore, run: Run
) -> None:
    await store.record_files(run.run_id, {0: FileRecord("a", 5), 1: FileRecord("b", 5)})
    before = await neighbour.changed_files(run.run_id)
    done = FileRecord("a", 5, 5, FileStatus.COMPLETED, "ab")
    await store.record_delivery(run.run_id, {0: done}, [Delivery("a", 5, None, "ab", run.run_id)])
    assert (await neighbour.changed_files(run.run_id, since=before.revision)).files == {0: done}


async def test_changes_are_one_range_of_an_index(store: SqliteStore) -> None:
    plan = await store._read(
        lambda database: database.execute(f"EXPLAIN QUERY PLAN {records.CHANGED_FILES}", (1, 7)).fetchall()
    )
    assert [row[3] for row in plan] == ["SEARCH files USING INDEX files_by_revision (run_id=? AND revision>?)"]


async def test_files_of_an_older_store_are_changes_since_the_beginning(
    store: SqliteStore, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.close()
    paths.database.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(module, "_migrations", lambda _all=module._migrations: _all()[:4])
        await store.open()
    await store.save(connection())
    run = await store.begin_run("acme", Trigger.MANUAL, this_process())
    await store.close()
    alter(
        paths.database,
        "INSERT INTO files (run_id, place, name, size, bytes, status) VALUES (?, 0, 'old', 1, 0, 'waiting')",
        run.run_id,
    )
    await store.open()
    await store.record_files(run.run_id, {1: FileRecord("new", 1)})
    first = await store.changed_files(run.run_id)
    assert first.files == {0: FileRecord("old", 1), 1: FileRecord("new", 1)}
    assert (await store.changed_files(run.run_id, since=first.revision)).files == {}


async def test_the_event_log_grows_at_its_end(store: SqliteStore, run: Run) -> None:
    berlin = timezone(timedelta(hours=1))
    log = [Event(datetime(2026, 3, 1, 1, 2, 3, 456789, berlin), "step", text, ok=False, ms=0.1) for text in HOSTILE]
    await store.record_events(run.run_id, log[:3])
    await store.record_events(run.run_id, [])
    await store.record_events(run.run_id, log[3:])
    assert await store.events(run.run_id) == log
    assert await store.events(run.run_id, after=2) == log[2:]
    assert await store.events(run.run_id, after=len(log)) == []


async def test_logs_of_runs_are_apart(store: SqliteStore, run: Run) -> None:
    await store.save(connection("other"))
    other = await store.begin_run("other", Trigger.MANUAL, this_process())
    event = Event(datetime.now(UTC), "login", "as u")
    await store.record_events(other.run_id, [event])
    await store.record_files(other.run_id, {0: FileRecord("a", 1)})
    assert await store.events(run.run_id) == []
    assert await store.files(run.run_id) == []
    assert await store.events(other.run_id) == [event]


async def test_the_ledger_knows_the_latest_delivery(store: SqliteStore, run: Run) -> None:
    lines = {key: Delivery(key, 5, 1700000000.1234567, "ab", run.run_id) for key in HOSTILE}
    file = FileRecord("a", 5, 5, FileStatus.COMPLETED, "ab")
    await store.record_delivery(run.run_id, {0: file}, list(lines.values()))
    assert await store.deliveries("acme", [*HOSTILE, "never"]) == lines
    assert await store.files(run.run_id) == [file]

    await store.end_run(run.run_id, Outcome(Status.COMPLETED), Progress())
    second = await store.begin_run("acme", Trigger.MANUAL, this_process())
    newer = Delivery(HOSTILE[0], 6, None, "cd", second.run_id)
    await store.record_delivery(second.run_id, {}, [newer])
    assert await store.deliveries("acme", HOSTILE) == lines | {newer.key: newer}


async def test_ledgers_of_connections_are_apart(store: SqliteStore, run: Run) -> None:
    await store.save(connection("other"))
    await store.record_delivery(run.run_id, {}, [Delivery("k", 1, None, "00", run.run_id)])
    assert await store.deliveries("other", ["k"]) == {}


async def test_more_keys_than_a_statement_takes(store: SqliteStore, run: Run) -> None:
    keys = [f"/in/{number}.csv" for number in range(70_000)]
    lines = [Delivery(key, 1, 0.0, "00", run.run_id) for key in keys[::2]]
    await store.record_delivery(run.run_id, {}, lines)
    assert await store.deliveries("acme", keys) == {line.key: line for line in lines}
    assert await store.deliveries("acme", []) == {}


async def test_a_delivery_counts_even_when_its_run_was_ended_by_somebody_else(store: SqliteStore) -> None:
    await store.save(connection())
    lost = await store.begin_run("acme", Trigger.MANUAL, dead_process())
    await store.end_orphans()
    line = Delivery("k", 1, None, "00", lost.run_id)
    await store.record_delivery(lost.run_id, {0: FileRecord("k", 1, 1, FileStatus.COMPLETED)}, [line])
    assert await store.deliveries("acme", ["k"]) == {"k": line}


async def test_a_delivery_of_a_deleted_connection_leaves_no_ledger(store: SqliteStore) -> None:
    await store.save(connection())
    lost = await store.begin_run("acme", Trigger.MANUAL, dead_process())
    await store.delete("acme")
    done = FileRecord("k", 1, 1, FileStatus.COMPLETED)
    await store.record_delivery(lost.run_id, {0: done}, [Delivery("k", 1, None, "00", lost.run_id)])
    assert await store.files(lost.run_id) == [done]


async def test_a_delivery_and_its_files_are_written_together(store: SqliteStore, run: Run) -> None:
    impossible = Delivery("k", 2**70, None, "00", run.run_id)
    with pytest.raises(StoreProblem):
        await store.record_delivery(run.run_id, {0: FileRecord("k", 1)}, [impossible])
    assert await store.files(run.run_id) == []


anything = st.text(st.characters(), max_size=30)
failures = st.none() | st.builds(Failure, st.sampled_from(FailureClass), anything, anything)
counts = st.integers(0, 2**63 - 1)


@given(st.datetimes(timezones=st.timezones()))
def test_times_are_exact(moment: datetime) -> None:
    assert rows.to_moment(rows.to_micros(moment)) == moment.astimezone(UTC)


@given(anything)
def test_texts_are_exact(text: str) -> None:
    assert rows.from_text(rows.to_text(text)) == text


@given(
    st.builds(
        FileRecord,
        name=anything,
        size=counts,
        bytes=counts,
        status=st.sampled_from(FileStatus),
        sha256=st.none() | st.just("ab" * 32),
        proof=st.none() | anything,
        failure=failures,
        records=st.none() | counts,
        rejected=st.none() | counts,
    )
)
def test_file_records_are_exact(record: FileRecord) -> None:
    assert rows.to_file(rows.file_values(record)) == record
