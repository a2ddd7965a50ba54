"""What becomes of delivered files at the server, over FTP: one command after the other, as the protocol has it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import unused_name
from tui.methods.base import Each, Entry, in_turn
from tui.methods.ftp_catalog import FtpCatalog
from tui.methods.ftp_link import FtpLink
from tui.methods.ftps_client import FtpsClient, Refused


class FtpPlaces:
    """The source folder of one session, and the folder for what was delivered, if the connection has one. `look` looks
    at a file of the session."""

    def __init__(
        self, link: FtpLink, catalog: FtpCatalog, look: Callable[[Entry], Awaitable[Entry | None]], folder: str | None
    ) -> None:
        self._link = link
        self._catalog = catalog
        self._look = look
        self._folder = folder
        self._folder_is_there = False

    async def look_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        return await in_turn(self._look, entries)

    async def rename_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[None]:
        return await in_turn(self._rename, files)

    async def _rename(self, names: tuple[Entry, Entry]) -> None:
        old, new = names
        client = await self._link.ready()
        with self._link.talking(f"Renaming {old.name} to {new.name}", FailureClass.PERMISSION):
            await rename(client, old.name, new.name)

    async def put_back(self, place: Entry, entry: Entry) -> None:
        client = await self._link.ready()
        with self._link.talking(f"Putting {place.name} back to {entry.name}", FailureClass.PERMISSION):
            # Most servers would replace it. What comes between this look and the rename they do replace.
            if await self._catalog.exists(client, entry.name):
                raise TransferFailed(FailureClass.REJECTED, "A file of its name has come meanwhile.")
            await rename(client, place.name, entry.name)

    async def delete_each(self, entries: Sequence[Entry]) -> Each[None]:
        return await in_turn(self._delete, entries)

    async def _delete(self, entry: Entry) -> None:
        await delete(self._link, self._catalog, entry.name, f"Deleting {entry.name} after its delivery")

    async def store_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[Entry]:
        return await in_turn(self._store, files)

    async def _store(self, file: tuple[Entry, Entry]) -> Entry:
        place, entry = file
        assert self._folder is not None  # noqa: S101 - the model demands it with after = move
        folder = self._folder.rstrip("/")
        client = await self._link.ready()
        with self._link.talking(f"Moving {entry.name} to {self._folder} after its delivery", FailureClass.PERMISSION):
            await self._ensure_folder(client, folder or "/")
            used: set[str] = set()
            while await self._catalog.exists(client, f"{folder}/{(new := unused_name(entry.name, used.__contains__))}"):
                used.add(new)
            await rename(client, place.name, f"{folder}/{new}")
        return replace(entry, name=f"{folder}/{new}", key=f"{folder}/{new}")

    async def _ensure_folder(self, client: FtpsClient, folder: str) -> None:
        if self._folder_is_there:
            return
        if not (await client.exchange(f"CWD {folder}")).positive:
            ends = [place for place, character in enumerate(folder) if character == "/" and place > 0] + [len(folder)]
            for end in ends:
                # What exists already is refused in many ways; whether the folder can be used shows below.
                await client.exchange(f"MKD {folder[:end]}")
            await client.demand(f"CWD {folder}")
        await client.demand(f"CWD {self._link.folder}")
        self._folder_is_there = True


async def rename(client: FtpsClient, old: str, new: str) -> None:
    """RNFR and RNTO (RFC 959, section 4.1.3). Raises Refused."""
    await client.demand(f"RNFR {old}", "3")
    await client.demand(f"RNTO {new}")


async def delete(link: FtpLink, catalog: FtpCatalog, name: str, doing: str) -> None:
    """DELE. What is gone already is no failure. Raises TransferFailed."""
    client = await link.ready()
    with link.talking(doing, FailureClass.PERMISSION):
        reply = await client.exchange(f"DELE {name}")
        if not reply.positive and not (reply.code == "550" and not await catalog.exists(client, name)):
            raise Refused(reply)
