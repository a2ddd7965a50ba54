"""Looks at a connection without moving anything: the test of its steps, and the preview of a run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time

from tui.domain.connection import Connection
from tui.domain.expiry import expiry_warning
from tui.domain.failure import Failure, TransferFailed
from tui.domain.figures import size
from tui.domain.run import Event
from tui.domain.terms import Direction
from tui.engine.plan import make_plan
from tui.engine.probe import Clock, WriteProbe
from tui.engine.recognition import recognize
from tui.engine.selection import select
from tui.engine.sides import Means, Sides
from tui.methods import load
from tui.methods.base import Entry
from tui.store.base import Store
from tui.trust.identity import Identity, NotTrusted

_CLOCKS_APART = 60.0
"""Seconds between two clocks that are worth a warning: file times, logs and one-time codes go by them."""


@dataclass(frozen=True, slots=True)
class TestReport:
    """What a test of a connection found, step by step. `failure` is that of the step that failed, if one did."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    connection: str
    ok: bool
    steps: list[Event]
    failure: Failure | None
    warnings: list[str] = field(default_factory=list)
    """What works today and may not tomorrow, each in a few words."""
    identity: Identity | None = None
    """What the server has shown, where that is known and is why the test has failed."""
    certificate_ends: datetime | None = None
    """When the server's certificate ends, if it has one and is trusted."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do now: the files it would move, and those it would leave with the reason."""

    files: list[Entry]
    skipped: list[tuple[Entry, str]]


@dataclass(frozen=True, slots=True)
class Watcher:
    """Follows a test while it happens."""

    begun: Callable[[str], None] = lambda _: None
    """Hears of a step as it begins."""
    ended: Callable[[Event], None] = lambda _: None
    """Hears of each step as it ends."""


async def try_connection(
    connection: Connection, means: Means, watcher: Watcher | None = None, *, write: bool = True
) -> TestReport:
    """Go through the steps of a run, short of moving a file, until one fails. With `write` an outbound connection is
    tried by a file that is removed again."""
    await load(connection)
    return await _Test(connection, means, watcher or Watcher(), write=write).report()


class _Test:
    def __init__(self, connection: Connection, means: Means, watcher: Watcher, *, write: bool) -> None:
        self._connection = connection
        self._watcher = watcher
        self._writes = write and connection.direction is Direction.OUTBOUND
        self._steps: list[Event] = []
        self._warnings: list[str] = []
        self._sides = Sides(connection, means, self._hear, watcher.begun)
        self._narrator = self._sides.narrator

    def _hear(self, event: Event) -> None:
        self._steps.append(event)
        self._watcher.ended(event)

    async def report(self) -> TestReport:
        failure = identity = None
        try:
            async with self._sides.watched():
                await self._climb()
        except TransferFailed as error:
            failure = error.failure
            identity = error.identity if isinstance(error, NotTrusted) else None
            if not self._steps or self._steps[-1].ok:
                self._narrator.tell("test", str(error), ok=False)
        ends = self._sides.certificate_ends
        if (expiry := expiry_warning(ends, datetime.now(UTC))) is not None:
            self._warnings.insert(0, f"The server's {expiry}; ask the partner for the new one.")
        return TestReport(self._connection.name, failure is None, self._steps, failure, self._warnings, identity, ends)

    async def _climb(self) -> None:
        await self._sides.open()
        await select(self._sides.source, self._connection, self._narrator, wait=self._sides.wait)
        clock = await self._try_writing() if self._writes else None
        await self._look_for_space()
        await self._compare_clocks(clock)
        with self._narrator.step("offers") as note:
            note.detail = await self._sides.partner.offers() or "the other side does not tell what it can do"

    async def _try_writing(self) -> Clock | None:
        probe = WriteProbe(self._sides.target)
        await probe.run(self._narrator)
        if probe.left_behind is not None:
            self._warnings.append(
                f"{probe.left_behind} could not be removed: ask the partner to remove it, and to allow that if runs "
                "are to clear away what they could not finish."
            )
        return probe.clock

    async def _look_for_space(self) -> None:
        with self._narrator.step("space") as note:
            here = await self._sides.local.free_space()
            found = [f"{size(here)} free here"] if here is not None else []
            if self._connection.direction is Direction.OUTBOUND:
                there = await self._sides.target.free_space()
                found.append("the other side does not tell" if there is None else f"{size(there)} free there")
            note.detail = ", ".join(found)

    async def _compare_clocks(self, clock: Clock | None) -> None:
        with self._narrator.step("clock") as note:
            if clock is None:
                began = time()
                theirs = await self._sides.partner.clock(None)
                clock = None if theirs is None else Clock.compared(theirs, began, time())
            note.detail = "not known: the other side does not tell its time" if clock is None else str(clock)
        if clock is not None and abs(clock.ahead) >= _CLOCKS_APART:
            self._warnings.append(f"{str(clock).capitalize()}; file times are compared with ours.")


async def preview_run(connection: Connection, means: Means, store: Store) -> Preview:
    """List and plan like a run. Raises TransferFailed."""
    await load(connection)
    sides = Sides(connection, means, lambda _: None)
    async with sides.watched():
        await sides.source.open()
        selection = await select(sides.source, connection, sides.narrator, wait=sides.wait)
        ledger = (await recognize(store, connection.name, sides.source, selection.ready, sides.alive)).by_key
    plan = make_plan(selection.ready, ledger, connection.repeat)
    skipped = selection.left_alone
    skipped += [(entry, f"delivered before by run {ledger[entry.key].run_id}") for entry in plan.delivered]
    skipped += [(entry, f"run {earlier.run_id} delivered a file of this name") for entry, earlier in plan.repeated]
    skipped += [(entry, entry.problem or "") for entry in plan.unsafe]
    return Preview(plan.move, skipped)
