"""The local folder of a connection: the other side of every run.

All file system calls run in threads, so a slow disk does not hold up the screen. Reading and writing are each one block
ahead: while the network works on one block, the disk works on the next.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from tui.domain.connection import After, Connection, Direction
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import part_name
from tui.methods.base import Each, Entry, Proof, Source, Staged, Surroundings, Target, Writer, file_failure
from tui.methods.case_twins import case_twins
from tui.methods.local_source import LEADS_OUT, is_file, leads_out, open_source
from tui.methods.moving import ChangedMeanwhile, LeftMoved
from tui.trust.private_file import sync_folder

_SYNC_INTERVAL = 1.0
"""Seconds between two moments at which what was written is known to be on the disk."""

_FILES_AT_ONCE = 256
"""Small files that are read or written in one go."""

_DISK_THREADS = 4
"""Threads that write small files to the disk at the same time."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_DISK_BLOCK = 1024 * 1024
"""Bytes per read from the disk, and between hash updates; larger than a network block to save thread switches."""


class LocalFolder(Source, Target):
    """Source of outbound runs, target of inbound ones."""

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._path = Path(connection.local_dir).expanduser()
        self._after = connection.after
        self._move_to = connection.move_to
        self._writes = connection.direction is Direction.INBOUND
        self._narrator = surroundings.narrator

    async def open(self) -> None:
        with self._narrator.step("local folder", str(self._path)):
            await asyncio.to_thread(self._check)

    def _check(self) -> None:
        if not self._path.is_dir():
            raise TransferFailed(
                FailureClass.NOT_FOUND,
                f"The local folder {self._path} {'is not a folder' if self._path.exists() else 'does not exist'}.",
                remedy="Create the folder, or correct local_dir in the connection.",
            )
        needed = os.R_OK | os.X_OK | (os.W_OK if self._writes else 0)
        if not os.access(self._path, needed):
            raise TransferFailed(
                FailureClass.PERMISSION,
                f"The local folder {self._path} is not {'writable' if self._writes else 'readable'} for this user.",
                remedy="Change the rights of the folder, or correct local_dir in the connection.",
            )

    async def close(self) -> None:
        """Nothing is held open between files."""

    def abort(self) -> None:
        """Nothing here waits for a peer."""

    @property
    def side_by_side(self) -> int:
        return _FILES_AT_ONCE

    async def list_files(self) -> list[Entry]:
        def scan() -> list[Entry]:
            entries = []
            with _translated(f"Listing {self._path}"), os.scandir(self._path) as found:
                for item in found:
                    # A file that vanishes between listing and stat was never there for this run.
                    with suppress(FileNotFoundError):
                        if is_file(item):
                            status = item.stat()
                            entry = Entry.named(item.name, status.st_size, status.st_mtime, item.path)
                            outside = item.is_symlink() and leads_out(item.path)
                            entries.append(replace(entry, problem=LEADS_OUT) if outside else entry)
            return sorted(entries, key=lambda entry: entry.name)

        return await asyncio.to_thread(scan)

    async def stat(self, entry: Entry) -> Entry | None:
        return await asyncio.to_thread(_look, entry)

    async def stat_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        return await asyncio.to_thread(_each_in_turn, _look, entries)

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        with _translated(f"Reading {entry.key}"):
            file = await asyncio.to_thread(open_source, entry.key)
            os.lseek(file, offset, os.SEEK_SET)
        ahead = _Lane(f"Reading {entry.key}")
        try:
            yield _blocks(file, ahead)
        finally:
            await ahead.drain()
            os.close(file)

    async def read_each(self, entries: Sequence[Entry]) -> Each[bytes]:
        return await asyncio.to_thread(_each_in_turn, _read_small, entries)

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        path = self._staged_path(entry)
        doing = f"Writing {path}"
        with _translated(doing):
            file = await asyncio.to_thread(_open_for_writing, path, keep)
        writer = _DiskWriter(file, doing, keep)
        try:
            yield writer
            await writer.finish()
        except BaseException:
            await writer.checkpoint()
            raise
        finally:
            await writer.drain()
            os.close(file)

    async def stage_each(self, files: Sequence[tuple[Entry, bytes]]) -> Each[None]:
        places = [(self._staged_path(entry), content) for entry, content in files]
        # Side by side, because the disk answers to many in about the time it takes for one.
        parts = [places[start::_DISK_THREADS] for start in range(_DISK_THREADS)]
        writing = asyncio.gather(*(asyncio.to_thread(_each_in_turn, _write_small, part) for part in parts))
        try:
            # Shielded: a thread cannot be cancelled, and nobody else may write these files until it is done.
            written = await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing})
            raise
        outcomes: Each[None] = [None] * len(places)
        for start, part in enumerate(written):
            outcomes[start::_DISK_THREADS] = part
        return outcomes

    @property
    def resumes(self) -> bool:
        return True

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        def read() -> bytes:
            path = self._staged_path(entry)
            with _translated(f"Reading {path} back"), path.open("rb") as file:
                file.seek(offset)
                return file.read(count)

        return await asyncio.to_thread(read)

    async def prefix_digest(self, entry: Entry, count: int) -> "hashlib._Hash":
        """The SHA-256, to be continued, of the first `count` bytes of the file that lies here: of the staged one when
        files land here, of the source when they wait here."""
        path = self._staged_path(entry) if self._writes else Path(entry.key)

        def digest() -> "hashlib._Hash":
            sha256 = hashlib.sha256()
            with _translated(f"Reading {path}"), path.open("rb") as file:
                left = count
                while left and (block := file.read(min(left, _DISK_BLOCK))):
                    sha256.update(block)
                    left -= len(block)
            return sha256

        return await asyncio.to_thread(digest)

    async def exists(self, name: str) -> bool:
        return await asyncio.to_thread(os.path.lexists, self._path / name)

    async def case_twins(self, names: Sequence[str]) -> dict[str, str]:
        """As the function of that name says, of this folder."""

        def look() -> dict[str, str]:
            with _translated(f"Looking for names in {self._path} that differ only in case"):
                return case_twins(self._path, names)

        return await asyncio.to_thread(look)

    async def free_space(self) -> int | None:
        def look() -> int:
            with _translated(f"Looking at the disk of {self._path}"):
                disk = os.statvfs(self._path)
            return disk.f_bavail * disk.f_frsize

        return await asyncio.to_thread(look)

    async def has_published(self, staged: Staged) -> bool | None:
        path = self._path / staged.entry.target_name

        def look() -> bool:
            with _translated(f"Looking at {path}"):
                try:
                    with path.open("rb") as file:
                        return hashlib.file_digest(file, "sha256").hexdigest() == staged.sha256
                except FileNotFoundError:
                    return False

        return await asyncio.to_thread(look)

    async def staged_size(self, entry: Entry) -> int | None:
        return await asyncio.to_thread(self._measure, entry)

    async def staged_size_each(self, entries: Sequence[Entry]) -> Each[int | None]:
        return await asyncio.to_thread(_each_in_turn, self._measure, entries)

    def _measure(self, entry: Entry) -> int | None:
        path = self._staged_path(entry)
        with _translated(f"Looking at {path}"):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        if not reread:
            return None
        path = self._staged_path(entry)

        def digest() -> str:
            with _translated(f"Reading {path} back"), path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

        return Proof(await asyncio.to_thread(digest), "SHA-256 of the file read back from disk")

    async def publish(self, batch: Sequence[Staged]) -> None:
        for outcome in await self.publish_each(batch):
            if outcome is not None:
                raise outcome

    async def publish_each(self, group: Sequence[Staged]) -> Each[None]:
        def rename() -> Each[None]:
            outcomes = _each_in_turn(self._give_final_name, group)
            with _translated(f"Writing the folder {self._path}"):
                sync_folder(self._path)
            return outcomes

        return await asyncio.to_thread(rename)

    def _give_final_name(self, staged: Staged) -> None:
        final = self._path / staged.entry.target_name
        with _translated(f"Renaming the finished file to {final}"):
            self._staged_path(staged.entry).replace(final)

    async def discard(self, entry: Entry) -> None:
        def remove() -> None:
            with _translated(f"Removing {self._staged_path(entry)}"):
                self._staged_path(entry).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def settle(self, entry: Entry) -> None:
        match self._after:
            case After.KEEP:
                return
            case After.DELETE:
                await asyncio.to_thread(self._delete, entry)
            case After.MOVE:
                await asyncio.to_thread(self._move, entry)

    def _delete(self, entry: Entry) -> None:
        with _translated(f"Deleting {entry.key} after its delivery"):
            Path(entry.key).unlink(missing_ok=True)

    def _move(self, entry: Entry) -> None:
        assert self._move_to is not None  # noqa: S101 - the model demands it with after = move
        folder = self._path / Path(self._move_to).expanduser()
        with _translated(f"Moving {entry.key} to {folder} after its delivery"):
            folder.mkdir(parents=True, exist_ok=True)
            moved = Path(entry.key).rename(folder / unused_name(entry.name, lambda name: (folder / name).exists()))
        found = _look(replace(entry, key=str(moved)))
        if found is not None and (found.size, found.mtime) != (entry.size, entry.mtime):
            _put_back(entry, moved)
            raise ChangedMeanwhile(entry)

    def _staged_path(self, entry: Entry) -> Path:
        return self._path / part_name(entry.target_name)


