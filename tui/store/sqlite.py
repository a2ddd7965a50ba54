"""The embedded store: one SQLite file, shared by all processes of one machine that use the same folder.

All statements of a store run in one thread of its own, one after the other. When a task is cancelled, a write that it
has asked for is carried out all the same; a read that has not begun is dropped.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import apsw

from tui.domain.failure import FailureClass, ReadOnly, StoreProblem, TransferFailed
from tui.domain.run import Event, FileRecord, Outcome, Owner, Progress, Run, Status, Trigger
from tui.domain.text import printable
from tui.store import connections as on_connections
from tui.store import partials as on_partials
from tui.store import records, runs
from tui.store.base import ConnectionState, Delivery, FileChanges, Found, Partial, Pulse, Store, Unreadable
from tui.store.database import open_database, transaction, translated
from tui.store.overview import Overview
from tui.store.process import this_process

if TYPE_CHECKING:
    from tui.domain.connection import Connection
    from tui.domain.filter import Filter
    from tui.domain.statistics import Statistics

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore(Store):
    """The store in the file at `path`. `patience`: seconds to wait for a lock that another process holds.

    With `read_only` every change raises ReadOnly, except that runs whose process is gone are ended: that is so already,
    and nobody else may be there to put it on record.
    """

    def __init__(self, path: Path, *, patience: float = 5.0, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._patience = patience
        self._executor: ThreadPoolExecutor | None = None
        # Set in `open`, used only in the store's thread.
        self._database: apsw.Connection
        self._owner: Owner
        self._overview = Overview()
        self._version = 0
        self._foreign_version = 0
        self._own_changes = 0

    async def open(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wharf-store")
        try:
            await asyncio.wrap_future(self._executor.submit(self._open))
        except BaseException:
            await self.close()
            raise

    def _open(self) -> None:
        self._database = open_database(self._path, self._patience)
        self._owner = this_process()

    async def close(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            closing = executor.submit(self._close)
            executor.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closing))

    def _close(self) -> None:
        if hasattr(self, "_database"):
            with translated(self._path):
                self._database.close()

    async def version(self) -> int:
        return await self._read(self._look_for_changes)

    def _look_for_changes(self, database: apsw.Connection) -> int:
        # data_version counts what other connections wrote, total_changes what this one did.
        foreign, own = database.execute("PRAGMA data_version").get, database.total_changes()
        if (foreign, own) != (self._foreign_version, self._own_changes):
            self._foreign_version, self._own_changes = foreign, own
            self._version += 1
        return self._version

    # Connections

    async def overview(self) -> list[ConnectionState]:
        return await self._read(self._overview.states)

    async def statuses(self) -> dict[Status, int]:
        return await self._read(on_connections.statuses)

    async def connections(self) -> "list[Connection]":
        return await self._read(on_connections.every)

    async def unreadable(self) -> list[Unreadable]:
        return await self._read(on_connections.unreadable)

    async def unshown(self) -> list[Unreadable]:
        return await self._read(self._overview.unshown)

    async def connection(self, name: str) -> "Connection":
        return await self._read(on_connections.one, name)

    async def save(
        self, connection: "Connection", *, replacing: str | None = None, seen: "Connection | None" = None
    ) -> None:
        if replacing is None:
            await self._write(on_connections.add, connection)
        else:
            await self._write(on_connections.put_in_place, connection, replacing, seen)

    async def save_all(self, connections: "Sequence[Connection]", *, replace: bool) -> None:
        await self._write(on_connections.add_all, connections, replace=replace)

    async def delete(self, name: str) -> None:
        def delete(database: apsw.Connection) -> None:
            number = on_connections.connection_id(database, name)
            runs.end_orphan_of(database, number, name)
            on_connections.forget(database, number)

        await self._write(delete)

    async def record_certificate(self, name: str, address: str, ends: datetime) -> None:
        await self._write(on_connections.put_certificate, name, address, ends)

    # Runs

    async def begin_run(self, name: str, trigger: Trigger, owner: Owner) -> Run:
        self._require_changes()
        begun = self._submit("BEGIN IMMEDIATE", runs.begin, name, trigger, owner)
        try:
            return await asyncio.shield(asyncio.wrap_future(begun))
        except asyncio.CancelledError:
            # Nobody will execute the run, and nobody else could ever end it while this process lives.
            await self._write(_abandon, begun, owner)
            raise

    async def pulse(self, run_id: int, progress: Progress, attempts: int) -> Pulse:
        return await self._write(runs.pulse, run_id, progress, attempts, self._owner)

    async def record_files(self, run_id: int, files: Mapping[int, FileRecord]) -> None:
        await self._write(records.put_files, run_id, files)

    async def record_events(self, run_id: int, events: Sequence[Event]) -> None:
        await self._write(records.append_events, run_id, events)

    async def record_delivery(self, run_id: int, files: Mapping[int, FileRecord], ledger: Sequence[Delivery]) -> None:
        def record(database: apsw.Connection) -> None:
            records.put_files(database, run_id, files)
            records.put_deliveries(database, run_id, ledger)
            on_partials.forget(database, run_id, [line.key for line in ledger])

        await self._write(record)

    async def record_partials(self, run_id: int, partials: Sequence[Partial]) -> None:
        await self._write(on_partials.put, run_id, partials)

    async def forget_partials(self, run_id: int, keys: Sequence[str]) -> None:
        await self._write(on_partials.forget, run_id, keys)

    async def partials(self, name: str) -> list[Partial]:
        return await self._read(on_partials.of, name)

    async def end_run(self, run_id: int, outcome: Outcome, progress: Progress) -> Run:
        return await self._write(runs.end, run_id, outcome, progress, self._owner)

    async def request_cancel(self, run_id: int) -> None:
        await self._write(runs.request_cancel, run_id)

    async def end_orphans(self) -> list[Run]:
        # Asked for often, seldom needed: the write lock is taken only when there is something to end.
        return await self._carry_out(runs.end_orphans) if await self._read(runs.orphans) else []

    async def runs(
        self,
        name: str | None = None,
        *,
        before: int | None = None,
        limit: int = 100,
        status: Status | None = None,
    ) -> list[Run]:
        return await self._read(runs.page, name, before=before, limit=limit, status=status)

    async def search(
        self, wanted: "Filter", name: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> Found:
        from tui.store import search as on_search

        return await self._read(on_search.search, name, wanted, before=before, limit=limit)

    async def statistics(self, name: str | None, since: datetime) -> "Statistics":
        from tui.store import statistics as on_period

        return await self._read(on_period.since, name, since)

    async def run(self, run_id: int) -> Run:
        return await self._read(runs.one, run_id)

    async def files(self, run_id: int) -> list[FileRecord]:
        return await self._read(records.files, run_id)

    async def changed_files(self, run_id: int, *, since: int = 0) -> FileChanges:
        return await self._read(records.changed_files, run_id, since)

    async def events(self, run_id: int, *, after: int = 0) -> list[Event]:
        return await self._read(records.events, run_id, after)

    # Ledger

    async def deliveries(self, name: str, keys: Sequence[str]) -> dict[str, Delivery]:
        return await self._read(records.deliveries, name, keys)

    async def deliveries_by_alias(self, name: str, aliases: Sequence[str]) -> list[Delivery]:
        return await self._read(records.deliveries_by_alias, name, aliases)

    async def delivery_of(self, name: str, sha256: str) -> Delivery | None:
        return await self._read(records.delivery_of, name, sha256)

    # The thread

    async def _read(
        self, work: Callable[Concatenate[apsw.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` in the store's thread on one consistent state of the database."""
        return await asyncio.wrap_future(self._submit("BEGIN", work, *args, **kwargs))

    async def _write(
        self, work: Callable[Concatenate[apsw.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` in the store's thread as one transaction, which is carried out even if the caller is cancelled.
        Raises ReadOnly.
        """
        self._require_changes()
        return await self._carry_out(work, *args, **kwargs)

    def _require_changes(self) -> None:
        if self._read_only:
            raise ReadOnly

    async def _carry_out(
        self, work: Callable[Concatenate[apsw.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await asyncio.shield(asyncio.wrap_future(self._submit("BEGIN IMMEDIATE", work, *args, **kwargs)))

    def _submit(
        self, begin: str, work: Callable[Concatenate[apsw.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]":
        def in_transaction() -> T:
            with translated(self._path), transaction(self._database, begin):
                return work(self._database, *args, **kwargs)

        if self._executor is None:
            raise StoreProblem(f"The store {printable(str(self._path))} is closed.")
        return self._executor.submit(in_transaction)


def _abandon(database: apsw.Connection, begun: "Future[Run]", owner: Owner) -> None:
    """End a run whose beginner was cancelled before it heard of it. `begun` is done: the thread works in order."""
    if begun.exception() is None:
        failure = TransferFailed(FailureClass.CANCELLED, "The run was cancelled before it began.").failure
        runs.end(database, begun.result().run_id, Outcome(Status.FAILED, failure), Progress(), owner)
