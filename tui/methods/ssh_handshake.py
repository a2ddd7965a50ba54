"""The SSH handshake with one server, jump host or partner: what it shows is judged, then the user logs in."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Surroundings
from tui.methods.dial import Peer, Way
from tui.methods.narration import SILENT, Narrator
from tui.methods.ssh_config import SshServer
from tui.methods.ssh_failures import connection_failure, with_last_words
from tui.methods.ssh_lane import transport_of
from tui.methods.ssh_login import Login, ServerIdentity
from tui.methods.ssh_socket import SshSocket
from tui.trust.hostkeys import HostKeys, fingerprint_of, look_up

_KEEPALIVE = {"keepalive_interval": 15, "keepalive_count_max": 3}
_CIPHERS = (
    # First what common processors have instructions for: the partner's machine may have little else to spare.
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_OVER_A_SOCKET: dict[str, Any] = {
    # The way is opened by us, each server on it with our own policy: nothing of it is left to the library.
    "tunnel": None,
    "proxy_command": None,
    "canonicalize_hostname": False,
    # Its limits go through asyncio.wait_for, which loses cancellations on Python 3.11.
    "connect_timeout": None,
}


async def known_keys(server: SshServer, own: Path) -> HostKeys:
    """What is known of the server's keys; `own` is Wharf's file. Raises TransferFailed (config)."""
    port = 22 if server.has_key_alias else server.port
    return await asyncio.to_thread(look_up, server.host, port, (own, *server.known_hosts), server.pin)


async def log_in(
    server: SshServer, way: Way, connection: Connection, narrator: Narrator, surroundings: Surroundings
) -> asyncssh.SSHClientConnection:
    """Connect, check who answers, and log in, as the steps up to `login`. Raises TransferFailed. The way is not closed
    with the connection."""
    known = await known_keys(server, surroundings.known_hosts)
    peer = Peer(server.address, server.port, connection.stall_timeout)
    connected = await way.connect(peer, narrator)
    async with _Handshake(server, known, way, peer, connection.name) as handshake:
        with narrator.step("identity") as note:
            identity = await handshake.meet(connected)
            if identity.refusal is not None:
                raise identity.refusal
            note.detail = f"{identity.key}, {identity.why}; {identity.version}"
        with narrator.step("login") as note:
            link = await handshake.finish()
            note.detail = f"{server.user}, {handshake.accepted_way}"
    return link


async def shown_key(server: SshServer, known: HostKeys, way: Way, patience: float) -> asyncssh.SSHKey:
    """The key that is pinned, where the server has it among others; else the first one that it shows. Nobody logs in.
    Raises TransferFailed."""
    peer = Peer(server.address, server.port, patience)
    algorithms = known.plain_algorithms
    first = key = await _fetch_key(server, way, peer, algorithms)
    while known.pin is not None and fingerprint_of(key) != known.pin:
        kinds = {name.decode() for name in key.sig_algorithms}
        algorithms = [name for name in algorithms if name not in kinds]
        if not algorithms:
            return first
        try:
            key = await _fetch_key(server, way, peer, algorithms)
        except TransferFailed:
            # It has no key of these kinds, which some servers say by hanging up.
            return first
    return key


async def _fetch_key(server: SshServer, way: Way, peer: Peer, algorithms: Sequence[str]) -> asyncssh.SSHKey:
    connected = await way.connect(peer, SILENT)
    try:
        key = await asyncssh.get_server_host_key(
            **_without(server.options, "username"),
            sock=connected,
            tunnel=None,
            proxy_command=None,
            server_host_key_algs=algorithms,
        )
    except (asyncssh.Error, OSError) as error:
        raise connection_failure(error, str(peer)) from error
    finally:
        connected.close()
    if key is None:
        raise TransferFailed(FailureClass.HOST_KEY, f"{peer} has shown no host key.")
    return key


def _without(options: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}


class _Handshake:
    """The library's handshake, taken apart into the steps that are narrated. Leaving with an error undoes it."""

    def __init__(self, server: SshServer, known: HostKeys, way: Way, peer: Peer, connection: str) -> None:
        self._server = server
        self._known = known
        self._way = way
        self._peer = peer
        self._connection = connection
        self._login = Login(connection, server, known)
        self._task: asyncio.Task[asyncssh.SSHClientConnection] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            await self._end()

    @property
    def accepted_way(self) -> str:
        return self._login.tried[-1] if self._login.tried else "nothing was asked"

    async def meet(self, connected: socket.socket) -> ServerIdentity:
        """See what the server shows over this connection; what is not trusted is no error yet.

        A pin does not tell the kind of its key, so a server that shows another one is asked for its other kinds too.
        """
        algorithms = self._known.algorithms
        first = identity = await self._meet(connected, algorithms)
        while self._known.pin is not None and identity.refusal is not None:
            algorithms = [name for name in algorithms if name not in identity.algorithms]
            if not algorithms:
                return first
            await self._end()
            try:
                identity = await self._meet(await self._way.connect(self._peer, SILENT), algorithms)
            except TransferFailed:
                # It has no key of these kinds, which some servers say by hanging up. What it has shown is what counts.
                return first
        return identity

    async def finish(self) -> asyncssh.SSHClientConnection:
        """The connection, logged in."""
        assert self._task is not None  # noqa: S101 - meet() comes first
        try:
            return await self._task
        except (asyncssh.Error, OSError) as error:
            if isinstance(error, asyncssh.PermissionDenied):
                raise self._login.refusal() from error
            failure = connection_failure(error, str(self._peer))
            raise with_last_words(failure, await self._way.last_words()) from error

    async def _meet(self, connected: socket.socket, algorithms: Sequence[str]) -> ServerIdentity:
        self._login = Login(self._connection, self._server, self._known)
        self._task = asyncio.create_task(self._shake_hands(connected, algorithms))
        either: set[asyncio.Future[Any]] = {self._task, self._login.identity}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._login.identity.done():
            return self._login.identity.result()
        await self.finish()
        raise TransferFailed(FailureClass.HOST_KEY, f"{self._peer} has shown no host key.")

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _shake_hands(self, connected: socket.socket, algorithms: Sequence[str]) -> asyncssh.SSHClientConnection:
        login = self._login
        gentle = SshSocket(connected)
        try:
            link = await asyncssh.connect(
                **({"username": self._server.user} | self._server.options),
                **_OVER_A_SOCKET,
                sock=gentle,
                client_factory=lambda: login,
                host_key_alias=self._server.host,
                # Every key is judged by Login. The library itself checks the key within a certificate only.
                known_hosts=([], [], list(self._known.revoked) if self._known.authorities else []),
                server_host_key_algs=algorithms,
                encryption_algs=_CIPHERS if self._server.options["config"] is None else (),
                preferred_auth=self._server.ways.methods,
                # Login offers keys and the password; what the library would find by itself is turned off.
                client_keys=None,
                agent_path=None,
                password=None,
                pkcs11_provider=None,
                gss_host=None,
                x509_trusted_certs=None,
                x509_trusted_cert_paths=(),
                utf8_decode_errors="replace",
                **_KEEPALIVE,
            )
        except BaseException:
            gentle.close()
            raise
        if transport := transport_of(link):
            gentle.read_by(transport)
        return link
