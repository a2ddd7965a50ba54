"""From a host name to a folder on an FTP server, step by step; each step is taken only when the last one held."""

import asyncio
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tui.domain.connection import Connection
from tui.domain.endpoint import FtpEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import FtpTls
from tui.domain.text import printable
from tui.methods.base import Surroundings
from tui.methods.dial import Peer
from tui.methods.failures import network_failure
from tui.methods.ftp_replies import is_unknown_command, quote, refusal
from tui.methods.ftps_client import FtpsClient, NotFtp, Refused, Reply, Unsendable
from tui.methods.narration import StepNote
from tui.methods.route import find_way
from tui.trust.tls import check_pin, client_context, trusted_certificate

_WINDOW = 16
"""Commands that are sent before the answer to the first of them is read."""
_TLS_WORDS = ("encrypt", "tls", "ssl", "secure")


@dataclass(frozen=True, slots=True)
class Features:
    """What the server can do beyond RFC 959."""

    facts: bool = False
    """MLSD and MLST."""
    times: bool = False
    """MDTM."""
    sizes: bool = False
    """SIZE."""
    sha256: bool = False
    """HASH, set to SHA-256."""
    restarts: bool = False
    """REST in stream mode."""
    listed: tuple[str, ...] = ()
    """All that the server names, in its own words."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Where a login has led: what the server can do, and the folder, as the server names it."""

    features: Features
    folder: str


@dataclass(slots=True)
class Shared:
    """What all sessions of a connection with its server have in common."""

    window: int = _WINDOW
    """Commands that the server takes at a time, as far as its sessions have learned."""
    context: ssl.SSLContext | None = None
    making_context: asyncio.Lock = field(default_factory=asyncio.Lock)


