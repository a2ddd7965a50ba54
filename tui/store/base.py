"""The store: connections, runs, files, events and the ledger, durable and shared by several processes.

This is the interface; `sqlite.py` is the embedded backend. Everything is asynchronous and never blocks the event loop.
Every write is one transaction that is durable when the call returns, and that is carried out as a whole even when the
task that asked for it is cancelled meanwhile: a delivery that has happened must not go unrecorded.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from tui.domain.run import Event, FileRecord, Outcome, Owner, Progress, Run, Status, Trigger
from tui.domain.summary import Summary

if TYPE_CHECKING:
    from tui.domain.connection import Connection
    from tui.domain.filter import Filter
    from tui.domain.statistics import Statistics


class ConnectionState(NamedTuple):
    """A connection with the state of its latest run, as a line of the Connections screen shows it."""

    connection: Summary
    status: Status
    last_active: datetime | None
    latest: Run | None
    certificate_ends: datetime | None = None
    """When the certificate ends that the server has shown last, if it has shown one at the connection's address."""


class Unreadable(NamedTuple):
    """A stored connection that this Wharf cannot read, such as one that a newer Wharf wrote, and why."""

    name: str
    reasons: str


class Delivery(NamedTuple):
    """One line of the ledger: this content of this source file was delivered by that run.

    `key` is the source's own name of the file (`methods.base.Entry.key`); `mtime` is in seconds since the epoch.
    """

    key: str
    size: int
    mtime: float | None
    sha256: str
    run_id: int
    alias: str | None = None
    """`methods.base.Entry.alias`."""


class Partial(NamedTuple):
    """A staged file that is not on record as delivered: what a later attempt can build on.

    `size` and `mtime` are those of its source when it was begun. With `sha256` the file was proved and its publishing
    begun: it may have its final name already.
    """

    key: str
    target_name: str
    size: int
    mtime: float | None
    stored: int
    """The low-water mark in bytes: so much of the file's beginning is known to be there, without a gap."""
    sha256: str | None = None


class FileChanges(NamedTuple):
    """Files of a run as they stand at a revision, by their places in the plan."""

    revision: int
    """Counts the writes of files of the run, from 1; 0 as long as there are none."""
    files: Mapping[int, FileRecord]


class Found(NamedTuple):
    """Runs that a slice of a search has found, newest first."""

    runs: list[Run]
    reached: int | None
    """The run_id of the last run that was searched; None once the very first was."""
    back_to: datetime | None
    """When that run began."""


class Pulse(NamedTuple):
    """What the store answers to a heartbeat: whether the run is still ours, and whether someone asked to cancel it."""

    ours: bool
    cancel_requested: bool


