"""The local folder of a connection: the other side of every run.

All file system calls run in threads, so a slow disk does not hold up the screen.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import part_name
from tui.domain.terms import Conflict, Direction
from tui.methods.after_action import AfterAction, SettingAside
from tui.methods.base import Each, Entry, Proof, Staged, Surroundings, Target, Writer
from tui.methods.blocks import Block
from tui.methods.case_twins import case_twins
from tui.methods.disk import each_in_turn, read_small, reading, translated
from tui.methods.disk_writing import write_small, writing
from tui.methods.fresh_name import rename_to_free
from tui.methods.local_digest import sha256_of
from tui.methods.local_places import LocalPlaces, look
from tui.methods.local_source import LEADS_OUT, is_file, leads_out
from tui.paths import expanded
from tui.trust.private_file import sync_folder

_FILES_AT_ONCE = 256
"""Small files that are read or written in one go."""

_DISK_THREADS = 4
"""Threads that write small files to the disk at the same time."""


class LocalFolder(SettingAside, Target):
    """Source of outbound runs, target of inbound ones."""

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._path = expanded(connection.local_dir)
        move_to = connection.move_to
        places = LocalPlaces(self._path / expanded(move_to) if move_to is not None else None)
        self._leaving = AfterAction(connection.after, places, surroundings.narrator, keeps_times=True)
        self._writes = connection.direction is Direction.INBOUND
        self._replaces = connection.conflict is Conflict.OVERWRITE
        self._narrator = surroundings.narrator
        self._alive = surroundings.alive

    def sibling(self, surroundings: Surroundings) -> Self:
        return type(self)(self._connection, surroundings)

    async def open(self) -> None:
        with self._narrator.step("local folder", str(self._path)):
            await asyncio.to_thread(self._check)

    def _check(self) -> None:
        if not self._path.is_dir():
            raise TransferFailed(
                FailureClass.NOT_FOUND,
                f"The local folder {self._path} {'is not a folder' if self._path.exists() else 'does not exist'}.",
                remedy="Create the folder, or correct local_dir in the connection.",
            )
        needed = os.R_OK | os.X_OK | (os.W_OK if self._writes else 0)
        if not os.access(self._path, needed):
            raise TransferFailed(
                FailureClass.PERMISSION,
                f"The local folder {self._path} is not {'writable' if self._writes else 'readable'} for this user.",
                remedy="Change the rights of the folder, or correct local_dir in the connection.",
            )

    async def close(self) -> None:
        """Nothing is held open between files."""

    def abort(self) -> None:
        """Nothing here waits for a peer."""

    @property
    def side_by_side(self) -> int:
        return _FILES_AT_ONCE

    async def list_files(self) -> list[Entry]:
        def scan() -> list[Entry]:
            entries = []
            with translated(f"Listing {self._path}"), os.scandir(self._path) as found:
                for item in found:
                    # A file that vanishes between listing and stat was never there for this run.
                    with suppress(FileNotFoundError):
                        if is_file(item):
                            status = item.stat()
                            entry = Entry.named(item.name, status.st_size, status.st_mtime, item.path)
                            outside = item.is_symlink() and leads_out(item.path)
                            entries.append(replace(entry, problem=LEADS_OUT) if outside else entry)
            return sorted(entries, key=lambda entry: entry.name)

        return await asyncio.to_thread(scan)

    async def stat(self, entry: Entry) -> Entry | None:
        return await asyncio.to_thread(look, entry)

    async def stat_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        return await asyncio.to_thread(each_in_turn, look, entries)

    def read(self, entry: Entry, offset: int = 0) -> AbstractAsyncContextManager[AsyncIterator[Block]]:
        return reading(entry.key, offset)

    async def read_each(self, entries: Sequence[Entry]) -> Each[bytes]:
        return await asyncio.to_thread(each_in_turn, read_small, entries)

    def stage(self, entry: Entry, keep: int = 0) -> AbstractAsyncContextManager[Writer]:
        return writing(self._staged_path(entry), entry.size, keep)

    async def stage_each(self, files: Sequence[tuple[Entry, bytes]]) -> Each[None]:
        places = [(self._staged_path(entry), content) for entry, content in files]
        # Side by side, because the disk answers to many in about the time it takes for one.
        parts = [places[start::_DISK_THREADS] for start in range(_DISK_THREADS)]
        work = asyncio.gather(*(asyncio.to_thread(each_in_turn, write_small, part) for part in parts))
        try:
            # Shielded: a thread cannot be cancelled, and nobody else may write these files until it is done.
            written = await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            raise
        outcomes: Each[None] = [None] * len(places)
        for start, part in enumerate(written):
            outcomes[start::_DISK_THREADS] = part
        return outcomes

    @property
    def resumes(self) -> bool:
        return True

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        def read() -> bytes:
            path = self._staged_path(entry)
            with translated(f"Reading {path} back"), path.open("rb") as file:
                file.seek(offset)
                return file.read(count)

        return await asyncio.to_thread(read)

    async def prefix_digest(self, entry: Entry, count: int) -> "hashlib._Hash":
        """The SHA-256, to be continued, of the first `count` bytes of the file that lies here: of the staged one when
        files land here, of the source when they wait here."""
        path = self._staged_path(entry) if self._writes else Path(entry.key)
        with translated(f"Reading {path}"):
            return await sha256_of(path, self._alive, count)

    async def exists(self, name: str) -> bool:
        return await asyncio.to_thread(os.path.lexists, self._path / name)

    async def case_twins(self, names: Sequence[str]) -> dict[str, str]:
        """As the function of that name says, of this folder."""

        def look() -> dict[str, str]:
            with translated(f"Looking for names in {self._path} that differ only in case"):
                return case_twins(self._path, names)

        return await asyncio.to_thread(look)

    async def free_space(self) -> int | None:
        def look() -> int:
            with translated(f"Looking at the disk of {self._path}"):
                disk = os.statvfs(self._path)
            return disk.f_bavail * disk.f_frsize

        return await asyncio.to_thread(look)

    async def has_published(self, staged: Staged) -> bool | None:
        path = self._path / staged.entry.target_name
        with translated(f"Looking at {path}"):
            try:
                return (await sha256_of(path, self._alive)).hexdigest() == staged.sha256
            except FileNotFoundError:
                return False

    async def staged_size(self, entry: Entry) -> int | None:
        return await asyncio.to_thread(self._measure, entry)

    async def staged_size_each(self, entries: Sequence[Entry]) -> Each[int | None]:
        return await asyncio.to_thread(each_in_turn, self._measure, entries)

    def _measure(self, entry: Entry) -> int | None:
        path = self._staged_path(entry)
        with translated(f"Looking at {path}"):
            try:
                return path.stat().st_size
            except FileNotFoundError:
                return None

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        if not reread:
            return None
        path = self._staged_path(entry)
        with translated(f"Reading {path} back"):
            digest = await sha256_of(path, self._alive)
        return Proof(digest.hexdigest(), "SHA-256 of the file read back from disk")

    async def publish(self, batch: Sequence[Staged]) -> None:
        for outcome in await self.publish_each(batch):
            if outcome is not None:
                raise outcome

    async def publish_each(self, group: Sequence[Staged]) -> Each[None]:
        def rename() -> Each[None]:
            outcomes = each_in_turn(self._give_final_name, group)
            with translated(f"Writing the folder {self._path}"):
                sync_folder(self._path)
            return outcomes

        return await asyncio.to_thread(rename)

    def _give_final_name(self, staged: Staged) -> None:
        # No Path of it: pathlib keeps its parts in the interpreter's table of texts, megabytes for many names.
        final = f"{self._path}/{staged.entry.target_name}"
        with translated(f"Renaming the finished file to {final}"):
            if self._replaces:
                self._staged_path(staged.entry).replace(final)
                return
            try:
                rename_to_free(self._staged_path(staged.entry), final)
            except FileExistsError as error:
                raise TransferFailed(
                    FailureClass.REJECTED,
                    f"{staged.entry.target_name} was not there when its copy began, and exists at the target now.",
                    remedy="Run it again: what becomes of the file then is as conflict in the connection says.",
                ) from error

    async def discard(self, entry: Entry) -> None:
        def remove() -> None:
            with translated(f"Removing {self._staged_path(entry)}"):
                self._staged_path(entry).unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    @property
    def _after_action(self) -> AfterAction:
        return self._leaving

    def _staged_path(self, entry: Entry) -> Path:
        return self._path / part_name(entry.target_name)
