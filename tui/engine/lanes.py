"""Works on several batches of a run at the same time, each lane over a session of its own."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from tui.domain.failure import StoreProblem, TransferFailed, WharfError
from tui.engine.sides import Sides
from tui.methods.base import Entry

_DELIVERIES_AT_ONCE = 2

Deliver = Callable[[Sides, deque[list[Entry]]], Awaitable[None]]
"""Delivers something of what waits, which it takes away there."""


async def deliver_side_by_side(sides: Sides, batches: Iterable[list[Entry]], lanes: int, deliver: Deliver) -> None:
    """Deliver all batches over at most `lanes` sessions, the given one among them. The first failure that breaks a
    session ends all lanes and is raised: what is staged stays for the next attempt. So does one of the store."""
    waiting = deque(batches)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_first_lane(sides, waiting, deliver))
            for _ in range(min(lanes, len(waiting)) - 1):
                group.create_task(_further_lane(sides, waiting, deliver))
    except BaseExceptionGroup as errors:
        failures, others = errors.split(WharfError)
        if others is not None or failures is None:
            raise
        raise _first(failures.subgroup(StoreProblem) or failures) from errors


def _first(group: BaseExceptionGroup[WharfError]) -> WharfError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _first_lane(sides: Sides, waiting: deque[list[Entry]], deliver: Deliver) -> None:
    await _work(sides, waiting, deliver)
    # The others may take a while; each is watched by itself.
    sides.rest()


async def _work(sides: Sides, waiting: deque[list[Entry]], deliver: Deliver) -> None:
    """Deliver until nothing waits. On a session that stands several files at once, one delivery copies while another
    is being proved, published and recorded."""
    async with asyncio.TaskGroup() as group:
        for _ in range(min(sides.side_by_side, _DELIVERIES_AT_ONCE)):
            group.create_task(_deliver_all(sides, waiting, deliver))


async def _deliver_all(sides: Sides, waiting: deque[list[Entry]], deliver: Deliver) -> None:
    while waiting:
        await deliver(sides, waiting)


async def _further_lane(sides: Sides, waiting: deque[list[Entry]], deliver: Deliver) -> None:
    twin = sides.twin()
    if twin is None:
        return
    is_open = False
    try:
        async with twin.lane():
            await twin.partner.open()
            is_open = True
            await _work(twin, waiting, deliver)
    except TransferFailed as error:
        if is_open:
            raise
        # Servers refuse more sessions than they like; the others do the work then.
        sides.narrator.tell("parallel", f"no further session: {error}", ok=False)
