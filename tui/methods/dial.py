"""From a host name to a connected socket, step by step, so that each step can be told and cancelled."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

from tui.methods.base import Narrator, network_failure


@dataclass(frozen=True, slots=True)
class Peer:
    """A server, as the connection names it. `patience` is how many seconds it may be silent."""

    host: str
    port: int
    patience: float

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Address:
    family: int
    # An opaque tuple whose shape depends on the family.
    sockaddr: Any

    def __str__(self) -> str:
        return str(self.sockaddr[0])


async def dial(peer: Peer, narrator: Narrator) -> socket.socket:
    """Resolve and connect, as the steps `resolve` and `connect`. The socket is non-blocking. Raises TransferFailed."""
    with narrator.step("resolve") as note:
        addresses = await _resolve(peer)
        note.detail = f"{peer.host} is {', '.join(map(str, addresses))}"
    with narrator.step("connect") as note:
        connected = await _connect(addresses, peer)
        note.detail = f"connected to {connected.getpeername()[0]}, port {peer.port}"
    return connected


async def _resolve(peer: Peer) -> list[_Address]:
    try:
        async with asyncio.timeout(peer.patience):
            found = await asyncio.get_running_loop().getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise network_failure(socket.gaierror(socket.EAI_NONAME, "not a host name"), str(peer)) from error
    except OSError as error:
        raise network_failure(error, str(peer)) from error
    return [_Address(family, sockaddr) for family, _, _, _, sockaddr in found]


async def _connect(addresses: list[_Address], peer: Peer) -> socket.socket:
    """The first address that answers. When none does, the first one's error tells most."""
    errors = []
    for address in addresses:
        try:
            async with asyncio.timeout(peer.patience):
                return await _connect_one(address)
        except OSError as error:
            errors.append(error)
    raise network_failure(errors[0], str(peer)) from errors[0]


async def _connect_one(address: _Address) -> socket.socket:
    connecting = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connecting, address.sockaddr)
    except BaseException:
        connecting.close()
        raise
    return connecting
