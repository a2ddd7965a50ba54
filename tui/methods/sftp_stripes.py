"""Writes one file over several channels of a link.

What a server takes on one channel before the client hears of it again is that channel's window; OpenSSH has one of
2 MiB. Over a long way the window, not the line, says how fast a file gets there: with 150 ms to and fro it is 13 MB/s,
whatever the client does. Several channels have several windows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncssh

from tui.methods.sftp_client import RemoteFile, SftpClient, WriteAnswered
from tui.methods.sftp_copy import BlockWriter
from tui.methods.sftp_wire import Access
from tui.methods.ssh_failures import REQUEST_ERRORS

_WINDOW = 2 * 1024 * 1024
"""Bytes that most servers take on one channel before they are heard of again."""
_ROOM = 2 * _WINDOW
"""Bytes under way on one channel: what fills the window, and as many that wait for it."""
_MOST = 6
"""Channels for one file, or for many small ones."""
_OF_EVERY_LINK = 2
"""Channels in use from the beginning."""
_SERVER_LIMIT = 8
"""Channels of one link, for all that goes on there: OpenSSH allows 10."""
_WORTH_WHILE = 16 * 1024 * 1024
"""Bytes for which it pays to open more channels first."""


@dataclass(slots=True)
class Channels:
    """How many channels of a link are in use; shared by all sessions over it."""

    taken: int = _OF_EVERY_LINK
    """The first session's, and the one for commands."""

    @property
    def are_free(self) -> bool:
        """Whether none is taken beyond those."""
        return self.taken == _OF_EVERY_LINK


class StripedFile:
    """A file that is open once on each of several channels; each block goes where the least is under way."""

    def __init__(self, file: RemoteFile) -> None:
        self._files = [file]
        self._under_way = [0]

    def add(self, files: Sequence[RemoteFile]) -> None:
        """Further channels, before anything is written."""
        self._files += files
        self._under_way += [0] * len(files)

    @property
    def room(self) -> int:
        """Bytes that may be under way."""
        return len(self._files) * _ROOM

    def write(self, offset: int, data: memoryview, answered: WriteAnswered) -> int:
        channel = self._under_way.index(min(self._under_way))
        size = len(data)
        self._under_way[channel] += size

        def counted(error: Exception | None) -> None:
            self._under_way[channel] -= size
            answered(error)

        return self._files[channel].write(offset, data, counted) * _MOST + channel

    def withdraw(self, numbers: Collection[int]) -> None:
        for channel, file in enumerate(self._files):
            file.withdraw([number // _MOST for number in numbers if number % _MOST == channel])

    @asynccontextmanager
    async def completed(self, blocks: BlockWriter) -> AsyncIterator[None]:
        """Have everything written, and within the context put on the disk, where the server offers that, and closed."""
        if len(self._files) > 1:
            # What goes over one channel is worked on in order, and can be asked for in one go. Here it is not.
            await blocks.flush()
        ends = [end for file in self._files for end in (file.sync(), file.close()) if end is not None]
        await blocks.flush()
        yield
        for end in ends:
            await end

    def close(self) -> None:
        """Ask for it to be closed, as far as it is not."""
        for file in self._files:
            file.close()

    async def closed(self) -> None:
        """Wait until it is."""
        for file in self._files:
            await file.close()


class Helpers:
    """Further channels for one file, taken up while it is written, or for many small ones."""

    def __init__(self, link: asyncssh.SSHClientConnection, channels: Channels, alive: Callable[[], None]) -> None:
        self._link = link
        self._channels = channels
        self._alive = alive
        self._clients: list[SftpClient] = []
        self._taken = 0

    def reserve(self, size: int, in_flight: int) -> int:
        """As many as it takes, besides the first, to have so many of `size` bytes under way; fewer where there are many
        already, and none where one channel has room for all of it. Returns their number."""
        is_worth_while = size >= _WORTH_WHILE and in_flight > _ROOM
        return self._reserve(min(-(-in_flight // _WINDOW), _MOST) - 1 if is_worth_while else 0)

    async def open(self, path: str) -> list[RemoteFile]:
        """The file, opened once more on each; less often where the server does not want it."""
        opened = await asyncio.gather(*(self._open(path) for _ in range(self._taken)))
        return [file for file in opened if file is not None]

    async def open_some(self) -> list[SftpClient]:
        """As many as are of use besides the first; fewer where the server does not want it."""
        self._reserve(_MOST - 1)
        opened = await asyncio.gather(*(self._start() for _ in range(self._taken)))
        return [client for client in opened if client is not None]

    def close(self) -> None:
        """Close the channels."""
        for client in self._clients:
            client.close()
        self._channels.taken -= self._taken

    def _reserve(self, wanted: int) -> int:
        self._taken = max(0, min(wanted, _SERVER_LIMIT - self._channels.taken))
        self._channels.taken += self._taken
        return self._taken

    async def _open(self, path: str) -> RemoteFile | None:
        client = await self._start()
        if client is None:
            return None
        try:
            return await client.open(path, Access.WRITE)
        except REQUEST_ERRORS:
            # Some let a file be written by one only.
            return None

    async def _start(self) -> SftpClient | None:
        try:
            client = await SftpClient.start(self._link, self._alive)
        except REQUEST_ERRORS:
            # Some servers allow one session only.
            return None
        self._clients.append(client)
        return client
