"""Tries to deliver without delivering: a file that means nothing is written, renamed and removed."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from time import time

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import duration
from tui.domain.naming import part_name
from tui.methods.base import Entry, Staged, Target
from tui.methods.narration import Narrator

_CONTENT = b"Wharf wrote this to test the connection. It can be deleted.\n"
_CLEAN_UP_LIMIT = 0.7
"""Seconds to remove what is there after a failure or a cancel, which must not take long whatever the server does."""

_RESOLUTION = 1.0
"""Seconds that a time told by the other side may be too early, because it is cut to the second."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the clock of the other side is ahead of ours, in seconds; negative when behind."""

    ahead: float

    @classmethod
    def compared(cls, theirs: float, began: float, ended: float) -> "Clock":
        """A time told by the other side somewhen between two moments of ours."""
        if theirs > ended:
            return cls(theirs - ended)
        return cls(min(0.0, theirs + _RESOLUTION - began))

    def __str__(self) -> str:
        if abs(self.ahead) < _RESOLUTION:
            return "the other side's clock agrees with ours to the second"
        where = "ahead of" if self.ahead > 0 else "behind"
        return f"the other side's clock is {duration(abs(self.ahead))} {where} ours"


class WriteProbe:
    """One probe of one target. Its file has an unmistakable name that ends like every unfinished file of Wharf, before
    and after it is renamed, so that nobody who knows Wharf's names takes it for a batch."""

    def __init__(self, target: Target, now: Callable[[], float] = time) -> None:
        self._target = target
        self._now = now
        # Staged, a file is called by its part name; so is this one once it is published.
        before = f"wharf-test-{token_hex(4)}"
        self._name = part_name(before)
        self._staged = Entry.named(self._name, len(_CONTENT), None, self._name)
        self._published = Entry.named(before, len(_CONTENT), None, before)
        self.clock: Clock | None = None
        """How the clocks compare, as far as the probe could tell."""
        self.left_behind: str | None = None
        """The name of the file, if the other side does not let it be removed."""

    async def run(self, narrator: Narrator) -> None:
        """As the step `write`. Raises TransferFailed. After a failure or a cancel nothing is left where that can be
        had within a moment."""
        with narrator.step("write") as note:
            rehearsed = await self._target.rehearse()
            note.detail = await self._write() if rehearsed is None else rehearsed

    async def _write(self) -> str:
        began = self._now()
        try:
            async with self._target.stage(self._staged) as writer:
                await writer.write(_CONTENT)
            await self._check_size()
            await self._target.publish([Staged(self._staged, len(_CONTENT), hashlib.sha256(_CONTENT).hexdigest())])
            theirs = await self._target.clock(self._name)
        except BaseException:
            await self._clean_up()
            raise
        if theirs is not None:
            self.clock = Clock.compared(theirs, began, self._now())
        return await self._remove()

    async def _check_size(self) -> None:
        size = await self._target.staged_size(self._staged)
        if size != len(_CONTENT):
            raise TransferFailed(
                FailureClass.INTEGRITY,
                f"Of {len(_CONTENT)} bytes written to a test file, the other side has {size or 0}.",
                remedy="Ask the partner whether the disk is full or a quota is used up.",
            )

    async def _remove(self) -> str:
        try:
            await self._target.discard(self._published)
        except TransferFailed as error:
            if error.failure.failure_class not in {FailureClass.PERMISSION, FailureClass.REJECTED}:
                raise
            self.left_behind = self._name
            return f"{self._name} was written and renamed, but may not be removed: {error}"
        return f"{self._name} was written, renamed and removed"

    async def _clean_up(self) -> None:
        # What the failure itself has told is what counts.
        with suppress(TransferFailed, TimeoutError):
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                await self._target.discard(self._staged)
                await self._target.discard(self._published)
