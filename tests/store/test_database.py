import asyncio
import os
import stat
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import cast

import apsw
import pytest

from tests.store.samples import alter, connection, dead_process
from tui.domain.failure import StoreProblem
from tui.domain.run import Outcome, Progress, Status, Trigger
from tui.paths import Paths
from tui.store import database as module
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def _why_not(path: Path) -> str:
    """Try to open a store; the sentence with which it is refused."""
    store = SqliteStore(path, patience=0.05)
    with pytest.raises(StoreProblem) as caught:
        await store.open()
    with pytest.raises(StoreProblem, match="closed"):
        await store.version()
    return str(caught.value)


async def test_nobody_else_can_read_the_store(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "new folder" / "wharf.db"
        store = SqliteStore(path)
        await store.open()
        await store.save(connection())
    finally:
        os.umask(before)
    assert _mode(path.parent) == 0o700
    files = list(path.parent.iterdir())
    assert {file.name for file in files} == {"wharf.db", "wharf.db-wal", "wharf.db-shm"}
    assert {_mode(file) for file in files} == {0o600}
    await store.close()


async def test_a_store_that_others_can_read_is_closed_to_them(store: SqliteStore, paths: Paths) -> None:
    await store.close()
    paths.database.chmod(0o644)
    await store.open()
    assert _mode(paths.database) == 0o600


async def test_the_promised_settings_are_in_force(store: SqliteStore) -> None:
    def settings(database: apsw.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [database.execute(f"PRAGMA {name}").get for name in names]

    assert await store._read(settings) == ["wal", 2, 1, 5000]


async def test_a_newer_store_is_left_alone(store: SqliteStore, paths: Paths) -> None:
    await store.close()
    alter(paths.database, "PRAGMA user_version = 999")
    content = paths.database.read_bytes()
    why = await _why_not(paths.database)
    assert "newer Wharf" in why
    assert str(paths.database) in why
    assert paths.database.read_bytes() == content


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    alter(path, "CREATE TABLE precious (x)")
    content = path.read_bytes()
    assert "is not a store of Wharf" in await _why_not(path)
    assert path.read_bytes() == content


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "wharf.db"
    path.write_bytes(b"name,type\n" * 1000)
    assert "is not a store of Wharf" in await _why_not(path)
    assert path.read_bytes() == b"name,type\n" * 1000


async def test_a_damaged_file(store: SqliteStore, paths: Paths) -> None:
    await store.save_all([connection(f"c{number}") for number in range(200)], replace=False)
    await store.close()
    content = bytearray(paths.database.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    paths.database.write_bytes(content)
    # Where the damage is noticed depends on the page that it hit.
    with pytest.raises(StoreProblem, match=r"wharf\.db is damaged.*copy of the file"):
        await store.open()
        await store.overview()


async def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used" in await _why_not(tmp_path / "file" / "wharf.db")
    (tmp_path / "wharf.db").mkdir(mode=0o700)
    assert "cannot be opened" in await _why_not(tmp_path / "wharf.db")


async def test_a_full_disk_loses_nothing(store: SqliteStore) -> None:
    await store.save(connection())
    await store._read(lambda db: db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').get}").get)
    many = [connection(f"c{number}") for number in range(1000)]
    with pytest.raises(StoreProblem, match="disk is full"):
        await store.save_all(many, replace=False)
    assert await store.connections() == [connection()]
    await store._read(lambda db: db.execute("PRAGMA max_page_count = 1000000").get)
    await store.save_all(many, replace=False)
    assert len(await store.connections()) == 1001


async def test_a_lock_held_too_long(store: SqliteStore, paths: Paths) -> None:
    impatient = SqliteStore(paths.database, patience=0.05)
    await impatient.open()
    holder = apsw.Connection(str(paths.database))
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreProblem, match="locked by another process"):
        await impatient.save(connection())
    assert await impatient.connections() == []
    holder.execute("ROLLBACK")
    await impatient.save(connection())
    holder.close()
    await impatient.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (apsw.ReadOnlyError(), "read-only"),
        (apsw.IOError("disk I/O error"), "Check the disk"),
        (apsw.SQLError("no such table: \x1b[31m"), r"no such table: \\x1b\[31m"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_errors_are_sentences(error: Exception, words: str) -> None:
    with pytest.raises(StoreProblem, match=words) as caught, module.translated(Path("/data/\x1bwharf.db")):
        raise error
    assert "/data/\\x1bwharf.db" in str(caught.value)


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2"])
def test_an_sqlite_that_loses_data_is_refused(version: str) -> None:
    with pytest.raises(StoreProblem, match=version):
        module._require_sound_sqlite(version)


def test_a_sound_sqlite_is_taken() -> None:
    module._require_sound_sqlite("3.51.3")
    module._require_sound_sqlite("3.52")


def test_migrations_are_numbered_without_gaps() -> None:
    folder = resources.files("tui.store") / "migrations"
    migrations = module._migrations()
    assert [number for number, _ in migrations] == list(range(1, len(migrations) + 1))
    assert len(migrations) == len([file for file in folder.iterdir() if file.name.endswith(".sql")])


async def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store: SqliteStore, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.save(connection())
    await store.close()
    real = module._migrations()
    bad = (len(real) + 1, "CREATE TABLE half (x); CREATE TABLE half (x);")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_migrations", lambda: [*real, bad])
        assert "half" in await _why_not(paths.database)
    await store.open()
    assert await store.connections() == [connection()]


async def test_every_write_takes_the_lock_before_it_reads(store: SqliteStore) -> None:
    await store.save_all([connection("a"), connection("b"), connection("c")], replace=False)
    run_id = (await store.begin_run("b", Trigger.MANUAL, this_process())).run_id
    await store.begin_run("c", Trigger.MANUAL, dead_process())
    begun_with: list[str] = []

    def note(_: apsw.Cursor, statement: str, __: object) -> bool:
        if statement.startswith("BEGIN"):
            begun_with.append(statement)
        return True

    store._database.exec_trace = note
    await store.save(connection("d"))
    await store.save(connection("d"), replacing="d")
    await store.save_all([connection("d")], replace=True)
    await store.delete("d")
    await store.begin_run("a", Trigger.MANUAL, this_process())
    await store.pulse(run_id, Progress(), 1)
    await store.record_files(run_id, {})
    await store.record_events(run_id, [])
    await store.record_delivery(run_id, {}, [])
    await store.request_cancel(run_id)
    await store.end_run(run_id, Outcome(Status.COMPLETED), Progress())
    assert begun_with == ["BEGIN IMMEDIATE"] * 11
    assert len(await store.end_orphans()) == 1
    assert begun_with[11:] == ["BEGIN", "BEGIN IMMEDIATE"]


class _LockedFor:
    """A database that another process turns to write-ahead logging at this very moment."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.get = "wal"

    def execute(self, statement: str) -> "_LockedFor":
        self.times -= 1
        if self.times >= 0:
            raise apsw.BusyError
        return self


def test_opening_waits_for_another_process_that_opens() -> None:
    database = _LockedFor(3)
    module._use_write_ahead_log(cast("apsw.Connection", database), Path("x"), patience=30)
    assert database.times == -1
    with pytest.raises(apsw.BusyError):
        module._use_write_ahead_log(cast("apsw.Connection", _LockedFor(1000)), Path("x"), patience=0.02)


def test_a_file_system_without_shared_memory_is_refused() -> None:
    database = _LockedFor(0)
    database.get = "delete"
    with pytest.raises(StoreProblem, match="local disk"):
        module._use_write_ahead_log(cast("apsw.Connection", database), Path("x"), patience=1)


async def test_the_version_changes_with_every_write_of_anybody(store: SqliteStore, neighbour: SqliteStore) -> None:
    seen = [await store.version()]
    for writer in (store, neighbour, store, neighbour, neighbour):
        assert await store.version() == seen[-1]
        await writer.save(connection(f"c{len(seen)}"))
        seen.append(await store.version())
    assert len(set(seen)) == len(seen)


async def test_reading_does_not_change_the_version(store: SqliteStore, neighbour: SqliteStore) -> None:
    await store.save(connection())
    before = await store.version()
    await store.overview()
    await neighbour.overview()
    await neighbour.end_orphans()
    assert await store.version() == before


async def test_a_write_happens_even_when_its_caller_is_cancelled(store: SqliteStore) -> None:
    tasks = [asyncio.create_task(store.save(connection(f"c{number}"))) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)
    assert len(await store.connections()) == 20


async def test_a_cancelled_beginning_leaves_nothing_in_progress(store: SqliteStore) -> None:
    await store.save(connection())
    task = asyncio.create_task(store.begin_run("acme", Trigger.MANUAL, this_process()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (run,) = await store.runs()
    assert run.status is Status.FAILED
    await store.begin_run("acme", Trigger.MANUAL, this_process())


async def test_a_cancelled_beginning_that_was_refused_changes_nothing(store: SqliteStore) -> None:
    await store.save(connection())
    running = await store.begin_run("acme", Trigger.MANUAL, this_process())
    task = asyncio.create_task(store.begin_run("acme", Trigger.MANUAL, this_process()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.runs() == [running]


async def test_closing_twice(store: SqliteStore) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreProblem, match="closed"):
        await store.overview()


def test_the_store_loads_no_screen_and_no_protocol() -> None:
    code = "import sys, tui.store.sqlite; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "apsw" in loaded
    assert not loaded & {"textual", "rich", "asyncssh", "aioftp", "aiosmtplib"}
