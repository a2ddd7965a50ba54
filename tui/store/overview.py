"""The connections with the state of their latest run, remembered: to read them again costs what has changed.

Used inside transactions of its caller, in the store's thread.
"""

import apsw
from pydantic import ValidationError

from tui.domain.connection import Connection
from tui.domain.run import Status
from tui.store.base import ConnectionState, Unreadable
from tui.store.connections import parse, reasons
from tui.store.rows import RUN_COLUMNS, Row, from_text, to_moment, to_run

OVERVIEW = f"""
    SELECT connections.connection_id, connections.name, connections.body,
        certificates.address, certificates.ends, {RUN_COLUMNS}
    FROM connections
    LEFT JOIN certificates USING (connection_id)
    LEFT JOIN runs ON runs.run_id = connections.latest_run_id
    ORDER BY connections.name
"""  # noqa: S608 - only constants


class Overview:
    """What is read is kept until somebody writes to the database; what has not changed, longer."""

    def __init__(self) -> None:
        self._read_at: tuple[int, int] | None = None
        self._known: dict[int, tuple[Row, ConnectionState]] = {}
        self._unreadable: list[Unreadable] = []

    def states(self, database: apsw.Connection) -> list[ConnectionState]:
        self._look(database)
        return [state for _, state in self._known.values()]

    def unreadable(self, database: apsw.Connection) -> list[Unreadable]:
        self._look(database)
        return list(self._unreadable)

    def _look(self, database: apsw.Connection) -> None:
        # data_version counts what other connections wrote, total_changes what this one did.
        written = (database.execute("PRAGMA data_version").get, database.total_changes())
        if written == self._read_at:
            return
        before, self._known, self._unreadable = self._known, {}, []
        for number, name, body, *columns in database.execute(OVERVIEW):
            try:
                connection = parse(body)
            except ValidationError as error:
                self._unreadable.append(Unreadable(name, reasons(error)))
                continue
            row, known = tuple(columns), before.get(number)
            if known is None or known[0] != row or known[1].connection is not connection:
                known = row, _state(connection, row)
            self._known[number] = known
        self._read_at = written


def _state(connection: Connection, row: Row) -> ConnectionState:
    address, ends, *columns = row
    certificate_ends = to_moment(ends) if ends is not None and from_text(address) == connection.address else None
    if columns[0] is None:
        return ConnectionState(connection, Status.NONE, None, None, certificate_ends)
    run = to_run(tuple(columns))
    return ConnectionState(connection, run.status, run.ended or run.started, run, certificate_ends)
