"""An engine for screens: runs are what the test says, the store is one in memory."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta

from tui.domain.connection import Connection
from tui.domain.failure import (
    AlreadyRunning,
    ChangedElsewhere,
    Failure,
    FailureClass,
    NameTaken,
    TransferFailed,
    UnknownConnection,
    UsageProblem,
)
from tui.domain.filter import Filter
from tui.domain.filter_facts import run_facts
from tui.domain.run import Event, FileRecord, Outcome, Owner, Progress, Run, Status, Trigger
from tui.domain.statistics import ConnectionTotals, DayTotals, Statistics
from tui.engine.inspection import TestReport, Watcher
from tui.engine.live import LiveRun, Snapshot
from tui.engine.trusting import Accepted
from tui.paths import Paths
from tui.store.base import ConnectionState, Delivery, FileChanges, Found, Partial, Pulse, Store, Unreadable
from tui.trust.identity import Identity
from tui.trust.unlocking import Ask

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
OWNER = Owner(1, "test", "1")


def connection(name: str, **changes: object) -> Connection:
    """A valid SFTP connection; anything can be changed, also the method (with a fitting endpoint)."""
    data: dict[str, object] = {
        "name": name,
        "type": "conversions",
        "direction": "inbound",
        "method": "sftp",
        "local_dir": "/batches",
        "pattern": ["*.csv"],
    } | changes
    endpoints: dict[str, dict[str, object]] = {
        "sftp": {"host": "sftp.acme.example", "username": "wharf", "agent": True, "directory": "/outgoing"},
        "ftp": {"host": "ftp.acme.example", "username": "wharf", "secret": "vault:acme", "directory": "/in"},
        "email": {"host": "mail.acme.example", "username": "wharf", "secret": "vault:acme-mail"},
    }
    method = str(data["method"])
    if method not in data:
        endpoint = endpoints[method]
        if method == "email" and data["direction"] == "outbound":
            endpoint |= {"sender": "us@us.example", "recipients": ["in@acme.example"]}
        data[method] = endpoint
    return Connection.model_validate(data)


class FakeStore(Store):
    """Connections, runs, files and events in dictionaries. `bump` is called on every write."""

    def __init__(self) -> None:
        self.number = 0
        self.all: dict[str, Connection] = {}
        self.all_runs: dict[int, Run] = {}
        self.all_files: dict[int, dict[int, FileRecord]] = {}
        self.file_revisions: dict[int, dict[int, int]] = {}
        """When each file of a run was written last."""
        self.all_events: dict[int, list[Event]] = {}
        self.cancel_requests: list[int] = []
        self.slice = 150
        """Runs that one slice of a search goes through."""
        self.searched: list[tuple[str, int | None]] = []
        """The words that slices of searches were for, and where they began."""
        self.at_slice: Callable[[], None] = lambda: None
        """What happens while a slice is searched."""
        self.broken: list[Unreadable] = []
        self.certificates: dict[str, datetime] = {}

    def bump(self) -> None:
        self.number += 1

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def version(self) -> int:
        return self.number

    def _latest(self, name: str) -> Run | None:
        return max((run for run in self.all_runs.values() if run.connection == name), key=_run_id, default=None)

    async def overview(self) -> list[ConnectionState]:
        states = []
        for name in sorted(self.all):
            latest = self._latest(name)
            status = latest.status if latest else Status.NONE
            active = (latest.ended or latest.started) if latest else None
            states.append(ConnectionState(self.all[name].summary, status, active, latest, self.certificates.get(name)))
        return states

    async def statuses(self) -> dict[Status, int]:
        return dict(Counter(state.status for state in await self.overview()))

    async def connections(self) -> list[Connection]:
        return [self.all[name] for name in sorted(self.all)]

    async def unshown(self) -> list[Unreadable]:
        return list(self.broken)

    async def unreadable(self) -> list[Unreadable]:
        return list(self.broken)

    async def connection(self, name: str) -> Connection:
        if name not in self.all:
            raise UnknownConnection(name, [])
        return self.all[name]

    async def save(
        self, connection: Connection, *, replacing: str | None = None, seen: Connection | None = None
    ) -> None:
        if replacing is not None and replacing not in self.all:
            raise UnknownConnection(replacing, [])
        if replacing is not None and seen is not None and self.all[replacing] != seen:
            raise ChangedElsewhere(replacing)
        if connection.name in self.all and connection.name != replacing:
            raise NameTaken(connection.name)
        if replacing is not None:
            del self.all[replacing]
            for run_id, run in self.all_runs.items():
                if run.connection == replacing:
                    self.all_runs[run_id] = run._replace(connection=connection.name)
        self.all[connection.name] = connection
        self.bump()

    async def save_all(self, connections: Sequence[Connection], *, replace: bool) -> None:
        for each in connections:
            if each.name in self.all and not replace:
                raise NameTaken(each.name)
        self.all.update({each.name: each for each in connections})
        self.bump()

    async def delete(self, name: str) -> None:
        await self.connection(name)
        latest = self._latest(name)
        if latest is not None and latest.ended is None:
            raise AlreadyRunning(name, latest.started, latest.owner.pid, latest.owner.host)
        del self.all[name]
        self.bump()

    async def statistics(self, name: str | None, since: datetime) -> Statistics:
        names = [each for each in sorted(self.all) if name in (None, each)]
        ended = [run for run in self.all_runs.values() if run.ended is not None and run.started >= since]
        days = [
            DayTotals(
                each,
                day,
                len(own := [run for run in ended if run.connection == each and run.started.date() == day]),
                sum(run.status is Status.FAILED for run in own),
                sum(run.progress.files_done for run in own),
                sum(run.progress.bytes_done for run in own),
            )
            for day in sorted({run.started.date() for run in ended})
            for each in names
        ]
        days = [day for day in days if day.runs]
        return Statistics(
            days,
            [
                ConnectionTotals(
                    each,
                    sum(day.runs for day in days if day.connection == each),
                    sum(day.failed for day in days if day.connection == each),
                    sum(day.files for day in days if day.connection == each),
                    sum(day.bytes for day in days if day.connection == each),
                    1.5,
                )
                for each in names
                if any(day.connection == each for day in days)
            ],
        )

    async def record_certificate(self, name: str, address: str, ends: datetime) -> None:
        self.certificates[name] = ends
        self.bump()

    async def begin_run(self, name: str, trigger: Trigger, owner: Owner) -> Run:
        await self.connection(name)
        run_id = len(self.all_runs) + 1
        run = Run(run_id, name, trigger, Status.IN_PROGRESS, NOW + timedelta(minutes=run_id), None, owner)
        self.all_runs[run_id] = run
        self.bump()
        return run

    async def pulse(self, run_id: int, progress: Progress, attempts: int) -> Pulse:
        self.all_runs[run_id] = self.all_runs[run_id]._replace(progress=progress, attempts=attempts)
        self.bump()
        return Pulse(ours=True, cancel_requested=run_id in self.cancel_requests)

    async def record_files(self, run_id: int, files: Mapping[int, FileRecord]) -> None:
        self.all_files.setdefault(run_id, {}).update(files)
        revisions = self.file_revisions.setdefault(run_id, {})
        revisions.update(dict.fromkeys(files, max(revisions.values(), default=0) + 1))
        self.bump()

    async def record_events(self, run_id: int, events: Sequence[Event]) -> None:
        self.all_events.setdefault(run_id, []).extend(events)
        self.bump()

    async def record_partials(self, run_id: int, partials: Sequence[Partial]) -> None: ...

    async def forget_partials(self, run_id: int, keys: Sequence[str]) -> None: ...

    async def partials(self, name: str) -> list[Partial]:
        return []

    async def deliveries_by_alias(self, name: str, aliases: Sequence[str]) -> list[Delivery]:
        return []

    async def delivery_of(self, name: str, sha256: str) -> Delivery | None:
        return None

    async def record_delivery(self, run_id: int, files: Mapping[int, FileRecord], ledger: Sequence[Delivery]) -> None:
        await self.record_files(run_id, files)

    async def end_run(self, run_id: int, outcome: Outcome, progress: Progress) -> Run:
        run = self.all_runs[run_id]
        ended = run._replace(
            status=outcome.status,
            ended=run.started + timedelta(seconds=90),
            progress=progress,
            failure=outcome.failure,
            message=outcome.message,
        )
        self.all_runs[run_id] = ended
        self.bump()
        return ended

    async def request_cancel(self, run_id: int) -> None:
        self.cancel_requests.append(run_id)
        self.bump()

    async def end_orphans(self) -> list[Run]:
        return []

    async def runs(
        self,
        name: str | None = None,
        *,
        before: int | None = None,
        limit: int = 100,
        status: Status | None = None,
    ) -> list[Run]:
        found = [
            run
            for run in sorted(self.all_runs.values(), key=_run_id, reverse=True)
            if (name is None or run.connection == name)
            and (before is None or run.run_id < before)
            and (status is None or run.status is status)
        ]
        return found[:limit]

    async def search(
        self, wanted: Filter, name: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> Found:
        self.searched.append((" ".join(word.text for word in wanted.words), before))
        self.at_slice()
        some = await self.runs(name, before=before, limit=self.slice)
        found = [run for run in some if wanted.accepts(run_facts(run))][:limit]
        last = found[-1] if len(found) == limit else some[-1] if len(some) == self.slice else None
        return Found(found, last.run_id, last.started) if last is not None else Found(found, None, None)

    async def run(self, run_id: int) -> Run:
        if run_id not in self.all_runs:
            raise UsageProblem(f"There is no run {run_id}.")
        return self.all_runs[run_id]

    async def files(self, run_id: int) -> list[FileRecord]:
        files = self.all_files.get(run_id, {})
        return [files[place] for place in sorted(files)]

    async def changed_files(self, run_id: int, *, since: int = 0) -> FileChanges:
        revisions, files = self.file_revisions.get(run_id, {}), self.all_files.get(run_id, {})
        changed = {place: file for place, file in files.items() if revisions[place] > since}
        return FileChanges(max(revisions.values(), default=0), changed)

    async def events(self, run_id: int, *, after: int = 0) -> list[Event]:
        return self.all_events.get(run_id, [])[after:]

    async def deliveries(self, name: str, keys: Sequence[str]) -> dict[str, Delivery]:
        return {}


def _run_id(run: Run) -> int:
    return run.run_id


class FakeEngine:
    """Records what it is asked to do. The test moves the runs on with `progress` and `end`."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.paths = Paths.from_environment()
        self.ask: Ask | None = None
        self.read_only = False
        self.live: dict[str, LiveRun] = {}
        self.revision = 0
        self.snapshots = 0
        self.started: list[str] = []
        self.only: Set[str] | None = None
        self.cancelled: list[int] = []
        self.tested: list[Connection] = []
        self.test_steps: list[Event] = [Event(NOW, "resolve", "sftp.acme.example is 192.0.2.7", ms=3.0)]
        self.test_failure: Failure | None = None
        self.test_warnings: list[str] = []
        self.test_identity: Identity | None = None
        self.identity: Identity | None = None
        """What the server shows when it is looked at."""
        self.accepted: list[Identity] = []
        self.written: list[bool] = []
        self.test_goes_on = asyncio.Event()
        self.test_goes_on.set()

    def snapshot(self) -> Snapshot:
        self.snapshots += 1
        return Snapshot(self.revision + self.store.number, self.store.number, dict(self.live))

    # What the test does

    async def add(self, *names: str, **changes: object) -> None:
        for name in names:
            await self.store.save(connection(name, **changes))

    async def ran(
        self,
        name: str,
        status: Status = Status.COMPLETED,
        *,
        failure: Failure | None = None,
        files: Sequence[FileRecord] = (),
        events: Sequence[Event] = (),
    ) -> Run:
        """A run that has ended already."""
        run = await self.store.begin_run(name, Trigger.MANUAL, OWNER)
        await self.store.record_files(run.run_id, dict(enumerate(files)))
        await self.store.record_events(run.run_id, events)
        done = sum(file.bytes for file in files)
        progress = Progress(len(files), len(files), done, sum(file.size for file in files))
        return await self.store.end_run(run.run_id, Outcome(status, failure), progress)

    def progress(
        self,
        name: str,
        progress: Progress,
        *,
        speed: float = 1_000_000.0,
        time_left: float | None = 10.0,
        note: str | None = None,
        here: bool = True,
    ) -> None:
        """Set what a run in progress shows."""
        run = self.store._latest(name)
        assert run is not None
        assert run.ended is None
        self.revision += 1
        self.live[name] = LiveRun(run.run_id, name, run.started, progress, speed, time_left, note, here)

    async def end(self, name: str, status: Status = Status.COMPLETED, failure: Failure | None = None) -> None:
        """End the run in progress."""
        run = self.live.pop(name)
        self.revision += 1
        await self.store.end_run(run.run_id, Outcome(status, failure), run.progress)

    # What the screens ask for

    async def start(self, name: str, trigger: Trigger = Trigger.MANUAL, *, only: Set[str] | None = None) -> Run:
        self.only = only
        wanted = await self.store.connection(name)
        if not wanted.enabled:
            raise UsageProblem(f"{name} is switched off.")
        if name in self.live:
            raise AlreadyRunning(name, NOW, 1, "test")
        run = await self.store.begin_run(name, trigger, OWNER)
        self.started.append(name)
        self.progress(name, Progress(), speed=0.0, time_left=None)
        return run

    def pause(self, run_id: int) -> None:
        self._pause(run_id, paused=True)

    def resume(self, run_id: int) -> None:
        self._pause(run_id, paused=False)

    def _pause(self, run_id: int, *, paused: bool) -> None:
        for name, run in list(self.live.items()):
            if run.run_id == run_id:
                if not run.here:
                    raise UsageProblem(f"Run {run_id} is not executed here.")
                self.live[name] = run._replace(paused=paused, note="paused" if paused else None)
        self.revision += 1

    async def cancel(self, run_id: int) -> None:
        self.cancelled.append(run_id)

    async def test(
        self,
        connection: Connection,
        watcher: Watcher | None = None,
        *,
        typed_secret: str | None = None,
        write: bool = True,
    ) -> TestReport:
        self.tested.append(connection)
        self.written.append(write)
        for step in self.test_steps:
            if watcher is not None:
                watcher.ended(step)
        await self.test_goes_on.wait()
        failure = self.test_failure
        warnings = self.test_warnings
        return TestReport(
            connection.name, failure is None, list(self.test_steps), failure, warnings, identity=self.test_identity
        )

    async def identify(self, connection: Connection) -> Identity:
        if self.identity is None:
            raise TransferFailed(FailureClass.REFUSED, f"{connection.host} is not there.")
        return self.identity

    def place_for(self, connection: Connection, identity: Identity) -> str:
        return "/wharf/known_hosts" if identity.is_host_key else f"the connection {connection.name}"

    async def accept(self, connection: Connection, identity: Identity) -> Accepted:
        """From now on every test passes."""
        self.accepted.append(identity)
        self.test_failure = self.test_identity = None
        if identity.is_host_key:
            return Accepted(connection, "/wharf/known_hosts")
        assert connection.ftp is not None
        pinned = connection.ftp.model_copy(update={"fingerprint": identity.fingerprint})
        return Accepted(connection.model_copy(update={"ftp": pinned}), "the connection")
