"""Notices a peer that has fallen silent, whatever the code that talks to it is waiting for."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tui.domain.failure import FailureClass, TransferFailed

_GRACE = 1.0
"""Seconds that waiting code gets to fail by itself after the connection was dropped under it."""


class StallWatch:
    """`async with StallWatch(30, abort):` lets its body run as long as `poke` is called at least every 30 s.

    When nothing was heard for that long, `abort` is called, which drops the connection so that whoever waits for the
    peer wakes up with an error, clean-up code included. Code that does not wake is cancelled a second later. Either way
    the body ends with TransferFailed (timeout).
    """

    def __init__(self, seconds: float, abort: Callable[[], None]) -> None:
        self._seconds = seconds
        self._abort = abort
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._expired = False
        self._cancelled = False

    def poke(self, *, ahead: float = 0.0) -> None:
        """The peer has given a sign of life, or will not be asked for one in the seconds ahead."""
        self._heard = self._loop.time() + ahead

    def rest(self) -> None:
        """From now on nothing is expected of the peer any more."""
        assert self._handle is not None  # noqa: S101 - set on entry
        if not self._expired:
            self._handle.cancel()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._heard = self._loop.time()
        self._handle = self._loop.call_later(self._seconds, self._look)
        return self

    def _look(self) -> None:
        left = self._heard + self._seconds - self._loop.time()
        if left > 0:
            self._handle = self._loop.call_later(left, self._look)
            return
        self._expired = True
        self._handle = self._loop.call_later(_GRACE, self._cancel)
        self._abort()

    def _cancel(self) -> None:
        assert self._task is not None  # noqa: S101 - set on entry
        self._cancelled = True
        self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._handle is not None and self._task is not None  # noqa: S101, PT018 - set on entry
        self._handle.cancel()
        cancelled_by_others = isinstance(error, asyncio.CancelledError)
        if self._cancelled:
            cancelled_by_others = self._task.uncancel() > 0 and cancelled_by_others
        # Also when the body has come to an end: what was dropped under it may have looked to it like an end.
        if self._expired and not cancelled_by_others:
            raise TransferFailed(
                FailureClass.TIMEOUT, f"The other side was silent for {self._seconds:g} s; the connection was dropped."
            ) from error
