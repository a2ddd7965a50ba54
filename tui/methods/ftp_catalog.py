"""What lies in the folder of an FTP session, as its server tells: the listing, and fresh looks at single files.

Times and sizes of a file must come from the same kind of source each time, or an unchanged file would seem to change:
with MLSD the fresh look is MLST, which tells the same facts. Without, it is SIZE and MDTM, so listing asks MDTM for
every file that the connection's pattern matches: one round trip each, paid because the times in LIST have no time zone,
no seconds, and lose their clock as the file grows old. Only where there is no MDTM is LIST believed, by the day.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import count
from tui.domain.naming import matches, name_before_aside
from tui.methods.base import Entry, Surroundings
from tui.methods.ftp_link import FtpLink
from tui.methods.ftp_listing import (
    ListedFile,
    Listing,
    decoded,
    doubting_doubles,
    file_from_facts,
    parse_facts,
    parse_time,
    read_list,
    read_mlsd,
    read_names,
    why_unfit,
)
from tui.methods.ftp_replies import is_unknown_command
from tui.methods.ftps_client import FtpsClient, NotFtp, Refused

_LARGEST_LISTING = 128 * 1024 * 1024
"""Bytes of a listing."""
_LONGEST_LISTING = 1_000_000
"""Lines of a listing."""


class FtpCatalog:
    """Lists the folder and looks at files. `look`, `size` and `exists` raise what the client raises."""

    def __init__(self, link: FtpLink, connection: Connection, surroundings: Surroundings) -> None:
        self._link = link
        self._pattern = connection.pattern
        self._narrator = surroundings.narrator
        self._alive = surroundings.alive

    async def list_files(self) -> list[Entry]:
        client = await self._link.ready()
        with self._link.talking(f"Listing {self._link.folder}", FailureClass.PERMISSION):
            listing = await self._listing(client)
            files = [await self._dated(client, file) for file in listing.files]
        self._tell_what_is_missing(listing)
        return doubting_doubles([self._entry(file) for file in files if file.size is not None])

    async def _listing(self, client: FtpsClient) -> Listing:
        if self._link.features.facts:
            try:
                return await self._mlsd(client)
            except Refused as error:
                if not is_unknown_command(error.reply):
                    raise
                self._link.lacks_facts()
        text = await self._text(client, "LIST")
        return await self._completed(client, await asyncio.to_thread(read_list, text, datetime.now(UTC)))

    async def _mlsd(self, client: FtpsClient) -> Listing:
        text = await self._text(client, "MLSD")
        return await self._completed(client, await asyncio.to_thread(read_mlsd, text))

    async def _completed(self, client: FtpsClient, listing: Listing) -> Listing:
        """Ask once more where some of the listing is in a form of its own, or there is none: empty folders are rare and
        broken listings are not."""
        if listing.doubtful:
            listing.add_missing(await self._names(client))
        if listing.is_empty:
            await self._check_emptiness(client)
        return listing

    async def _check_emptiness(self, client: FtpsClient) -> None:
        """In clear, a data connection that breaks before its first byte has brought an empty listing, however often one
        is asked for. STAT of a folder (RFC 959, section 4.1.3) shows it over the control connection. Servers that do
        not know that show nothing that looks like a file."""
        reply = await client.exchange("STAT .")
        seen = read_list("\n".join(reply.lines[1:-1]), datetime.now(UTC)) if reply.positive else Listing()
        if seen.files:
            raise NotFtp(f"sent an empty listing of a folder in which it sees {count(len(seen.files), 'file')}")

    async def _names(self, client: FtpsClient, folder: str = "") -> list[str]:
        try:
            text = await self._text(client, f"NLST {folder}".rstrip())
        except Refused as error:
            # The usual answer for a folder without files.
            if error.reply.code in {"450", "550"}:
                return []
            raise
        return read_names(text, folder or self._link.folder)

    async def _text(self, client: FtpsClient, command: str) -> str:
        """What a listing command brings."""
        channel = await self._link.begin(client, command)
        blocks: list[bytes] = []
        length = lines = 0
        while block := await channel.read():
            self._alive()
            blocks.append(bytes(block))
            length += len(block)
            lines += blocks[-1].count(b"\n")
            if length > _LARGEST_LISTING or lines > _LONGEST_LISTING:
                raise NotFtp(f"sent a listing of {count(lines, 'line')} and more")
        await channel.finish()
        if blocks and not blocks[-1].endswith(b"\n"):
            raise NotFtp("sent a listing that ends in the middle of a line")
        return decoded(b"".join(blocks), client.encoding)

    async def _dated(self, client: FtpsClient, file: ListedFile) -> ListedFile:
        """The file with the size and time that a fresh look would show; without a size when it is none after all."""
        if self._link.features.facts and file.size is not None:
            return file
        entry = self._entry(replace(file, size=file.size or 0))
        if entry.problem is not None:
            return replace(file, size=entry.size)
        if not matches(name_before_aside(file.name), self._pattern):
            return file
        self._alive()
        size = file.size if file.size is not None else await self._size_of_unlisted(client, file.name)
        mtime = await self._mtime(client, file.name) if self._link.features.times else file.mtime
        return ListedFile(file.name, size, mtime)

    async def _size_of_unlisted(self, client: FtpsClient, name: str) -> int | None:
        try:
            return await self.size(client, name)
        except Refused as error:
            if not is_unknown_command(error.reply):
                raise
            raise TransferFailed(
                FailureClass.REJECTED,
                f"The listing of {self._link.folder} does not show {name} in any form that Wharf knows, and "
                f"{self._link.where} does not tell sizes in another way.",
                remedy="Ask the partner for a server with MLSD (RFC 3659), or for listings as `ls -l` writes them.",
            ) from error

    def _tell_what_is_missing(self, listing: Listing) -> None:
        if listing.links:
            self._narrator.tell("list", f"{count(len(listing.links), 'symbolic link')} left out")
        if listing.unread:
            self._narrator.tell(
                "list",
                f"{count(len(listing.unread), 'line')} of the listing in no known form, such as “{listing.unread[0]}”",
                ok=False,
            )

    def _entry(self, file: ListedFile) -> Entry:
        entry = Entry.named(file.name, file.size or 0, file.mtime, f"{self._link.folder.rstrip('/')}/{file.name}")
        return replace(entry, problem=entry.problem or why_unfit(file.name))

    async def look(self, client: FtpsClient, name: str) -> ListedFile | None:
        if self._link.features.facts:
            return await self._facts_of(client, name)
        if self._link.features.times and self._link.features.sizes:
            size = await self.size(client, name)
            return None if size is None else ListedFile(name, size, await self._mtime(client, name))
        if "/" in name:
            # Only the folder itself is listed; of a file elsewhere such a server tells its size at most.
            size = await self.size(client, name) if self._link.features.sizes else None
            return None if size is None else ListedFile(name, size, None)
        listing = await self._listing(client)
        found = next((file for file in listing.files if file.name == name), None)
        return None if found is None else await self._dated(client, found)

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

    async def size(self, client: FtpsClient, name: str) -> int | None:
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

    async def exists(self, client: FtpsClient, path: str) -> bool:
        """Whether there is something of this name, in the folder or in one below it."""
        command = "MLST" if self._link.features.facts else "SIZE"
        reply = await client.exchange(f"{command} {path}")
        if is_unknown_command(reply):
            folder, _, name = path.rpartition("/")
            return name in await self._names(client, folder)
        return reply.positive
