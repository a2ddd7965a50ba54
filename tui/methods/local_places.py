"""What becomes of delivered files in the local folder."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import unused_name
from tui.methods.base import Each, Entry
from tui.methods.disk import each_in_turn, translated


class LocalPlaces:
    """The local folder, and the one for what was delivered, if the connection has one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def look_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        return await asyncio.to_thread(each_in_turn, look, entries)

    async def rename_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[None]:
        return await asyncio.to_thread(each_in_turn, _rename, files)

    async def put_back(self, place: Entry, entry: Entry) -> None:
        def rename() -> None:
            with translated(f"Putting {place.key} back to {entry.key}"):
                if os.path.lexists(entry.key):
                    raise TransferFailed(FailureClass.REJECTED, "A file of its name has come meanwhile.")
                Path(place.key).rename(entry.key)

        await asyncio.to_thread(rename)

    async def delete_each(self, entries: Sequence[Entry]) -> Each[None]:
        return await asyncio.to_thread(each_in_turn, _delete, entries)

    async def store_each(self, files: Sequence[tuple[Entry, Entry]]) -> Each[Entry]:
        return await asyncio.to_thread(each_in_turn, self._store, files)

    def _store(self, file: tuple[Entry, Entry]) -> Entry:
        place, entry = file
        assert self._folder is not None  # noqa: S101 - the model demands it with after = move
        folder = self._folder
        with translated(f"Moving {entry.key} to {folder} after its delivery"):
            folder.mkdir(parents=True, exist_ok=True)
            name = unused_name(entry.name, lambda name: os.path.lexists(folder / name))
            return replace(entry, key=str(Path(place.key).rename(folder / name)))


def look(entry: Entry) -> Entry | None:
    """The file as it is now; None when it is gone."""
    with translated(f"Looking at {entry.key}"):
        try:
            status = Path(entry.key).stat()
        except FileNotFoundError:
            return None
    return Entry.named(entry.name, status.st_size, status.st_mtime, entry.key)


def _rename(names: tuple[Entry, Entry]) -> None:
    old, new = names
    with translated(f"Renaming {old.key} to {new.key}"):
        Path(old.key).rename(new.key)


def _delete(entry: Entry) -> None:
    with translated(f"Deleting {entry.key} after its delivery"):
        Path(entry.key).unlink(missing_ok=True)
