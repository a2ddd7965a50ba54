"""SFTP (SSH File Transfer Protocol, draft-ietf-secsh-filexfer-02) as a source and a target of runs."""

import asyncio
import hashlib
import posixpath
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Self, TypeVar

import asyncssh

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import size
from tui.domain.naming import part_name
from tui.domain.terms import Conflict, Direction, Verify
from tui.methods.after_action import AfterAction
from tui.methods.base import Entry, Proof, Staged, Surroundings, Writer
from tui.methods.blocks import Block
from tui.methods.sftp_client import ABSENT, SftpClient
from tui.methods.sftp_copy import BlockWriter, block_size, in_flight, read_ahead, read_blocks, read_fully
from tui.methods.sftp_many import BY_SERVER, ManySmallFiles
from tui.methods.sftp_places import SftpPlaces
from tui.methods.sftp_stripes import Channels, Helpers, StripedFile
from tui.methods.sftp_team import Team
from tui.methods.sftp_wire import VERSION, Access, Attributes, FileType, Name, Refused, Status, needs_look, storable
from tui.methods.ssh_digest import RemoteDigests
from tui.methods.ssh_failures import REQUEST_ERRORS, request_failure, translated
from tui.methods.ssh_link import identify, open_link

__all__ = ["SftpSession", "identify"]

_FAREWELL_LIMIT = 2.0
"""Seconds for the server to answer a good-bye."""
_CLOSE_LIMIT = 10.0
"""Seconds for a file to be closed after something went wrong with it: what is under way is answered first."""
_LARGE = 16 * 1024 * 1024
"""Bytes of a file that is worth some preparations."""
_LONGEST_LISTING = 1_000_000
"""Entries of a folder that are still read: a list has to fit into memory."""

_Answer = TypeVar("_Answer")


