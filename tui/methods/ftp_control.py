"""The control connection of an FTP session: aioftp's client over a stream that blocks.

Its calls are made in the thread that serves the session (`ftps_client.py`). aioftp sends a command and tells which
reply is the answer; what is a reply is read here, by the letter of RFC 959, section 4.2, and within bounds.

A reply does not say which command it answers. Where several commands are sent before the first reply is read, replies
are counted, and nothing is made of any of them before there is one for each command and none too many.
"""

import logging
import re
import socket
import ssl
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import aioftp
from aioftp.common import Code, ThrottleStreamIO

from tui.methods.ftp_stream import BlockingStream, NotFtp

__all__ = ["ControlConnection", "LostAhead", "NotFtp", "Refused", "Reply", "Unsendable"]

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

_Result = TypeVar("_Result")

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


class LostAhead(NotFtp):
    """Of several commands sent together the server has not answered each, as it seems, or not once."""


class Unsendable(Exception):
    """What was to be sent would be more, or other, than one command to the server. Nothing was sent."""


class ControlConnection(aioftp.Client):
    """Commands to a server and its replies. Errors are OSError, and what each call says."""

    def __init__(self, connected: socket.socket, encoding: str) -> None:
        super().__init__(encoding=encoding)
        self._blocking = BlockingStream(connected)
        self._stream = cast(ThrottleStreamIO, self._blocking)
        self._preliminary = 0
        """Answers of that kind since the last one that counted."""
        self.family = connected.family
        self.address = connected.getpeername()
        """Of whoever the socket leads to: a tuple that begins with host and port, or whatever sockets of another kind
        have."""

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS layer; None in clear."""
        return self._blocking.tls

    def encrypt(self, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        """Begin TLS. Raises NotFtp."""
        return self._blocking.encrypt(context, host)

    # Commands

    def exchange(self, command: str) -> Reply:
        """Send a command and read the final answer to it, whatever it is. Raises Unsendable and NotFtp."""
        self._line(command)
        return _reply(_run(self.command(command, wait_codes="1xx")))

    def demand(self, command: str, codes: str = "2xx") -> Reply:
        """Send a command. Raises Refused unless the code of the answer is like this; Unsendable and NotFtp."""
        self._line(command)
        try:
            return _reply(_run(self.command(command, codes, "1xx")))
        except aioftp.StatusCodeError as error:
            raise Refused(Reply(error.received_codes[-1], tuple(error.info))) from None

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
        self._blocking.send(b"".join([self._line(command) for command in commands]))
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
            line = command.encode(self.encoding)
        except UnicodeEncodeError:
            raise Unsendable("invalid text in a command") from None
        if _UNSENDABLE.search(line):
            raise Unsendable("control characters in a command")
        return line + b"\r\n"

    # Replies

    def final(self, within: float | None = None) -> Reply:
        """The next answer that is not preliminary. Raises NotFtp, and TimeoutError when for so many seconds nothing
        comes."""
        with self._blocking.patient(within):
            return _reply(_run(self.command(wait_codes="1xx")))

    def reply(self) -> Reply:
        """The next answer, of one or several lines. Raises NotFtp, and ConnectionError when the connection has
        ended."""
        return _reply(_run(self.parse_response()))

    async def parse_response(self) -> tuple[Code, list[str]]:
        """As in aioftp, for its `command`: the code of an answer and the text of each line. Raises NotFtp."""
        first = _FIRST_LINE.fullmatch(line := await self._text())
        if first is None:
            raise NotFtp(f"said “{line}”")
        code, rest = first.groups()
        lines = [rest[1:]]
        while rest.startswith("-"):
            line = await self._text()
            if line.startswith(code) and line[3:4] in ("", " "):
                rest = line[3:]
            lines.append(line[4:] if line.startswith(code) else line)
            if len(lines) > _MOST_LINES:
                raise NotFtp(f"gave an answer of more than {_MOST_LINES} lines")
        self._preliminary = self._preliminary + 1 if code.startswith("1") else 0
        if self._preliminary > _MOST_PRELIMINARY:
            raise NotFtp(f"gave more than {_MOST_PRELIMINARY} preliminary answers")
        return Code(code), lines

    async def _text(self) -> str:
        return (await self._blocking.readline()).decode(self.encoding, "surrogateescape").rstrip("\r\n")

    @property
    def has_unread(self) -> bool:
        """Whether something of an answer has been received and not been read yet."""
        return self._blocking.has_unread

    def fileno(self) -> int:
        """For waiting until there is more to be received."""
        return self._blocking.fileno()

    # End

    def break_off(self) -> None:
        """Drop the connection at once, from any thread, so that whoever waits for it wakes up with an error."""
        self._blocking.break_off()


def _reply(answer: tuple[Code, list[str]]) -> Reply:
    code, lines = answer
    return Reply(code, tuple(lines))


def _run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do to its end, in one go, what waits for nothing but the stream, which blocks."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast(_Result, end.value)
    raise AssertionError("aioftp waits for an event loop, which there is none of in this thread")
