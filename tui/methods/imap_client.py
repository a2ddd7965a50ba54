"""One conversation with an IMAP server (RFC 3501), for coroutines.

The standard library's client blocks, so it lives in a thread of its own, one command at a time. Whoever stops waiting
drops the connection, because the answer would be taken for the answer to the next command; that wakes the thread.
"""

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, TypeVar, cast

from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.dial import Peer
from tui.methods.failures import network_failure
from tui.methods.imap_syntax import (
    Answer,
    TooManyValues,
    UnreadableAnswer,
    Value,
    folder_argument,
    number,
    quoted,
    read_fetch,
    read_values,
)
from tui.methods.mail_token import REMEDY, challenge_reason, token_login

_LARGEST_LITERAL = 64 * 1024 * 1024
"""Bytes of one literal. Nothing of that size is ever asked for; a server that sends it wants to fill the memory."""

_LONGEST_LINE = 16 * 1024 * 1024
"""Bytes. The structure of a mail with ten thousand parts is a line of two million."""

_LARGEST_ANSWER = 128 * 1024 * 1024
_MOST_LINES = 100_000
"""Bytes and lines that a server may send in answer to one command."""

_GOODBYE = 2.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Folder:
    """A selected folder. UIDs mean the same message as long as `uidvalidity` is the same (RFC 3501 section 2.3.1.1)."""

    exists: int
    uidvalidity: str


class OversizedAnswer(TransferFailed):
    """An answer has come whole, but holds more than is kept in memory. The connection can be used on."""


class _Blocking(imaplib.IMAP4):
    """The standard library's client over a socket that is connected already."""

    def __init__(self, connected: socket.socket, host: str) -> None:
        self._connected = connected
        super().__init__(host)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        del timeout
        self.host, self.port = host, port
        self.sock = self._connected
        self.file = self.sock.makefile("rb")

    def begin_answer(self) -> None:
        """What comes from here on is the answer to the next command."""
        self._bytes = self._lines = 0

    _bytes = 0
    _lines = 0

    def read(self, size: int) -> bytes:
        if size > _LARGEST_LITERAL:
            raise self.abort(f"a literal of {size} bytes was announced")
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = cast("IO[bytes]", self.file).readline(_LONGEST_LINE + 1)
        if not line:
            raise self.abort("it was closed by the server")
        if len(line) > _LONGEST_LINE:
            raise self.abort(f"a line of more than {_LONGEST_LINE} bytes came")
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._bytes += size
        self._lines += 1
        if self._bytes > _LARGEST_ANSWER or self._lines > _MOST_LINES:
            raise self.abort(f"an answer came that does not end within {self._lines} lines and {self._bytes} bytes")


