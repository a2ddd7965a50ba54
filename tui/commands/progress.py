"""The progress of runs on stderr: one line that is written anew in place."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self

from tui.commands.output import cut
from tui.domain.figures import SIGNS, duration, size
from tui.domain.run import Status
from tui.domain.text import printable
from tui.engine import LiveRun, Snapshot

_INTERVAL = 0.25
"""Seconds between two looks: often enough to see it move, seldom enough for a slow line."""

_ERASE = "\r\x1b[K"


def can_refresh_a_line() -> bool:
    """Whether stderr is a terminal that knows how to erase."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}


@asynccontextmanager
async def progress_line(look: Callable[[], Snapshot], names: Sequence[str]) -> AsyncIterator[None]:
    """During the body the runs of these connections are shown as they stand; afterwards the line is gone."""
    showing = asyncio.create_task(_keep_showing(look, names), name="progress line")
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait({showing})


async def _keep_showing(look: Callable[[], Snapshot], names: Sequence[str]) -> None:
    shown = ""
    try:
        while True:
            live = look().live
            line = describe([live[name] for name in names if name in live], shutil.get_terminal_size().columns)
            if line != shown:
                _write(_ERASE + line)
                shown = line
            await asyncio.sleep(_INTERVAL)
    finally:
        _write(_ERASE)


class StepLine:
    """The step at work, on a line of its own that is gone once the step has ended."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def show(self, step: str) -> None:
        """This step has begun."""
        if self._shown:
            _write(f"{_ERASE}{SIGNS[Status.IN_PROGRESS]} {printable(step, 40)} …")

    def clear(self) -> None:
        """It has ended."""
        if self._shown:
            _write(_ERASE)


def _write(text: str) -> None:
    # Whoever reads the narration may leave; the runs go on.
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def describe(runs: Sequence[LiveRun], columns: int) -> str:
    """The runs in one line that fits: each with its share done, its speed and the time left."""
    return cut("  |  ".join(map(_describe_one, runs)), columns - 1)


def _describe_one(run: LiveRun) -> str:
    progress = run.progress
    parts = [printable(run.connection, 40)]
    if progress.files_total:
        parts.append(f"{progress.files_done}/{progress.files_total} files")
    if progress.bytes_total:
        parts.append(f"{100 * progress.bytes_done // progress.bytes_total} % of {size(progress.bytes_total)}")
    if run.speed >= 1:
        parts.append(f"{size(run.speed)}/s")
    if run.time_left is not None and progress.bytes_done < progress.bytes_total:
        parts.append(f"{duration(run.time_left)} left")
    if run.note or progress.current:
        parts.append(printable(run.note or progress.current or "", 40))
    return "  ".join(parts)
