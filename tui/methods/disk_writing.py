"""Writing files in threads, so that a slow disk does not hold up the event loop, and so that they outlive a power
failure.

Writing is one block ahead: while the network brings one block, the disk takes the one before. Large files pass by the
page cache: a copy of every byte there costs more processor than the network does, pushes out what others keep in it,
and has to be waited for in the end, when it goes to the disk after all.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic

from tui.methods.blocks import PAGE, Block, Memory, begins_with_page
from tui.methods.disk import Lane, opened, translated

_SYNC_INTERVAL = 1.0
"""Seconds between two moments at which what was written is known to be on the disk."""

_LARGE = 64 * 1024 * 1024
"""Bytes from which on a file is written so. What is smaller may well stay in the cache for whoever reads it next."""
_GATHERED = 4 * 1024 * 1024
"""Bytes per write."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@asynccontextmanager
async def writing(path: Path, size: int, keep: int) -> AsyncIterator["DiskWriter"]:
    """Write a file that will have this size after its first `keep` bytes, as `methods.base.Target.stage` promises."""
    doing = f"Writing {path}"
    with translated(doing):
        file = await opened(partial(_open_for_writing, path, keep))
    writer = (DirectWriter if _can_pass_by_cache(size, keep) else DiskWriter)(file, doing, keep)
    try:
        yield writer
        await writer.finish()
    except BaseException:
        await _to_its_end(writer.checkpoint())
        raise
    finally:
        await writer.drain()
        os.close(file)


async def _to_its_end(work: Coroutine[None, None, None]) -> None:
    """Whoever is cancelled meanwhile is so afterwards. What has broken a session ends the file that was moved over it
    and, a moment later, cancels what is still busy with that."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


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


class DiskWriter:
    """`stored` counts what would outlive a power failure. It is brought up to date about every second, beside the
    writing: waiting for the disk each time would halve the speed of a fast link."""

    def __init__(self, file: int, doing: str, kept: int) -> None:
        self._file = file
        self._writing = Lane(doing)
        self._syncing = Lane(doing)
        self._written = kept
        self._begun = 0
        self._covered = kept
        """What the latest sync makes safe."""
        self._synced_at = monotonic()
        self.stored = kept

    async def write(self, data: Block) -> None:
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
        if await self.drain():
            await self._take_note()
        if not await self._syncing.drain():
            return
        with suppress(OSError):
            # A disk that fails here has failed before; the mark then stays where it was. One that has only refused a
            # block, because it is full, has those before it.
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


class DirectWriter(DiskWriter):
    """Gathers large blocks that the disk can take straight from our memory (O_DIRECT, open(2)), one while the next
    fills. What does not make a whole number of disk blocks waits for more, for a second at most while more comes."""

    def __init__(self, file: int, doing: str, kept: int) -> None:
        super().__init__(file, doing, kept)
        _pass_by_cache(file)
        self._memory = Memory(_GATHERED)
        self._filling = self._memory.piece()
        self._filled = 0
        self._handed_on = monotonic()

    async def write(self, data: Block) -> None:
        if begins_with_page(data) and not len(data) % PAGE and not self._filled:
            await super().write(data)
            return
        rest = memoryview(data)
        while rest:
            count = min(len(rest), _GATHERED - self._filled)
            self._filling[self._filled : self._filled + count] = rest[:count]
            self._filled += count
            rest = rest[count:]
            if self._filled == _GATHERED or monotonic() - self._handed_on >= _SYNC_INTERVAL:
                await self._hand_on()

    async def _hand_on(self) -> None:
        self._handed_on = monotonic()
        whole = self._filled - self._filled % PAGE
        await super().write(self._filling[:whole])
        rest = self._filling[whole : self._filled]
        self._filling, self._filled = self._memory.piece(), len(rest)
        self._filling[: len(rest)] = rest

    async def finish(self) -> None:
        await self._write_rest()
        await super().finish()

    async def checkpoint(self) -> None:
        if await self.drain():
            await self._write_rest()
        await super().checkpoint()

    async def _write_rest(self) -> None:
        await super().write(self._filling[: self._filled])
        self._filled = 0


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


def _can_pass_by_cache(size: int, keep: int) -> bool:
    """Whether what is missing of a file of this size is to be written so."""
    return hasattr(os, "O_DIRECT") and size - keep >= _LARGE and keep % PAGE == 0


def _pass_by_cache(file: int) -> None:
    # File systems that cannot refuse, and are written to as ever.
    with suppress(OSError):
        fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_DIRECT)


def _use_cache_again(file: int) -> bool:
    """Returns whether that makes a difference."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    direct = getattr(os, "O_DIRECT", 0)
    fcntl.fcntl(file, fcntl.F_SETFL, flags & ~direct)
    return bool(flags & direct)


def _write_all(file: int, data: Block) -> None:
    rest = memoryview(data)
    while rest:
        try:
            count = os.write(file, rest)
        except OSError as error:
            # What is no whole number of its blocks, as at the end of a file, a disk takes through the cache only. Some
            # take nothing past it, and not all say so as open(2) has it, with EINVAL: those in user space may say EIO.
            # A disk that is broken says so again, at the latest when it is to make all of it safe.
            if error.errno in _FULL or not _use_cache_again(file):
                raise
        else:
            rest = rest[count:]