class ImapClient:
    """A connection to a server. Everything raises TransferFailed."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imap")
        self._lever: socket.socket | None = None
        self._blocking: _Blocking | None = None
        self._capabilities: frozenset[str] = frozenset()
        self._spoiled = False

    async def greet(self, connected: socket.socket, context: ssl.SSLContext | None) -> str:
        """Take over a connected socket, with implicit TLS when there is a context. Returns the server's greeting."""
        # Shutting down a duplicate reaches the connection whoever owns the socket at that moment, TLS or not.
        self._lever = connected.dup()

        def begin() -> _Blocking:
            connected.settimeout(self._peer.patience)
            if context is None:
                return _Blocking(connected, self._peer.host)
            return _Blocking(context.wrap_socket(connected, server_hostname=self._peer.host), self._peer.host)

        self._blocking = await self._ask("The connection", begin, FailureClass.REFUSED)
        welcome = bytes(self._blocking.welcome or b"")
        return welcome.decode("utf-8", "replace").removeprefix("* ")

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """RFC 3501 section 6.2.1. A server that does not offer it is refused; there is no falling back."""
        client = self._client
        if client.state != "NONAUTH" or "STARTTLS" not in client.capabilities:
            raise TransferFailed(
                FailureClass.TLS,
                f"{self._peer} does not offer STARTTLS, which the connection demands; nothing was sent.",
                remedy="Ask the partner for the port with TLS; port 993 usually wants tls = implicit.",
            )
        await self._ask("STARTTLS", lambda: client.starttls(context), FailureClass.TLS)

    @property
    def certificate(self) -> ssl.SSLSocket:
        """The TLS layer, with the certificate that the server has shown."""
        found = self._client.sock
        assert isinstance(found, ssl.SSLSocket)  # noqa: S101 - only asked for after a handshake
        return found

    async def login(self, username: str, secret: str) -> str:
        """Log in once, and learn what the server offers to this user. Returns the mechanism."""
        client = self._client
        if "AUTH=PLAIN" in client.capabilities:
            mechanism = "PLAIN"
            response = f"\0{username}\0{secret}".encode()
            await self._command(
                f"The login of {username}", lambda: client.authenticate("PLAIN", lambda _: response), FailureClass.AUTH
            )
        else:
            mechanism = "LOGIN"
            self._check_login_command(username, secret)
            await self._command(f"The login of {username}", lambda: client.login(username, secret), FailureClass.AUTH)
        await self._learn_what_is_offered()
        return mechanism

    async def login_with_token(self, username: str, token: str) -> str:
        """AUTHENTICATE XOAUTH2, once. A refusal comes as a challenge, which wants an empty line, and then as NO."""
        client = self._client
        if "AUTH=XOAUTH2" not in client.capabilities:
            raise TransferFailed(
                FailureClass.AUTH,
                f"{self._peer} offers no login with a token; none was sent.",
                remedy="Use auth = password, or ask the partner for the server that takes tokens.",
            )
        answers = [token_login(username, token)]
        reasons = []

        def answer(challenge: bytes) -> bytes:
            if answers:
                return answers.pop()
            reasons.append(challenge_reason(challenge))
            return b""

        doing = f"The login of {username}"
        try:
            await self._command(doing, lambda: client.authenticate("XOAUTH2", answer), FailureClass.AUTH)
        except TransferFailed as error:
            if error.failure.failure_class is not FailureClass.AUTH:
                raise
            said = f"{error} ({reasons[0]})" if reasons and reasons[0] else str(error)
            raise TransferFailed(FailureClass.AUTH, said, remedy=REMEDY) from None
        await self._learn_what_is_offered()
        return "XOAUTH2"

    async def _learn_what_is_offered(self) -> None:
        client = self._client
        # What was offered before the login says little; imaplib keeps that.
        answer = await self._command("CAPABILITY", client.capability)
        words = [word for line in answer if isinstance(line, bytes) for word in line.split()]
        self._capabilities = frozenset(word.decode("ascii", "replace").upper() for word in words)

    def _check_login_command(self, username: str, secret: str) -> None:
        if "LOGINDISABLED" in self._client.capabilities:
            raise TransferFailed(
                FailureClass.AUTH,
                f"{self._peer} allows no login here.",
                remedy="Set tls = starttls or tls = implicit in the connection; servers want logins encrypted.",
            )
        if not (username + secret).isascii() or re.search(r"[\r\n\0]", username + secret):
            raise TransferFailed(
                FailureClass.CONFIG,
                f"{self._peer} offers only LOGIN, which takes no user name or password beyond ASCII.",
                remedy="Ask the partner for a password of ASCII characters.",
            )

    @property
    def capabilities(self) -> frozenset[str]:
        """All that the server offers to the user who has logged in."""
        return self._capabilities

    def offers(self, capability: str) -> bool:
        """Whether the server offers something to the user who has logged in, such as `MOVE`."""
        return capability in self._capabilities

    async def select(self, folder: str, *, readonly: bool) -> Folder:
        """Choose the folder that the other commands are about. An answer that does not say since when the UIDs in it
        are valid (RFC 3501 section 6.3.1) is none: a mail that was delivered could not be told from a new one."""
        client = self._client
        argument = folder_argument(folder)
        exists = await self._command(
            f"The folder {folder}", lambda: client.select(argument, readonly), FailureClass.NOT_FOUND
        )
        uidvalidity = _number(client.response("UIDVALIDITY")[1])
        if not uidvalidity:
            raise TransferFailed(
                FailureClass.NETWORK,
                f"{self._peer} does not say since when the numbers of mails in {folder} are valid (UIDVALIDITY).",
                remedy="Run it again. If it stays so, the server cannot tell mails from one another: ask the partner.",
            )
        return Folder(_number(exists), str(uidvalidity))

    async def fetch(self, numbers: str, items: str) -> list[dict[str, Value]]:
        """FETCH by sequence numbers; these hold as long as nothing but FETCH is asked (RFC 3501 section 7.4.1)."""
        client = self._client
        return await self._read(read_fetch, await self._command("FETCH", lambda: client.fetch(numbers, items)))

    async def uid_fetch(self, uid: int, items: str) -> dict[str, Value]:
        """The items of one message; none when it is gone."""
        client = self._client
        answer = await self._command("UID FETCH", lambda: client.uid("FETCH", str(uid), items))
        # The server may tell news of other messages in between.
        mine = [found for found in await self._read(read_fetch, answer) if found.get("UID") == str(uid).encode()]
        return {name: value for found in mine for name, value in found.items()}

    async def move(self, uid: int, folder: str) -> None:
        """MOVE (RFC 6851), or what it stands for."""
        client = self._client
        argument = folder_argument(folder)
        if self.offers("MOVE"):
            await self._command(f"Moving to {folder}", lambda: client.uid("MOVE", str(uid), argument))
            return
        await self._command(f"Copying to {folder}", lambda: client.uid("COPY", str(uid), argument))
        await self.delete(uid)

    async def delete(self, uid: int) -> None:
        """Mark as deleted, and remove for good where that can be done for one message alone (UIDPLUS, RFC 4315). A
        plain EXPUNGE would remove what others have marked."""
        client = self._client
        await self._command("Deleting", lambda: client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)"))
        if self.offers("UIDPLUS"):
            await self._command("Deleting", lambda: client.uid("EXPUNGE", str(uid)))

    async def create(self, folder: str) -> None:
        client = self._client
        await self._command(f"Creating {folder}", lambda: client.create(folder_argument(folder)))

    async def delimiter(self) -> str:
        """What separates a folder from the folder inside it (RFC 3501 section 6.3.8)."""
        client = self._client
        answer = await self._command("LIST", lambda: client.list(quoted(""), quoted("")))
        values = await self._read(read_values, answer)
        found = values[1] if len(values) > 1 else None
        return found.decode("ascii", "replace") if isinstance(found, bytes) and found else "/"

    async def close(self) -> None:
        """Say good-bye, if that can be done, and close. Never raises."""
        client, self._blocking = self._blocking, None
        if client is not None and not self._spoiled:
            with suppress(TransferFailed, TimeoutError):
                async with asyncio.timeout(_GOODBYE):
                    await self._ask("LOGOUT", client.logout, FailureClass.NETWORK)
        self.abort()
        if client is not None:
            # In the thread, because it may still be reading.
            self._thread.submit(client.shutdown)
        self._thread.shutdown(wait=False)
        lever, self._lever = self._lever, None
        if lever is not None:
            lever.close()

    def abort(self) -> None:
        """Drop the connection at once, so that the thread wakes up."""
        self._spoiled = True
        if self._lever is not None:
            with suppress(OSError):
                self._lever.shutdown(socket.SHUT_RDWR)

    @property
    def _client(self) -> _Blocking:
        assert self._blocking is not None  # noqa: S101 - greeted first
        return self._blocking

    async def _read(self, form: Callable[[Answer], _Result], answer: Answer) -> _Result:
        """Understand an answer; in a thread, because it may be large. Raises OversizedAnswer."""
        try:
            return await asyncio.to_thread(form, answer)
        except TooManyValues as error:
            raise OversizedAnswer(FailureClass.REJECTED, f"{self._peer} has sent an answer of {error}.") from error
        except UnreadableAnswer as error:
            raise TransferFailed(
                FailureClass.NETWORK, f"{self._peer} does not answer as an IMAP server does: {error}."
            ) from error

    async def _command(
        self, doing: str, work: Callable[[], tuple[str, Any]], otherwise: FailureClass = FailureClass.REJECTED
    ) -> Answer:
        status, answer = await self._ask(doing, work, otherwise)
        if status != "OK":
            raise self._refusal(doing, _shown(answer), otherwise)
        return list(answer)

    async def _ask(self, doing: str, work: Callable[[], _Result], otherwise: FailureClass) -> _Result:
        if self._blocking is not None:
            self._blocking.begin_answer()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except asyncio.CancelledError:
            self.abort()
            raise
        except imaplib.IMAP4.readonly as error:
            raise TransferFailed(FailureClass.PERMISSION, f"{doing} can only be read at {self._peer}.") from error
        except imaplib.IMAP4.abort as error:
            self.abort()
            raise TransferFailed(
                FailureClass.NETWORK, f"{doing} failed: the connection to {self._peer} broke ({_shown(error.args)})."
            ) from error
        except imaplib.IMAP4.error as error:
            raise self._refusal(doing, _shown(error.args), otherwise) from error
        except OSError as error:
            self.abort()
            raise network_failure(error, str(self._peer)) from error
        except ValueError as error:
            # imaplib reads numbers and base64 without doubting that they are some.
            self.abort()
            raise TransferFailed(
                FailureClass.NETWORK, f"{self._peer} does not answer as an IMAP server does."
            ) from error

    def _refusal(self, doing: str, text: str, otherwise: FailureClass) -> TransferFailed:
        """What a negative answer means; its response code knows best (RFC 5530)."""
        code = re.search(r"\[([A-Z]+)[] ]", text)
        failure_class = _BY_CODE.get(code[1], otherwise) if code else otherwise
        return TransferFailed(failure_class, f"{doing} was refused by {self._peer}: {text}")


_BY_CODE = {
    "AUTHENTICATIONFAILED": FailureClass.AUTH,
    "AUTHORIZATIONFAILED": FailureClass.AUTH,
    "EXPIRED": FailureClass.AUTH,
    "PRIVACYREQUIRED": FailureClass.AUTH,
    "UNAVAILABLE": FailureClass.REFUSED,
    "INUSE": FailureClass.REFUSED,
    "LIMIT": FailureClass.REFUSED,
    "NOPERM": FailureClass.PERMISSION,
    "OVERQUOTA": FailureClass.SPACE,
    "NONEXISTENT": FailureClass.NOT_FOUND,
    "TRYCREATE": FailureClass.NOT_FOUND,
}


def _number(answer: Any) -> int:
    return number(answer[-1]) if answer else 0


def _shown(parts: Any) -> str:
    texts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in parts if part]
    return " ".join(texts) or "no reason given"
