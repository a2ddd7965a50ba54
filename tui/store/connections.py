"""Statements on connections. Every function runs inside a transaction of its caller, in the store's thread."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import apsw

from tui.domain.failure import ChangedElsewhere, NameTaken, StoreProblem, UnknownConnection
from tui.domain.problems import problems_of
from tui.domain.run import Status
from tui.domain.summary import Summary, summary_of
from tui.domain.text import printable
from tui.store.base import Unreadable
from tui.store.rows import to_micros, to_text

if TYPE_CHECKING:
    from pydantic import ValidationError

    from tui.domain.connection import Connection


def connection_id(database: apsw.Connection, name: str) -> int:
    """The connection's internal number, which stays when it is renamed. Raises UnknownConnection."""
    found = database.execute("SELECT connection_id FROM connections WHERE name = ?", (to_text(name),)).get
    if found is None:
        from difflib import get_close_matches

        known = [row[0] for row in database.execute("SELECT name FROM connections ORDER BY name")]
        raise UnknownConnection(name, get_close_matches(name[:80], known, n=3))
    return int(found)


def every(database: apsw.Connection) -> "list[Connection]":
    """Those that can be used."""
    return [found for found in _judged(database) if not isinstance(found, Unreadable)]


def unreadable(database: apsw.Connection) -> list[Unreadable]:
    return [found for found in _judged(database) if isinstance(found, Unreadable)]


def _judged(database: apsw.Connection) -> "Iterator[Connection | Unreadable]":
    for name, body in database.execute("SELECT name, body FROM connections ORDER BY name"):
        yield judge(name, body)


def one(database: apsw.Connection, name: str) -> "Connection":
    number = connection_id(database, name)
    body = database.execute("SELECT body FROM connections WHERE connection_id = ?", (number,)).get
    found = judge(name, body)
    if isinstance(found, Unreadable):
        raise StoreProblem(
            f"The stored connection “{name}” cannot be read by this Wharf: {found.reasons}. "
            f"Import it again with `wharf import FILE --replace`, or delete it with `wharf delete {name}`."
        )
    return found


def add(database: apsw.Connection, connection: "Connection") -> None:
    database.execute(
        "INSERT INTO connections (name, body) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        (connection.name, _body(connection)),
    )
    if database.changes() == 0:
        raise NameTaken(connection.name)


def put_in_place(
    database: apsw.Connection, connection: "Connection", replacing: str, seen: "Connection | None"
) -> None:
    number = connection_id(database, replacing)
    if seen is not None:
        body = database.execute("SELECT body FROM connections WHERE connection_id = ?", (number,)).get
        if judge(replacing, body) != seen:
            raise ChangedElsewhere(replacing)
    database.execute(
        "UPDATE OR IGNORE connections SET name = ?, body = ? WHERE connection_id = ?",
        (connection.name, _body(connection), number),
    )
    if database.changes() == 0:
        raise NameTaken(connection.name)


def add_all(database: apsw.Connection, connections: "Sequence[Connection]", *, replace: bool) -> None:
    for connection in connections:
        if replace:
            database.execute(
                "INSERT INTO connections (name, body) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                (connection.name, _body(connection)),
            )
        else:
            add(database, connection)


def put_certificate(database: apsw.Connection, name: str, address: str, ends: datetime) -> None:
    # Nothing is written where nothing has changed: every write makes the screens of all processes look again.
    database.execute(
        "INSERT INTO certificates (connection_id, address, ends) "
        "SELECT connection_id, ?2, ?3 FROM connections WHERE name = ?1 "
        "ON CONFLICT (connection_id) DO UPDATE SET address = excluded.address, ends = excluded.ends "
        "WHERE address != excluded.address OR ends != excluded.ends",
        (to_text(name), to_text(address), to_micros(ends)),
    )


def forget(database: apsw.Connection, number: int) -> None:
    """Delete a connection that has no run in progress. Its runs keep the name it had last."""
    database.execute(
        "UPDATE runs SET connection_name = (SELECT name FROM connections WHERE connection_id = ?1), "
        "connection_id = NULL WHERE connection_id = ?1",
        (number,),
    )
    database.execute("DELETE FROM connections WHERE connection_id = ?", (number,))


def _body(connection: "Connection") -> str:
    return connection.model_dump_json(by_alias=True, exclude_none=True)


def judge(name: str, body: str) -> "Connection | Unreadable":
    """A stored connection, ready to be used, or why it cannot be."""
    # Only here is a document judged; whoever only lists connections does without the library for it.
    from pydantic import ValidationError

    from tui.domain.connection import Connection

    try:
        return Connection.model_validate_json(body)
    except ValidationError as error:
        return Unreadable(name, _reasons(error))


def summarise(name: str, body: str) -> Summary | Unreadable:
    """What is shown of a stored connection, or why that cannot be made out."""
    try:
        return summary_of(json.loads(body))
    except (AttributeError, LookupError, TypeError, ValueError):
        # An older Wharf may have left out what has been added since; a newer one may say what this one cannot know.
        found = judge(name, body)
        return found if isinstance(found, Unreadable) else found.summary


def _reasons(error: "ValidationError") -> str:
    return printable("; ".join(f"{problem.path} {problem.sentence}".strip() for problem in problems_of(error)), 500)


def statuses(database: apsw.Connection) -> dict[Status, int]:
    rows = database.execute(
        "SELECT coalesce(runs.status, 'None'), count(*) "
        "FROM connections LEFT JOIN runs ON runs.run_id = connections.latest_run_id GROUP BY 1"
    )
    return {Status(status): number for status, number in rows}