def unused_name(name: str, is_used: Callable[[str], bool]) -> str:
    """The name itself, or with `-2`, `-3` and so on before its ending, so that nothing is overwritten."""
    if not is_used(name):
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    number = 2
    while is_used(f"{stem}-{number}{ending}"):
        number += 1
    return f"{stem}-{number}{ending}"


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
        with _translated(self._doing):
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


def _each_in_turn(work: Callable[[_Item], _Answer], items: Sequence[_Item]) -> Each[_Answer]:
    answers: Each[_Answer] = []
    for item in items:
        try:
            answers.append(work(item))
        except TransferFailed as error:
            answers.append(error)
    return answers


def _look(entry: Entry) -> Entry | None:
    with _translated(f"Looking at {entry.key}"):
        try:
            status = Path(entry.key).stat()
        except FileNotFoundError:
            return None
    return Entry.named(entry.name, status.st_size, status.st_mtime, entry.key)


def _put_back(entry: Entry, moved: Path) -> None:
    if os.path.lexists(entry.key):
        raise LeftMoved(entry, str(moved), "A file of its name has come meanwhile.")
    try:
        moved.rename(entry.key)
    except OSError as error:
        raise LeftMoved(entry, str(moved), f"{error.strerror or error}.") from error


def _read_small(entry: Entry) -> bytes:
    with _translated(f"Reading {entry.key}"), os.fdopen(open_source(entry.key), "rb", buffering=0) as file:
        blocks = []
        # One byte more than there should be shows a file that has grown.
        left = entry.size + 1
        while left and (block := file.read(left)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)


def _write_small(place: tuple[Path, bytes]) -> None:
    path, content = place
    with _translated(f"Writing {path}"):
        file = _open_for_writing(path, 0)
        try:
            _write_all(file, content)
            os.fsync(file)
        finally:
            os.close(file)


async def _blocks(file: int, lane: _Lane) -> AsyncIterator[bytes]:
    lane.begin(lambda: os.read(file, _DISK_BLOCK))
    while block := await lane.result():
        lane.begin(lambda: os.read(file, _DISK_BLOCK))
        yield block


class _DiskWriter:
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


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise file_failure(error, doing) from error
