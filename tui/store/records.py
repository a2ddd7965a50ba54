"""Statements on what a run leaves behind: its files, its event log, and the ledger of its connection.

Every function runs inside a transaction of its caller, in the store's thread.
"""

from collections.abc import Iterator, Mapping, Sequence

import apsw

from tui.domain.run import Event, FileRecord, FileStatus, Status
from tui.store import runs
from tui.store.base import Delivery, FileChanges
from tui.store.connections import connection_id
from tui.store.rows import (
    FILE_COLUMNS,
    event_values,
    file_values,
    to_delivery,
    to_event,
    to_file,
    to_optional_text,
    to_text,
)

_KEYS_AT_ONCE = 1_000
"""Values looked for by one statement. SQLite takes 32,766, but what it makes of so many fills megabytes."""

_PUT_FILE = f"INSERT OR REPLACE INTO files (run_id, place, revision, {FILE_COLUMNS}) VALUES (?{', ?' * 13})"  # noqa: S608 - only constants
_FILES = f"SELECT {FILE_COLUMNS} FROM files WHERE run_id = ? ORDER BY place"  # noqa: S608 - only constants
CHANGED_FILES = f"SELECT revision, place, {FILE_COLUMNS} FROM files WHERE run_id = ? AND revision > ?"  # noqa: S608 - only constants
_DELIVERY = "SELECT key, size, mtime, sha256, run_id, alias FROM ledger WHERE connection_id = ? AND"

_FINISHED = {FileStatus.COMPLETED, FileStatus.FAILED, FileStatus.SKIPPED}


def put_files(database: apsw.Connection, run_id: int, files: Mapping[int, FileRecord]) -> None:
    """Write files of a run. A run that has ended, perhaps by somebody else's hand, has no file that still waits or
    moves: for it only what has become of a file is written.
    """
    ended = runs.one(database, run_id).status is not Status.IN_PROGRESS
    revision = runs.next_revision(database, run_id)
    # One row at a time: all rows of a large run would be megabytes for a moment, which the process then keeps.
    database.executemany(
        _PUT_FILE,
        (
            (run_id, place, revision, *file_values(file))
            for place, file in files.items()
            if file.status in _FINISHED or not ended
        ),
    )


def files(database: apsw.Connection, run_id: int) -> list[FileRecord]:
    rows = database.execute(_FILES, (run_id,))
    return [to_file(row) for row in rows]


def changed_files(database: apsw.Connection, run_id: int, since: int) -> FileChanges:
    revision, changed = since, {}
    for written, place, *columns in database.execute(CHANGED_FILES, (run_id, since)):
        revision = max(revision, written)
        changed[place] = to_file(tuple(columns))
    return FileChanges(revision, changed)


def append_events(database: apsw.Connection, run_id: int, events: Sequence[Event]) -> None:
    runs.one(database, run_id)
    first = database.execute("SELECT coalesce(max(number) + 1, 0) FROM events WHERE run_id = ?", (run_id,)).get
    database.executemany(
        "INSERT INTO events (run_id, number, at, step, detail, ok, ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(run_id, number, *event_values(event)) for number, event in enumerate(events, first)],
    )


def events(database: apsw.Connection, run_id: int, after: int) -> list[Event]:
    rows = database.execute(
        "SELECT at, step, detail, ok, ms FROM events WHERE run_id = ? AND number >= ? ORDER BY number", (run_id, after)
    )
    return [to_event(row) for row in rows]


def put_deliveries(database: apsw.Connection, run_id: int, ledger: Sequence[Delivery]) -> None:
    """Deliveries have happened: they are put on record whatever has become of the run meanwhile. Only when its
    connection was deleted there is no ledger left.
    """
    database.executemany(
        "INSERT OR REPLACE INTO ledger (connection_id, key, size, mtime, sha256, run_id, alias) "
        "SELECT connection_id, ?, ?, ?, ?, ?, ? FROM runs WHERE run_id = ? AND connection_id IS NOT NULL",
        [
            (
                to_text(line.key),
                line.size,
                line.mtime,
                line.sha256,
                line.run_id,
                to_optional_text(line.alias),
                run_id,
            )
            for line in ledger
        ],
    )


def delivery_of(database: apsw.Connection, name: str, sha256: str) -> Delivery | None:
    row = database.execute(
        f"{_DELIVERY} sha256 = ? LIMIT 1",
        (connection_id(database, name), sha256),
    ).fetchone()
    return None if row is None else to_delivery(row)


def deliveries(database: apsw.Connection, name: str, keys: Sequence[str]) -> dict[str, Delivery]:
    return {line.key: line for line in _lines_with(database, name, "key", keys)}


def deliveries_by_alias(database: apsw.Connection, name: str, aliases: Sequence[str]) -> list[Delivery]:
    return list(_lines_with(database, name, "alias", aliases))


def _lines_with(database: apsw.Connection, name: str, column: str, values: Sequence[str]) -> Iterator[Delivery]:
    number = connection_id(database, name)
    for start in range(0, len(values), _KEYS_AT_ONCE):
        some = [to_text(value) for value in values[start : start + _KEYS_AT_ONCE]]
        marks = ", ".join("?" * len(some))
        yield from map(to_delivery, database.execute(f"{_DELIVERY} {column} IN ({marks})", (number, *some)))
