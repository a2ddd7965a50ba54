"""SFTP (SSH File Transfer Protocol, draft-ietf-secsh-filexfer-02) as a source and a target of runs."""

import asyncio
import hashlib
import posixpath
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import TypeVar

import asyncssh
from asyncssh import FXF_CREAT, FXF_READ, FXF_TRUNC, FXF_WRITE

from tui.domain.connection import After, Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import size
from tui.domain.naming import part_name
from tui.methods.base import Entry, Proof, Source, Staged, Surroundings, Target, Writer
from tui.methods.folder import unused_name
from tui.methods.sftp_copy import BlockWriter, block_size, read_blocks, read_fully
from tui.methods.ssh_digest import RemoteDigests
from tui.methods.ssh_failures import request_failure
from tui.methods.ssh_link import identify, open_link

__all__ = ["SftpSession", "identify"]

_FAREWELL_LIMIT = 2.0
"""Seconds for the server to answer a good-bye."""
_CLOSE_LIMIT = 10.0
"""Seconds for a file to be closed after something went wrong with it: what is under way arrives first."""
_CANCELLED_CLOSE_LIMIT = 0.5
"""The same after a cancellation, which must not take long whatever the server does."""

_Answer = TypeVar("_Answer")


class SftpSession(Source, Target):
    """The partner's side of a connection over SFTP.

    Regular files in the folder are offered, and symbolic links to regular files; a link that is deleted or moved after
    its delivery is the link, not what it points to.
    """

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        assert connection.sftp is not None  # noqa: S101 - this class serves no other method
        self._connection = connection
        self._surroundings = surroundings
        self._folder = connection.sftp.directory
        self._where = connection.sftp.ssh_config or f"{connection.sftp.host}:{connection.sftp.port}"
        self._opening: asyncio.Task[asyncssh.SSHClientConnection] | None = None
        self._link: asyncssh.SSHClientConnection | None = None
        self._is_guest = False
        """Whether the link is another session's, to be left open."""
        self._client: asyncssh.SFTPClient | None = None
        self._digests: RemoteDigests | None = None

    # Session

    async def open(self) -> None:
        if self._link is None:
            self._link = await self._connect()
        self._digests = RemoteDigests(self._link, self._surroundings.alive)
        with self._surroundings.narrator.step("folder") as note:
            # Undecodable bytes in names become lone surrogates, which make a name unsafe instead of ending the listing.
            starting = self._link.start_sftp_client(path_errors="surrogateescape")
            self._client = await self._ask(starting, f"Starting SFTP at {self._where}")
            self._folder = await self._find_folder()
            note.detail = self._folder

    async def _connect(self) -> asyncssh.SSHClientConnection:
        # A task of its own, so that abort() can end it while it waits for the server.
        self._opening = asyncio.create_task(open_link(self._connection, self._surroundings))
        try:
            return await self._opening
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            raise TransferFailed(FailureClass.NETWORK, f"The connection to {self._where} was dropped.") from None

    def sibling(self) -> "SftpSession":
        """A channel of its own over the same link: the server works on both at once."""
        guest = SftpSession(self._connection, self._surroundings)
        guest._link, guest._is_guest = self._link, True
        return guest

    async def close(self) -> None:
        if self._is_guest:
            if self._client is not None:
                self._client.exit()
            return
        if self._link is None:
            return
        self._link.close()
        try:
            async with asyncio.timeout(_FAREWELL_LIMIT):
                await self._link.wait_closed()
        except TimeoutError:
            self._link.abort()

    def abort(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self._link is not None:
            self._link.abort()

    async def _find_folder(self) -> str:
        asked = self._folder
        # SFTP has no `~`: a session begins in the home folder, and relative paths start there.
        relative = posixpath.relpath(asked, "~") if asked == "~" or asked.startswith("~/") else asked
        doing = f"Opening the folder {asked}"
        found = await self._ask(self._sftp.realpath(relative), doing)
        attributes = await self._ask(self._sftp.stat(found), doing)
        if attributes.type not in (asyncssh.FILEXFER_TYPE_DIRECTORY, asyncssh.FILEXFER_TYPE_UNKNOWN):
            raise TransferFailed(FailureClass.NOT_FOUND, f"{asked} at {self._where} is not a folder.")
        return str(found)

    # Source

    async def offers(self) -> str | None:
        limits = self._sftp.limits
        named = f"reads of up to {size(limits.max_read_len)}, writes of up to {size(limits.max_write_len)}"
        return f"SFTP version {self._sftp.version}, {named if limits.max_read_len else 'no limits named'}"

    async def clock(self, fresh: str | None) -> float | None:
        """The time of a file: the protocol has no other way to tell what time it is."""
        if fresh is None:
            return None
        attributes = await self._look(self._path(fresh), f"Looking at {fresh}")
        return None if attributes is None or attributes.mtime is None else float(attributes.mtime)

    async def list_files(self) -> list[Entry]:
        listing = asyncio.create_task(self._scan())
        try:
            return await asyncio.shield(listing)
        except asyncio.CancelledError:
            # When cancelled, the library's listing would wait for the server to close the folder.
            self.abort()
            await asyncio.gather(listing, return_exceptions=True)
            raise

    async def _scan(self) -> list[Entry]:
        entries = []
        with self._translated(f"Listing {self._folder}"):
            async for item in self._sftp.scandir(self._folder):
                self._surroundings.alive()
                name = str(item.filename)
                attributes = await self._regular_file(self._path(name), item.attrs)
                if attributes is not None:
                    entries.append(self._entry(name, attributes))
        return sorted(entries, key=lambda entry: entry.name)

    async def stat(self, entry: Entry) -> Entry | None:
        attributes = await self._look(entry.key, f"Looking at {entry.key}")
        return None if attributes is None else self._entry(entry.name, attributes).called(entry.target_name)

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._reading(entry.key, entry.size, offset) as blocks:
            yield blocks

    async def source_proof(self, entry: Entry) -> Proof | None:
        return await self._proof_of(entry.key, entry.size)

    async def settle(self, entry: Entry) -> None:
        match self._connection.after:
            case After.KEEP:
                return
            case After.DELETE:
                await self._remove(entry.key, f"Deleting {entry.key} after its delivery")
            case After.MOVE:
                await self._move(entry)

    async def _regular_file(self, path: str, attributes: asyncssh.SFTPAttrs) -> asyncssh.SFTPAttrs | None:
        """The attributes of what is a regular file or a link to one; asked for again where the listing lacks them."""
        complete = attributes.type == asyncssh.FILEXFER_TYPE_REGULAR and attributes.size is not None
        if not complete and attributes.type in (
            asyncssh.FILEXFER_TYPE_REGULAR,
            asyncssh.FILEXFER_TYPE_SYMLINK,
            asyncssh.FILEXFER_TYPE_UNKNOWN,
        ):
            # A file that vanishes between listing and stat, like the target of a dangling link, is no file.
            with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied):
                attributes = await self._sftp.stat(path)
        return attributes if attributes.type == asyncssh.FILEXFER_TYPE_REGULAR else None

    def _entry(self, name: str, attributes: asyncssh.SFTPAttrs) -> Entry:
        mtime = None if attributes.mtime is None else float(attributes.mtime)
        entry = Entry.named(name, attributes.size or 0, mtime, self._path(name))
        shown = _storable(name)
        # Nobody will open a file with such a name, but the name will be shown and stored.
        return entry if shown == name else replace(entry, name=shown, target_name=shown, key=_storable(entry.key))

    async def _move(self, entry: Entry) -> None:
        assert self._connection.move_to is not None  # noqa: S101 - the model demands it with after = move
        folder = posixpath.join(self._folder, self._connection.move_to)
        doing = f"Moving {entry.key} to {folder} after its delivery"
        if await self._look(folder, doing) is None:
            await self._ask(self._sftp.mkdir(folder), f"Creating the folder {folder}")
        target = posixpath.join(folder, await self._unused_name(folder, entry.name, doing))
        # The plain rename: unlike posix_rename it never replaces what somebody has put there meanwhile.
        await self._ask(self._sftp.rename(entry.key, target), doing)

    async def _unused_name(self, folder: str, name: str, doing: str) -> str:
        used: set[str] = set()
        while True:
            candidate = unused_name(name, used.__contains__)
            if await self._look(posixpath.join(folder, candidate), doing, follow=False) is None:
                return candidate
            used.add(candidate)

    # Target

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        path = self._staged_path(entry)
        doing = f"Writing {path}"
        flags = FXF_WRITE | FXF_CREAT | (0 if keep else FXF_TRUNC)
        async with self._opened(path, flags, doing) as file:
            if keep:
                # What lies beyond was written out of order and may have gaps.
                await self._ask(file.truncate(keep), doing)
            blocks = BlockWriter(
                file, self._block_size(self._sftp.limits.max_write_len), self._surroundings.alive, keep
            )
            try:
                yield _StagedWriter(self, blocks, entry)
                await self._written(blocks.flush(), blocks, entry)
                # Without the extension the server decides when the bytes reach its disk.
                with suppress(asyncssh.SFTPOpUnsupported):
                    await self._written(file.fsync(), blocks, entry)
            finally:
                await blocks.drop()

    @property
    def resumes(self) -> bool:
        return True

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        path = self._staged_path(entry)
        doing = f"Reading {path} back"
        async with self._opened(path, FXF_READ, doing) as file:
            return await self._ask(read_fully(file, offset, count), doing)

    async def exists(self, name: str) -> bool:
        path = self._path(name)
        return await self._look(path, f"Looking at {path}", follow=False) is not None

    async def free_space(self) -> int | None:
        return await self._free_space()

    async def has_published(self, staged: Staged) -> bool | None:
        path = self._path(staged.entry.target_name)
        attributes = await self._look(path, f"Looking at {path}")
        if attributes is None or attributes.size != staged.size:
            return False
        proof = await self._proof_of(path, staged.size)
        return proof is None or proof.sha256 == staged.sha256

    async def staged_size(self, entry: Entry) -> int | None:
        path = self._staged_path(entry)
        attributes = await self._look(path, f"Looking at {path}")
        return None if attributes is None else attributes.size

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        if not reread:
            return await self._proof_of(self._staged_path(entry), entry.size)
        loop = asyncio.get_running_loop()
        digest = hashlib.sha256()
        async with self._reading(self._staged_path(entry), entry.size) as blocks:
            async for block in blocks:
                self._surroundings.alive()
                await loop.run_in_executor(None, digest.update, block)
        return Proof(digest.hexdigest(), "SHA-256 of the file read back from the server")

    async def publish(self, batch: Sequence[Staged]) -> None:
        for staged in batch:
            await self._give_final_name(self._staged_path(staged.entry), self._path(staged.entry.target_name))

    async def discard(self, entry: Entry) -> None:
        path = self._staged_path(entry)
        await self._remove(path, f"Removing {path}")

    async def _give_final_name(self, staged: str, final: str) -> None:
        doing = f"Renaming the finished file to {final}"
        with self._translated(doing):
            try:
                await self._sftp.posix_rename(staged, final)
            except asyncssh.SFTPOpUnsupported:
                if await self._look(final, doing, follow=False) is not None:
                    raise TransferFailed(
                        FailureClass.REJECTED,
                        f"{final} exists already, and {self._where} cannot replace a file in one step.",
                        remedy="Ask the partner to take the file away that is there, then run it again.",
                    ) from None
                await self._sftp.rename(staged, final)

    async def _written(self, writing: Awaitable[_Answer], blocks: BlockWriter, entry: Entry) -> _Answer:
        """Wait for something that stores bytes, and find out why when it fails."""
        try:
            return await writing
        except asyncssh.SFTPOpUnsupported:
            raise
        except (asyncssh.Error, OSError) as error:
            missing = max(entry.size - blocks.stored, 1)
            raise await self._why_not_written(error, self._staged_path(entry), missing) from error

    async def _why_not_written(self, error: Exception, path: str, missing: int) -> TransferFailed:
        # Version 3 of the protocol has no status for a full disk, only “Failure”.
        if type(error) is asyncssh.SFTPFailure:
            free = await self._free_space()
            if free is not None and free < missing:
                return TransferFailed(
                    FailureClass.SPACE,
                    f"Writing {path} failed: {self._where} has {free} bytes free, {missing} more are needed.",
                )
        return request_failure(error, self._where, f"Writing {path}")

    async def _free_space(self) -> int | None:
        try:
            disk = await self._sftp.statvfs(self._folder)
        except asyncssh.Error:
            # Few servers tell; a full disk then shows when the file is written.
            return None
        return disk.bavail * disk.frsize

    # Both

    async def _proof_of(self, path: str, size: int) -> Proof | None:
        if self._digests is None:
            return None
        digest = await self._ask(self._digests.sha256(path, size), f"Asking for the SHA-256 of {path}")
        return None if digest is None else Proof(digest, "SHA-256 computed by the server with sha256sum")

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        assert self._client is not None  # noqa: S101 - open() comes first
        return self._client

    def _block_size(self, offered: int) -> int:
        assert self._connection.sftp is not None  # noqa: S101 - this class serves no other method
        return self._connection.sftp.block_size or block_size(offered)

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    def _staged_path(self, entry: Entry) -> str:
        return self._path(part_name(entry.target_name))

    async def _look(self, path: str, doing: str, *, follow: bool = True) -> asyncssh.SFTPAttrs | None:
        with self._translated(doing):
            try:
                return await self._sftp.stat(path, follow_symlinks=follow)
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                return None

    async def _remove(self, path: str, doing: str) -> None:
        with self._translated(doing), suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            await self._sftp.remove(path)

    @asynccontextmanager
    async def _reading(self, path: str, expected: int, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        doing = f"Reading {path}"
        async with self._opened(path, FXF_READ, doing) as file:
            requests = read_blocks(file, expected, self._block_size(self._sftp.limits.max_read_len), offset)
            async with aclosing(self._blocks(requests, doing)) as blocks:
                yield blocks

    async def _blocks(self, requests: AsyncGenerator[bytes, None], doing: str) -> AsyncGenerator[bytes, None]:
        async with aclosing(requests) as blocks:
            while True:
                with self._translated(doing):
                    block = await anext(blocks, None)
                if block is None:
                    return
                yield block

    @asynccontextmanager
    async def _opened(self, path: str, flags: int, doing: str) -> AsyncIterator[asyncssh.SFTPClientFile]:
        # block_size=0: each read and write is one request, as the copier wants it.
        file = await self._ask(self._sftp.open(path, flags, encoding=None, block_size=0), doing)
        try:
            yield file
        except asyncio.CancelledError:
            await self._let_go(file, _CANCELLED_CLOSE_LIMIT)
            raise
        except BaseException:
            await self._let_go(file, _CLOSE_LIMIT)
            raise
        else:
            await self._ask(file.close(), doing)

    async def _let_go(self, file: asyncssh.SFTPClientFile, limit: float) -> None:
        """Close a file whose fate does not matter any more. A server that does not answer is left."""
        try:
            async with asyncio.timeout(limit):
                await file.close()
        except TimeoutError:
            self.abort()
        except (asyncssh.Error, OSError):
            # The caller is leaving with the failure that counts; a broken link shows at the next request.
            return

    async def _ask(self, request: Awaitable[_Answer], doing: str) -> _Answer:
        with self._translated(doing):
            return await request

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (asyncssh.Error, OSError) as error:
            raise request_failure(error, self._where, doing) from error


class _StagedWriter:
    def __init__(self, session: SftpSession, blocks: BlockWriter, entry: Entry) -> None:
        self._session = session
        self._blocks = blocks
        self._entry = entry

    @property
    def stored(self) -> int:
        return self._blocks.stored

    async def write(self, data: bytes) -> None:
        await self._session._written(self._blocks.write(data), self._blocks, self._entry)  # noqa: SLF001 - one module


def _storable(name: str) -> str:
    """The name with escapes in the place of bytes that are no text, such as `\\xff`."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
