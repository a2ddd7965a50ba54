"""Opens the SSH connection of an SFTP session: the way there, the handshake, and what is narrated of both."""

import asyncio

import asyncssh

from tui.domain.connection import Connection
from tui.domain.endpoint import SftpEndpoint
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Surroundings
from tui.methods.dial import Way
from tui.methods.ssh_config import SshServer, find_hops, find_target
from tui.methods.ssh_handshake import known_keys, log_in, shown_key
from tui.methods.ssh_jump import line_up
from tui.trust.identity import Identity


async def open_link(connection: Connection, surroundings: Surroundings) -> asyncssh.SSHClientConnection:
    """Connect, check who answers, and log in. Raises TransferFailed. What is on the way is closed after the connection
    and together with it."""
    server, way = await _find(connection, surroundings)
    try:
        link = await log_in(server, way, connection, surroundings.narrator, surroundings)
    except BaseException:
        way.abort()
        raise
    link.set_tunnel(_Beneath(way))
    return link


async def identify(connection: Connection, surroundings: Surroundings) -> Identity:
    """Fetch the server's host key and judge it, without logging in. Raises TransferFailed, NotTrusted for a jump host
    that is not trusted."""
    server, way = await _find(connection, surroundings)
    known = await known_keys(server, surroundings.known_hosts)
    try:
        async with asyncio.timeout(connection.stall_timeout):
            return known.judge(await shown_key(server, known, way, connection.stall_timeout))
    except TimeoutError as error:
        raise TransferFailed(FailureClass.TIMEOUT, f"{known.where} did not answer in time.") from error
    finally:
        way.abort()


async def _find(connection: Connection, surroundings: Surroundings) -> tuple[SshServer, Way]:
    """The server and the way to it. What the connection says goes before ProxyJump, and that before ProxyCommand."""
    endpoint = connection.endpoint
    assert isinstance(endpoint, SftpEndpoint)  # noqa: S101 - this module serves no other method
    server = await asyncio.to_thread(find_target, endpoint, surroundings)
    hops = await asyncio.to_thread(find_hops, endpoint, surroundings, server.jump)
    return server, line_up(hops, server.command, connection, surroundings)


class _Beneath:
    """The way under a connection, as the library closes it with the connection (`SSHConnection.set_tunnel`)."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._closed = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())

    async def wait_closed(self) -> None:
        await self._closed.wait()

    async def _close(self) -> None:
        try:
            await self._way.close()
        finally:
            self._closed.set()
