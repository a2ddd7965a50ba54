"""SSH jump hosts: each is a server of its own, met, judged and logged in to before anything leads through it.

What goes through a jump host is a connection that the host makes and passes on (`direct-tcpip`, RFC 4254 section 7.2).
Here it ends in one half of a pair of sockets, so that every method finds a socket as it always does, and no port is
opened that others on this machine could connect to. When the connection breaks behind the jump host, the socket is
closed; whether that is an end or a breach, the method tells by its own protocol.
"""

import asyncio
import socket
from collections.abc import Sequence

import asyncssh

from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Surroundings
from tui.methods.dial import Peer, Way
from tui.methods.narration import Narrator
from tui.methods.proxy_command import ProxyCommand
from tui.methods.route import first_way
from tui.methods.socket_pair import through
from tui.methods.ssh_config import SshServer, find_hops
from tui.methods.ssh_failures import connection_failure
from tui.methods.ssh_handshake import log_in

_FAREWELL_LIMIT = 0.5
"""Seconds for what leads through a jump host to end in good order, and for the jump host itself."""

_PROHIBITED = 1
"""RFC 4254, section 5.1."""


class Jump(Way):
    """From behind one jump host, which is reached by another way. It is opened when it is first needed."""

    def __init__(
        self, server: SshServer, place: str, below: Way, connection: Connection, surroundings: Surroundings
    ) -> None:
        self._server = server
        self._place = place
        self._below = below
        self._connection = connection
        self._surroundings = surroundings
        self._link: asyncssh.SSHClientConnection | None = None
        self._passages: list[asyncio.Future[None]] = []

    async def connect(self, peer: Peer, narrator: Narrator) -> socket.socket:
        if self._link is None:
            # Told apart from the steps of whatever comes after it, but under the same ear.
            steps = self._surroundings.narrator.within(f"jump {self._place}")
            self._link = await log_in(self._server, self._below, self._connection, steps, self._surroundings)
        with narrator.step("connect") as note:
            connected = await self._connect(self._link, peer)
            note.detail = f"{peer} through {self._server}"
        return connected

    async def _connect(self, link: asyncssh.SSHClientConnection, peer: Peer) -> socket.socket:
        try:
            async with asyncio.timeout(peer.patience):
                connected, passage = await through(link, peer)
        except asyncssh.ChannelOpenError as error:
            raise self._no_further(error, peer) from error
        except TimeoutError as error:
            raise TransferFailed(
                FailureClass.TIMEOUT, f"The jump host {self._server} has not reached {peer} in time."
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise connection_failure(error, str(self._server)) from error
        self._passages = [*(one for one in self._passages if not one.done()), passage]
        return connected

    def _no_further(self, error: asyncssh.ChannelOpenError, peer: Peer) -> TransferFailed:
        reason = (error.reason or "no reason given").rstrip(".")
        if error.code == _PROHIBITED:
            return TransferFailed(
                FailureClass.PERMISSION,
                f"The jump host {self._server} does not let us connect to {peer}: {reason}.",
                remedy="Ask whoever runs the jump host to allow it (AllowTcpForwarding, PermitOpen, and the key's own "
                "restrictions).",
            )
        failure_class = FailureClass.NETWORK
        for words, meant in _REASONS.items():
            if words in reason.lower():
                failure_class = meant
        return TransferFailed(failure_class, f"The jump host {self._server} cannot reach {peer}: {reason}.")

    def abort(self) -> None:
        if self._link is not None:
            self._link.abort()
        self._below.abort()

    async def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            if self._passages:
                await asyncio.wait(self._passages, timeout=_FAREWELL_LIMIT)
            link.close()
            try:
                async with asyncio.timeout(_FAREWELL_LIMIT):
                    await link.wait_closed()
            except TimeoutError:
                link.abort()
        await self._below.close()


_REASONS = {"refused": FailureClass.REFUSED, "timed out": FailureClass.TIMEOUT}
"""Words with which OpenSSH tells why it has not connected."""


class JumpHosts(Way):
    """From behind the jump hosts that a connection names, for methods that need no SSH otherwise."""

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._last: Way | None = None

    async def connect(self, peer: Peer, narrator: Narrator) -> socket.socket:
        if self._last is None:
            hops = await asyncio.to_thread(find_hops, self._connection.endpoint, self._surroundings)
            self._last = line_up(hops, None, self._connection, self._surroundings)
        return await self._last.connect(peer, narrator)

    def abort(self) -> None:
        if self._last is not None:
            self._last.abort()

    async def close(self) -> None:
        if self._last is not None:
            await self._last.close()


def line_up(hops: Sequence[SshServer], command: str | None, connection: Connection, surroundings: Surroundings) -> Way:
    """The way from behind the last of the jump hosts, which is opened when it is first used. `command` is the proxy
    command that leads to what comes after them, where there are none. Raises TransferFailed (config)."""
    way = _first_leg(hops[0].command if hops else command, connection, surroundings)
    for number, server in enumerate(hops, 1):
        way = Jump(server, f"{number}/{len(hops)}", way, connection, surroundings)
    return way


def _first_leg(command: str | None, connection: Connection, surroundings: Surroundings) -> Way:
    if command is None:
        return first_way(connection.endpoint, surroundings)
    if connection.endpoint.proxy is not None:
        raise TransferFailed(
            FailureClass.CONFIG,
            "The connection names a proxy, and ~/.ssh/config a ProxyCommand; only one of them can lead there.",
            remedy="Remove proxy from the connection or ProxyCommand from the file (ProxyCommand none).",
        )
    return ProxyCommand(command)
