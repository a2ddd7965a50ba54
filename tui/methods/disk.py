"""Reading files in threads, so that a slow disk does not hold up the event loop.

The disk is one block ahead: while the network works on one block, it reads the next.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TypeVar

from tui.domain.failure import TransferFailed
from tui.methods.base import Each, Entry
from tui.methods.blocks import Block, Memory
from tui.methods.failures import file_failure
from tui.methods.local_source import open_source

DISK_BLOCK = 4 * 1024 * 1024
"""Bytes per read from the disk, and between hash updates; much larger than a network block to save thread switches."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise what the file system raises as TransferFailed. `doing` says what is tried, as for `file_failure`."""
    try:
        yield
    except OSError as error:
        raise file_failure(error, doing) from error


def each_in_turn(work: Callable[[_Item], _Answer], items: Sequence[_Item]) -> Each[_Answer]:
    """Work on each; for use in a thread."""
    answers: Each[_Answer] = []
    for item in items:
        try:
            answers.append(work(item))
        except TransferFailed as error:
            answers.append(error)
    return answers


@asynccontextmanager
async def reading(path: str, offset: int = 0) -> AsyncIterator[AsyncIterator[Block]]:
    """The blocks of a source file from `offset` on. Raises TransferFailed, also while they are taken."""
    doing = f"Reading {path}"
    with translated(doing):
        file = await opened(partial(open_source, path))
        os.lseek(file, offset, os.SEEK_SET)
    ahead = Lane(doing)
    try:
        yield _blocks(file, ahead)
    finally:
        await ahead.drain()
        os.close(file)


async def opened(work: Callable[[], int]) -> int:
    """The file that `work` opens, in a thread. When nobody waits for it any more it is closed once it is there."""
    opening = asyncio.create_task(asyncio.to_thread(work))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise


def _close(opening: asyncio.Task[int]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def read_small(entry: Entry) -> bytes:
    """A small file as a whole, and one byte more of it where it has grown."""
    with translated(f"Reading {entry.key}"), os.fdopen(open_source(entry.key), "rb", buffering=0) as file:
        blocks = []
        left = entry.size + 1
        while left and (block := file.read(left)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)


class Lane:
    """Runs file work in a thread, one piece at a time, at most one piece ahead of whoever asks for it."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._pending: asyncio.Future[Block | None] | None = None

    def begin(self, work: Callable[[], Block | None]) -> None:
        self._pending = asyncio.get_running_loop().run_in_executor(None, work)

    @property
    def is_busy(self) -> bool:
        return self._pending is not None and not self._pending.done()

    async def result(self) -> Block | None:
        """What the piece begun last returned; its error is raised here."""
        pending = self._pending
        if pending is None:
            return None
        with translated(self._doing):
            # Shielded: a thread cannot be cancelled, and its file must stay open until it is done (see drain).
            result = await asyncio.shield(pending)
        self._pending = None
        return result

    async def run(self, work: Callable[[], Block | None]) -> None:
        await self.result()
        self.begin(work)
        await self.result()

    async def drain(self) -> bool:
        """Wait until the thread no longer uses the file; returns whether its last piece was done well. Its error, if
        any, was raised by `result` or does not matter any more because the caller is leaving with one already."""
        if self._pending is None:
            return True
        await asyncio.wait({self._pending})
        return not self._pending.cancelled() and self._pending.exception() is None


async def _blocks(file: int, lane: Lane) -> AsyncIterator[Block]:
    memory = Memory(DISK_BLOCK)

    def read() -> Block:
        piece = memory.piece()
        return piece[: os.readv(file, [piece])]

    lane.begin(read)
    while block := await lane.result():
        lane.begin(read)
        yield block
