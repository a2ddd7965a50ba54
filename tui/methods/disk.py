"""Reading and writing files in threads, so that a slow disk does not hold up the event loop.

Reading and writing are each one block ahead: while the network works on one block, the disk works on the next.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from tui.domain.failure import TransferFailed
from tui.methods.base import Each, Entry
from tui.methods.failures import file_failure
from tui.methods.local_source import open_source

DISK_BLOCK = 1024 * 1024
"""Bytes per read from the disk, and between hash updates; larger than a network block to save thread switches."""

_SYNC_INTERVAL = 1.0
"""Seconds between two moments at which what was written is known to be on the disk."""

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
async def reading(path: str, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
    """The blocks of a source file from `offset` on. Raises TransferFailed, also while they are taken."""
    doing = f"Reading {path}"
    with translated(doing):
        file = await asyncio.to_thread(open_source, path)
        os.lseek(file, offset, os.SEEK_SET)
    ahead = _Lane(doing)
    try:
        yield _blocks(file, ahead)
    finally:
        await ahead.drain()
        os.close(file)


@asynccontextmanager
async def writing(path: Path, keep: int) -> AsyncIterator["DiskWriter"]:
    """Write a file after its first `keep` bytes, as `methods.base.Target.stage` promises."""
    doing = f"Writing {path}"
    with translated(doing):
        file = await asyncio.to_thread(_open_for_writing, path, keep)
    writer = DiskWriter(file, doing, keep)
    try:
        yield writer
        await writer.finish()
    except BaseException:
        await writer.checkpoint()
        raise
    finally:
        await writer.drain()
        os.close(file)


def read_small(entry: Entry) -> bytes:
    """A small file as a whole, and one byte more of it where it has grown."""
    with translated(f"Reading {entry.key}"), os.fdopen(open_source(entry.key), "rb", buffering=0) as file:
        blocks = []
        left = entry.size + 1
        while left and (block := file.read(left)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)


def write_small(place: tuple[Path, bytes]) -> None:
    """Write a file as a whole, so that it outlives a power failure."""
    path, content = place
    with translated(f"Writing {path}"):
        file = _open_for_writing(path, 0)
        try:
            _write_all(file, content)
            os.fsync(file)
        finally:
            os.close(file)


class _Lane:
    """Runs file work in a thread, one piece at a time, at most one piece ahead of whoever asks for it."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._pending: asyncio.Future[bytes | None] | None = None

    def begin(self, work: Callable[[], bytes | None]) -> None:
        self._pending = asyncio.get_running_loop().run_in_executor(None, work)

    @property
    def is_busy(self) -> bool:
        return self._pending is not None and not self._pending.done()

    async def result(self) -> bytes | None:
        """What the piece begun last returned; its error is raised here."""
        pending = self._pending
        if pending is None:
            return None
        with translated(self._doing):
            # Shielded: a thread cannot be cancelled, and its file must stay open until it is done (see drain).
            result = await asyncio.shield(pending)
        self._pending = None
        return result

    async def run(self, work: Callable[[], bytes | None]) -> None:
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


async def _blocks(file: int, lane: _Lane) -> AsyncIterator[bytes]:
    lane.begin(lambda: os.read(file, DISK_BLOCK))
    while block := await lane.result():
        lane.begin(lambda: os.read(file, DISK_BLOCK))
        yield block


class DiskWriter:
    """`stored` counts what would outlive a power failure. It is brought up to date about every second, beside the
    writing: waiting for the disk each time would halve the speed of a fast link."""

    def __init__(self, file: int, doing: str, kept: int) -> None:
        self._file = file
        self._writing = _Lane(doing)
        self._syncing = _Lane(doing)
        self._written = kept
        self._begun = 0
        self._covered = kept
        """What the latest sync makes safe."""
        self._synced_at = monotonic()
        self.stored = kept

    async def write(self, data: bytes) -> None:
        await self._take_note()
        if not self._syncing.is_busy and monotonic() - self._synced_at >= _SYNC_INTERVAL:
            self._covered, self._synced_at = self._written, monotonic()
            self._syncing.begin(partial(os.fdatasync, self._file))
        self._begun = len(data)
        self._writing.begin(partial(_write_all, self._file, data))

    async def finish(self) -> None:
        """All is written: make it safe."""
        await self._take_note()
        await self._syncing.run(partial(os.fsync, self._file))
        self.stored = self._written

    async def checkpoint(self) -> None:
        """After a failure: bring `stored` up to date, as far as the disk goes along."""
        if not await self.drain():
            return
        await self._take_note()
        with suppress(OSError):
            # A disk that fails here has failed before; the mark then stays where it was.
            await asyncio.to_thread(os.fdatasync, self._file)
            self.stored = self._written

    async def drain(self) -> bool:
        """Wait until no thread uses the file any more; returns whether all was done well."""
        written, synced = await self._writing.drain(), await self._syncing.drain()
        return written and synced

    async def _take_note(self) -> None:
        await self._writing.result()
        self._written += self._begun
        self._begun = 0
        if not self._syncing.is_busy:
            await self._syncing.result()
            self.stored = self._covered


def _open_for_writing(path: Path, keep: int) -> int:
    # O_NOFOLLOW: whoever may write to the folder must not be able to redirect us with a symbolic link.
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        os.ftruncate(file, keep)
        os.lseek(file, keep, os.SEEK_SET)
    except BaseException:
        os.close(file)
        raise
    return file


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
