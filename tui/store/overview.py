"""The connections with the state of their latest run, remembered: to read them again costs what has changed.

Used inside transactions of its caller, in the store's thread.
"""

import json
from array import array

import apsw

from tui.domain.run import Status
from tui.store.base import ConnectionState, Unreadable
from tui.store.connections import summarise
from tui.store.rows import RUN_COLUMNS, Row, from_text, to_moment, to_run

_STATES = f"""
    SELECT connections.connection_id, connections.name, connections.body,
        certificates.address, certificates.ends, {RUN_COLUMNS}
    FROM connections
    LEFT JOIN certificates USING (connection_id)
    LEFT JOIN runs ON runs.run_id = connections.latest_run_id
"""  # noqa: S608 - only constants
OVERVIEW = f"{_STATES} ORDER BY connections.name"
OF_RUNS = f"""
    {_STATES}
    WHERE runs.run_id IN (SELECT value FROM json_each(?)) AND connections.connection_id = runs.connection_id
"""  # noqa: S608 - only constants
"""Of those connections whose latest run is one of these. The second condition finds them by their numbers."""
_OF_CONNECTION = 5
"""Columns before those of the run."""


class Overview:
    """What is read is kept until somebody writes to the database; what has not changed, longer.

    While runs go on this process writes several times a second, and nearly always of a few runs: only these are read
    again then. After a write of somebody else all is.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        """What others had written at the last look, as `PRAGMA data_version` counts it."""
        self._shown: list[ConnectionState | Unreadable] = []
        # Of each its number and a hash of the row that it was made of: the rows would take 10 MB of ten thousand, and
        # these as objects 2.
        self._numbers = array("q")
        self._rows = array("q")
        # What was written here since the last look.
        self._written_runs: set[int] = set()
        self._written_others = False

    def states(self, database: apsw.Connection) -> list[ConnectionState]:
        self._look(database)
        return [shown for shown in self._shown if isinstance(shown, ConnectionState)]

    def unshown(self, database: apsw.Connection) -> list[Unreadable]:
        # Of the same look as the states: while transfers run more is written by now, and all would be read twice.
        if self._version is None:
            self._look(database)
        return [shown for shown in self._shown if isinstance(shown, Unreadable)]

    def _look(self, database: apsw.Connection) -> None:
        if self._version is None:
            database.set_update_hook(self._note)
        version: int = database.execute("PRAGMA data_version").get
        if version != self._version or self._written_others:
            self._read_all(database)
        elif self._written_runs:
            self._read_written_runs(database)
        self._version = version
        self._written_runs.clear()
        self._written_others = False

    def _note(self, _kind: int, _schema: str, table: str, number: int) -> None:
        """Called by SQLite for each row that this process writes, except of tables without a row number (files)."""
        if table == "runs":
            self._written_runs.add(number)
        elif table in {"connections", "certificates"}:
            self._written_others = True

    def _read_all(self, database: apsw.Connection) -> None:
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
        self._shown, self._numbers, self._rows = shown, numbers, rows

    def _read_written_runs(self, database: apsw.Connection) -> None:
        for row in database.execute(OF_RUNS, (json.dumps(list(self._written_runs)),)):
            place, hashed = self._numbers.index(row[0]), hash(row)
            if self._rows[place] != hashed:
                self._shown[place], self._rows[place] = _shown(row), hashed


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
