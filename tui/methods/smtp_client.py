"""One conversation with an SMTP server (RFC 5321), from the greeting to the last mail.

Commands go through aiosmtplib, one at a time. What is done here and not there: TLS exactly as demanded, one login
attempt by one mechanism, a time limit on every answer without `asyncio.wait_for`, and mails written block by block, so
that a mail need not be in memory and every block that the server takes shows that it is alive.
"""

import asyncio
import base64
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic

import aiosmtplib

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import OutcomeUnknown
from tui.methods.dial import Peer
from tui.methods.failures import network_failure
from tui.methods.mail_token import REMEDY, challenge_in, challenge_reason, token_login

_SLOWEST = 50_000
"""Bytes per second with which a server may check a mail before it answers for it; see `_limit_for_answer`."""

_LONGEST_ANSWER = 600
"""Seconds that RFC 5321 section 4.5.3.2.6 asks clients to wait for that answer."""

_BEAT = 0.5
"""Seconds between two signs of life while that answer is awaited."""

_GOODBYE = 2.0

_DATE = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}")
"""As RFC 5322 section 3.3 writes it; many servers end their greeting with it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server said to one recipient."""

    recipient: str
    code: int
    text: str

    @property
    def for_now(self) -> bool:
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return f"{self.recipient}: {self.code} {self.text}"


