"""Shares the event loop among all channels that send.

Encrypting is work for the processor, and the library does it where it is handed the bytes: a whole send window at once
would hold up the screen and every other transfer for as long as it takes.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary

from tui.methods.right_of_way import right_of_way

BUDGET = 128 * 1024
"""Bytes that all channels together may encrypt in one round of the event loop: well below a millisecond."""

Send = Callable[[int], int]
"""Sends at most so many bytes; returns how many they were. Whoever has more to send asks for another turn."""


class Turns:
    """Everybody in turn, as far as the budget goes; what is left over goes on in the next round of the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Send] = deque()
        self._is_due = False

    def ask(self, send: Send) -> None:
        """`send` will be called soon, but never before this returns: what is asked for until then goes together."""
        self._waiting.append(send)
        self._be_due()

    def _be_due(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._take)

    def _take(self) -> None:
        self._is_due = False
        if (claimed := right_of_way.seconds_claimed) > 0:
            self._is_due = True
            self._loop.call_later(claimed, self._take)
            return
        left = BUDGET
        while self._waiting and left > 0:
            left -= self._waiting.popleft()(left)
        if self._waiting:
            self._be_due()


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns_of_this_loop() -> Turns:
    loop = asyncio.get_running_loop()
    return _turns.setdefault(loop, Turns(loop))
