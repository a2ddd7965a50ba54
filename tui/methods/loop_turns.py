"""Lets the event loop have the interpreter while it is at work, although threads move bytes beside it.

A thread needs the interpreter for every 16 KiB that it receives over TLS, thousands of times a second. The loop gives
it up for a moment again and again while it works, such as to decrypt a packet, and has to wait each time until a thread
that took it lets go: where cores are few, until that thread gets one. So a thread may move so much in a turn of the
loop, from one look at its sockets to the next, and waits for the next turn then. While the loop sleeps there is no
limit, so that a transfer loses nothing where there is little else to do.
"""

import asyncio
import selectors
from threading import Event

SHARE = 192 * 1024
"""Bytes that a thread may move while the loop is at work, in each of its turns."""
_PATIENCE = 0.1
"""Seconds that a thread waits at most: a loop that is stuck stops no transfer for good."""


class LoopTurns:
    """What the loop is doing. `begin` and `end` are for the loop, `wait` is for threads."""

    def __init__(self) -> None:
        self.number = 0
        """Of the present turn, or of the last one."""
        self.is_at_work = False
        self._is_awaited = False
        self._over = Event()

    def begin(self) -> None:
        """The loop has something to do."""
        self.number += 1
        self.is_at_work = True

    def end(self) -> None:
        """The loop looks at its sockets, and sleeps unless there is something to do at once."""
        self.is_at_work = False
        if self._is_awaited:
            self._is_awaited = False
            self._over.set()

    def wait(self) -> None:
        """Wait until the present turn is over, or a later one."""
        self._over.clear()
        self._is_awaited = True
        # Looked at only now: a turn that ends from here on sets the event.
        if self.is_at_work:
            self._over.wait(_PATIENCE)


loop_turns = LoopTurns()
"""Those of the event loop of this process, if it was made here."""


class Share:
    """What one thread moves, turn by turn."""

    def __init__(self, turns: LoopTurns = loop_turns) -> None:
        self._turns = turns
        self._turn = 0
        self._moved = 0

    def use(self, count: int) -> None:
        """So many bytes were moved. Waits when that was all for this turn."""
        if not self._turns.is_at_work:
            return
        if self._turn != self._turns.number:
            self._turn, self._moved = self._turns.number, 0
        self._moved += count
        if self._moved >= SHARE:
            self._turns.wait()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop whose turns are known to threads."""
    return asyncio.SelectorEventLoop(_Selector())


class _Selector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop_turns.end()
        try:
            return super().select(timeout)
        finally:
            loop_turns.begin()

    def close(self) -> None:
        super().close()
        loop_turns.end()