class SmtpClient:
    """A connection to a server. Everything raises TransferFailed."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._smtp = aiosmtplib.SMTP(timeout=None)
        self._socket: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._spoiled = False
        self._begun = False
        self._greeting, self._greeted_at = "", 0.0

    async def greet(self, connected: socket.socket, context: ssl.SSLContext | None) -> str:
        """Take over a connected socket, with implicit TLS when there is a context. Returns the server's greeting."""
        self._socket = connected
        async with self._asking("The connection"):
            response = await self._smtp.connect(
                hostname=self._peer.host,
                sock=connected,
                local_hostname=_address_literal(connected),
                use_tls=context is not None,
                start_tls=False,
                tls_context=context,
                timeout=None,
            )
        self._greeting, self._greeted_at = response.message, monotonic()
        return response.message

    async def hello(self) -> None:
        async with self._asking("EHLO"):
            await self._smtp.ehlo()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """RFC 3207. A server that does not offer it is refused: there is no falling back to plain text."""
        await self.hello()
        if not self._smtp.supports_extension("starttls"):
            raise TransferFailed(
                FailureClass.TLS,
                f"{self._peer} does not offer STARTTLS, which the connection demands; nothing was sent.",
                remedy="Ask the partner for the port with TLS; port 465 usually wants tls = implicit.",
            )
        async with self._asking("STARTTLS"):
            await self._smtp.starttls(tls_context=context, server_hostname=self._peer.host)

    @property
    def certificate(self) -> ssl.SSLObject:
        """The TLS layer, with the certificate that the server has shown."""
        found = self._smtp.get_transport_info("ssl_object")
        assert isinstance(found, ssl.SSLObject)  # noqa: S101 - only asked for after a handshake
        return found

    @property
    def extensions(self) -> list[str]:
        """What the server offers in answer to EHLO, such as `SIZE 52428800` and `AUTH PLAIN LOGIN`."""
        return [f"{name.upper()} {value}".strip() for name, value in self._smtp.esmtp_extensions.items()]

    @property
    def server_time(self) -> float | None:
        """What time it is for the server by now, in seconds since the epoch, if its greeting has told the time."""
        told = _DATE.search(self._greeting)
        if told is None:
            return None
        try:
            return parsedate_to_datetime(told[0]).timestamp() + monotonic() - self._greeted_at
        except (ValueError, OverflowError):
            return None

    @property
    def size_limit(self) -> int | None:
        """Bytes of the largest mail that the server takes, if it says so, in twenty digits at most; 0 is no limit (RFC
        1870, section 3)."""
        value = self._smtp.esmtp_extensions.get("size", "").strip()
        return (int(value) or None) if re.fullmatch(r"[0-9]{1,20}", value) else None

    async def login(self, username: str, secret: str, *, encrypted: bool) -> str:
        """AUTH (RFC 4954), once, with the first mechanism of ours that the server offers. Returns its name.

        Trying one after the other would count as several failed logins and lock accounts.
        """
        offered = self._smtp.server_auth_methods
        mechanisms = ("plain", "login", "cram-md5") if encrypted else ("cram-md5", "plain", "login")
        mechanism = next((name for name in mechanisms if name in offered), None)
        if mechanism is None:
            raise TransferFailed(
                FailureClass.AUTH,
                f"{self._peer} offers no login by password that Wharf knows ({', '.join(offered) or 'none at all'}).",
                remedy=(
                    "Use auth = xoauth2 with a token if that is offered, ask the partner for a login with PLAIN, or "
                    "remove username and secret if none is needed."
                ),
            )
        authenticate = {
            "plain": self._smtp.auth_plain,
            "login": self._smtp.auth_login,
            "cram-md5": self._smtp.auth_crammd5,
        }[mechanism]
        async with self._asking(f"The login of {username}", otherwise=FailureClass.AUTH):
            await authenticate(username, secret)
        return mechanism.upper()

    async def login_with_token(self, username: str, token: str) -> str:
        """AUTH XOAUTH2, once. A refusal comes as a challenge, to be answered by an empty line, and then as a code."""
        offered = self._smtp.server_auth_methods
        if "xoauth2" not in offered:
            raise TransferFailed(
                FailureClass.AUTH,
                f"{self._peer} offers no login with a token ({', '.join(offered) or 'none at all'}); none was sent.",
                remedy="Use auth = password, or ask the partner for the server that takes tokens.",
            )
        login = base64.b64encode(token_login(username, token))
        async with self._asking(f"The login of {username}", otherwise=FailureClass.AUTH):
            response = await self._smtp.execute_command(b"AUTH", b"XOAUTH2", login)
            reason = ""
            if response.code == aiosmtplib.SMTPStatus.auth_continue:
                reason = challenge_reason(challenge_in(response.message))
                response = await self._smtp.execute_command(b"")
        if response.code != aiosmtplib.SMTPStatus.auth_successful:
            raise self._token_refused(username, response, reason)
        return "XOAUTH2"

    def _token_refused(self, username: str, response: aiosmtplib.SMTPResponse, reason: str) -> TransferFailed:
        said = f"{response.message} ({reason})" if reason else response.message
        refused = _refusal(f"The login of {username}", self._peer, response.code, said, FailureClass.AUTH)
        if refused.failure.failure_class is not FailureClass.AUTH:
            return refused
        return TransferFailed(FailureClass.AUTH, str(refused), remedy=REMEDY)

    async def reset(self) -> None:
        """Take back what `begin` has begun."""
        async with self._asking("RSET"):
            await self._smtp.rset()

    async def begin(self, sender: str, recipients: Sequence[str], size: int) -> list[Refusal]:
        """Name sender and recipients of the next mail. Returns the recipients that were refused; maybe all."""
        if self._begun:
            # Whatever the last attempt has left behind.
            await self.reset()
        self._begun = True
        options = [f"SIZE={size}"] if self._smtp.supports_extension("size") else []
        async with self._asking(f"The sender {sender}"):
            await self._smtp.mail(sender, options=options)
        refused = []
        for recipient in recipients:
            async with self._asking(f"The recipient {recipient}"):
                try:
                    await self._smtp.rcpt(recipient)
                except aiosmtplib.SMTPRecipientRefused as error:
                    refused.append(Refusal(recipient, error.code, " ".join(error.message.split())))
        return refused

    async def send(self, blocks: AsyncIterator[bytes], size: int, alive: Callable[[], None]) -> str:
        """The mail itself, in blocks that end with complete lines. Returns the server's answer, which makes it
        responsible for the mail. `alive` is called whenever the server has taken a block.
        """
        async with self._asking("DATA"):
            response = await self._smtp.execute_command(b"DATA")
            _expect(response, aiosmtplib.SMTPStatus.start_input)
        # From here to the end, a command would be taken for a line of the mail: there is no way back but to hang up.
        self._spoiled = True
        async for block in blocks:
            await self._write(_stuffed(block))
            alive()
        await self._write(b".\r\n")
        answer = await self._answer(size, alive)
        if answer.code != aiosmtplib.SMTPStatus.completed and not 400 <= answer.code < 600:
            # Neither yes nor no: the connection is out of step, and the mail may well have been taken.
            raise self._unknown_fate()
        self._spoiled = False
        with _translated("The mail", self._peer, FailureClass.REJECTED):
            _expect(answer, aiosmtplib.SMTPStatus.completed)
        return f"{answer.code} {answer.message}"

    async def close(self) -> None:
        """Say good-bye, if that can be done, and close. Never raises."""
        if not self._spoiled and self._smtp.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):
                async with asyncio.timeout(_GOODBYE):
                    await self._smtp.quit()
        self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._spoiled = True
        if isinstance(self._smtp.transport, asyncio.WriteTransport):
            self._smtp.transport.abort()
        elif self._socket is not None:
            # Still in the hands of whoever waits for the greeting.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _flow(self) -> asyncio.StreamWriter:
        """Flow control over the client's transport. Kept once made, because it closes the transport when collected."""
        if self._writer is None:
            transport, protocol = self._smtp.transport, self._smtp.protocol
            if not isinstance(transport, asyncio.WriteTransport) or protocol is None:
                raise ConnectionResetError("closed by the server")
            self._writer = asyncio.StreamWriter(transport, protocol, None, asyncio.get_running_loop())
        return self._writer

    async def _write(self, data: bytes) -> None:
        with _translated("The mail", self._peer, FailureClass.REJECTED):
            async with asyncio.timeout(self._peer.patience):
                self._flow().write(data)
                await self._flow().drain()

    async def _answer(self, size: int, alive: Callable[[], None]) -> aiosmtplib.SMTPResponse:
        """The answer to a complete mail. Getting none does not mean that the mail has not arrived."""
        protocol = self._smtp.protocol
        if protocol is None:
            raise self._unknown_fate()
        answer = asyncio.ensure_future(protocol.read_response())
        try:
            async with asyncio.timeout(self._limit_for_answer(size)):
                while not answer.done():
                    await asyncio.wait({answer}, timeout=_BEAT)
                    alive()
            return answer.result()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._unknown_fate() from error
        finally:
            answer.cancel()

    def _limit_for_answer(self, size: int) -> float:
        """Servers check a mail for viruses before they answer, so a large one takes longer than one sign of life."""
        return max(self._peer.patience, min(self._peer.patience + size / _SLOWEST, _LONGEST_ANSWER))

    def _unknown_fate(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self._peer} has taken the whole mail but not confirmed it, so it may have been delivered."
        )

    @asynccontextmanager
    async def _asking(self, doing: str, *, otherwise: FailureClass = FailureClass.REJECTED) -> AsyncIterator[None]:
        """A command whose answer must come in time. When none came, it would be taken for the answer to the next
        command, so the connection is dropped."""
        with _translated(doing, self._peer, otherwise):
            try:
                async with asyncio.timeout(self._peer.patience):
                    yield
            except (TimeoutError, asyncio.CancelledError):
                self.abort()
                raise


