"""The engine: starts, watches, cancels and ends runs. It owns their tasks; screens and commands only ask it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from tui.domain.failure import FailureClass, ReadOnly, StoreProblem, UsageProblem
from tui.domain.run import Run, Trigger
from tui.engine.live import Snapshot
from tui.engine.watch import ForeignRuns
from tui.paths import Paths
from tui.store.base import Store
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from tui.domain.connection import Connection
    from tui.engine.execution import Execution
    from tui.engine.inspection import Preview, TestReport, Watcher
    from tui.engine.retry import Backoff
    from tui.engine.sides import Means
    from tui.engine.trusting import Accepted
    from tui.trust.identity import Identity
    from tui.trust.unlocking import Ask, VaultOpener
    from tui.trust.vault import Vault

_LOOK = 0.5
"""Seconds between two looks at the store for what other processes did."""

_ORPHAN_LOOKS = 20
"""Looks between two searches for runs whose process is gone."""

_log = logging.getLogger(__name__)


class Engine:
    """One per process. Open with `open_engine`, or call `start_up` and `close`."""

    def __init__(
        self, store: Store, paths: Paths, *, backoff: "Backoff | None" = None, ask: "Ask | None" = None
    ) -> None:
        self.paths = paths
        self.store = store
        self.read_only = paths.read_only
        self.ask = ask
        """Asks somebody for the passphrase of the vault; None where nobody can be asked."""
        self._opener: VaultOpener | None = None
        self._backoff = backoff
        self._executions: dict[int, Execution] = {}
        self._tasks: dict[int, asyncio.Task[Run]] = {}
        self._unrecorded: set[int] = set()
        """The runs that have ended, which the store has not taken note of yet."""
        self._foreign = ForeignRuns(store)
        self._watcher: asyncio.Task[None] | None = None
        self._snapshot = Snapshot()
        self._store_version = 0

    @cached_property
    def vault(self) -> "Vault":
        """The user's own. Asked for in the event loop; what it does then needs a thread."""
        from tui.trust.vault import Vault

        return Vault(self.paths.vault, self.paths.vault_key, read_only=self.read_only)

    @cached_property
    def _means(self) -> "Means":
        from tui.engine.sides import Means

        return Means(self._secret, self._resolve, self.paths.known_hosts, prepare=self.prepare)

    async def start_up(self) -> None:
        """End the runs whose process is gone, and begin to watch the store."""
        await self.store.end_orphans()
        await self._look()
        self._watcher = asyncio.create_task(self._keep_looking(), name="store watcher")

    async def start(
        self, name: str, trigger: Trigger = Trigger.MANUAL, *, force: bool = False, only: Set[str] | None = None
    ) -> Run:
        """Begin a run and return it as it stands. With `force` it moves what was delivered before as well; with `only`
        it leaves all files alone but those of these names. Raises UnknownConnection, AlreadyRunning, UsageProblem for a
        disabled connection, ReadOnly, StoreProblem."""
        self.require_changes()
        await _load("tui.engine.execution")
        from tui.engine.execution import Execution
        from tui.engine.retry import Backoff

        connection = await self.store.connection(name)
        if not connection.enabled:
            raise UsageProblem(f"{connection.name} is disabled; enable it before running it.")
        run = await self.store.begin_run(name, trigger, this_process())
        execution = Execution(
            run, connection, self.store, self._means, self._backoff or Backoff(), force=force, only=only
        )
        self._executions[run.run_id] = execution
        task = asyncio.create_task(execution.execute(), name=f"execution of run {run.run_id}")
        self._tasks[run.run_id] = task
        task.add_done_callback(lambda done: self._ended(run.run_id, done))
        return run

    def require_changes(self) -> None:
        """Raises ReadOnly where Wharf only looks. The store and the vault do so by themselves."""
        if self.read_only:
            raise ReadOnly

    async def wait(self, run_id: int) -> Run:
        """Wait until a run of this process has ended; how it ended. Raises StoreProblem if that is not on record."""
        task = self._tasks.get(run_id)
        # Shielded: whoever waits may be cancelled without the run being so.
        return await asyncio.shield(task) if task is not None else await self.store.run(run_id)

    async def cancel(self, run_id: int) -> None:
        """Cancel a run of this process or of another; it ends as Failed (cancelled) within about two seconds.
        Raises ReadOnly."""
        self.require_changes()
        execution = self._executions.get(run_id)
        if execution is not None:
            execution.stop(FailureClass.CANCELLED, "Cancelled on request.")
        else:
            await self.store.request_cancel(run_id)

    def pause(self, run_id: int) -> None:
        """Pause a run of this process: it stays in progress and lets go of the partner. Raises UsageProblem for a run
        that this process does not execute."""
        self._own(run_id).pause()

    def resume(self, run_id: int) -> None:
        """Let a paused run go on. Raises UsageProblem for a run that this process does not execute."""
        self._own(run_id).resume()

    def _own(self, run_id: int) -> "Execution":
        execution = self._executions.get(run_id)
        if execution is None:
            raise UsageProblem(f"Run {run_id} is not executed here; it can only be paused where it was started.")
        return execution

    def snapshot(self) -> Snapshot:
        """What is going on now. The revision changes only when something that is shown has changed."""
        live = {run.connection: run for run in self._foreign.live()}
        live |= {own.connection: own for own in (execution.live() for execution in self._executions.values())}
        last = self._snapshot
        if live != last.live or self._store_version != last.store_version:
            self._snapshot = Snapshot(last.revision + 1, self._store_version, live)
        return self._snapshot

    async def test(
        self,
        connection: "Connection",
        watcher: "Watcher | None" = None,
        *,
        typed_secret: str | None = None,
        write: bool = True,
    ) -> "TestReport":
        """Try the connection, saved or not, step by step. With `typed_secret` that is used in the place of what the
        connection refers to. Without `write`, and where Wharf only looks, nothing is written to the other side."""
        await _load("tui.engine.inspection")
        from tui.engine.inspection import try_connection

        means = self._means
        if typed_secret is not None:
            means = replace(means, secret=lambda _: _ready(typed_secret))
        report = await try_connection(connection, means, watcher, write=write and not self.read_only)
        if report.certificate_ends is not None and not self.read_only:
            # Of a connection that is not saved, or not as it was tried, the address differs, and it says nothing.
            await self.store.record_certificate(connection.name, connection.address, report.certificate_ends)
        return report

    async def identify(self, connection: "Connection") -> "Identity":
        """What the server of a connection, saved or not, shows to prove who it is, and what is to be thought of it.
        Raises TransferFailed."""
        await _load("tui.engine.trusting")
        from tui.engine.trusting import look_at

        return await look_at(connection, self._means)

    def place_for(self, connection: "Connection", identity: "Identity") -> str:
        """Where `accept` would keep that this is trusted, in words."""
        from tui.engine.trusting import place_for

        return place_for(connection, identity, self._means)

    async def accept(self, connection: "Connection", identity: "Identity") -> "Accepted":
        """Trust what a server has shown. The connection that comes back is to be saved if it differs. Raises
        TransferFailed (config) and ReadOnly."""
        self.require_changes()
        from tui.engine.trusting import accept

        return await accept(connection, identity, self._means)

    async def preview(self, name: str) -> "Preview":
        """What a run would move now. Raises UnknownConnection and TransferFailed."""
        await _load("tui.engine.inspection")
        from tui.engine.inspection import preview_run

        return await preview_run(await self.store.connection(name), self._means, self.store)

    async def prepare(self, connection: "Connection") -> None:
        """Open the vault if a secret of the connection is in it, which may ask for a passphrase. Raises
        TransferFailed."""
        if any(reference.startswith("vault:") for reference in connection.references):
            await self.open_vault()

    async def open_vault(self) -> None:
        """Open the vault, which may ask for its passphrase. Raises VaultProblem."""
        if self._opener is None:
            from tui.trust.unlocking import VaultOpener

            self._opener = VaultOpener(self.vault)
        self._opener.ask = self.ask
        await self._opener.open()

    async def close(self, reason: str = "Wharf was closed.") -> None:
        """End the runs of this process as Failed (interrupted), put them on record and close the store."""
        for execution in list(self._executions.values()):
            execution.stop(FailureClass.INTERRUPTED, reason)
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))
        if self._opener is not None:
            await self._opener.close()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})
        try:
            await self._record_ends()
        except StoreProblem:
            _log.exception("runs stay in progress on record until Wharf is started again")
        await self.store.close()

    def _ended(self, run_id: int, task: asyncio.Task[Run]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreProblem):
            # As long as this process lives, nobody else may end the run. Whoever waits for it hears of the problem.
            self._unrecorded.add(run_id)
            _log.error("the end of run %d could not be put on record", run_id, exc_info=error)
            return
        self._executions.pop(run_id, None)
        if task.cancelled() or error is not None:
            # Kept for whoever waits for it; without anybody waiting, the log is where it is told.
            _log.error("run %d could not be kept on record", run_id, exc_info=error)
        else:
            self._tasks.pop(run_id, None)

    async def _record_ends(self) -> None:
        """Put on record what could not be before. Raises StoreProblem while that lasts."""
        for run_id in list(self._unrecorded):
            await self._executions[run_id].record_end()
            self._unrecorded.discard(run_id)
            self._executions.pop(run_id, None)
            self._tasks.pop(run_id, None)

    async def _keep_looking(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(_LOOK)
            looks += 1
            try:
                await self._record_ends()
                if looks % _ORPHAN_LOOKS == 0:
                    await self.store.end_orphans()
                await self._look()
            except StoreProblem:
                # Shown by whoever reads the store next; the watcher must outlive a passing fault such as a full disk.
                _log.exception("the store could not be read")

    async def _look(self) -> None:
        version = await self.store.version()
        if version != self._store_version:
            await self._foreign.look(self._executions.keys())
            self._store_version = version

    async def _secret(self, connection: "Connection") -> str | None:
        reference = connection.endpoint.secret
        return None if reference is None else await self._resolve(reference)

    async def _resolve(self, reference: str) -> str:
        from tui.trust.secrets import resolve_secret

        return await resolve_secret(reference, self.vault)


async def _load(module: str) -> None:
    """Import what works on connections. A screen that shows them does without: its first frame would wait for it, and
    a frame while it is imported for the first time would, too, without the thread."""
    await asyncio.to_thread(import_module, module)


async def _ready(secret: str) -> str:
    return secret


@asynccontextmanager
async def open_engine(paths: Paths, ask: "Ask | None" = None) -> AsyncIterator[Engine]:
    """An engine on the user's own store and vault; its runs are ended and the store closed at the end. `ask` is asked
    for the vault's passphrase if it has one."""
    paths.prepare()
    store = SqliteStore(paths.database, read_only=paths.read_only)
    await store.open()
    engine = Engine(store, paths, ask=ask)
    try:
        await engine.start_up()
        yield engine
    finally:
        await engine.close()