class FtpDoor:
    """Enters a server as a connection's endpoint says. Can be used again after a connection was lost."""

    def __init__(self, connection: Connection, surroundings: Surroundings, shared: Shared | None = None) -> None:
        assert isinstance(connection.endpoint, FtpEndpoint)  # noqa: S101 - the model's method says so
        self._connection = connection
        self._endpoint = connection.endpoint
        self._surroundings = surroundings
        self.where = place_of(self._endpoint)
        self.shared = shared or Shared()

    def make_client(self) -> FtpsClient:
        """A client, not connected yet, that checks the pin of every TLS connection it makes."""
        way = find_way(self._connection, self._surroundings)
        endpoint = self._endpoint
        return FtpsClient(lambda tls: check_pin(tls, endpoint.fingerprint, self.where), way, endpoint.encoding)

    async def enter(self, client: FtpsClient) -> Inside:
        """Connect, identify, log in. Narrates each step; the secret is fetched only after `identity` has passed."""
        context = None if self._endpoint.tls is FtpTls.NONE else await self._context_once()
        with translated("The connection", self.where):
            await client.reach(peer_of(self._connection), self._surroundings.narrator)
        if self._endpoint.tls is not FtpTls.IMPLICIT:
            with self._step("greeting", FailureClass.REFUSED) as note:
                note.detail = quote(await greeting(client))
        with self._step("identity", FailureClass.TLS) as note:
            note.detail = await self._identify(client, context)
        with self._step("login", FailureClass.AUTH) as note:
            await self._log_in(client)
            if self._endpoint.tls is FtpTls.IMPLICIT:
                await _protect_data(client, self._endpoint.tls)
            note.detail = f"as {self._endpoint.username}"
        with self._step("features") as note:
            features, note.detail = await _explore(client)
        with self._step("folder", FailureClass.NOT_FOUND) as note:
            note.detail = folder = await self._go_to_folder(client)
        return Inside(features, folder)

    async def _context_once(self) -> ssl.SSLContext:
        """The same for all sessions: to read the CAs of a system takes longer than many a login."""
        async with self.shared.making_context:
            if self.shared.context is None:
                endpoint = self._endpoint
                self.shared.context = await asyncio.to_thread(client_context, endpoint.ca_file, endpoint.fingerprint)
            return self.shared.context

    @contextmanager
    def _step(self, name: str, otherwise: FailureClass = FailureClass.REJECTED) -> Iterator[StepNote]:
        doing = {
            "greeting": "The connection",
            "identity": "TLS",
            "login": f"The login as {self._endpoint.username}",
            "folder": f"Entering the folder {self._endpoint.directory}",
        }.get(name, name.capitalize())
        with self._surroundings.narrator.step(name) as note, translated(doing, self.where, otherwise):
            yield note

    async def _identify(self, client: FtpsClient, context: ssl.SSLContext | None) -> str:
        if context is None:
            return "not encrypted: anybody on the way can read along, and nothing proves who the server is"
        tls = await start_tls(client, self._endpoint, context)
        if self._endpoint.tls is FtpTls.EXPLICIT:
            await _protect_data(client, self._endpoint.tls)
        certificate = trusted_certificate(tls, self._endpoint.fingerprint, self.where)
        if certificate.ends is not None:
            self._surroundings.certificate_seen(certificate.ends)
        return certificate.detail

    async def _log_in(self, client: FtpsClient) -> None:
        secret = await self._surroundings.secret()
        reply = await client.exchange(f"USER {self._endpoint.username}")
        if reply.code == "331":
            reply = await self._send_password(client, secret)
        if reply.code in {"230", "202"}:
            return
        if self._endpoint.tls is FtpTls.NONE and any(word in reply.text.lower() for word in _TLS_WORDS):
            raise TransferFailed(
                FailureClass.TLS,
                f"{self.where} takes no login without encryption: {quote(reply)}",
                remedy='Set tls = "explicit" in the connection.',
            )
        # A server may repeat what it was sent.
        lines = tuple(line.replace(secret, "***") if secret else line for line in reply.lines)
        raise Refused(Reply(reply.code, lines))

    async def _send_password(self, client: FtpsClient, secret: str | None) -> Reply:
        if secret is None:
            raise TransferFailed(
                FailureClass.CONFIG,
                f"{self.where} asks for a password, and the connection names no secret.",
                remedy="Name a secret in the connection, such as vault:NAME.",
            )
        try:
            return await client.exchange(f"PASS {secret}", secret_after=len("PASS "))
        except Unsendable:
            raise TransferFailed(
                FailureClass.CONFIG,
                "The secret holds a line break or another control character; it was not sent.",
                remedy="Look for a line break at the end of the secret.",
            ) from None

    async def _go_to_folder(self, client: FtpsClient) -> str:
        if self._endpoint.directory != ".":
            await client.demand(f"CWD {self._endpoint.directory}")
        reply = await client.exchange("PWD")
        folder = _quoted(reply.text) if reply.code == "257" else None
        return folder or self._endpoint.directory


@contextmanager
def translated(doing: str, where: str, otherwise: FailureClass = FailureClass.REJECTED) -> Iterator[None]:
    """Make a TransferFailed of what the client raises. `doing` says what was tried, such as `Writing a.csv`;
    `otherwise` is what a refusal means that does not tell by itself.
    """
    try:
        yield
    except Refused as error:
        raise refusal(error.reply, doing, otherwise=otherwise) from error
    except Unsendable as error:
        raise TransferFailed(
            FailureClass.UNSAFE_NAME,
            f"{doing}: control characters, and what the server's encoding has no characters for, are not sent.",
        ) from error
    except NotFtp as error:
        raise TransferFailed(FailureClass.NETWORK, f"{doing} failed: {where} {error}.") from error
    except OSError as error:
        raise network_failure(error, where) from error


def peer_of(connection: Connection) -> Peer:
    """The server of a connection by FTP."""
    return Peer(connection.host, connection.port, connection.stall_timeout)


