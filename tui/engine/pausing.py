"""Pause and resume of a run: what is at work is taken down, and begun again from what is on record."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tui.domain.failure import Failure


class Pausing:
    """Does attempts that can be cut. A pause lets go of the partner: no session is held, however long it lasts."""

    def __init__(self) -> None:
        self._go_on = asyncio.Event()
        self._go_on.set()
        self._work: asyncio.Task[Failure | None] | None = None
        self._was_cut = False

    @property
    def is_paused(self) -> bool:
        return not self._go_on.is_set()

    def pause(self) -> None:
        """Cut what is at work; nothing more begins until `resume`."""
        self._go_on.clear()
        if self._work is not None:
            self._was_cut = True
            self._work.cancel()

    def resume(self) -> None:
        self._go_on.set()

    async def over(self) -> None:
        """Wait until there is no pause."""
        await self._go_on.wait()

    async def do(self, attempt: Callable[[], Coroutine[Any, Any, Failure | None]]) -> tuple[Failure | None, bool]:
        """What the attempt has come to, and whether a pause has cut it: then its failure says nothing of the partner.
        An attempt that came to its end all the same counts as uncut."""
        self._was_cut = False
        self._work = asyncio.create_task(attempt(), name="attempt")
        try:
            await asyncio.wait({self._work})
        except asyncio.CancelledError:
            self._work.cancel()
            await asyncio.wait({self._work})
            raise
        work, self._work = self._work, None
        if not self._was_cut:
            return work.result(), False
        if work.cancelled():
            return None, True
        failure = work.result()
        return failure, failure is not None
