"""aioftp's client, with what keeps it from working with common FTPS servers put right.

Servers begin the TLS handshake of a data connection when they have read the transfer command, and answer the command
before the handshake (as in the examples of RFC 4217, section 12) or after it. aioftp waits for the handshake before it
sends the command, so both sides wait for each other for ever. Here the data connection is plain until the command is
sent; then the handshake and the answer are awaited together.

Beyond that: data connections resume the TLS session of the control connection, go to the very address the control
connection goes to, and show the same certificate; replies are bounded and read by the letter of RFC 959, section 4.2;
and nothing waits through `asyncio.wait_for` with a deadline, which loses cancellations on Python 3.11.
"""

import asyncio
import codecs
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import aioftp
from aioftp.common import Code

from tui.methods.blocks import Block
from tui.methods.dial import Peer, Way
from tui.methods.ftp_data import DataConnection, DataThread
from tui.methods.narration import SILENT, Narrator

_LONGEST_LINE = 16 * 1024
"""Bytes in one line of a reply; a path may be in it."""
_MOST_LINES = 1000
"""Lines in one reply."""
_UNSENT = 128 * 1024
"""Bytes that may wait in the kernel for sending. More would hide from us for a long time whether a slow peer takes
them at all."""
_VERDICT_WAIT = 3.0
"""Seconds for the server to say why a data connection broke."""
_MOST_PRELIMINARY = 100
"""Preliminary answers (1xx) before one that counts."""
_FIRST_LINE = re.compile(r"([1-5][0-9]{2})([ -].*|)", re.DOTALL)
_EPSV = re.compile(r"\((.)\1\1(\d{1,5})\1\)", re.ASCII)
"""RFC 2428, section 3."""
_PASV = re.compile(r"(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)", re.ASCII)
"""Looked for anywhere in the answer, with or without parentheses (RFC 1123, section 4.1.2.6)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the server: the code and the text of each line."""

    code: str
    lines: tuple[str, ...]

    @property
    def positive(self) -> bool:
        return self.code.startswith("2")

    @property
    def text(self) -> str:
        return " ".join(line.strip() for line in self.lines if line.strip())


