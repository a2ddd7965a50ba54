"""What becomes of delivered files at the server, over FTP: each command for all of them before the next, as far as they
do not depend on one another."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import unused_name
from tui.methods.base import Each, Entry, only
from tui.methods.ftp_catalog import FtpCatalog
from tui.methods.ftp_link import FtpLink
from tui.methods.ftps_client import FtpsClient, Refused, Unsendable


class FtpPlaces:
    """The source folder of one session, and the folder for what was delivered, if the connection has one. `look_each`
    looks at files of the session."""

    def __init__(
        self,
        link: FtpLink,
        catalog: FtpCatalog,
        look_each: Callable[[Sequence[Entry]], Awaitable[Each[Entry | None]]],
        folder: str | None,
    ) -> None:
        self._link = link
        self._catalog = catalog
        self._look_each = look_each
        self._folder = folder
        self._folder_is_there = False

    async def look_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        return await self._look_each(entries)

    async def rename_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[None]:
        return await self._link.told_each(
            partial(self._link.rename_each, [(old.name, new.name) for old, new in files]),
            [f"Renaming {old.name} to {new.name}" for old, new in files],
            FailureClass.PERMISSION,
        )

    async def put_back(self, place: Entry, entry: Entry) -> None:
        doing = f"Putting {place.name} back to {entry.name}"
        with self._link.talking(doing, FailureClass.PERMISSION):
            # Most servers would replace it. What comes between this look and the rename they do replace.
            if await self._catalog.exists(entry.name):
                raise TransferFailed(FailureClass.REJECTED, "A file of its name has come meanwhile.")
        rename = partial(self._link.rename_each, [(place.name, entry.name)])
        await only(self._link.told_each(rename, [doing], FailureClass.PERMISSION))

    async def delete_each(self, entries: Sequence[Entry]) -> Each[None]:
        names = [entry.name for entry in entries]
        return await delete_each(
            self._link, self._catalog, names, [f"Deleting {name} after its delivery" for name in names]
        )

    async def store_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[Entry]:
        assert self._folder is not None  # noqa: S101 - the model demands it with after = move
        doings = [f"Moving {entry.name} to {self._folder} after its delivery" for _, entry in files]
        moved = await self._link.told_each(partial(self._store_each, files), doings, FailureClass.PERMISSION)
        return [
            place if isinstance(place, TransferFailed) else replace(entry, name=place, key=place)
            for (_, entry), place in zip(files, moved, strict=True)
        ]

    async def _store_each(self, files: Sequence[tuple[Entry, Entry]]) -> list[str | Exception]:
        """Where they are, each under the name of the second or one like it that is free."""
        assert self._folder is not None  # noqa: S101 - the model demands it with after = move
        folder = self._folder.rstrip("/")
        await self._ensure_folder(await self._link.ready(), folder or "/")
        places = await self._free_places(folder, [entry.name for _, entry in files])
        moves = [(place.name, free) for (place, _), free in zip(files, places, strict=True)]
        outcomes = await self._link.rename_each(moves)
        return [free if outcome is None else outcome for free, outcome in zip(places, outcomes, strict=True)]

    async def _free_places(self, folder: str, names: Sequence[str]) -> list[str]:
        """A place in the folder for each name: the name itself, or one like it that nothing there has."""
        used: set[str] = set()
        free: dict[int, str] = {}
        while asked := {place: name for place, name in enumerate(names) if place not in free}:
            new = {}
            for place, name in asked.items():
                new[place] = unused_name(name, used.__contains__)
                used.add(new[place])
            paths = [f"{folder}/{name}" for name in new.values()]
            taken = await self._catalog.exists_each(paths)
            free |= {place: path for place, path, is_taken in zip(new, paths, taken, strict=True) if not is_taken}
        return [free[place] for place in range(len(names))]

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


async def delete_each(link: FtpLink, catalog: FtpCatalog, names: Sequence[str], doings: Sequence[str]) -> Each[None]:
    """DELE. What is gone already is no failure."""

    async def delete() -> list[Exception | None]:
        answers = await link.ask_each([f"DELE {name}" for name in names])
        outcomes: list[Exception | None] = []
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, Unsendable):
                outcomes.append(answer)
            elif answer.positive or (answer.code == "550" and not await catalog.exists(name)):
                outcomes.append(None)
            else:
                outcomes.append(Refused(answer))
        return outcomes

    return await link.told_each(delete, doings, FailureClass.PERMISSION)