def place_of(endpoint: FtpEndpoint) -> str:
    """Host and port, as messages name the server."""
    return f"{endpoint.host}:{endpoint.resolved_port}"


async def greeting(client: FtpsClient) -> Reply:
    """What the server says first. Raises Refused when it takes no clients now, and NotFtp."""
    reply = await client.exchange(None)
    if not reply.positive:
        raise Refused(reply)
    return reply


async def start_tls(client: FtpsClient, endpoint: FtpEndpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Encrypt the control connection: with explicit TLS by AUTH after the greeting, with implicit TLS before it."""
    if endpoint.tls is FtpTls.IMPLICIT:
        tls = await _encrypt_implicitly(client, endpoint, context)
        await greeting(client)
        return tls
    reply = await client.exchange("AUTH TLS")
    if reply.code != "234":
        raise TransferFailed(
            FailureClass.TLS,
            f"{place_of(endpoint)} offers no TLS: {quote(reply)}",
            remedy="Ask the partner for TLS; nothing was sent to log in with.",
        )
    return await client.encrypt(context, endpoint.host)


async def _encrypt_implicitly(client: FtpsClient, endpoint: FtpEndpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        return await client.encrypt(context, endpoint.host)
    except (ssl.SSLError, NotFtp) as error:
        if isinstance(error, ssl.SSLError) and error.reason != "WRONG_VERSION_NUMBER":
            raise
        raise TransferFailed(
            FailureClass.TLS,
            f"{place_of(endpoint)} does not begin with TLS.",
            remedy='Set tls = "explicit" in the connection, or correct the port: implicit TLS usually is on 990.',
        ) from error


async def _protect_data(client: FtpsClient, tls: FtpTls) -> None:
    """RFC 4217, section 9. A server with implicit TLS may not know the commands, as its data is encrypted anyway."""
    for command in ("PBSZ 0", "PROT P"):
        reply = await client.exchange(command)
        if not reply.positive and not (tls is FtpTls.IMPLICIT and is_unknown_command(reply)):
            raise Refused(reply)


async def _explore(client: FtpsClient) -> tuple[Features, str]:
    """RFC 2389, section 3. Also sets what depends on it: UTF-8 or not for names, SHA-256 for HASH, and binary
    transfers."""
    offered = _offered(await client.exchange("FEAT"))
    if "UTF8" in offered:
        # Most servers with UTF8 use it anyway, and some refuse to be told.
        await client.exchange("OPTS UTF8 ON" if client.speaks_utf8 else "OPTS UTF8 OFF")
    sha256 = "SHA-256" in re.split(r"[;*\s]+", offered.get("HASH", "").upper())
    if sha256:
        sha256 = (await client.exchange("OPTS HASH SHA-256")).positive
    await client.demand("TYPE I")
    listed = tuple(f"{name} {parameters}".strip() for name, parameters in offered.items())
    features = Features("MLST" in offered, "MDTM" in offered, "SIZE" in offered, sha256, "REST" in offered, listed)
    named = [name for name in ("MLST", "MDTM", "SIZE", "REST", "UTF8") if name in offered]
    what = ", ".join([*named, "HASH SHA-256"] if sha256 else named) or "none beyond RFC 959"
    return features, what if client.speaks_utf8 else f"{what}; names are read and written as {client.encoding}"


def _offered(reply: Reply) -> dict[str, str]:
    """The features by their names, each with its parameters."""
    if not reply.positive:
        return {}
    pairs = (line.strip().partition(" ") for line in reply.lines[1:-1])
    return {name.upper(): parameters for name, _, parameters in pairs if name}


def _quoted(text: str) -> str | None:
    """The path in the answer to PWD, where a quotation mark in the path is doubled (RFC 959, appendix II)."""
    match = re.search(r'"((?:[^"]|"")*)"', text)
    if match is None:
        return None
    folder = match[1].replace('""', '"')
    return folder if printable(folder) == folder else None
