"""What becomes of delivered files at the server, over SFTP."""

import asyncio
import posixpath
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from tui.domain.naming import unused_name
from tui.methods.base import Each, Entry, together
from tui.methods.sftp_client import ABSENT, SftpClient
from tui.methods.sftp_wire import Refused
from tui.methods.ssh_failures import translated


class SftpPlaces:
    """The source folder of one session, and the folder for what was delivered, if the connection has one. `look_each`
    looks at files of the session; `where` names the server."""

    def __init__(
        self,
        client: SftpClient,
        look_each: Callable[[Sequence[Entry]], Awaitable[Each[Entry | None]]],
        folder: str | None,
        where: str,
    ) -> None:
        self._client = client
        self._look_each = look_each
        self._folder = folder
        self._where = where
        self._folder_is_there = asyncio.Lock()
        self._chosen: set[str] = set()
        """Names in the folder that files get which are being moved."""

    async def look_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        return await self._look_each(entries)

    async def rename_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[None]:
        return await together(self._rename, files)

    async def _rename(self, names: tuple[Entry, Entry]) -> None:
        old, new = names
        with translated(self._where, f"Renaming {old.key} to {new.key}"):
            # The plain rename: unlike posix_rename it never replaces what somebody has put there meanwhile.
            await self._client.rename(old.key, new.key)

    async def put_back(self, place: Entry, entry: Entry) -> None:
        with translated(self._where, f"Putting {place.key} back to {entry.key}"):
            await self._client.rename(place.key, entry.key)

    async def delete_each(self, entries: Sequence[Entry]) -> Each[None]:
        return await together(self._delete, entries)

    async def _delete(self, entry: Entry) -> None:
        with translated(self._where, f"Deleting {entry.key} after its delivery"):
            try:
                await self._client.remove(entry.key)
            except Refused as refused:
                if refused.status not in ABSENT:
                    raise

    async def store_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[Entry]:
        return await together(self._store, files)

    async def _store(self, file: tuple[Entry, Entry]) -> Entry:
        place, entry = file
        assert self._folder is not None  # noqa: S101 - the model demands it with after = move
        with translated(self._where, f"Creating the folder {self._folder}"):
            await self._ensure_folder(self._folder)
        with translated(self._where, f"Moving {entry.key} to {self._folder} after its delivery"):
            target = await self._choose(self._folder, entry.name)
            try:
                await self._client.rename(place.key, target)
            finally:
                self._chosen.discard(target)
        return replace(entry, key=target)

    async def _ensure_folder(self, folder: str) -> None:
        async with self._folder_is_there:
            if await self._client.find(folder) is not None:
                return
            try:
                await self._client.mkdir(folder)
            except Refused:
                # Another session may have needed it first.
                if await self._client.find(folder) is None:
                    raise

    async def _choose(self, folder: str, name: str) -> str:
        """A path that nothing has, and that is chosen for no other file at the same time."""
        used: set[str] = set()
        while True:
            candidate = unused_name(name, lambda it: it in used or posixpath.join(folder, it) in self._chosen)
            target = posixpath.join(folder, candidate)
            self._chosen.add(target)
            if await self._client.find(target, follow=False) is None:
                return target
            self._chosen.discard(target)
            used.add(candidate)
