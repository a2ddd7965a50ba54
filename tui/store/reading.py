"""The store for a command that only looks: the statements of `sqlite`, at once and without an event loop."""

import json
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

from tui.domain.filter import Filter
from tui.domain.run import FileRecord, Run, Status
from tui.domain.summary import Document
from tui.store import records, runs
from tui.store.base import ConnectionState, Found, Unreadable
from tui.store.connections import connection_id, one
from tui.store.database import open_database, transaction, translated
from tui.store.overview import Overview
from tui.store.search import search

if TYPE_CHECKING:
    from tui.domain.connection import Connection

_PATIENCE = 5.0
"""Seconds to wait for a lock that another process holds."""


class Reading:
    """One consistent state of the store. Each method is that of `base.Store`, where its name is there too."""

    def __init__(self, database: apsw.Connection) -> None:
        self._database = database
        self._overview = Overview()

    def overview(self) -> list[ConnectionState]:
        return self._overview.states(self._database)

    def unshown(self) -> list[Unreadable]:
        return self._overview.unshown(self._database)

    def documents(self, names: Set[str]) -> dict[str, Document]:
        """Connections as they are stored, by their names, which are some of those in `overview`: of one that cannot be
        read there may be nothing but a damaged text."""
        rows = self._database.execute("SELECT name, body FROM connections")
        return {name: json.loads(body) for name, body in rows if name in names}

    def require(self, name: str) -> None:
        """Raises UnknownConnection."""
        connection_id(self._database, name)

    def connection(self, name: str) -> "Connection":
        return one(self._database, name)

    def runs(
        self,
        name: str | None = None,
        *,
        before: int | None = None,
        limit: int = 100,
        status: Status | None = None,
    ) -> list[Run]:
        return runs.page(self._database, name, before=before, limit=limit, status=status)

    def search(self, wanted: Filter, name: str | None, *, before: int | None, limit: int) -> Found:
        return search(self._database, name, wanted, before=before, limit=limit)

    def files(self, run_id: int) -> list[FileRecord]:
        return records.files(self._database, run_id)


@contextmanager
def open_for_reading(path: Path) -> Iterator[Reading]:
    """The store at `path`, in which no run counts as in progress whose process is gone. Raises StoreProblem."""
    with translated(path):
        database = open_database(path, _PATIENCE)
        try:
            if runs.orphans(database):
                with transaction(database, "BEGIN IMMEDIATE"):
                    runs.end_orphans(database)
            with transaction(database, "BEGIN"):
                yield Reading(database)
        finally:
            database.close()
