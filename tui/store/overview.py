"""The connections with the state of their latest run, remembered: to read them again costs what has changed.

Used inside transactions of its caller, in the store's thread.
"""

from dataclasses import dataclass

import apsw

from tui.domain.run import Status
from tui.domain.summary import Summary
from tui.store.base import ConnectionState, Unreadable
from tui.store.connections import summarise
from tui.store.rows import RUN_COLUMNS, Row, from_text, to_moment, to_run

OVERVIEW = f"""
    SELECT connections.connection_id, connections.name, connections.body,
        certificates.address, certificates.ends, {RUN_COLUMNS}
    FROM connections
    LEFT JOIN certificates USING (connection_id)
    LEFT JOIN runs ON runs.run_id = connections.latest_run_id
    ORDER BY connections.name
"""  # noqa: S608 - only constants


@dataclass(frozen=True, slots=True)
class _Known:
    """What was made of a row. Of the row itself only a hash is kept: of ten thousand, the rows would take 10 MB."""

    row: int
    shown: ConnectionState | Unreadable


class Overview:
    """What is read is kept until somebody writes to the database; what has not changed, longer."""

    def __init__(self) -> None:
        self._read_at: tuple[int, int] | None = None
        self._known: dict[int, _Known] = {}

    def states(self, database: apsw.Connection) -> list[ConnectionState]:
        self._look(database)
        return [known.shown for known in self._known.values() if isinstance(known.shown, ConnectionState)]

    def unshown(self, database: apsw.Connection) -> list[Unreadable]:
        self._look(database)
        return [known.shown for known in self._known.values() if isinstance(known.shown, Unreadable)]

    def _look(self, database: apsw.Connection) -> None:
        # data_version counts what other connections wrote, total_changes what this one did.
        written = (database.execute("PRAGMA data_version").get, database.total_changes())
        if written == self._read_at:
            return
        before, self._known = self._known, {}
        for number, name, body, *columns in database.execute(OVERVIEW):
            self._known[number] = _known(before.get(number), name, body, tuple(columns))
        self._read_at = written


def _known(before: _Known | None, name: str, body: str, columns: Row) -> _Known:
    row = hash((name, body, columns))
    if before is not None and before.row == row:
        return before
    summary = summarise(name, body)
    return _Known(row, summary if isinstance(summary, Unreadable) else _state(summary, columns))


def _state(connection: Summary, row: Row) -> ConnectionState:
    address, ends, *columns = row
    certificate_ends = to_moment(ends) if ends is not None and from_text(address) == connection.address else None
    if columns[0] is None:
        return ConnectionState(connection, Status.NONE, None, None, certificate_ends)
    run = to_run(tuple(columns))
    return ConnectionState(connection, run.status, run.ended or run.started, run, certificate_ends)
