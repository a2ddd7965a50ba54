"""Further channels of a link for many small files: each file goes whole over one of them.

A server works on the requests of one channel one after the other, and waits for its disk at each file that it is asked
to put there (`fsync@openssh.com`). Over several channels it waits for several files at once, which its disk writes
together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from typing import TypeVar

from tui.methods.sftp_client import SftpClient
from tui.methods.sftp_stripes import Channels, Helpers

_WORTH_WHILE = 32
"""Files for which it pays to open more channels first."""

_Item = TypeVar("_Item")


class Team:
    """The channel of a session and those taken up beside it. They stay until the link is closed: over a long way it
    takes several round trips to open one."""

    def __init__(self, first: SftpClient, helpers: Helpers, channels: Channels) -> None:
        self._clients = [first]
        self._helpers = helpers
        self._channels = channels
        self._has_grown = False
        self._growing = asyncio.Lock()

    async def get_ready(self, files: int, keep_room: Callable[[], Awaitable[None]]) -> None:
        """Take up further channels, as many as the server wants to give, if they are of use for so many files. Where
        several sessions share the link they are not: each has a channel of its own, and works on files of its own.

        Before others take what the server allows, `keep_room` asks for the channel that must not be refused."""
        async with self._growing:
            if files < _WORTH_WHILE or self._has_grown or not self._channels.are_free or not self._clients[0].can_sync:
                return
            self._has_grown = True
            # The server is asked in this order, but nothing waits for its answers one by one.
            _, opened = await asyncio.gather(keep_room(), self._helpers.open_some())
            self._clients += opened

    def share(self, files: Sequence[_Item]) -> list[tuple[SftpClient, _Item]]:
        """Each file with the channel that it goes over."""
        return list(zip(cycle(self._clients), files, strict=False))
