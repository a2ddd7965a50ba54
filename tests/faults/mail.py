"""An SMTP and an IMAP server that go wrong on order. Mails stay in memory, by recipient and by user."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.faults.proxy import HERE
from tests.faults.servers import EmptyListing, LostAnswer, ShortReads, Trouble


@dataclass(slots=True)
class MailServer:
    port: int
    trouble: Trouble


# SMTP


@dataclass(slots=True)
class Postbox(MailServer):
    """A running SMTP server with what it has received."""

    mails: dict[str, list[EmailMessage]] = field(default_factory=dict)
    """By recipient."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        for recipient in envelope.rcpt_tos:
            self.mails.setdefault(recipient, []).append(mail)
        if self.trouble.once(LostAnswer):
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return "250 2.0.0 Queued"


@asynccontextmanager
async def run_smtp() -> AsyncIterator[Postbox]:
    """Without TLS and without login, so that the proxy can read along."""
    loop = asyncio.get_running_loop()
    postbox = Postbox(0, Trouble())
    server = await loop.create_server(
        lambda: SMTP(postbox, hostname="mail.test", loop=loop, data_size_limit=50_000_000), HERE, 0
    )
    postbox.port = server.sockets[0].getsockname()[1]
    try:
        yield postbox
    finally:
        server.close()


# IMAP


@dataclass(slots=True)
class Letter:
    """A mail that is one attachment."""

    uid: int
    name: str
    content: bytes

    @property
    def encoded(self) -> bytes:
        return base64.encodebytes(self.content).replace(b"\n", b"\r\n")

    @property
    def structure(self) -> str:
        return (
            f'("application" "octet-stream" ("name" "{self.name}") NIL NIL "base64" {len(self.encoded)} '
            f'NIL ("attachment" ("filename" "{self.name}")) NIL)'
        )


@dataclass(slots=True)
class Mailboxes(MailServer):
    """A running IMAP server: each user has one folder."""

    letters: dict[str, list[Letter]] = field(default_factory=dict)
    """By user."""

    def deliver(self, user: str, name: str, content: bytes) -> None:
        box = self.letters.setdefault(user, [])
        box.append(Letter(max((letter.uid for letter in box), default=0) + 1, name, content))


@asynccontextmanager
async def run_imap() -> AsyncIterator[Mailboxes]:
    """What RFC 3501 demands of a server as far as Wharf asks for it; no TLS, so that the proxy can read along."""
    mailboxes = Mailboxes(0, Trouble())
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        # Python 3.11 complains of servers whose connections are cancelled.
        with suppress(OSError, asyncio.CancelledError):
            await _ImapTalk(mailboxes, reader, writer).hold()
        writer.close()

    server = await asyncio.start_server(serve, HERE, 0)
    mailboxes.port = server.sockets[0].getsockname()[1]
    try:
        yield mailboxes
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class _ImapTalk:
    """One connection of a client."""

    def __init__(self, mailboxes: Mailboxes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._mailboxes = mailboxes
        self._trouble = mailboxes.trouble
        self._reader = reader
        self._writer = writer
        self._user = ""

    @property
    def _letters(self) -> list[Letter]:
        return self._mailboxes.letters.setdefault(self._user, [])

    async def hold(self) -> None:
        self._say("* OK ready")
        while (line := await self._reader.readline()).endswith(b"\n"):
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            verb = command.removeprefix("UID ").split(" ")[0].upper()
            answer = getattr(self, f"_{verb.lower()}", None)
            if answer is None:
                self._say(f"{tag} BAD what is {verb}?")
            else:
                answer(command)
                self._say(f"{tag} OK {verb} done")
            await self._writer.drain()
            if verb == "LOGOUT":
                return

    def _say(self, text: str) -> None:
        self._writer.write(text.encode() + b"\r\n")

    def _capability(self, command: str) -> None:
        self._say("* CAPABILITY IMAP4rev1 UIDPLUS")

    def _login(self, command: str) -> None:
        self._user = command.split(" ")[1].strip('"')

    def _logout(self, command: str) -> None:
        self._say("* BYE")

    def _examine(self, command: str) -> None:
        empty = self._trouble.once(EmptyListing)
        self._say(f"* {0 if empty else len(self._letters)} EXISTS")
        self._say("* OK [UIDVALIDITY 7] valid")

    _select = _examine

    def _fetch(self, command: str) -> None:
        if not command.startswith("UID"):
            for number, letter in enumerate(self._letters, 1):
                self._describe(number, letter)
            return
        uid = int(command.split(" ")[2])
        for number, letter in enumerate(self._letters, 1):
            if letter.uid == uid:
                self._show(number, letter, re.search(r"BODY\.PEEK\[1\]<(\d+)\.(\d+)>", command))

    def _describe(self, number: int, letter: Letter) -> None:
        header = b"From: batches@acme.example\r\n\r\n"
        self._writer.write(
            f'* {number} FETCH (UID {letter.uid} FLAGS () INTERNALDATE "01-Feb-2020 10:00:00 +0000" '
            f"BODYSTRUCTURE {letter.structure} BODY[HEADER.FIELDS (FROM)] {{{len(header)}}}\r\n".encode()
        )
        self._writer.write(header + b")\r\n")

    def _show(self, number: int, letter: Letter, part: re.Match[str] | None) -> None:
        if part is None:
            self._say(f"* {number} FETCH (UID {letter.uid})")
            return
        start, length = int(part[1]), int(part[2])
        if (short := self._trouble.now(ShortReads)) and length > short.longest:
            self._trouble.bites += 1
            length = short.longest
        piece = letter.encoded[start : start + length]
        self._writer.write(f"* {number} FETCH (UID {letter.uid} BODY[1]<{start}> {{{len(piece)}}}\r\n".encode())
        self._writer.write(piece + b")\r\n")

    def _store(self, command: str) -> None:
        """Flags are kept by nobody: what is deleted goes with the EXPUNGE that names it."""

    def _expunge(self, command: str) -> None:
        uid = int(command.split(" ")[2])
        self._letters[:] = [letter for letter in self._letters if letter.uid != uid]