class SftpSession(ManySmallFiles):
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
        self._proofs = {}
        self._channels = Channels()
        self._is_guest = False
        """Whether the link is another session's, to be left open."""
        self._client: SftpClient | None = None
        self._leaving: AfterAction | None = None
        self._digests: RemoteDigests | None = None

    # Session

    async def open(self) -> None:
        if self._link is None:
            self._link = await self._connect()
        if self._digests is None:
            self._digests = RemoteDigests(self._link, self._connection.stall_timeout)
        with self._surroundings.narrator.step("folder") as note:
            starting = SftpClient.start(self._link, self._surroundings.alive)
            self._client = await self._ask(starting, f"Starting SFTP at {self._where}")
            helpers = Helpers(self._link, self._channels, self._surroundings.alive)
            self._team = Team(self._client, helpers, self._channels)
            self._folder = await self._find_folder()
            note.detail = self._folder
        move_to = self._connection.move_to
        places = SftpPlaces(self._sftp, self.stat_each, move_to and self._path(move_to), self._where)
        self._leaving = AfterAction(self._connection.after, places, self._surroundings.narrator)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        # A task of its own, so that abort() can end it while it waits for the server.
        self._opening = asyncio.create_task(open_link(self._connection, self._surroundings))
        try:
            return await self._opening
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            raise TransferFailed(FailureClass.NETWORK, f"The connection to {self._where} was dropped.") from None

    def sibling(self, surroundings: Surroundings) -> Self:
        """A channel of its own over the same link: the server works on both at once."""
        guest = type(self)(self._connection, surroundings)
        guest._join(self._link, self._digests, self._channels)  # noqa: SLF001 - of the same class
        return guest

    def _join(
        self, link: asyncssh.SSHClientConnection | None, digests: RemoteDigests | None, channels: Channels
    ) -> None:
        self._link, self._is_guest = link, True
        self._digests, self._channels = digests, channels
        channels.taken += 1

    async def close(self) -> None:
        for path in list(self._proofs):
            await self._forget_proof(path)
        if self._is_guest:
            if self._client is not None:
                self._client.close()
            self._channels.taken -= 1
            return
        if self._link is None:
            return
        self._link.close()
        try:
            async with asyncio.timeout(_FAREWELL_LIMIT):
                await self._link.wait_closed()
        except TimeoutError:
            self._link.abort()

    async def _forget_proof(self, path: str) -> None:
        hashing = self._proofs.pop(path, None)
        if hashing is not None:
            hashing.cancel()
            await asyncio.gather(hashing, return_exceptions=True)

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
        found, attributes, _ = await self._ask(
            asyncio.gather(self._sftp.realpath(relative), self._sftp.stat(relative), self._sftp.ask_limits()), doing
        )
        if attributes.type not in (FileType.DIRECTORY, FileType.UNKNOWN):
            raise TransferFailed(FailureClass.NOT_FOUND, f"{asked} at {self._where} is not a folder.")
        return found

    # Source

    async def offers(self) -> str | None:
        limits = self._sftp.limits
        named = f"reads of up to {size(limits.read)}, writes of up to {size(limits.write)}"
        extensions = ", ".join(name.removesuffix("@openssh.com") for name in self._sftp.extensions) or "no extensions"
        return f"SFTP version {VERSION}, {named if limits.read else 'no limits named'}, {extensions}"

    async def clock(self, fresh: str | None) -> float | None:
        """The time of a file: the protocol has no other way to tell what time it is."""
        if fresh is None:
            return None
        attributes = await self._look(self._path(fresh), f"Looking at {fresh}")
        return None if attributes is None or attributes.mtime is None else float(attributes.mtime)

    async def list_files(self) -> list[Entry]:
        entries: list[Entry] = []
        seen = 0
        with translated(self._where, f"Listing {self._folder}"):
            async with aclosing(self._sftp.list_folder(self._folder)) as listing:
                async for names in listing:
                    seen += len(names)
                    if seen > _LONGEST_LISTING:
                        raise TransferFailed(
                            FailureClass.REJECTED,
                            f"{self._folder} at {self._where} has more than {_LONGEST_LISTING} entries.",
                            remedy="Have files moved away after their delivery, or ask the partner to clear it.",
                        )
                    entries += await self._regular_files(names)
        return sorted(entries, key=lambda entry: entry.name)

    async def stat(self, entry: Entry) -> Entry | None:
        attributes = await self._look(entry.key, f"Looking at {entry.key}")
        return None if attributes is None else self._entry(entry.name, attributes).called(entry.target_name)

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[Block]]:
        # It costs no time of its own then.
        self._begin_proof(entry.key, entry.size)
        try:
            async with self._reading(entry.key, entry.size, offset) as blocks:
                yield blocks
        except BaseException:
            await self._forget_proof(entry.key)
            raise

    async def source_proof(self, entry: Entry) -> Proof | None:
        return await self._proof_of(entry.key, entry.size)

    def _begin_proof(self, path: str, size: int) -> None:
        """Have a large file hashed by the server; `_proof_of` waits for it."""
        digests = self._wanted_digests
        if digests is not None and size >= _LARGE and path not in self._proofs:
            self._proofs[path] = asyncio.create_task(digests.sha256(path, size))

    @property
    def _after_action(self) -> AfterAction:
        assert self._leaving is not None  # noqa: S101 - open() comes first
        return self._leaving

    async def _regular_files(self, names: Sequence[Name]) -> list[Entry]:
        """What is a regular file or a link to one; asked for again, all at once, where the listing does not tell."""
        looks = {
            name.name: asyncio.ensure_future(self._look_behind(name)) for name in names if needs_look(name.attributes)
        }
        await asyncio.gather(*looks.values())
        found = ((one.name, looks[one.name].result() if one.name in looks else one.attributes) for one in names)
        return [
            self._entry(name, attributes)
            for name, attributes in found
            if attributes is not None and attributes.type is FileType.REGULAR
        ]

    async def _look_behind(self, name: Name) -> Attributes | None:
        try:
            return await self._sftp.stat(self._path(name.name))
        except Refused as refused:
            # A file that vanishes between listing and stat, like the target of a dangling link, is no file. Neither is
            # a link that leads in a circle, for which the protocol has no word.
            is_link = name.attributes.type is FileType.SYMLINK
            if is_link or refused.status in ABSENT or refused.status == Status.PERMISSION_DENIED:
                return None
            raise

    def _entry(self, name: str, attributes: Attributes) -> Entry:
        mtime = None if attributes.mtime is None else float(attributes.mtime)
        entry = Entry.named(name, attributes.size or 0, mtime, self._path(name))
        shown = storable(name)
        # Nobody will open a file with such a name, but the name will be shown and stored.
        return entry if shown == name else replace(entry, name=shown, target_name=shown, key=storable(entry.key))

    # Target

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        path = self._staged_path(entry)
        try:
            async with self._writing(path, keep, entry.size) as (file, blocks):
                yield _StagedWriter(self, blocks, entry)
                await self._written(self._complete(file, blocks, entry), blocks, entry)
        except BaseException:
            await self._forget_proof(path)
            raise

    async def _complete(self, file: StripedFile, blocks: BlockWriter, entry: Entry) -> None:
        async with file.completed(blocks):
            # The server hashes what it has while it puts it on its disk.
            self._begin_proof(self._staged_path(entry), entry.size)

    @asynccontextmanager
    async def _writing(self, path: str, keep: int, size: int) -> AsyncIterator[tuple[StripedFile, BlockWriter]]:
        doing = f"Writing {path}"
        access = Access.WRITE | Access.CREATE | (0 if keep else Access.TRUNCATE)
        first = await self._ask(self._sftp.open(path, access), doing)
        file = StripedFile(first)
        helpers = Helpers(self._the_link, self._channels, self._surroundings.alive)
        ahead = in_flight(self._sftp.round_trip)
        blocks: BlockWriter | None = None
        try:
            if keep:
                # What lies beyond was written out of order and may have gaps.
                await self._ask(first.truncate(keep), doing)
            if helpers.reserve(size - keep, ahead):
                # The server is asked in this order, but nothing waits for its answers one by one.
                _, files = await asyncio.gather(self._keep_room_for_digests(doing), helpers.open(path))
                file.add(files)
            blocks = BlockWriter(file, self._write_size, keep, ahead=min(ahead, file.room))
            yield file, blocks
        except BaseException as error:
            if blocks is not None:
                blocks.drop()
            await self._let_go(file, wait=not isinstance(error, asyncio.CancelledError))
            raise
        finally:
            helpers.close()

    @property
    def resumes(self) -> bool:
        return True

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        path = self._staged_path(entry)
        doing = f"Reading {path} back"
        file = await self._ask(self._sftp.open(path, Access.READ), doing)
        try:
            return await self._ask(read_fully(file, offset, count), doing)
        finally:
            file.close()

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

    async def discard(self, entry: Entry) -> None:
        path = self._staged_path(entry)
        await self._remove(path, f"Removing {path}")

    async def _give_final_name(self, staged: str, final: str) -> None:
        doing = f"Renaming the finished file to {final}"
        with translated(self._where, doing):
            if self._connection.conflict is not Conflict.OVERWRITE:
                # Refused where something of the name has come since the look at it.
                await self._sftp.rename(staged, final)
                return
            try:
                await self._sftp.replace(staged, final)
            except Refused as refused:
                if refused.status != Status.OP_UNSUPPORTED:
                    raise
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
        except REQUEST_ERRORS as error:
            missing = max(entry.size - blocks.stored, 1)
            raise await self._why_not_written(error, self._staged_path(entry), missing) from error

    async def _why_not_written(self, error: Exception, path: str, missing: int) -> TransferFailed:
        # Version 3 of the protocol has no status for a full disk, only “Failure”.
        if isinstance(error, Refused) and error.status == Status.FAILURE:
            free = await self._free_space()
            if free is not None and free < missing:
                return TransferFailed(
                    FailureClass.SPACE,
                    f"Writing {path} failed: {self._where} has {free} bytes free, {missing} more are needed.",
                )
        return request_failure(error, self._where, f"Writing {path}")

    async def _free_space(self) -> int | None:
        try:
            return await self._sftp.free_space(self._folder)
        except REQUEST_ERRORS:
            # Few servers tell; a full disk then shows when the file is written.
            return None

    # Both

    async def _proof_of(self, path: str, size: int) -> Proof | None:
        if self._digests is None:
            return None
        hashing = self._proofs.pop(path, None) or asyncio.create_task(self._digests.sha256(path, size))
        digest = await self._ask(self._hashed(hashing), f"Asking for the SHA-256 of {path}")
        return None if digest is None else Proof(digest, BY_SERVER)

    @property
    def _the_link(self) -> asyncssh.SSHClientConnection:
        assert self._link is not None  # noqa: S101 - open() comes first
        return self._link

    @property
    def _sftp(self) -> SftpClient:
        assert self._client is not None  # noqa: S101 - open() comes first
        return self._client

    @property
    def _wanted_digests(self) -> RemoteDigests | None:
        # What was written is read back where the connection wants that.
        is_read_back = self._connection.verify is Verify.REREAD and self._connection.direction is Direction.OUTBOUND
        return None if is_read_back or self._connection.verify is Verify.SIZE else self._digests

    @property
    def _read_size(self) -> int:
        return self._block_size(self._sftp.limits.read)

    @property
    def _write_size(self) -> int:
        return self._block_size(self._sftp.limits.write)

    def _block_size(self, offered: int) -> int:
        assert self._connection.sftp is not None  # noqa: S101 - this class serves no other method
        return self._connection.sftp.block_size or block_size(offered)

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    def _staged_path(self, entry: Entry) -> str:
        return self._path(part_name(entry.target_name))

    async def _look(self, path: str, doing: str, *, follow: bool = True) -> Attributes | None:
        with translated(self._where, doing):
            return await self._sftp.find(path, follow=follow)

    async def _remove(self, path: str, doing: str) -> None:
        with translated(self._where, doing):
            try:
                await self._sftp.remove(path)
            except Refused as refused:
                if refused.status not in ABSENT:
                    raise

    @asynccontextmanager
    async def _reading(self, path: str, expected: int, offset: int = 0) -> AsyncIterator[AsyncIterator[Block]]:
        doing = f"Reading {path}"
        file = await self._ask(self._sftp.open(path, Access.READ), doing)
        try:
            block = self._read_size
            requests = read_blocks(file, expected, block, offset, ahead=read_ahead(self._sftp.round_trip))
            async with aclosing(self._blocks(requests, doing)) as blocks:
                yield blocks
        finally:
            file.close()

    async def _blocks(self, requests: AsyncGenerator[Block, None], doing: str) -> AsyncGenerator[Block, None]:
        async with aclosing(requests) as blocks:
            while True:
                with translated(self._where, doing):
                    block = await anext(blocks, None)
                if block is None:
                    return
                yield block

    async def _keep_room_for_digests(self, doing: str) -> None:
        """A server that allows few channels must not have to refuse the one by which the file is proved."""
        if self._wanted_digests is not None:
            await self._ask(self._wanted_digests.begin(), doing)

    async def _let_go(self, file: StripedFile, *, wait: bool) -> None:
        """Close a file whose fate does not matter any more. A server that does not answer is left."""
        file.close()
        if not wait:
            return
        try:
            async with asyncio.timeout(_CLOSE_LIMIT):
                await file.closed()
        except TimeoutError:
            self.abort()
        except REQUEST_ERRORS:
            # The caller is leaving with the failure that counts; a broken link shows at the next request.
            return

    async def _ask(self, request: Awaitable[_Answer], doing: str) -> _Answer:
        with translated(self._where, doing):
            return await request


class _StagedWriter:
    def __init__(self, session: SftpSession, blocks: BlockWriter, entry: Entry) -> None:
        self._session = session
        self._blocks = blocks
        self._entry = entry

    @property
    def stored(self) -> int:
        return self._blocks.stored

    async def write(self, data: Block) -> None:
        await self._session._written(self._blocks.write(data), self._blocks, self._entry)  # noqa: SLF001 - one module


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
