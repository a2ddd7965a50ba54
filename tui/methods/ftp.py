"""FTP: plain, with explicit TLS (RFC 4217) and with implicit TLS.

What FTP servers say is weak: a confirmation follows even a cut upload, LIST has no standard, and 550 means everything.
So sizes are asked for afterwards, names and times come from MLSD or MDTM wherever the server has them, and a listing
that comes out empty is asked for in a second way.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Self

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import part_name
from tui.methods.after_action import AfterAction, SettingAside
from tui.methods.base import Each, Entry, Proof, Staged, Surroundings, Target, Writer, come_to, only
from tui.methods.blocks import Block
from tui.methods.ftp_catalog import FtpCatalog
from tui.methods.ftp_identity import identify
from tui.methods.ftp_link import FtpLink
from tui.methods.ftp_listing import ListedFile, why_unfit
from tui.methods.ftp_login import FtpDoor, Shared
from tui.methods.ftp_places import FtpPlaces, delete_each
from tui.methods.ftp_replies import refusal, told_class
from tui.methods.ftp_writer import FtpWriter
from tui.methods.ftps_client import DataChannel, FtpsClient, Refused, Reply

__all__ = ["FtpSession", "identify"]

_AT_A_TIME = 16
"""Small files that are moved one after the other while the other side waits for all of them."""
_HASH_SPEED = 10 * 1024 * 1024
"""Bytes per second that a slow server hashes. So long it may be silent over HASH."""


class FtpSession(SettingAside, Target):
    """The partner's folder, over one control connection."""

    def __init__(self, connection: Connection, surroundings: Surroundings, shared: Shared | None = None) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._link = FtpLink(connection, surroundings, FtpDoor(connection, surroundings, shared))
        self._catalog = FtpCatalog(self._link, connection, surroundings)
        self._alive = surroundings.alive
        places = FtpPlaces(self._link, self._catalog, self.stat_each, connection.move_to)
        self._leaving = AfterAction(connection.after, places, surroundings.narrator)

    # Session

    async def open(self) -> None:
        self._link.allow()
        await self._link.ready()

    @property
    def at_a_time(self) -> int:
        return _AT_A_TIME

    def sibling(self, surroundings: Surroundings) -> Self:
        """A control connection of its own: FTP moves one file at a time on each."""
        return type(self)(self._connection, surroundings, self._link.door.shared)

    async def close(self) -> None:
        await self._link.close()

    def abort(self) -> None:
        self._link.abort()

    # Source

    async def offers(self) -> str | None:
        return ", ".join(self._link.features.listed) or None

    async def clock(self, fresh: str | None) -> float | None:
        """The time of a file, where the server tells it to the second; it has no other way to tell what time it is."""
        features = self._link.features
        if fresh is None or not (features.facts or features.times):
            return None
        with self._link.talking(f"Looking at {fresh}"):
            file = await self._catalog.look(fresh)
        return None if file is None else file.mtime

    async def list_files(self) -> list[Entry]:
        return await self._catalog.list_files()

    async def stat(self, entry: Entry) -> Entry | None:
        return await only(self.stat_each([entry]))

    async def stat_each(self, entries: Sequence[Entry]) -> Each[Entry | None]:
        names = [entry.name for entry in entries]
        found = await self._link.told_each(partial(self._catalog.look_each, names), [f"Looking at {n}" for n in names])
        return [
            file if isinstance(file, TransferFailed) else _as_found(entry, file)
            for entry, file in zip(entries, found, strict=True)
        ]

    async def read_each(self, entries: Sequence[Entry]) -> Each[bytes]:
        async def fetch() -> list[bytes | Exception]:
            client = await self._link.ready()
            fetched = await client.fetch_each([(entry.name, entry.size) for entry in entries], self._alive)
            self._link.tell_data(client)
            return fetched

        fetched = await self._link.told_each(fetch, [f"Reading {entry.name}" for entry in entries])
        return [await self._whole(entry, content) for entry, content in zip(entries, fetched, strict=True)]

    async def _whole(self, entry: Entry, content: bytes | TransferFailed) -> bytes | TransferFailed:
        """The content, if it is all of the file; a refusal that does not tell is cleared up by looking."""
        try:
            if isinstance(content, TransferFailed):
                await self._clear_up(entry.name, content)
                return content
            _check_whole(entry, len(content))
        except TransferFailed as error:
            return error
        return content

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[Block]]:
        client = await self._link.ready()
        channel = await self._begin_reading(client, entry.name, offset)
        async with self._reading(channel, entry, offset) as blocks:
            yield blocks

    async def _begin_reading(self, client: FtpsClient, name: str, offset: int) -> DataChannel:
        with self._link.talking(f"Reading {name}"):
            if offset:
                return await self._link.begin_within(client, f"RETR {name}", offset)
            try:
                return await self._link.begin(client, f"RETR {name}")
            except Refused as error:
                await self._clear_up(name, error)
                raise

    async def _clear_up(self, name: str, error: Exception) -> None:
        """Raise what a refusal to read a file means, where it does not tell by itself."""
        refused = error if isinstance(error, Refused) else error.__cause__
        if not isinstance(refused, Refused) or told_class(refused.reply) is not None:
            return
        with self._link.talking(f"Looking at {name}"):
            there = await self._catalog.exists(name)
        guess = FailureClass.PERMISSION if there else FailureClass.NOT_FOUND
        raise refusal(refused.reply, f"Reading {name}", otherwise=guess) from refused

    @asynccontextmanager
    async def _reading(self, channel: DataChannel, entry: Entry, offset: int) -> AsyncIterator[AsyncIterator[Block]]:
        blocks = self._blocks(channel, entry, offset)
        try:
            yield blocks
        finally:
            await blocks.aclose()
            if not channel.finished:
                self._link.forget()

    async def _blocks(self, channel: DataChannel, entry: Entry, offset: int) -> AsyncGenerator[Block, None]:
        received = offset
        while True:
            with self._link.talking(f"Reading {entry.name}"):
                block = await channel.read()
            if not block:
                break
            received += len(block)
            self._alive()
            yield block
        with self._link.talking(f"Reading {entry.name}"):
            await channel.finish()
        _check_whole(entry, received)

    async def source_proof(self, entry: Entry) -> Proof | None:
        return await only(self.source_proof_each([entry]))

    async def source_proof_each(self, entries: Sequence[Entry]) -> Each[Proof | None]:
        return await self._hash_each([(entry.name, entry.size) for entry in entries])

    @property
    def _after_action(self) -> AfterAction:
        return self._leaving

    # Target

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        if unfit := why_unfit(entry.target_name):
            raise TransferFailed(FailureClass.UNSAFE_NAME, f"“{entry.target_name}” was not sent: {unfit}.")
        name = part_name(entry.target_name)
        client = await self._link.ready()
        talking = partial(self._link.talking, f"Writing {name}", FailureClass.PERMISSION)
        with talking():
            if keep:
                channel = await self._link.begin_within(client, f"STOR {name}", keep)
            else:
                channel = await self._link.begin(client, f"STOR {name}")
        try:
            yield FtpWriter(channel, talking, self._alive, keep)
        except BaseException:
            self._link.forget()
            raise
        with talking():
            await channel.finish()

    async def stage_each(self, files: Sequence[tuple[Entry, bytes]]) -> Each[None]:
        if any(why_unfit(entry.target_name) for entry, _ in files):
            return await super().stage_each(files)
        named = [(part_name(entry.target_name), content) for entry, content in files]

        async def store() -> list[Exception | None]:
            client = await self._link.ready()
            stored = await client.store_each(named, self._alive)
            self._link.tell_data(client)
            return stored

        return await self._link.told_each(store, [f"Writing {name}" for name, _ in named], FailureClass.PERMISSION)

    @property
    def resumes(self) -> bool:
        return self._link.features.restarts

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        staged = replace(entry, name=part_name(entry.target_name), size=offset + count)
        client = await self._link.ready()
        with self._link.talking(f"Reading {staged.name} back"):
            channel = await self._link.begin_within(client, f"RETR {staged.name}", offset)
        found = bytearray()
        async with self._reading(channel, staged, offset) as blocks:
            async for block in blocks:
                found += block
        return bytes(found[:count])

    async def exists(self, name: str) -> bool:
        with self._link.talking(f"Looking at {name}"):
            return await self._catalog.exists(name)

    async def has_published(self, staged: Staged) -> bool | None:
        name = staged.entry.target_name
        with self._link.talking(f"Looking at {name}"):
            file = await self._catalog.look(name)
        if file is None or file.size != staged.size:
            return False
        proof = await only(self._hash_each([(name, staged.size)]))
        return proof is None or proof.sha256 == staged.sha256

    async def staged_size(self, entry: Entry) -> int | None:
        return await only(self.staged_size_each([entry]))

    async def staged_size_each(self, entries: Sequence[Entry]) -> Each[int | None]:
        names = [part_name(entry.target_name) for entry in entries]
        doings = [f"Looking at {name}" for name in names]
        if self._link.features.sizes:
            return await self._link.told_each(partial(self._catalog.size_each, names), doings)
        found = await self._link.told_each(partial(self._catalog.look_each, names), doings)
        return [file.size if isinstance(file, ListedFile) else file for file in found]

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        return await only(self.staged_proof_each([entry], reread=reread))

    async def staged_proof_each(self, entries: Sequence[Entry], *, reread: bool) -> Each[Proof | None]:
        names = [part_name(entry.target_name) for entry in entries]
        proofs = await self._hash_each([(name, entry.size) for name, entry in zip(names, entries, strict=True)])
        if not reread:
            return proofs
        return [
            await come_to(self._reread, entry.called(name)) if proof is None else proof
            for name, entry, proof in zip(names, entries, proofs, strict=True)
        ]

    async def _hash_each(self, files: Sequence[tuple[str, int]]) -> Each[Proof | None]:
        """draft-bryan-ftp-hash, which servers follow: `213 SHA-256 0-<end> <digest> <name>`. Of names and sizes."""
        if not self._link.features.sha256:
            return [None] * len(files)
        async with self._patience(sum(size for _, size in files) / _HASH_SPEED):
            answers = await self._link.told_each(
                partial(self._link.ask_each, [f"HASH {name}" for name, _ in files]),
                [f"Asking for the hash of {name}" for name, _ in files],
            )
        return [answer if isinstance(answer, TransferFailed) else _proof_from(answer) for answer in answers]

    @asynccontextmanager
    async def _patience(self, seconds: float) -> AsyncIterator[None]:
        """Count the other side as alive for so long, although it says nothing while it works."""

        async def vouch() -> None:
            for _ in range(int(seconds)):
                await asyncio.sleep(1)
                self._alive()

        vouching = asyncio.create_task(vouch())
        try:
            yield
        finally:
            vouching.cancel()

    async def _reread(self, staged: Entry) -> Proof:
        digest = hashlib.sha256()
        async with self.read(replace(staged, name=staged.target_name)) as blocks:
            async for block in blocks:
                self._alive()
                await asyncio.to_thread(digest.update, block)
        return Proof(digest.hexdigest(), "SHA-256 of the file read back from the server")

    async def publish(self, batch: Sequence[Staged]) -> None:
        for outcome in await self.publish_each(batch):
            if outcome is not None:
                raise outcome

    async def publish_each(self, group: Sequence[Staged]) -> Each[None]:
        # Never DELE first: for a moment there would be neither the old file nor the new one.
        names = [staged.entry.target_name for staged in group]
        return await self._link.told_each(
            partial(self._link.rename_each, [(part_name(name), name) for name in names]),
            [f"Renaming the finished file to {name}" for name in names],
        )

    async def discard(self, entry: Entry) -> None:
        name = part_name(entry.target_name)
        await only(delete_each(self._link, self._catalog, [name], [f"Removing {name}"]))


def _as_found(entry: Entry, file: ListedFile | None) -> Entry | None:
    return None if file is None or file.size is None else replace(entry, size=file.size, mtime=file.mtime)


def _check_whole(entry: Entry, received: int) -> None:
    if received < entry.size:
        raise TransferFailed(
            FailureClass.INTEGRITY,
            f"{entry.name} ended after {received} of {entry.size} bytes, although the server calls it complete.",
        )


def _proof_from(reply: Reply) -> Proof | None:
    words = reply.lines[-1].split()
    if reply.code != "213" or len(words) < 3 or words[0].upper() != "SHA-256":
        return None
    return Proof(words[2].lower(), "SHA-256 computed by the server (HASH)")