@contextmanager
def _translated(doing: str, peer: Peer, otherwise: FailureClass) -> Iterator[None]:
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(doing, peer, error.code, error.message, otherwise) from error
    except aiosmtplib.SMTPException as error:
        # aiosmtplib wraps what the socket or TLS has raised.
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        if isinstance(cause, OSError):
            raise network_failure(cause, str(peer)) from error
        raise TransferFailed(otherwise, f"{doing} failed at {peer}: {error.message}") from error
    except OSError as error:
        raise network_failure(error, str(peer)) from error


_LOGIN_CODES = frozenset({530, 534, 535, 538})
"""RFC 4954 section 6: a login is missing, too weak, wrong, or must be encrypted."""


def _refusal(doing: str, peer: Peer, code: int, text: str, otherwise: FailureClass) -> TransferFailed:
    """What a negative answer means: 4xx is no for now, 5xx is no for good (RFC 5321 section 4.2.1)."""
    if code in _LOGIN_CODES:
        failure_class = FailureClass.AUTH
    elif 400 <= code < 500:
        failure_class = FailureClass.REFUSED
    elif code >= 500:
        failure_class = otherwise
    else:
        return TransferFailed(FailureClass.NETWORK, f"{peer} does not answer as a mail server does: {text}")
    return TransferFailed(failure_class, f"{doing} was refused by {peer}: {code} {text}")


def _expect(response: aiosmtplib.SMTPResponse, code: int) -> None:
    if response.code != code:
        raise aiosmtplib.SMTPResponseException(response.code, response.message)


def _stuffed(lines: bytes) -> bytes:
    """A dot at the begin of a line is doubled (RFC 5321 section 4.5.2)."""
    doubled = lines.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def _address_literal(connected: socket.socket) -> str:
    """What we call ourselves in EHLO: our address (RFC 5321 section 4.1.3). Our host name is nobody's business, and
    looking it up can take long."""
    if connected.family not in (socket.AF_INET, socket.AF_INET6):
        # The address that the server sees is that of a jump host, which does not tell it.
        return "[127.0.0.1]"
    address = str(connected.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
