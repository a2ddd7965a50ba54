"""Moves files into a folder at the server after their delivery, over SFTP."""

import posixpath
from collections.abc import Awaitable, Callable
from dataclasses import replace

from tui.domain.naming import unused_name
from tui.methods.base import Entry
from tui.methods.moving import AfterMove
from tui.methods.sftp_client import SftpClient
from tui.methods.sftp_wire import Refused
from tui.methods.ssh_failures import translated

Stat = Callable[[Entry], Awaitable[Entry | None]]
"""Looks at a file of a session; None when it is gone."""


class Moves:
    """Those of one session into the same folder. `where` names the server."""

    def __init__(self, client: SftpClient, folder: str, where: str) -> None:
        self._client = client
        self._folder = folder
        self._where = where
        self._after_move = AfterMove()

    async def move(self, entry: Entry, stat: Stat) -> None:
        """Move a file. Raises TransferFailed when it cannot be moved, or is not the one that was delivered any more,
        for which `stat` looks at it once more."""
        with translated(self._where, f"Creating the folder {self._folder}"):
            await self._ensure_folder()
        with translated(self._where, f"Moving {entry.key} to {self._folder} after its delivery"):
            target = posixpath.join(self._folder, await self._unused_name(entry.name))
            # The plain rename: unlike posix_rename it never replaces what somebody has put there meanwhile.
            await self._client.rename(entry.key, target)
        moved = await stat(replace(entry, key=target))
        await self._after_move.check(entry, moved, target, lambda: self._put_back(target, entry.key))

    async def _ensure_folder(self) -> None:
        if await self._client.find(self._folder) is not None:
            return
        try:
            await self._client.mkdir(self._folder)
        except Refused:
            # Several files are moved at the same time, and another may have needed it first.
            if await self._client.find(self._folder) is None:
                raise

    async def _unused_name(self, name: str) -> str:
        used: set[str] = set()
        while True:
            candidate = unused_name(name, used.__contains__)
            if await self._client.find(posixpath.join(self._folder, candidate), follow=False) is None:
                return candidate
            used.add(candidate)

    async def _put_back(self, place: str, old: str) -> None:
        with translated(self._where, f"Putting {place} back to {old}"):
            await self._client.rename(place, old)
