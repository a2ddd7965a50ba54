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

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import part_name
from tui.methods.after_action import AfterAction, SettingAside
from tui.methods.base import Entry, Proof, Staged, Surroundings, Target, Writer
from tui.methods.blocks import Block
from tui.methods.ftp_catalog import FtpCatalog
from tui.methods.ftp_identity import identify
from tui.methods.ftp_link import FtpLink
from tui.methods.ftp_listing import why_unfit
from tui.methods.ftp_places import FtpPlaces, delete, rename
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

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._link = FtpLink(connection, surroundings)
        self._catalog = FtpCatalog(self._link, connection, surroundings)
        self._alive = surroundings.alive
        places = FtpPlaces(self._link, self._catalog, self.stat, connection.move_to)
        self._leaving = AfterAction(connection.after, places, surroundings.narrator)

    # Session

    async def open(self) -> None:
        self._link.allow()
        await self._link.ready()

    @property
    def at_a_time(self) -> int:
        return _AT_A_TIME

    def sibling(self) -> "FtpSession":
        """A control connection of its own: FTP moves one file at a time on each."""
        return FtpSession(self._connection, self._surroundings)

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
        client = await self._link.ready()
        with self._link.talking(f"Looking at {fresh}"):
            file = await self._catalog.look(client, fresh)
        return None if file is None else file.mtime

    async def list_files(self) -> list[Entry]:
        return await self._catalog.list_files()

    async def stat(self, entry: Entry) -> Entry | None:
        client = await self._link.ready()
        with self._link.talking(f"Looking at {entry.name}"):
            file = await self._catalog.look(client, entry.name)
        if file is None or file.size is None:
            return None
        return replace(entry, size=file.size, mtime=file.mtime)

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[Block]]:
        client = await self._link.ready()
        channel = await self._begin_reading(client, entry.name, offset)
        async with self._reading(channel, entry, offset) as blocks:
            yield blocks

    async def _begin_reading(self, client: FtpsClient, name: str, offset: int) -> DataChannel:
        doing = f"Reading {name}"
        with self._link.talking(doing):
            if offset:
                return await self._link.begin_within(client, f"RETR {name}", offset)
            try:
                return await self._link.begin(client, f"RETR {name}")
            except Refused as error:
                if told_class(error.reply) is not None:
                    raise
                there = await self._catalog.exists(client, name)
                guess = FailureClass.PERMISSION if there else FailureClass.NOT_FOUND
                raise refusal(error.reply, doing, otherwise=guess) from error

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
        if received < entry.size:
            raise TransferFailed(
                FailureClass.INTEGRITY,
                f"{entry.name} ended after {received} of {entry.size} bytes, although the server calls it complete.",
            )

    async def source_proof(self, entry: Entry) -> Proof | None:
        return await self._hash(entry.name, entry.size)

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
        client = await self._link.ready()
        with self._link.talking(f"Looking at {name}"):
            return await self._catalog.exists(client, name)

    async def has_published(self, staged: Staged) -> bool | None:
        name = staged.entry.target_name
        client = await self._link.ready()
        with self._link.talking(f"Looking at {name}"):
            file = await self._catalog.look(client, name)
        if file is None or file.size != staged.size:
            return False
        proof = await self._hash(name, staged.size)
        return proof is None or proof.sha256 == staged.sha256

    async def staged_size(self, entry: Entry) -> int | None:
        name = part_name(entry.target_name)
        client = await self._link.ready()
        with self._link.talking(f"Looking at {name}"):
            if self._link.features.sizes:
                return await self._catalog.size(client, name)
            file = await self._catalog.look(client, name)
            return file.size if file is not None else None

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        name = part_name(entry.target_name)
        proof = await self._hash(name, entry.size)
        if proof is None and reread:
            return await self._reread(entry.called(name))
        return proof

    async def _hash(self, name: str, size: int) -> Proof | None:
        """draft-bryan-ftp-hash, which servers follow: `213 SHA-256 0-<end> <digest> <name>`."""
        if not self._link.features.sha256:
            return None
        client = await self._link.ready()
        with self._link.talking(f"Asking for the hash of {name}"):
            async with self._patience(size / _HASH_SPEED):
                reply = await client.exchange(f"HASH {name}")
            return _proof_from(reply)

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
        client = await self._link.ready()
        for staged in batch:
            name = staged.entry.target_name
            # Never DELE first: for a moment there would be neither the old file nor the new one.
            with self._link.talking(f"Renaming the finished file to {name}"):
                await rename(client, part_name(name), name)

    async def discard(self, entry: Entry) -> None:
        name = part_name(entry.target_name)
        await delete(self._link, self._catalog, name, f"Removing {name}")


def _proof_from(reply: Reply) -> Proof | None:
    words = reply.lines[-1].split()
    if reply.code != "213" or len(words) < 3 or words[0].upper() != "SHA-256":
        return None
    return Proof(words[2].lower(), "SHA-256 computed by the server (HASH)")
