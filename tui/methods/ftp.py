"""FTP: plain, with explicit TLS (RFC 4217) and with implicit TLS.

What FTP servers say is weak: a confirmation follows even a cut upload, LIST has no standard, and 550 means everything.
So sizes are asked for afterwards, names and times come from MLSD or MDTM wherever the server has them, and a listing
that comes out empty is asked for in a second way.

Times and sizes of a file must come from the same kind of source each time, or an unchanged file would seem to change:
with MLSD the fresh look is MLST, which tells the same facts. Without, it is SIZE and MDTM, so listing asks MDTM for
every file that the connection's pattern matches: one round trip each, paid because the times in LIST have no time zone,
no seconds, and lose their clock as the file grows old. Only where there is no MDTM is LIST believed, by the day.
"""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import aioftp

from tui.domain.connection import After, Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.naming import matches, part_name
from tui.methods.base import CannotContinue, Entry, Proof, Source, Staged, Surroundings, Target, Writer
from tui.methods.folder import unused_name
from tui.methods.ftp_identity import identify
from tui.methods.ftp_listing import (
    ListedFile,
    Listing,
    doubting_doubles,
    file_from_facts,
    parse_facts,
    parse_time,
    read_list,
    read_mlsd,
    read_names,
)
from tui.methods.ftp_login import Features, FtpDoor, translated
from tui.methods.ftp_replies import is_unknown_command, refusal, told_class
from tui.methods.ftp_writer import FtpWriter
from tui.methods.ftps_client import DataChannel, FtpsClient, NotFtp, Refused, Reply

__all__ = ["FtpSession", "identify"]

_GOODBYE_WAIT = 2.0
"""Seconds the server gets to answer QUIT."""
_LARGEST_LISTING = 256 * 1024 * 1024
"""Bytes of a listing; some two million files."""
_HASH_SPEED = 10 * 1024 * 1024
"""Bytes per second that a slow server hashes. So long it may be silent over HASH."""