class Store(ABC):
    """See the module's text. Unknown names raise UnknownConnection; damaged or unreachable storage StoreProblem."""

    @abstractmethod
    async def open(self) -> None:
        """Open or create the storage and bring it up to date."""

    @abstractmethod
    async def close(self) -> None:
        """Free everything; the store cannot be used afterwards."""

    @abstractmethod
    async def version(self) -> int:
        """A number that changes whenever anything was written, by this process or another."""

    # Connections

    @abstractmethod
    async def overview(self) -> list[ConnectionState]:
        """All connections that can be shown, with the state of their latest run, by name. Their documents are not
        judged: one that breaks a rule of this Wharf is refused when it is used."""

    @abstractmethod
    async def unshown(self) -> list[Unreadable]:
        """The stored connections that the latest `overview` left out, because what they say cannot be made out, by
        name."""

    @abstractmethod
    async def statuses(self) -> dict[Status, int]:
        """How many connections have each status; those that none has are left out."""

    @abstractmethod
    async def connections(self) -> "list[Connection]":
        """All connections that can be read, by name."""

    @abstractmethod
    async def unreadable(self) -> list[Unreadable]:
        """The stored connections that cannot be used, shown or not, by name. They can be replaced and deleted, and have
        a history."""

    @abstractmethod
    async def connection(self, name: str) -> "Connection":
        """One connection. Raises UnknownConnection, which names the nearest ones, and StoreProblem for an unreadable
        one.
        """

    @abstractmethod
    async def save(
        self, connection: "Connection", *, replacing: str | None = None, seen: "Connection | None" = None
    ) -> None:
        """Add a connection, or with `replacing` put it in the place of the one of that name, which keeps its history
        and ledger even when the name changes. Raises NameTaken or UnknownConnection, and ChangedElsewhere when `seen`
        is given and something else is stored there by now.
        """

    @abstractmethod
    async def save_all(self, connections: "Sequence[Connection]", *, replace: bool) -> None:
        """Add several connections in one transaction, all or none. Raises NameTaken unless `replace`."""

    @abstractmethod
    async def delete(self, name: str) -> None:
        """Forget a connection and its ledger; its runs stay readable in the history of all. Raises AlreadyRunning while
        it has a run in progress.
        """

    @abstractmethod
    async def record_certificate(self, name: str, address: str, ends: datetime) -> None:
        """A server at this address (`Connection.address`) has shown a certificate that ends then, and it was trusted.
        No effect when there is no such connection any more."""

    # Runs

    @abstractmethod
    async def begin_run(self, name: str, trigger: Trigger, owner: Owner) -> Run:
        """Claim the connection and put a run In Progress on record. Raises AlreadyRunning when it has one already.
        A run whose process is gone does not count: it is ended as interrupted first. If the caller is cancelled before
        it has the answer, a run that was begun is ended as cancelled.
        """

    @abstractmethod
    async def pulse(self, run_id: int, progress: Progress, attempts: int) -> Pulse:
        """Renew the claim on a run and put its progress on record. Changes nothing unless this process executes the run
        and it is in progress.
        """

    @abstractmethod
    async def record_files(self, run_id: int, files: Mapping[int, FileRecord]) -> None:
        """Write files of a run; the keys are their places in the plan, from 0. Of a run that has ended meanwhile, only
        files that are completed or failed.
        """

    @abstractmethod
    async def record_events(self, run_id: int, events: Sequence[Event]) -> None:
        """Append to the event log of a run."""

    @abstractmethod
    async def record_partials(self, run_id: int, partials: Sequence[Partial]) -> None:
        """Put on record how far staged files are, each in the place of what was known of it."""

    @abstractmethod
    async def forget_partials(self, run_id: int, keys: Sequence[str]) -> None:
        """The staged files of these source files are gone."""

    @abstractmethod
    async def partials(self, name: str) -> list[Partial]:
        """The staged files of a connection that are not on record as delivered."""

    @abstractmethod
    async def record_delivery(self, run_id: int, files: Mapping[int, FileRecord], ledger: Sequence[Delivery]) -> None:
        """Files are delivered: their records and their lines in the ledger, in one transaction, in which their partials
        are forgotten. That is so whatever has become of the run meanwhile.
        """

    @abstractmethod
    async def end_run(self, run_id: int, outcome: Outcome, progress: Progress) -> Run:
        """Put the outcome on record and give up the claim. Files still waiting or in progress become failed with the
        outcome's failure. A run that was ended by somebody else stays as it is.
        """

    @abstractmethod
    async def request_cancel(self, run_id: int) -> None:
        """Ask the process that executes the run, whichever it is, to cancel it. No effect on a run that has ended."""

    @abstractmethod
    async def end_orphans(self) -> list[Run]:
        """End every run whose process is gone as Failed (interrupted); returns them."""

    @abstractmethod
    async def runs(
        self,
        name: str | None = None,
        *,
        before: int | None = None,
        limit: int = 100,
        status: Status | None = None,
    ) -> list[Run]:
        """Runs of one connection or of all, newest first; `before` a run_id gives the next page."""

    @abstractmethod
    async def search(
        self, wanted: "Filter", name: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> Found:
        """Runs of one connection or of all that the filter accepts, newest first, from those before a run_id. Comes
        back after some hundredths of a second, whether or not it has found anything: with `reached` as the next
        `before` the search goes on.
        """

    @abstractmethod
    async def statistics(self, name: str | None, since: datetime) -> "Statistics":
        """What the runs have moved that began since then, of one connection or of all."""

    @abstractmethod
    async def run(self, run_id: int) -> Run:
        """One run. Raises UsageProblem when there is none."""

    @abstractmethod
    async def files(self, run_id: int) -> list[FileRecord]:
        """The files of a run, in the order of the plan."""

    @abstractmethod
    async def changed_files(self, run_id: int, *, since: int = 0) -> FileChanges:
        """The files of a run that were written after this revision, with the revision that they are of; 0 gives all.
        Costs what has changed, however many files the run has.
        """

    @abstractmethod
    async def events(self, run_id: int, *, after: int = 0) -> list[Event]:
        """The event log of a run, oldest first, without the first `after` events."""

    # Ledger

    @abstractmethod
    async def deliveries(self, name: str, keys: Sequence[str]) -> dict[str, Delivery]:
        """What the ledger of a connection knows of these source files: the latest delivery of each."""

    @abstractmethod
    async def deliveries_by_alias(self, name: str, aliases: Sequence[str]) -> list[Delivery]:
        """What the ledger of a connection knows of files with these aliases, under whatever key: for one alias there
        may be several lines."""

    @abstractmethod
    async def delivery_of(self, name: str, sha256: str) -> Delivery | None:
        """A delivery of this content in the ledger of a connection, under whatever name."""
