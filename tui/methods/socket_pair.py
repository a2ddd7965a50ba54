"""A socket whose other end leads through a jump host: what is written to one comes out at the other, both ways."""

import asyncio
import socket

import asyncssh

from tui.methods.dial import Peer

_WINDOW = 4 * 1024 * 1024
"""Bytes that may be on their way to us: what a fast and distant server needs to keep the way full."""


async def through(link: asyncssh.SSHClientConnection, peer: Peer) -> tuple[socket.socket, "asyncio.Future[None]"]:
    """Have the jump host connect to the server. The socket is non-blocking, and the caller's; the future is done when
    all that was written to it has left and the jump host has closed its end too. Raises what asyncssh raises when the
    jump host does not connect."""
    near, far = socket.socketpair()
    near.setblocking(False)
    end = _End()
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: end, sock=far)
    except BaseException:
        near.close()
        far.close()
        raise
    try:
        await link.create_connection(lambda: _Channel(end), peer.host, peer.port, window=_WINDOW)
    except BaseException:
        near.close()
        transport.abort()
        raise
    return near, end.ended


class _End(asyncio.Protocol):
    """Our end of the pair: the method has the other one."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.channel: asyncssh.SSHTCPChannel[bytes] | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a socket it is
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.channel is not None and not self.channel.is_closing():
            self.channel.write(data)

    def eof_received(self) -> bool:
        if self.channel is not None and not self.channel.is_closing():
            self.channel.write_eof()
        # The other direction goes on.
        return True

    def pause_writing(self) -> None:
        if self.channel is not None:
            self.channel.pause_reading()

    def resume_writing(self) -> None:
        if self.channel is not None:
            self.channel.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.channel is not None:
            self.channel.close()


class _Channel(asyncssh.SSHTCPSession[bytes]):
    """The jump host's end: a channel over the SSH connection."""

    def __init__(self, end: _End) -> None:
        self._end = end

    def connection_made(self, chan: asyncssh.SSHTCPChannel[bytes]) -> None:
        self._end.channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        del datatype
        self._transport.write(data)

    def eof_received(self) -> bool:
        if not self._transport.is_closing():
            self._transport.write_eof()
        return True

    def pause_writing(self) -> None:
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self._transport.close()
        else:
            self._transport.abort()
        if not self._end.ended.done():
            self._end.ended.set_result(None)

    @property
    def _transport(self) -> asyncio.Transport:
        assert self._end.transport is not None  # noqa: S101 - the pair comes before the channel
        return self._end.transport