class FtpSession(Source, Target):
    """One control connection to the partner's server. It is thrown away when a transfer is cut short, because the
    server's answer to that transfer would be taken for the answer to the next command; the next use makes a new one.
    """

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._door = FtpDoor(connection, surroundings)
        self._narrator = surroundings.narrator
        self._alive = surroundings.alive
        self._client: FtpsClient | None = None
        self._features = Features()
        self._folder = ""
        self._dropped = False
        self._move_folder: str | None = None
        self._data_tls: str | None = None

    # Session

    async def open(self) -> None:
        self._dropped = False
        await self._ready()

    def sibling(self) -> "FtpSession":
        """A control connection of its own: FTP moves one file at a time on each."""
        return FtpSession(self._connection, self._surroundings)

    async def _ready(self) -> FtpsClient:
        if self._dropped:
            raise TransferFailed(FailureClass.NETWORK, f"The connection to {self._door.where} was dropped.")
        if self._client is None:
            # Known from the start, so that dropping the session reaches it at every step.
            self._client = client = self._door.make_client()
            try:
                inside = await self._door.enter(client)
            except BaseException:
                self._forget()
                raise
            self._features, self._folder = inside.features, inside.folder
            return client
        return self._client

    async def close(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            async with asyncio.timeout(_GOODBYE_WAIT):
                await client.exchange("QUIT")
        except (OSError, NotFtp):
            self._narrator.tell("close", "the server did not answer the good-bye", ok=False)
        finally:
            self._forget()

    def abort(self) -> None:
        self._dropped = True
        self._forget()

    def _forget(self) -> None:
        if self._client is not None:
            self._client.drop()
        self._client = None

    @contextmanager
    def _talking(self, doing: str, otherwise: FailureClass = FailureClass.REJECTED) -> Iterator[None]:
        """Translate what goes wrong, and forget the control connection unless it can still be trusted."""
        try:
            with translated(doing, self._door.where, otherwise):
                yield
        except TransferFailed as error:
            if not _still_in_step(error):
                self._forget()
            if _is_broken_encryption(error):
                # The certificate was accepted long ago. A server process that dies sends its last words in clear.
                broken = f"{doing} failed: the encrypted connection to {self._door.where} broke."
                raise TransferFailed(FailureClass.NETWORK, broken) from error
            raise
        except BaseException:
            self._forget()
            raise

    async def _begin(self, client: FtpsClient, command: str, offset: int = 0) -> DataChannel:
        """Start a transfer; tells how its data is encrypted when that has changed. Raises CannotContinue."""
        try:
            channel = await client.begin(command, offset)
        except Refused as error:
            if not offset:
                raise
            # ProFTPD offers REST and refuses STOR after it unless AllowStoreRestart is on. What REST has set must not
            # hold for the next transfer.
            self._forget()
            why = f"{self._door.where} does not go on in the middle of a file: {error.reply.code} {error.reply.text}"
            raise CannotContinue(FailureClass.REFUSED, why) from error
        if client.data_tls != self._data_tls:
            self._data_tls = client.data_tls
            self._narrator.tell("data channel", client.data_tls or "not encrypted")
        return channel

    # Source

    async def list_files(self) -> list[Entry]:
        client = await self._ready()
        with self._talking(f"Listing {self._folder}", FailureClass.PERMISSION):
            listing = await self._listing(client)
            files = [await self._dated(client, file) for file in listing.files]
        self._tell_what_is_missing(listing)
        return doubting_doubles([self._entry(file) for file in files if file.size is not None])

    async def _listing(self, client: FtpsClient) -> Listing:
        if self._features.facts:
            try:
                return await self._mlsd(client)
            except Refused as error:
                if not is_unknown_command(error.reply):
                    raise
                self._features = replace(self._features, facts=False)
        listing = await asyncio.to_thread(read_list, await self._text(client, "LIST"), datetime.now(UTC))
        if listing.doubtful:
            # Some servers answer LIST with nothing, or in a form of their own, where there are files.
            listing.files = [ListedFile(name, None, None) for name in await self._names(client)]
        return listing

    async def _mlsd(self, client: FtpsClient) -> Listing:
        text = await self._text(client, "MLSD")
        listing = await asyncio.to_thread(read_mlsd, text)
        if not text.strip():
            # Empty folders are rare and broken listings are not: is there really nothing?
            listing.files = [ListedFile(name, None, None) for name in await self._names(client)]
        return listing

    async def _names(self, client: FtpsClient) -> list[str]:
        try:
            return read_names(await self._text(client, "NLST"))
        except Refused as error:
            # The usual answer for a folder without files.
            if error.reply.code in {"450", "550"}:
                return []
            raise

    async def _text(self, client: FtpsClient, command: str) -> str:
        """What a listing command brings."""
        channel = await self._begin(client, command)
        blocks: list[bytes] = []
        length = 0
        while block := await channel.read():
            self._alive()
            blocks.append(block)
            length += len(block)
            if length > _LARGEST_LISTING:
                raise NotFtp(f"sent a listing of more than {_LARGEST_LISTING} bytes")
        await channel.finish()
        if blocks and not blocks[-1].endswith(b"\n"):
            raise NotFtp("sent a listing that ends in the middle of a line")
        return b"".join(blocks).decode(errors="surrogateescape")

    async def _dated(self, client: FtpsClient, file: ListedFile) -> ListedFile:
        """The file with the size and time that a fresh look would show; without a size when it is none after all."""
        if self._features.facts and file.size is not None:
            return file
        entry = self._entry(replace(file, size=file.size or 0))
        if entry.problem is not None:
            return replace(file, size=entry.size)
        if not matches(file.name, self._connection.pattern):
            return file
        self._alive()
        size = file.size if file.size is not None else await self._size(client, file.name)
        mtime = await self._mtime(client, file.name) if self._features.times else file.mtime
        return ListedFile(file.name, size, mtime)

    def _tell_what_is_missing(self, listing: Listing) -> None:
        if listing.links:
            self._narrator.tell("list", f"{listing.links} symbolic links were left out")
        if listing.unread:
            self._narrator.tell(
                "list",
                f"{len(listing.unread)} lines of the listing are in no known form, such as “{listing.unread[0]}”",
                ok=False,
            )

    def _entry(self, file: ListedFile) -> Entry:
        return Entry.named(file.name, file.size or 0, file.mtime, f"{self._folder.rstrip('/')}/{file.name}")

    async def stat(self, entry: Entry) -> Entry | None:
        client = await self._ready()
        with self._talking(f"Looking at {entry.name}"):
            file = await self._look(client, entry.name)
        if file is None or file.size is None:
            return None
        return replace(entry, size=file.size, mtime=file.mtime)

    async def _look(self, client: FtpsClient, name: str) -> ListedFile | None:
        if self._features.facts:
            return await self._facts_of(client, name)
        if self._features.times:
            size = await self._size(client, name)
            return None if size is None else ListedFile(name, size, await self._mtime(client, name))
        listing = await self._listing(client)
        return next((file for file in listing.files if file.name == name), None)

    async def _facts_of(self, client: FtpsClient, name: str) -> ListedFile | None:
        reply = await client.exchange(f"MLST {name}")
        if reply.code == "550":
            return None
        if not reply.positive:
            raise Refused(reply)
        for line in reply.lines[1:]:
            if parsed := parse_facts(line.removeprefix(" ")):
                return file_from_facts(parsed[0], name)
        raise NotFtp(f"gave an answer without facts to MLST: “{reply.text}”")

    async def _size(self, client: FtpsClient, name: str) -> int | None:
        """RFC 3659, section 4. None when there is no such file."""
        reply = await client.exchange(f"SIZE {name}")
        if reply.code == "550":
            return None
        if reply.code != "213":
            raise Refused(reply)
        if not reply.text.isascii() or not reply.text.isdigit() or len(reply.text) > 18:
            raise NotFtp(f"gave an answer without a size to SIZE: “{reply.text}”")
        return int(reply.text)

    async def _mtime(self, client: FtpsClient, name: str) -> float | None:
        """RFC 3659, section 3."""
        reply = await client.exchange(f"MDTM {name}")
        return parse_time(reply.text) if reply.code == "213" else None

    @asynccontextmanager
    async def read(self, entry: Entry, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        client = await self._ready()
        channel = await self._begin_reading(client, entry.name, offset)
        blocks = self._blocks(channel, entry, offset)
        try:
            yield blocks
        finally:
            await blocks.aclose()
            if not channel.finished:
                self._forget()

    async def _begin_reading(self, client: FtpsClient, name: str, offset: int) -> DataChannel:
        doing = f"Reading {name}"
        with self._talking(doing):
            try:
                return await self._begin(client, f"RETR {name}", offset)
            except Refused as error:
                if told_class(error.reply) is not None:
                    raise
                there = await self._size(client, name) is not None
                guess = FailureClass.PERMISSION if there else FailureClass.NOT_FOUND
                raise refusal(error.reply, doing, otherwise=guess) from error

    async def _blocks(self, channel: DataChannel, entry: Entry, offset: int) -> AsyncGenerator[bytes, None]:
        received = offset
        while True:
            with self._talking(f"Reading {entry.name}"):
                block = await channel.read()
            if not block:
                break
            received += len(block)
            yield block
        with self._talking(f"Reading {entry.name}"):
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
                await self._move(entry.name)

    async def _delete(self, name: str, doing: str) -> None:
        client = await self._ready()
        with self._talking(doing, FailureClass.PERMISSION):
            reply = await client.exchange(f"DELE {name}")
            if not reply.positive and not (reply.code == "550" and not await self._exists(client, name)):
                raise Refused(reply)

    async def _move(self, name: str) -> None:
        client = await self._ready()
        doing = f"Moving {name} to {self._connection.move_to} after its delivery"
        with self._talking(doing, FailureClass.PERMISSION):
            folder = await self._ensured_move_folder(client)
            used: set[str] = set()
            while await self._exists(client, f"{folder}/{(new := unused_name(name, used.__contains__))}"):
                used.add(new)
            await client.demand(f"RNFR {name}", "3")
            await client.demand(f"RNTO {folder}/{new}")

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
        await client.demand(f"CWD {self._folder}")

    async def _exists(self, client: FtpsClient, name: str) -> bool:
        if self._features.facts:
            return (await client.exchange(f"MLST {name}")).positive
        return (await client.exchange(f"SIZE {name}")).positive

    # Target

    @asynccontextmanager
    async def stage(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        name = part_name(entry.target_name)
        client = await self._ready()
        talking = partial(self._talking, f"Writing {name}", FailureClass.PERMISSION)
        with talking():
            channel = await self._begin(client, f"STOR {name}", keep)
        try:
            yield FtpWriter(channel, talking, self._alive, keep)
        except BaseException:
            self._forget()
            raise
        with talking():
            await channel.finish()

    @property
    def resumes(self) -> bool:
        return self._features.restarts

    async def read_staged(self, entry: Entry, offset: int, count: int) -> bytes:
        staged = replace(entry, name=part_name(entry.target_name), size=offset + count)
        found = bytearray()
        async with self.read(staged, offset) as blocks:
            async for block in blocks:
                found += block
        return bytes(found[:count])

    async def exists(self, name: str) -> bool:
        client = await self._ready()
        with self._talking(f"Looking at {name}"):
            return await self._exists(client, name)

    async def has_published(self, staged: Staged) -> bool | None:
        name = staged.entry.target_name
        client = await self._ready()
        with self._talking(f"Looking at {name}"):
            file = await self._look(client, name)
        if file is None or file.size != staged.size:
            return False
        proof = await self._hash(name, staged.size)
        return proof is None or proof.sha256 == staged.sha256

    async def staged_size(self, entry: Entry) -> int | None:
        name = part_name(entry.target_name)
        client = await self._ready()
        with self._talking(f"Looking at {name}"):
            if self._features.sizes:
                return await self._size(client, name)
            file = await self._look(client, name)
            return file.size if file is not None else None

    async def staged_proof(self, entry: Entry, *, reread: bool) -> Proof | None:
        name = part_name(entry.target_name)
        proof = await self._hash(name, entry.size)
        if proof is None and reread:
            return await self._reread(entry.called(name))
        return proof

    async def _hash(self, name: str, size: int) -> Proof | None:
        """draft-bryan-ftp-hash, which servers follow: `213 SHA-256 0-<end> <digest> <name>`."""
        if not self._features.sha256:
            return None
        client = await self._ready()
        with self._talking(f"Asking for the hash of {name}"):
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
        client = await self._ready()
        for staged in batch:
            name = staged.entry.target_name
            # Never DELE first: for a moment there would be neither the old file nor the new one.
            with self._talking(f"Renaming the finished file to {name}"):
                await client.demand(f"RNFR {part_name(name)}", "3")
                await client.demand(f"RNTO {name}")

    async def discard(self, entry: Entry) -> None:
        name = part_name(entry.target_name)
        await self._delete(name, f"Removing {name}")


def _proof_from(reply: Reply) -> Proof | None:
    words = reply.lines[-1].split()
    if reply.code != "213" or len(words) < 3 or words[0].upper() != "SHA-256":
        return None
    return Proof(words[2].lower(), "SHA-256 computed by the server (HASH)")


def _still_in_step(error: TransferFailed) -> bool:
    """Whether the failure leaves the control connection as it was: a plain no of the server, or nothing sent at all."""
    cause = error.__cause__
    return isinstance(cause, aioftp.errors.InvalidCommand) or (isinstance(cause, Refused) and cause.reply.code != "421")


def _is_broken_encryption(error: TransferFailed) -> bool:
    cause = error.__cause__
    return isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError)
