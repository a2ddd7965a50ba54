"""The connections with the state of their latest run, remembered: to read them again costs what has changed.

Used inside transactions of its caller, in the store's thread.
"""

from array import array

import apsw

from tui.domain.run import Status
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
_OF_CONNECTION = 5
"""Columns before those of the run."""


class Overview:
    """What is read is kept until somebody writes to the database; what has not changed, longer."""

    def __init__(self) -> None:
        self._read_at: tuple[int, int] | None = None
        self._shown: list[ConnectionState | Unreadable] = []
        # Of each its number and a hash of the row that it was made of: the rows would take 10 MB of ten thousand, and
        # these as objects 2.
        self._numbers = array("q")
        self._rows = array("q")

    def states(self, database: apsw.Connection) -> list[ConnectionState]:
        self._look(database)
        return [shown for shown in self._shown if isinstance(shown, ConnectionState)]

    def unshown(self, database: apsw.Connection) -> list[Unreadable]:
        # Of the same look as the states: while transfers run more is written by now, and all would be read twice.
        if self._read_at is None:
            self._look(database)
        return [shown for shown in self._shown if isinstance(shown, Unreadable)]

    def _look(self, database: apsw.Connection) -> None:
        # data_version counts what other connections wrote, total_changes what this one did.
        written = (database.execute("PRAGMA data_version").get, database.total_changes())
        if written == self._read_at:
            return
        places = {number: place for place, number in enumerate(self._numbers)}
        shown: list[ConnectionState | Unreadable] = []
        numbers, rows = array("q"), array("q")
        for row in database.execute(OVERVIEW):
            number, hashed = row[0], hash(row)
            place = places.get(number)
            if place is not None and self._rows[place] == hashed:
                shown.append(self._shown[place])
            else:
                shown.append(_shown(row))
            numbers.append(number)
            rows.append(hashed)
        self._shown, self._numbers, self._rows, self._read_at = shown, numbers, rows, written


def _shown(row: Row) -> ConnectionState | Unreadable:
    _, name, body, address, ends = row[:_OF_CONNECTION]
    connection = summarise(name, body)
    if isinstance(connection, Unreadable):
        return connection
    certificate_ends = to_moment(ends) if ends is not None and from_text(address) == connection.address else None
    if row[_OF_CONNECTION] is None:
        return ConnectionState(connection, Status.NONE, None, None, certificate_ends)
    run = to_run(row[_OF_CONNECTION:])
    return ConnectionState(connection, run.status, run.ended or run.started, run, certificate_ends)