class Refused(Exception):
    """The server answered a command with a no. The control connection stays usable."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.code)
        self.reply = reply


class NotFtp(Exception):
    """The other side says what FTP does not provide for; the message says what. Nothing it says can be relied on."""


class FtpsClient(aioftp.Client):
    """One control connection and at most one transfer at a time. After any error but Refused it must be dropped.

    `inspect` is called with the TLS object of every connection, control and data, and raises what it likes
    when the peer is not the right one. The way is the client's own: it goes with it.
    """

    def __init__(
        self, inspect: Callable[[ssl.SSLObject | ssl.SSLSocket], object], way: Way, encoding: str = "utf-8"
    ) -> None:
        super().__init__(encoding=encoding)
        self._inspect = inspect
        self._way = way
        self._peer: Peer | None = None
        self._narrator = SILENT
        self._data: DataConnection | None = None
        self._thread: DataThread | None = None
        self._session: ssl.SSLSession | None = None
        """Of the control connection, for data connections to resume."""
        self._passive_command = "EPSV"
        self._dropped = False
        self.data_tls: str | None = None
        """Of the latest data connection: TLS version and whether the session was resumed. None without TLS."""
        self.announced: str | None = None
        """The address that PASV named last, where it is not the one that data connections go to."""

    # Control connection

    async def reach(self, peer: Peer, narrator: Narrator) -> None:
        """Connect, over the way there. Nothing is read yet, and nothing is encrypted. Raises TransferFailed."""
        self._peer = peer
        self._narrator = narrator
        await super(aioftp.Client, self).connect(peer.host, peer.port)

    async def _open_connection(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        del host, port
        assert self._peer is not None  # noqa: S101 - reach() has set it
        connected = await self._way.connect(self._peer, self._narrator)
        reader, writer = await asyncio.open_connection(sock=connected, limit=_LONGEST_LINE)
        try:
            self._check_not_dropped()
        except ConnectionAbortedError:
            writer.transport.abort()
            raise
        return reader, writer

    def _check_not_dropped(self) -> None:
        if self._dropped:
            raise ConnectionAbortedError("dropped while connecting")

    async def encrypt(self, context: ssl.SSLContext, host: str) -> ssl.SSLObject:
        """Start TLS on the control connection and have the peer inspected."""
        await self._refuse_early_text()
        writer = self.stream.writer
        in_clear = writer.transport
        try:
            await writer.start_tls(context, server_hostname=host)
        finally:
            if writer.transport is None:
                # Python leaves it so when the connection is dropped during the handshake, and stumbles over it later.
                writer._transport = in_clear  # noqa: SLF001 - there is no public way
                raise ConnectionAbortedError("dropped while TLS was begun")
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        self._inspect(tls)
        return tls

    async def _refuse_early_text(self) -> None:
        """Whoever is in between could send text in clear ahead of the handshake, to be taken for the server's later."""
        try:
            async with asyncio.timeout(0):
                early = await self.stream.reader.read(_LONGEST_LINE)
        except TimeoutError:
            return
        raise NotFtp(f"sent “{early.decode(errors='replace')}” in clear where TLS was to begin")

    async def exchange(self, command: str | None, *, secret_after: int | None = None) -> Reply:
        """Send a command, None for no command, and read the final answer to it, whatever it is."""
        if command is not None:
            await self.command(command, censor_after=secret_after)
        for _ in range(_MOST_PRELIMINARY):
            code, lines = await self.parse_response()
            if not code.startswith("1"):
                return Reply(code, tuple(lines))
        raise NotFtp(f"gave more than {_MOST_PRELIMINARY} preliminary answers")

    async def demand(self, command: str, codes: str = "2") -> Reply:
        """Send a command. Raises Refused unless the code of the answer begins as one of `codes`, space-separated."""
        reply = await self.exchange(command)
        if not reply.code.startswith(tuple(codes.split())):
            raise Refused(reply)
        return reply

    async def command(  # type: ignore[override]  # aioftp's has overloads for when the answer is None
        self,
        command: str | None = None,
        expected_codes: str | tuple[str, ...] = (),
        wait_codes: str | tuple[str, ...] = (),
        censor_after: int | None = None,
    ) -> tuple[Code, list[str]] | None:
        """As in aioftp. Raises InvalidCommand for what would be more, or other, than one command to the server."""
        if command is not None and not self._is_one_command(command):
            raise aioftp.errors.InvalidCommand("control characters or invalid text in a command")
        return await super().command(command, expected_codes, wait_codes, censor_after)

    def _is_one_command(self, text: str) -> bool:
        try:
            sent = text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        # 255 begins a command of Telnet, on which FTP stands (RFC 959, section 3.1.1.5.1).
        return not any(byte < 0x20 or byte in (0x7F, 0xFF) for byte in sent)

    async def parse_response(self) -> tuple[Code, list[str]]:
        """Read one reply of one or several lines. Raises NotFtp, and ConnectionError when the connection has ended."""
        first = _FIRST_LINE.fullmatch(line := await self._read_line())
        if first is None:
            raise NotFtp(f"said “{line}”")
        code, rest = first.groups()
        lines = [rest[1:]]
        while rest.startswith("-"):
            line = await self._read_line()
            if line.startswith(code) and line[3:4] in ("", " "):
                rest = line[3:]
            lines.append(line[4:] if line.startswith(code) else line)
            if len(lines) > _MOST_LINES:
                raise NotFtp(f"gave an answer of more than {_MOST_LINES} lines")
        return Code(code), lines

    async def _read_line(self) -> str:
        try:
            line = await self.stream.reader.readline()
        except ValueError:
            raise NotFtp(f"sent a line of more than {_LONGEST_LINE} bytes") from None
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the server closed the connection")
        return line.decode(self.encoding, errors="surrogateescape").rstrip("\r\n")

    @property
    def speaks_utf8(self) -> bool:
        """Whether names are in UTF-8, as RFC 2640 wants it."""
        return codecs.lookup(self.encoding).name == "utf-8"

    @property
    def is_dropped(self) -> bool:
        """Whether `drop` was called."""
        return self._dropped

    def drop(self) -> None:
        """Drop all connections at once; whoever waits for them wakes up with an error. For good."""
        self._dropped = True
        if self._data is not None:
            self._data.break_off()
        if self._thread is not None:
            self._thread.end()
        if self._stream is not None:
            self._stream.writer.transport.abort()
        self._way.abort()

    async def hang_up(self) -> None:
        """Close in good order, the way after the connection."""
        self._dropped = True
        if self._stream is not None:
            self._stream.writer.close()
        await self._way.close()

    # Data connections

    async def begin(self, command: str, offset: int = 0) -> "DataChannel":
        """Start a transfer with its command, such as `RETR name`, at an offset (REST, RFC 3659 section 5). Raises
        Refused when the server will not."""
        connected = await self._connect_passive()
        if self._thread is None:
            self._thread = DataThread()
        self._data = data = DataConnection(connected, self._thread)
        try:
            self._check_not_dropped()
            if offset:
                await self.demand(f"REST {offset}", "350")
            await self.command(command)
            await self._open_channel(data)
        except BaseException:
            data.break_off()
            raise
        return DataChannel(self, data)

    async def _open_channel(self, data: DataConnection) -> None:
        control: ssl.SSLObject | None = self.stream.writer.get_extra_info("ssl_object")
        if control is None:
            await self._accepted()
            return
        if self._session is None:
            # Not earlier: with TLS 1.3 it becomes resumable only some time after the handshake.
            self._session = control.session
        opening = data.encrypt(control.context, self._session, control.server_hostname)
        accepting = asyncio.create_task(self._accepted())
        try:
            await asyncio.wait({opening, accepting}, return_when=asyncio.FIRST_EXCEPTION)
            if opening.done() and isinstance(opening.exception(), OSError):
                await self._explain(opening, accepting)
            if accepting.done():
                accepting.result()
            await opening
        except BaseException:
            data.break_off()
            await _abandon(opening, accepting)
            raise
        assert data.tls is not None  # noqa: S101 - the handshake is done
        self._inspect(data.tls)
        self.data_tls = f"{data.tls.version()}, session {'resumed' if data.tls.session_reused else 'new'}"

    async def _explain(self, opening: asyncio.Future[None], accepting: asyncio.Task[None]) -> None:
        """The handshake has failed. That may be because the server has said no, which then is the better reason."""
        if not isinstance(opening.exception(), ssl.SSLCertVerificationError):
            await asyncio.wait({accepting}, timeout=_VERDICT_WAIT)
            if accepting.done() and isinstance(refusal := accepting.exception(), Refused):
                raise refusal
        opening.result()

    async def _accepted(self) -> None:
        code, lines = await self.parse_response()
        if not code.startswith("1"):
            raise Refused(Reply(code, tuple(lines)))

    async def _connect_passive(self) -> socket.socket:
        port = await self._passive_port()
        assert self._peer is not None  # noqa: S101 - there is a control connection
        if self._way.is_direct:
            connection = await self._connect_to_the_same(port)
        else:
            # Those who connect for us alone know its address, so the name must do.
            connection = await self._way.connect(Peer(self._peer.host, port, self._peer.patience), SILENT)
        if hasattr(socket, "TCP_NOTSENT_LOWAT") and connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        return connection

    async def _connect_to_the_same(self, port: int) -> socket.socket:
        """To the address of the control connection: neither to the one that PASV says (RFC 2577, section 3) nor to what
        the host name stands for, which may be several machines."""
        control = self.stream.writer
        peer = control.get_extra_info("peername")
        connection = socket.socket(control.get_extra_info("socket").family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(connection, (peer[0], port, *peer[2:]))
        except BaseException:
            connection.close()
            raise
        return connection

    async def _passive_port(self) -> int:
        reply = await self.exchange(self._passive_command)
        if self._passive_command == "EPSV" and not reply.positive:
            self._passive_command = "PASV"
            reply = await self.exchange("PASV")
        if not reply.positive:
            raise Refused(reply)
        port = self._extended_port(reply) if self._passive_command == "EPSV" else self._old_port(reply)
        if not 0 < port < 65536:
            raise NotFtp(f"named no port for data: “{reply.text}”")
        return port

    def _extended_port(self, reply: Reply) -> int:
        found = _EPSV.search(reply.text)
        return int(found[2]) if found else 0

    def _old_port(self, reply: Reply) -> int:
        found = _PASV.search(reply.text)
        if found is None:
            return 0
        *address, high, low = map(int, found.groups())
        named = ".".join(map(str, address))
        self.announced = named if named != self.stream.writer.get_extra_info("peername")[0] else None
        return high * 256 + low if low < 256 else 0


class DataChannel:
    """The data connection of one transfer. Ends with `finish` or with dropping the client."""

    def __init__(self, client: FtpsClient, data: DataConnection) -> None:
        self._client = client
        self._data = data
        self.finished = False
        """Whether the server's verdict has been read, so that the control connection is free for the next command."""

    async def read(self) -> Block:
        """The next bytes, as many as there are up to a block; empty at the end."""
        try:
            block = await self._data.receive()
        except OSError as error:
            raise await self._reason(error) from error
        if not block and self._client.is_dropped:
            # A connection that was dropped looks like one that has come to its end.
            raise ConnectionAbortedError("the connection was dropped")
        return block

    async def write(self, data: Block, alive: Callable[[], None]) -> None:
        """Send; returns when most of it has left. `alive` is called while the server takes it."""
        try:
            await self._data.send(data, alive)
        except OSError as error:
            raise await self._reason(error) from error

    async def finish(self) -> None:
        """Close the data connection properly, which is what tells the server that the file is complete, and read the
        server's confirmation. Raises Refused when it says that the transfer failed.
        """
        parting = self._data.part()
        reply = await self._client.exchange(None)
        self.finished = True
        await self._data.settle(parting)
        if not reply.positive:
            raise Refused(reply)

    async def _reason(self, error: OSError) -> Exception:
        """Servers that stop in the middle close the data connection first and say why afterwards."""
        try:
            async with asyncio.timeout(_VERDICT_WAIT):
                reply = await self._client.exchange(None)
        except (OSError, NotFtp):
            return error
        # A server may well confirm a transfer that broke.
        return error if reply.positive else Refused(reply)


async def _abandon(opening: asyncio.Future[None], accepting: asyncio.Task[None]) -> None:
    accepting.cancel()
    await asyncio.wait({opening, accepting})
    for ended in (opening, accepting):
        if not ended.cancelled():
            ended.exception()
