"""Opens SSH connections: the way there, the handshake, and what is narrated of both."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from tui.domain.connection import Connection
from tui.domain.endpoint import SftpEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Surroundings, network_failure
from tui.methods.ssh_failures import connection_failure
from tui.methods.ssh_login import Login, ServerIdentity, Ways
from tui.trust.hostkeys import HostKeys, fingerprint_of, look_up
from tui.trust.identity import Identity

_DIAL_LIMIT = 15.0
"""Seconds for one address to accept the connection, before the next one is tried."""
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
_DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass(frozen=True, slots=True)
class _Route:
    """Where to connect to and as whom, after the ssh_config alias, if there is one, was looked up."""

    host: str
    """As known_hosts files name it."""
    address: str
    """What to resolve."""
    port: int
    user: str
    ways: Ways
    detour: str | None
    """The jump host or proxy command that ssh_config names, in words."""
    options: dict[str, Any]
    """For asyncssh: those that name the host, and where else it may read options from."""


async def open_link(connection: Connection, surroundings: Surroundings) -> asyncssh.SSHClientConnection:
    """Connect, check who answers, and log in. Raises TransferFailed."""
    endpoint = _endpoint(connection)
    narrator = surroundings.narrator
    route = await _find_route(endpoint)
    known = await _known_keys(route, endpoint, surroundings.known_hosts)
    addresses = []
    if route.detour is None:
        with narrator.step("resolve") as note:
            addresses = await _resolve(route)
            note.detail = ", ".join(address.shown for address in addresses)
    async with _Handshake(
        route, known, lambda: Login(connection.name, route.user, known, route.ways, surroundings)
    ) as handshake:
        with narrator.step("connect") as note:
            identity = await handshake.meet(addresses)
            note.detail = f"{route.detour or handshake.peer}, {identity.version}"
        with narrator.step("identity") as note:
            if identity.refusal is not None:
                raise identity.refusal
            note.detail = f"{identity.key}, {identity.why}"
        with narrator.step("login") as note:
            link = await handshake.finish()
            note.detail = f"{route.user}, {handshake.accepted_way}"
    return link


async def identify(connection: Connection, surroundings: Surroundings) -> Identity:
    """Fetch the server's host key and judge it, without logging in. Raises TransferFailed."""
    endpoint = _endpoint(connection)
    route = await _find_route(endpoint)
    known = await _known_keys(route, endpoint, surroundings.known_hosts)
    try:
        async with asyncio.timeout(connection.stall_timeout):
            key = await _shown_key(route, known)
    except (asyncssh.Error, OSError) as error:
        raise connection_failure(error, known.where) from error
    return known.judge(key)


async def _shown_key(route: _Route, known: HostKeys) -> asyncssh.SSHKey:
    """The key that is pinned, where the server has it among others; else the first one that it shows."""
    algorithms = known.plain_algorithms
    first = key = await _fetch_key(route, known, algorithms)
    while known.pin is not None and fingerprint_of(key) != known.pin:
        kinds = {name.decode() for name in key.sig_algorithms}
        algorithms = [name for name in algorithms if name not in kinds]
        if not algorithms:
            return first
        try:
            key = await _fetch_key(route, known, algorithms)
        except (asyncssh.Error, OSError):
            # It has no key of these kinds, which some servers say by hanging up.
            return first
    return key


async def _fetch_key(route: _Route, known: HostKeys, algorithms: Sequence[str]) -> asyncssh.SSHKey:
    plug = await _dial(route, await _resolve(route)) if route.detour is None else None
    key = await asyncssh.get_server_host_key(**route.options, sock=plug, server_host_key_algs=algorithms)
    if key is None:
        raise TransferFailed(FailureClass.HOST_KEY, f"{known.where} has shown no host key.")
    return key


def _endpoint(connection: Connection) -> SftpEndpoint:
    assert connection.sftp is not None  # noqa: S101 - this module serves no other method
    return connection.sftp


async def _find_route(endpoint: SftpEndpoint) -> _Route:
    if endpoint.ssh_config is not None:
        return await asyncio.to_thread(_route_by_alias, endpoint, endpoint.ssh_config)
    assert endpoint.host is not None and endpoint.username is not None  # noqa: S101, PT018 - the model demands both
    options = {
        "host": endpoint.host,
        "port": endpoint.port,
        # Nothing of the user's own SSH set-up has a say unless the connection asks for it.
        "config": None,
    }
    ways = _ways(endpoint, [])
    return _Route(endpoint.host, endpoint.host, endpoint.port, endpoint.username, ways, None, options)


def _route_by_alias(endpoint: SftpEndpoint, alias: str) -> _Route:
    """Look the alias up in ~/.ssh/config. What the connection says itself goes first."""
    config = _in_ssh_folder("config")
    named: dict[str, Any] = {"host": alias, "config": [str(config)]}
    if "port" in endpoint.model_fields_set:
        named["port"] = endpoint.port
    try:
        found = asyncssh.SSHClientConnectionOptions(
            **named, known_hosts=None, client_keys=None, agent_path=None, gss_host=None
        )
    except (OSError, ValueError, asyncssh.ConfigParseError) as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"{config} cannot be used for the host {alias}: {error}.",
            remedy="Correct the file, or give host and username in the connection instead of ssh_config.",
        ) from error
    host = endpoint.host or found.host
    jump, proxy = found.config.get("ProxyJump"), found.config.get("ProxyCommand")
    detour = f"jump host {jump}" if jump else f"proxy command of {alias}" if proxy else None
    return _Route(
        host=str(found.host_key_alias or host),
        address=host,
        port=found.port,
        user=endpoint.username or found.username,
        ways=_ways(endpoint, _identities(endpoint, found)),
        detour=detour,
        options=named,
    )


