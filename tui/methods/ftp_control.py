"""The control connection of an FTP session: commands, and replies read by the letter of RFC 959, section 4.2.

Its calls block: they are made in the thread that serves the session (`ftps_client.py`).

A reply does not say which command it answers. Where several commands are sent before the first reply is read, replies
are counted, and nothing is made of any of them before there is one for each command and none too many.
"""

import logging
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

_LONGEST_LINE = 16 * 1024
"""Bytes in one line of a reply; a path may be in it."""
_MOST_LINES = 1000
"""Lines in one reply."""
_MOST_PRELIMINARY = 100
"""Preliminary answers (1xx) before one that counts."""
_FIRST_LINE = re.compile(r"([1-5][0-9]{2})([ -].*|)", re.DOTALL)
_UNSENDABLE = re.compile(rb"[\x00-\x1f\x7f\xff]")
"""What would make more, or other, than one command. 255 begins a command of Telnet, on which FTP stands (RFC 959,
section 3.1.1.5.1)."""
_FENCE, _FENCE_CODE = "NOOP", "200"
"""Sent after several commands, of which none is answered so: with an answer too many or too few, its own is not where
it is looked for."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the server: the code and the text of each line."""

    code: str
    lines: tuple[str, ...]

    @property
    def preliminary(self) -> bool:
        return self.code.startswith("1")

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


class LostAhead(NotFtp):
    """Of several commands sent together the server has not answered each, as it seems, or not once."""


class Unsendable(Exception):
    """What was to be sent would be more, or other, than one command to the server. Nothing was sent."""


class ControlConnection:
    """Commands to a server and its replies. Errors are OSError, and what each call says."""

    def __init__(self, connected: socket.socket, encoding: str) -> None:
        connected.setblocking(True)
        self._socket = connected
        # TLS takes the socket over; a duplicate reaches the connection whoever has it at that moment.
        self._lever = connected.dup()
        self._encoding = encoding
        self._unread = bytearray()
        self.family = connected.family
        self.address = connected.getpeername()
        """Of whoever the socket leads to: a tuple that begins with host and port, or whatever sockets of another kind
        have."""

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS layer; None in clear."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def encrypt(self, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        """Begin TLS. Raises NotFtp."""
        self._refuse_early_text()
        self._socket = tls = context.wrap_socket(self._socket, server_hostname=host)
        return tls

    def _refuse_early_text(self) -> None:
        """Whoever is in between could send text in clear ahead of the handshake, to be taken for the server's later."""
        early = bytes(self._unread)
        with suppress(BlockingIOError):
            early += self._socket.recv(_LONGEST_LINE, socket.MSG_DONTWAIT)
        if early:
            raise NotFtp(f"sent “{early.decode(errors='replace')}” in clear where TLS was to begin")

    # Commands

    def exchange(self, command: str) -> Reply:
        """Send a command and read the final answer to it, whatever it is. Raises Unsendable and NotFtp."""
        self.send(command)
        return self.final()

    def demand(self, command: str, code: str = "2") -> Reply:
        """Send a command. Raises Refused unless the code of the answer begins so; Unsendable and NotFtp."""
        reply = self.exchange(command)
        if not reply.code.startswith(code):
            raise Refused(reply)
        return reply

    def exchange_each(self, commands: Sequence[str], patience: float) -> list[Reply]:
        """Send commands together and read the answer to each. Raises Unsendable and NotFtp; LostAhead when for so many
        seconds nothing comes after the first answer, or the answers do not count up; Refused when the server takes its
        leave in between."""
        together = len(commands) > 1
        self.send(*commands, *([_FENCE] if together else []))
        replies = [self.final()]
        while len(replies) < len(commands):
            replies.append(self._next(replies, patience))
        if together and (fence := self._next(replies, patience)).code != _FENCE_CODE:
            raise LostAhead(f"answered {fence.code} {fence.text} to {_FENCE} after {len(commands)} commands")
        if self.has_unread:
            raise NotFtp("gave more answers than it was asked for")
        return replies

    def _next(self, replies: Sequence[Reply], patience: float) -> Reply:
        if replies[-1].code == "421":
            raise Refused(replies[-1])
        try:
            return self.final(patience)
        except TimeoutError as error:
            raise LostAhead(f"answered only {len(replies)} of several commands that were sent together") from error

    def send(self, *commands: str, secret_after: int | None = None) -> None:
        """Send commands in one go. What comes after so many characters is a secret. Raises Unsendable."""
        self._socket.sendall(b"".join([self._line(command) for command in commands]))
        if _log.isEnabledFor(logging.DEBUG):
            for command in commands:
                _log.debug("%s", command if secret_after is None else f"{command[:secret_after]}***")

    def can_send(self, text: str) -> bool:
        """Whether it can be part of a command."""
        try:
            self._line(text)
        except Unsendable:
            return False
        return True

    def _line(self, command: str) -> bytes:
        try:
            line = command.encode(self._encoding)
        except UnicodeEncodeError:
            raise Unsendable("invalid text in a command") from None
        if _UNSENDABLE.search(line):
            raise Unsendable("control characters in a command")
        return line + b"\r\n"

    # Replies

    def final(self, within: float | None = None) -> Reply:
        """The next answer that is not preliminary. Raises NotFtp, and TimeoutError when for so many seconds nothing
        comes."""
        self._socket.settimeout(within)
        try:
            for _ in range(_MOST_PRELIMINARY):
                reply = self.reply()
                if not reply.preliminary:
                    return reply
        finally:
            self._socket.settimeout(None)
        raise NotFtp(f"gave more than {_MOST_PRELIMINARY} preliminary answers")

    def reply(self) -> Reply:
        """The next answer, of one or several lines. Raises NotFtp, and ConnectionError when the connection has
        ended."""
        first = _FIRST_LINE.fullmatch(line := self._read_line())
        if first is None:
            raise NotFtp(f"said “{line}”")
        code, rest = first.groups()
        lines = [rest[1:]]
        while rest.startswith("-"):
            line = self._read_line()
            if line.startswith(code) and line[3:4] in ("", " "):
                rest = line[3:]
            lines.append(line[4:] if line.startswith(code) else line)
            if len(lines) > _MOST_LINES:
                raise NotFtp(f"gave an answer of more than {_MOST_LINES} lines")
        return Reply(code, tuple(lines))

    def _read_line(self) -> str:
        unread = self._unread
        while (end := unread.find(b"\n")) < 0 and len(unread) <= _LONGEST_LINE:
            more = self._socket.recv(_LONGEST_LINE)
            if not more:
                raise ConnectionResetError("the server closed the connection")
            unread += more
        if not 0 <= end <= _LONGEST_LINE:
            raise NotFtp(f"sent a line of more than {_LONGEST_LINE} bytes")
        line = unread[:end].decode(self._encoding, "surrogateescape")
        del unread[: end + 1]
        return line.rstrip("\r")

    @property
    def has_unread(self) -> bool:
        """Whether something of an answer has been received and not been read yet."""
        return bool(self._unread) or (self.tls is not None and self.tls.pending() > 0)

    def fileno(self) -> int:
        """For waiting until there is more to be received."""
        return self._socket.fileno()

    # End

    def break_off(self) -> None:
        """Drop the connection at once, from any thread, so that whoever waits for it wakes up with an error."""
        with suppress(OSError):
            self._lever.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the sockets. In the thread that uses them."""
        self._socket.close()
        self._lever.close()
