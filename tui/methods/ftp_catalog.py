"""What lies in the folder of an FTP session, as its server tells: the listing, and fresh looks at single files.

Times and sizes of a file must come from the same kind of source each time, or an unchanged file would seem to change:
with MLSD the fresh look is MLST, which tells the same facts. Without, it is SIZE and MDTM, so listing asks MDTM for
every file that the connection's pattern matches, because the times in LIST have no time zone, no seconds, and lose
their clock as the file grows old. Only where there is no MDTM is LIST believed, by the day.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.figures import count
from tui.domain.naming import matches, name_before_aside
from tui.methods.base import Entry, Surroundings
from tui.methods.ftp_link import Answer, FtpLink
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
from tui.methods.ftps_client import FtpsClient, NotFtp, Refused, Reply, Unsendable

_LARGEST_LISTING = 128 * 1024 * 1024
"""Bytes of a listing."""
_LONGEST_LISTING = 1_000_000
"""Lines of a listing."""

_Asked = ParamSpec("_Asked")
_Found = TypeVar("_Found")


class FtpCatalog:
    """Lists the folder and looks at files. All but `list_files` raise what the client raises."""

    def __init__(self, link: FtpLink, connection: Connection, surroundings: Surroundings) -> None:
        self._link = link
        self._pattern = connection.pattern
        self._narrator = surroundings.narrator
        self._alive = surroundings.alive

    async def list_files(self) -> list[Entry]:
        client = await self._link.ready()
        with self._link.talking(f"Listing {self._link.folder}", FailureClass.PERMISSION):
            listing = await self._listing(client)
            files = await self._dated(listing.files)
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

    async def _dated(self, files: Sequence[ListedFile]) -> list[ListedFile]:
        """The files with the sizes and times that a fresh look would show; without a size what is none after all."""
        asked = [file.name for file in files if self._has_to_be_asked_for(file)]
        unlisted = {file.name for file in files if file.size is None}
        sizes = {name: await self._size_of_unlisted(name) for name in asked if name in unlisted}
        times: dict[str, float | None] = {}
        if self._link.features.times:
            answers = await self._link.ask_each([f"MDTM {name}" for name in asked])
            times = {name: _time_in(answer) for name, answer in zip(asked, answers, strict=True)}
        return [
            replace(file, size=sizes.get(file.name, file.size), mtime=times.get(file.name, file.mtime))
            for file in map(self._shown, files)
        ]

    def _has_to_be_asked_for(self, file: ListedFile) -> bool:
        if self._link.features.facts and file.size is not None:
            return False
        return self._entry(file).problem is None and matches(name_before_aside(file.name), self._pattern)

    def _shown(self, file: ListedFile) -> ListedFile:
        """A name that must not be used is shown with its problem, whatever it names."""
        return replace(file, size=0) if file.size is None and self._entry(file).problem is not None else file

    async def _size_of_unlisted(self, name: str) -> int | None:
        try:
            return await self.size(name)
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

    async def look(self, name: str) -> ListedFile | None:
        """A fresh look at a file; None when there is none."""
        (found,) = await self.look_each([name])
        if isinstance(found, Exception):
            raise found
        return found

    async def look_each(self, names: Sequence[str]) -> list[ListedFile | Exception | None]:
        """`look` at each; in the place of an answer, what the client would raise for that file alone."""
        features = self._link.features
        if features.facts:
            answers = await self._link.ask_each([f"MLST {name}" for name in names])
            return [_read(_facts_in, name, answer) for name, answer in zip(names, answers, strict=True)]
        if features.times and features.sizes:
            questions = [f"{verb} {name}" for name in names for verb in ("SIZE", "MDTM")]
            answers = await self._link.ask_each(questions)
            looks = zip(names, answers[::2], answers[1::2], strict=True)
            return [_read(_file_in, name, size, time) for name, size, time in looks]
        return await self._look_in_listing(names)

    async def _look_in_listing(self, names: Sequence[str]) -> list[ListedFile | Exception | None]:
        here = {name for name in names if "/" not in name}
        found = {}
        if here:
            listing = await self._listing(await self._link.ready())
            found = {file.name: file for file in await self._dated([one for one in listing.files if one.name in here])}
        return [found.get(name) if name in here else await self._look_elsewhere(name) for name in names]

    async def _look_elsewhere(self, name: str) -> ListedFile | None:
        """Only the folder itself is listed; of a file in another such a server tells its size at most."""
        size = await self.size(name) if self._link.features.sizes else None
        return None if size is None else ListedFile(name, size, None)

    async def size(self, name: str) -> int | None:
        """RFC 3659, section 4. None when there is no such file."""
        (size,) = await self.size_each([name])
        if isinstance(size, Exception):
            raise size
        return size

    async def size_each(self, names: Sequence[str]) -> list[int | Exception | None]:
        """`size` of each; in the place of an answer, what the client would raise for that file alone."""
        return [_read(_size_in, answer) for answer in await self._link.ask_each([f"SIZE {name}" for name in names])]

    async def exists(self, path: str) -> bool:
        """Whether there is something of this name, in the folder or in one below it."""
        return (await self.exists_each([path]))[0]

    async def exists_each(self, paths: Sequence[str]) -> list[bool]:
        """`exists` of each."""
        command = "MLST" if self._link.features.facts else "SIZE"
        answers = await self._link.ask_each([f"{command} {path}" for path in paths])
        return [await self._is_there(path, answer) for path, answer in zip(paths, answers, strict=True)]

    async def _is_there(self, path: str, answer: Answer) -> bool:
        if is_unknown_command(reply := _reply_in(answer)):
            folder, _, name = path.rpartition("/")
            return name in await self._names(await self._link.ready(), folder)
        if not reply.positive and reply.code != "550":
            # No answer to whether it is there: a passing fault must not have an existing file replaced.
            raise Refused(reply)
        return reply.positive


def _read(read: Callable[_Asked, _Found], *asked: _Asked.args, **more: _Asked.kwargs) -> _Found | Exception:
    """What an answer says, or what the client would raise for it."""
    try:
        return read(*asked, **more)
    except (Refused, NotFtp, Unsendable) as error:
        return error


def _reply_in(answer: Answer) -> Reply:
    if isinstance(answer, Unsendable):
        raise answer
    return answer


def _size_in(answer: Answer) -> int | None:
    """RFC 3659, section 4. None when there is no such file."""
    reply = _reply_in(answer)
    if reply.code == "550":
        return None
    if reply.code != "213":
        raise Refused(reply)
    if not reply.text.isascii() or not reply.text.isdigit() or len(reply.text) > 18:
        raise NotFtp(f"gave an answer without a size to SIZE: “{reply.text}”")
    return int(reply.text)


def _time_in(answer: Answer) -> float | None:
    """RFC 3659, section 3."""
    reply = _reply_in(answer)
    return parse_time(reply.text) if reply.code == "213" else None


def _file_in(name: str, size_answer: Answer, time_answer: Answer) -> ListedFile | None:
    size = _size_in(size_answer)
    return None if size is None else ListedFile(name, size, _time_in(time_answer))


def _facts_in(name: str, answer: Answer) -> ListedFile | None:
    """RFC 3659, section 7."""
    reply = _reply_in(answer)
    if reply.code == "550":
        return None
    if not reply.positive:
        raise Refused(reply)
    for line in reply.lines[1:]:
        if parsed := parse_facts(line.removeprefix(" ")):
            return file_from_facts(parsed[0], name)
    raise NotFtp(f"gave an answer without facts to MLST: “{reply.text}”")