def _identities(endpoint: SftpEndpoint, found: asyncssh.SSHClientConnectionOptions) -> list[Path]:
    """The key files that `ssh ALIAS` would use; its default ones only if the connection names no way to log in."""
    named = found.config.get("IdentityFile")
    if isinstance(named, list):
        return [Path(str(name)).expanduser() for name in named]
    if endpoint.secret or endpoint.agent:
        return []
    return [path for path in map(_in_ssh_folder, _DEFAULT_IDENTITIES) if path.exists()]


def _ways(endpoint: SftpEndpoint, identities: Sequence[Path]) -> Ways:
    key_files = [Path(endpoint.key).expanduser()] if endpoint.key else identities
    return Ways(key_files, endpoint.agent, password=bool(endpoint.secret and not key_files))


async def _known_keys(route: _Route, endpoint: SftpEndpoint, own: Path) -> HostKeys:
    files = (own, _in_ssh_folder("known_hosts"))
    return await asyncio.to_thread(look_up, route.host, route.port, files, endpoint.host_key)


def _in_ssh_folder(name: str) -> Path:
    return Path("~/.ssh").expanduser() / name


@dataclass(frozen=True, slots=True)
class _Address:
    family: int
    target: tuple[Any, ...]

    @property
    def shown(self) -> str:
        return str(self.target[0])


async def _resolve(route: _Route) -> list[_Address]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(route.address, route.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise network_failure(error, f"{route.address}:{route.port}") from error
    except UnicodeError as error:
        # Raised before anybody is asked, for names that DNS cannot hold.
        raise TransferFailed(FailureClass.CONFIG, f"{route.address} is not a host name: {error}.") from error
    return [_Address(family, target) for family, _, _, _, target in found]


async def _dial(route: _Route, addresses: Sequence[_Address]) -> socket.socket:
    """Connect to the first address that answers. The failure of the last one is the one that is reported."""
    failure: OSError = OSError("the name has no address")
    for address in addresses:
        plug = socket.socket(address.family, socket.SOCK_STREAM)
        plug.setblocking(False)
        try:
            async with asyncio.timeout(_DIAL_LIMIT):
                await asyncio.get_running_loop().sock_connect(plug, address.target)
        except BaseException as error:
            plug.close()
            if not isinstance(error, OSError):
                raise
            failure = error
        else:
            return plug
    raise network_failure(failure, f"{route.address}:{route.port}") from failure


class _Handshake:
    """The library's handshake, taken apart into the steps that are narrated. Leaving with an error undoes it."""

    def __init__(self, route: _Route, known: HostKeys, new_login: Callable[[], Login]) -> None:
        self._route = route
        self._known = known
        self._new_login = new_login
        self._login = new_login()
        self._task: asyncio.Task[asyncssh.SSHClientConnection] | None = None
        self.peer = ""

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

    async def meet(self, addresses: Sequence[_Address]) -> ServerIdentity:
        """Connect to the server and see what it shows; one that is not trusted is no error yet.

        A pin does not tell the kind of its key, so a server that shows another one is asked for its other kinds too.
        """
        algorithms = self._known.algorithms
        first = identity = await self._meet(addresses, algorithms)
        while self._known.pin is not None and identity.refusal is not None:
            algorithms = [name for name in algorithms if name not in identity.algorithms]
            if not algorithms:
                return first
            await self._end()
            try:
                identity = await self._meet(addresses, algorithms)
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
            # Before the server has shown its key, it is the jump host that has refused.
            if isinstance(error, asyncssh.PermissionDenied) and self._login.identity.done():
                raise self._login.refusal() from error
            raise connection_failure(error, self._known.where) from error

    async def _meet(self, addresses: Sequence[_Address], algorithms: Sequence[str]) -> ServerIdentity:
        plug = None
        if addresses:
            plug = await _dial(self._route, addresses)
            self.peer = str(plug.getpeername()[0])
        self._login = self._new_login()
        self._task = asyncio.create_task(self._shake_hands(plug, algorithms))
        either: set[asyncio.Future[Any]] = {self._task, self._login.identity}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if self._login.identity.done():
            return self._login.identity.result()
        await self.finish()
        raise TransferFailed(FailureClass.HOST_KEY, f"{self._known.where} has shown no host key.")

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _shake_hands(self, plug: socket.socket | None, algorithms: Sequence[str]) -> asyncssh.SSHClientConnection:
        login = self._login
        try:
            return await asyncssh.connect(
                **self._route.options,
                sock=plug,
                username=self._route.user,
                client_factory=lambda: login,
                # Every key is judged by Login. The library itself checks the key within a certificate only.
                known_hosts=([], [], list(self._known.revoked) if self._known.authorities else []),
                server_host_key_algs=algorithms,
                encryption_algs=_CIPHERS if self._route.options["config"] is None else (),
                preferred_auth=self._route.ways.methods,
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
            if plug is not None:
                plug.close()
            raise
