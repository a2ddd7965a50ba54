"""What the tests of FTP share: connections to servers, a session with its story, and a server that does as told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.certificates import Certificates
from tests.servers.ftp import PASSWORD, FtpServer
from tui.domain.connection import Connection
from tui.domain.run import Event
from tui.domain.terms import FtpTls
from tui.methods.base import Entry, Surroundings
from tui.methods.ftp import FtpSession
from tui.methods.narration import Narrator


def ftp_connection(port: int, tls: FtpTls, endpoint: dict[str, Any] | None = None, **options: Any) -> Connection:
    """A connection to a server on loopback."""
    table = {"host": "127.0.0.1", "port": port, "tls": tls.value, "username": "partner", "secret": "env:UNUSED"}
    return Connection.model_validate(
        {
            "name": "partner",
            "direction": "outbound",
            "method": "ftp",
            "local_dir": "/unused",
            "ftp": table | (endpoint or {}),
            **options,
        }
    )


def connection_to(server: FtpServer, tls: FtpTls, certificates: Certificates, **options: Any) -> Connection:
    """A connection to a real server that trusts the tests' CA."""
    endpoint = {
        "username": server.username,
        # The user of vsftpd starts above the folder.
        "directory": "in" if server.program == "vsftpd" else ".",
        "ca_file": None if tls is FtpTls.NONE else str(certificates.ca_file),
    }
    return ftp_connection(server.port, tls, endpoint | options.pop("endpoint", {}), **options)


@dataclass
class Story:
    """What a session told, and what it asked for."""

    password: str | None = PASSWORD
    events: list[Event] = field(default_factory=list)
    secrets_fetched: int = 0

    def surroundings(self) -> Surroundings:
        return Surroundings(Narrator(self.events.append), self._secret, Path("/unused"))

    async def _secret(self) -> str | None:
        self.secrets_fetched += 1
        return self.password

    def steps(self) -> list[str]:
        return [event.step for event in self.events]

    def told(self) -> str:
        return "\n".join(f"{event.step}: {event.detail}" for event in self.events)


@asynccontextmanager
async def opened(connection: Connection, story: Story | None = None) -> AsyncIterator[FtpSession]:
    """A session that is open, and closed afterwards."""
    session = FtpSession(connection, (story or Story()).surroundings())
    try:
        await session.open()
        yield session
        await session.close()
    finally:
        session.abort()


async def put(session: FtpSession, name: str, content: bytes, block: int = 256 * 1024) -> Entry:
    """Stage a file; returns its entry."""
    entry = Entry.named(name, len(content), None, name)
    async with session.stage(entry) as writer:
        for start in range(0, len(content), block):
            await writer.write(content[start : start + block])
    return entry


async def get(session: FtpSession, entry: Entry) -> bytes:
    """Read a file."""
    async with session.read(entry) as blocks:
        return b"".join([block async for block in blocks])


_USUAL = {
    "USER": "331 password please",
    "PASS": "230 come in",
    "FEAT": "211-Features\n MDTM\n SIZE\n211 End",
    "TYPE": "200 binary",
    "PBSZ": "200 nothing to buffer",
    "PROT": "200 private",
    "PWD": '257 "/in" is here',
    "CWD": "250 moved",
    "QUIT": "221 bye",
    "NOOP": "200 done",
    "SIZE": "213 5",
    "MDTM": "213 20260102030405",
    "DELE": "250 gone",
    "RNFR": "350 and now",
    "RNTO": "250 renamed",
    "RETR": "226 complete",
    "STOR": "226 complete",
    "LIST": "226 complete",
    "NLST": "226 complete",
    "MLSD": "226 complete",
}


@dataclass
class FakeFtp:
    """An FTP server that answers as `answers` says, by command or by verb, and writes down what it is asked.

    An answer is one or several lines without line ends; None closes the connection. `data` is what a verb sends over
    the data connection, between 150 and its answer; verbs in `receives` take what the client sends.
    """

    answers: dict[str, str | None] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)
    receives: tuple[str, ...] = ("STOR",)
    mute: tuple[str, ...] = ()
    """Verbs that get no answer at all."""
    loses_ahead: bool = False
    """Whether what has come after a command is thrown away before that is answered."""
    endless: tuple[str, ...] = ()
    """Verbs whose data is sent over and over, as long as the client listens."""
    pasv: str = "227 here ({})"
    encoding: str = "utf-8"
    banner: bytes = b"220 ready\r\n"
    commands: list[str] = field(default_factory=list)
    received: bytes = b""
    port: int = 0
    tls: ssl.SSLContext | None = None
    """Encrypts the control connection after AUTH."""
    data_tls: ssl.SSLContext | None = None
    """Encrypts data connections."""
    _arrived: "asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] | None" = None
    _writers: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeFtp"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers.values():
                writer.transport.abort()
            if self._arrived is not None and not self._arrived.done():
                self._arrived.set_exception(ConnectionAbortedError())
            if self._writers:
                await asyncio.wait(set(self._writers))

    def connection(self, **options: Any) -> Connection:
        return ftp_connection(self.port, FtpTls.NONE, options.pop("endpoint", None), **options)

    def verbs(self) -> list[str]:
        return [command.split(" ")[0] for command in self.commands]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers[task] = writer
        try:
            writer.write(self.banner)
            await self._obey(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            del self._writers[task]

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            command = line.decode(self.encoding, errors="replace").rstrip("\r\n")
            verb = command.split(" ")[0]
            self.commands.append(command)
            if self.loses_ahead:
                await _throw_away(reader)
            if verb in self.mute:
                continue
            if verb in ("EPSV", "PASV") and verb not in self.answers:
                await self._listen(verb, writer)
                continue
            if self._arrived is not None and (verb in self.data or verb in self.receives):
                writer.write(b"150 here it comes\r\n")
                await self._transfer(verb, *await self._arrived)
                self._arrived = None
            if verb == "AUTH" and self.tls is not None:
                writer.write(b"234 go ahead\r\n")
                await writer.start_tls(self.tls)
                continue
            answer = self.answers.get(command, self.answers.get(verb, _USUAL.get(verb, "500 what?")))
            if answer is None:
                return
            writer.write(answer.replace("\n", "\r\n").encode(self.encoding, errors="surrogateescape") + b"\r\n")
            await writer.drain()

    async def _listen(self, verb: str, writer: asyncio.StreamWriter) -> None:
        self._arrived = arrived = asyncio.get_running_loop().create_future()

        def take(data_reader: asyncio.StreamReader, data_writer: asyncio.StreamWriter) -> None:
            arrived.set_result((data_reader, data_writer))
            listener.close()

        listener = await asyncio.start_server(take, "127.0.0.1", 0, ssl=self.data_tls)
        port = listener.sockets[0].getsockname()[1]
        # An address that cannot be reached, as servers behind NAT announce it.
        elsewhere = f"10,255,255,1,{port // 256},{port % 256}"
        announced = self.pasv.format(elsewhere) if verb == "PASV" else f"229 here (|||{port}|)"
        writer.write(f"{announced}\r\n".encode())

    async def _transfer(self, verb: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if verb in self.receives:
            self.received = await reader.read()
        else:
            writer.write(self.data[verb])
            await writer.drain()
            while verb in self.endless:
                writer.write(self.data[verb])
                await writer.drain()
        writer.close()


async def _throw_away(reader: asyncio.StreamReader) -> None:
    """Take what has been received from a stream, and wait for nothing."""
    try:
        async with asyncio.timeout(0):
            await reader.read(64 * 1024)
    except TimeoutError:
        return
