"""What an SFTP server can be asked for, as calls (draft-ietf-secsh-filexfer-02, and OpenSSH's extensions to it).

All raise Refused for what the server refuses, Malformed for answers that are none, and ChannelLost.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection
from typing import TypeVar

import asyncssh

from tui.methods import sftp_wire as wire
from tui.methods.sftp_channel import SftpChannel, does_not_matter
from tui.methods.sftp_wire import Attributes, Kind, Limits, Malformed, Name, Packet, Refused, Status

ABSENT = frozenset({Status.NO_SUCH_FILE, Status.NO_SUCH_PATH})
"""How servers say that there is nothing of that name."""

_POSIX_RENAME = b"posix-rename@openssh.com"
_FSYNC = b"fsync@openssh.com"
_STATVFS = b"statvfs@openssh.com"
_LIMITS = b"limits@openssh.com"

_LISTING_AHEAD = 8
"""Requests for the next lines of a listing that are under way at once."""

_Result = TypeVar("_Result")

ReadAnswered = Callable[[list[memoryview], int, Exception | None], None]
"""Called with the bytes in pieces and how many they are, none at the end of the file, or with what went wrong."""
WriteAnswered = Callable[[Exception | None], None]
"""Called when the bytes are written, or with what went wrong."""


class SftpClient:
    """Requests over one channel. Safe for any number of tasks at once."""

    def __init__(self, channel: SftpChannel, extensions: dict[bytes, bytes]) -> None:
        self._channel = channel
        self._extensions = extensions
        self.limits = Limits()
        """Known once `ask_limits` has returned."""

    @classmethod
    async def start(cls, link: asyncssh.SSHClientConnection, alive: Callable[[], None]) -> "SftpClient":
        """Open a channel and agree on the protocol. `alive` is called whenever something arrives. Raises what asyncssh
        raises, too."""
        channel = await SftpChannel.open(link, alive)
        return cls(channel, await channel.begin())

    def close(self) -> None:
        self._channel.close()

    @property
    def extensions(self) -> list[str]:
        """What the server offers beyond the protocol, such as `posix-rename@openssh.com`."""
        return sorted(name.decode(errors="replace") for name in self._extensions)

    @property
    def can_sync(self) -> bool:
        """Whether the server puts a file on the disk when it is asked to."""
        return _FSYNC in self._extensions

    @property
    def round_trip(self) -> float:
        """Seconds from a request to its answer, at the best seen until now; infinite before the first."""
        return self._channel.round_trip

    async def ask_limits(self) -> None:
        if _LIMITS in self._extensions:
            self.limits = await self._extended(_limits, _LIMITS)

    async def realpath(self, path: str) -> str:
        return await self._channel.call(_one_path, Kind.REALPATH, wire.path(path))

    def stat(self, path: str, *, follow: bool = True) -> "asyncio.Future[Attributes]":
        return self._channel.call(_attributes, Kind.STAT if follow else Kind.LSTAT, wire.path(path))

    async def find(self, path: str, *, follow: bool = True) -> Attributes | None:
        """`stat`, but None when there is nothing of that name."""
        try:
            return await self.stat(path, follow=follow)
        except Refused as refused:
            if refused.status in ABSENT:
                return None
            raise

    async def list_folder(self, path: str) -> AsyncGenerator[list[Name], None]:
        """The lines of a listing, as many at a time as the server sends."""
        handle = await self._open(Kind.OPENDIR, wire.path(path))
        asked: deque[asyncio.Future[list[Name]]] = deque()
        try:
            while True:
                while len(asked) < _LISTING_AHEAD:
                    asked.append(self._channel.call(_names, Kind.READDIR, wire.string(handle)))
                try:
                    names = await asked.popleft()
                except Refused as refused:
                    if refused.status == Status.EOF:
                        return
                    raise
                yield names
        finally:
            for future in asked:
                future.cancel()
            self._channel.post(does_not_matter, Kind.CLOSE, wire.string(handle))

    def remove(self, path: str) -> "asyncio.Future[None]":
        return self._channel.call(wire.check_ok, Kind.REMOVE, wire.path(path))

    async def mkdir(self, path: str) -> None:
        await self._channel.call(wire.check_ok, Kind.MKDIR, wire.path(path), wire.NO_ATTRIBUTES)

    async def rename(self, old: str, new: str) -> None:
        """Refused where there is something of the new name already, as the draft wants it (section 6.5)."""
        await self._channel.call(wire.check_ok, Kind.RENAME, wire.path(old), wire.path(new))

    def replace(self, old: str, new: str) -> "asyncio.Future[None]":
        """Rename in one step, whatever there is of the new name. Refused as unsupported where the server cannot."""
        if _POSIX_RENAME not in self._extensions:
            refusal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            refusal.set_exception(_not_offered(_POSIX_RENAME))
            return refusal
        return self._channel.call(
            wire.check_ok, Kind.EXTENDED, wire.string(_POSIX_RENAME), wire.path(old), wire.path(new)
        )

    async def free_space(self, path: str) -> int:
        """Bytes that can still be written. Refused as unsupported where the server does not tell."""
        return await self._extended(_free_bytes, _STATVFS, wire.path(path))

    async def open(self, path: str, access: int) -> "RemoteFile":
        """Open a file; `access` is made of the bits in `Access`."""
        handle = await self._open(Kind.OPEN, wire.path(path), wire.uint32(access), wire.NO_ATTRIBUTES)
        return RemoteFile(self._channel, handle, can_sync=self.can_sync)

    async def _open(self, kind: Kind, *fields: bytes) -> bytes:
        opening = self._channel.call(_handle, kind, *fields)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._close_unwanted)
            raise

    def _close_unwanted(self, opening: "asyncio.Future[bytes]") -> None:
        if opening.exception() is None:
            self._channel.post(does_not_matter, Kind.CLOSE, wire.string(opening.result()))

    async def _extended(self, decode: Callable[[Packet], _Result], name: bytes, *fields: bytes) -> _Result:
        if name not in self._extensions:
            raise _not_offered(name)
        return await self._channel.call(decode, Kind.EXTENDED, wire.string(name), *fields)


class RemoteFile:
    """An open file. Requests for it are worked on in the order in which they are made (section 6)."""

    def __init__(self, channel: SftpChannel, handle: bytes, *, can_sync: bool) -> None:
        self._channel = channel
        self._handle = wire.string(handle)
        self._can_sync = can_sync
        self._closing: asyncio.Future[None] | None = None

    def read(self, offset: int, count: int, answered: ReadAnswered) -> int:
        """Ask for bytes; servers may answer with fewer. Returns the number of the request."""

        def decoded(reply: Packet | Exception) -> None:
            if isinstance(reply, Exception):
                answered([], 0, reply)
                return
            try:
                pieces, length = wire.data(reply, count)
            except Refused as refused:
                answered([], 0, None if refused.status == Status.EOF else refused)
            except Malformed as error:
                answered([], 0, error)
                raise
            else:
                answered(pieces, length, None)

        return self._channel.post(decoded, Kind.READ, self._handle, wire.uint64(offset), wire.uint32(count))

    def write(self, offset: int, data: memoryview, answered: WriteAnswered) -> int:
        """Have bytes written; they must not change until they are. Returns the number of the request."""

        def decoded(reply: Packet | Exception) -> None:
            error = reply if isinstance(reply, Exception) else None
            if isinstance(reply, Packet):
                try:
                    wire.check_ok(reply)
                except (Refused, Malformed) as found:
                    error = found
            answered(error)
            if isinstance(error, Malformed) and isinstance(reply, Packet):
                raise error

        return self._channel.post(
            decoded, Kind.WRITE, self._handle, wire.uint64(offset), wire.uint32(len(data)), payload=data
        )

    def withdraw(self, numbers: Collection[int]) -> None:
        """Forget requests that were made, as far as they have not been sent; no answer to them is told."""
        self._channel.withdraw(numbers)

    async def truncate(self, size: int) -> None:
        await self._channel.call(wire.check_ok, Kind.FSETSTAT, self._handle, wire.size_attribute(size))

    def sync(self) -> "asyncio.Future[None] | None":
        """Ask for what was written to be put on the disk; None where the server does not offer it."""
        if not self._can_sync:
            return None
        return _noted(self._channel.call(wire.check_ok, Kind.EXTENDED, wire.string(_FSYNC), self._handle))

    def close(self) -> "asyncio.Future[None]":
        """Ask for the file to be closed, once however often this is called."""
        if self._closing is None:
            self._closing = _noted(self._channel.call(wire.check_ok, Kind.CLOSE, self._handle))
        return self._closing


def _not_offered(extension: bytes) -> Refused:
    return Refused(Status.OP_UNSUPPORTED, f"{extension.decode()} is not offered")


def _noted(future: "asyncio.Future[None]") -> "asyncio.Future[None]":
    """The future, whose failure is no surprise where nobody waits for it any more."""
    future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return future


def _handle(reply: Packet) -> bytes:
    return wire.Fields(wire.body_of(reply, Kind.HANDLE)).string()


def _attributes(reply: Packet) -> Attributes:
    return wire.attributes(wire.Fields(wire.body_of(reply, Kind.ATTRS)))


def _names(reply: Packet) -> list[Name]:
    return wire.names(wire.body_of(reply, Kind.NAME))


def _one_path(reply: Packet) -> str:
    names = _names(reply)
    if len(names) != 1:
        raise Malformed(f"{len(names)} names came where one was asked for")
    return names[0].name


def _limits(reply: Packet) -> Limits:
    return wire.limits(wire.body_of(reply, Kind.EXTENDED_REPLY))


def _free_bytes(reply: Packet) -> int:
    return wire.free_bytes(wire.body_of(reply, Kind.EXTENDED_REPLY))
