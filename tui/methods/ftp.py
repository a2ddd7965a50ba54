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
from tui.domain.naming import part_name, unused_name
from tui.domain.terms import After
from tui.methods.base import Entry, Proof, Source, Staged, Surroundings, Target, Writer
from tui.methods.ftp_catalog import FtpCatalog
from tui.methods.ftp_identity import identify
from tui.methods.ftp_link import FtpLink
from tui.methods.ftp_listing import why_unfit
from tui.methods.ftp_replies import refusal, told_class
from tui.methods.ftp_writer import FtpWriter
from tui.methods.ftps_client import DataChannel, FtpsClient, Refused, Reply
from tui.methods.moving import AfterMove

__all__ = ["FtpSession", "identify"]

_AT_A_TIME = 16
"""Small files that are moved one after the other while the other side waits for all of them."""
_HASH_SPEED = 10 * 1024 * 1024
"""Bytes per second that a slow server hashes. So long it may be silent over HASH."""


class FtpSession(Source, Target):
    """The partner's folder, over one control connection."""

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._link = FtpLink(connection, surroundings)
        self._catalog = FtpCatalog(self._link, connection, surroundings)
        self._alive = surroundings.alive
        self._move_folder: str | None = None
        self._after_move = AfterMove()

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
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
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
    async def _reading(self, channel: DataChannel, entry: Entry, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        blocks = self._blocks(channel, entry, offset)
        try:
            yield blocks
        finally:
            await blocks.aclose()
            if not channel.finished:
                self._link.forget()

    async def _blocks(self, channel: DataChannel, entry: Entry, offset: int) -> AsyncGenerator[bytes, None]:
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

    async def settle(self, entry: Entry) -> None:
        match self._connection.after:
            case After.KEEP:
                return
            case After.DELETE:
                await self._delete(entry.name, f"Deleting {entry.name} after its delivery")
            case After.MOVE:
                await self._move(entry)

    async def _delete(self, name: str, doing: str) -> None:
        client = await self._link.ready()
        with self._link.talking(doing, FailureClass.PERMISSION):
            reply = await client.exchange(f"DELE {name}")
            if not reply.positive and not (reply.code == "550" and not await self._catalog.exists(client, name)):
                raise Refused(reply)

    async def _move(self, entry: Entry) -> None:
        client = await self._link.ready()
        doing = f"Moving {entry.name} to {self._connection.move_to} after its delivery"
        with self._link.talking(doing, FailureClass.PERMISSION):
            folder = await self._ensured_move_folder(client)
            used: set[str] = set()
            while await self._catalog.exists(client, f"{folder}/{(new := unused_name(entry.name, used.__contains__))}"):
                used.add(new)
            await self._rename(client, entry.name, f"{folder}/{new}")
        place = f"{folder}/{new}"
        moved = await self.stat(replace(entry, name=place))
        await self._after_move.check(entry, moved, place, lambda: self._put_back(place, entry.name))

    async def _put_back(self, place: str, name: str) -> None:
        # Most servers would replace it. What comes between this look and the rename they do replace.
        if await self.exists(name):
            raise TransferFailed(FailureClass.REJECTED, "A file of its name has come meanwhile.")
        client = await self._link.ready()
        with self._link.talking(f"Putting {place} back to {name}", FailureClass.PERMISSION):
            await self._rename(client, place, name)

    async def _rename(self, client: FtpsClient, old: str, new: str) -> None:
        await client.demand(f"RNFR {old}", "3")
        await client.demand(f"RNTO {new}")

    async def _ensured_move_folder(self, client: FtpsClient) -> str:
        """The folder for delivered files, made when it is missing."""
        if self._move_folder is None:
            assert self._connection.move_to is not None  # noqa: S101 - the model demands it with after = move
            folder = self._connection.move_to.rstrip("/") or "/"
            await self._make_folders(client, folder)
            self._move_folder = folder.rstrip("/")
        return self._move_folder

    async def _make_folders(self, client: FtpsClient, folder: str) -> None:
        if not (await client.exchange(f"CWD {folder}")).positive:
            ends = [place for place, character in enumerate(folder) if character == "/" and place > 0] + [len(folder)]
            for end in ends:
                # What exists already is refused in many ways; whether the folder can be used shows below.
                await client.exchange(f"MKD {folder[:end]}")
            await client.demand(f"CWD {folder}")
        await client.demand(f"CWD {self._link.folder}")

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
                await self._rename(client, part_name(name), name)

    async def discard(self, entry: Entry) -> None:
        name = part_name(entry.target_name)
        await self._delete(name, f"Removing {name}")


def _proof_from(reply: Reply) -> Proof | None:
    words = reply.lines[-1].split()
    if reply.code != "213" or len(words) < 3 or words[0].upper() != "SHA-256":
        return None
    return Proof(words[2].lower(), "SHA-256 computed by the server (HASH)")
