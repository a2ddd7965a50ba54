"""Statements on staged files that are not delivered yet.

Every function runs inside a transaction of its caller, in the store's thread.
"""

from collections.abc import Sequence

import apsw

from tui.store.base import Partial
from tui.store.connections import connection_id
from tui.store.rows import from_text, to_text

_OWN = "(SELECT connection_id FROM runs WHERE run_id = ?)"


def put(database: apsw.Connection, run_id: int, partials: Sequence[Partial]) -> None:
    """A connection that was deleted meanwhile has nothing to continue."""
    database.executemany(
        "INSERT OR REPLACE INTO partials (connection_id, key, target_name, size, mtime, stored, sha256) "
        "SELECT connection_id, ?, ?, ?, ?, ?, ? FROM runs WHERE run_id = ? AND connection_id IS NOT NULL",
        [
            (to_text(one.key), to_text(one.target_name), one.size, one.mtime, one.stored, one.sha256, run_id)
            for one in partials
        ],
    )


def forget(database: apsw.Connection, run_id: int, keys: Sequence[str]) -> None:
    database.executemany(
        f"DELETE FROM partials WHERE connection_id = {_OWN} AND key = ?",  # noqa: S608 - only constants
        [(run_id, to_text(key)) for key in keys],
    )


def of(database: apsw.Connection, name: str) -> list[Partial]:
    rows = database.execute(
        "SELECT key, target_name, size, mtime, stored, sha256 FROM partials WHERE connection_id = ? ORDER BY key",
        (connection_id(database, name),),
    )
    return [
        Partial(from_text(key), from_text(target), size, mtime, stored, sha256)
        for key, target, size, mtime, stored, sha256 in rows
    ]
