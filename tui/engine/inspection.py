"""Looks at a connection without moving anything: the test of its steps, and the preview of a run."""

from collections.abc import Callable
from dataclasses import dataclass

from tui.domain.connection import Connection
from tui.domain.failure import Failure, TransferFailed
from tui.domain.run import Event
from tui.engine.plan import known_deliveries, make_plan
from tui.engine.selection import select
from tui.engine.sides import Means, Sides
from tui.methods.base import Entry, Source
from tui.methods.folder import LocalFolder
from tui.store.base import Store


@dataclass(frozen=True, slots=True)
class TestReport:
    """What a test of a connection found, step by step. `failure` is that of the step that failed, if one did."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    connection: str
    ok: bool
    steps: list[Event]
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do now: the files it would move, and those it would leave with the reason."""

    files: list[Entry]
    skipped: list[tuple[Entry, str]]


async def try_connection(
    connection: Connection, means: Means, watch: Callable[[Event], None] | None = None
) -> TestReport:
    """Go through the steps up to the listing until one fails. `watch` hears of each as it ends."""
    steps: list[Event] = []

    def hear(event: Event) -> None:
        steps.append(event)
        if watch is not None:
            watch(event)

    sides = Sides(connection, means, hear)
    try:
        async with sides.watched():
            await sides.open()
            for side in (sides.source, sides.target):
                if isinstance(side, Source) and not isinstance(side, LocalFolder):
                    await select(side, connection, sides.narrator)
    except TransferFailed as error:
        if not steps or steps[-1].ok:
            sides.narrator.tell("test", str(error), ok=False)
        return TestReport(connection.name, False, steps, error.failure)
    return TestReport(connection.name, True, steps, None)


async def preview_run(connection: Connection, means: Means, store: Store) -> Preview:
    """List and plan like a run. Raises TransferFailed."""
    sides = Sides(connection, means, lambda _: None)
    async with sides.watched():
        await sides.source.open()
        selection = await select(sides.source, connection, sides.narrator)
        ledger = await known_deliveries(store, connection.name, selection.ready)
    plan = make_plan(selection.ready, ledger, connection.repeat)
    skipped = selection.left_alone
    skipped += [(entry, f"delivered before by run {ledger[entry.key].run_id}") for entry in plan.delivered]
    skipped += [(entry, f"run {earlier.run_id} delivered a file of this name") for entry, earlier in plan.repeated]
    skipped += [(entry, entry.problem or "") for entry in plan.unsafe]
    return Preview(plan.move, skipped)
