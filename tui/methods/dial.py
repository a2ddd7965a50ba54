"""From a host name to a connected socket, step by step, so that each step can be told and cancelled."""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.hosts import in_address
from tui.methods.failures import network_failure
from tui.methods.narration import Narrator

_HEAD_START = 0.25
"""Seconds that an address has for itself before the next one is tried too (RFC 8305, section 5)."""
_IDLE_BEFORE_PROBE = 60
"""Seconds of silence after which the kernel asks whether the peer is there: firewalls forget silent connections."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server, as the connection names it. `patience` is how many seconds it may be silent."""

    host: str
    port: int
    patience: float

    def __str__(self) -> str:
        return f"{in_address(self.host)}:{self.port}"


class Way(ABC):
    """How servers are reached: directly, or through one or several others."""

    is_direct = False
    """Whether the peer's address is the server's own."""

    @abstractmethod
    async def connect(self, peer: Peer, narrator: Narrator) -> socket.socket:
        """A connected, non-blocking socket to the server; whatever is on the way is opened first, if it is not open.
        Narrates its steps, the last of them `connect`. Raises TransferFailed. What it returns is the caller's."""

    async def last_words(self) -> str:
        """Why a connection has broken, if somebody on the way has said so."""
        return ""

    @abstractmethod
    def abort(self) -> None:
        """Drop what is on the way at once; connections that lead through it break. Never raises."""

    @abstractmethod
    async def close(self) -> None:
        """Close what is on the way, the innermost first, once no connection leads through it any more. Takes two
        seconds for each at most; never raises."""


class Unguarded(Way):
    """A way of which nothing remains but the connections that were made."""

    def abort(self) -> None:
        return

    async def close(self) -> None:
        return


class Direct(Unguarded):
    """Nothing in between that we would know of."""

    is_direct = True

    async def connect(self, peer: Peer, narrator: Narrator) -> socket.socket:
        return await dial(peer, narrator)


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
        found = [str(address) for address in addresses]
        note.detail = peer.host if found == [peer.host] else f"{peer.host} is {', '.join(found)}"
    with narrator.step("connect") as note:
        connected = await _connect(addresses, peer)
        note.detail = f"connected to {connected.getpeername()[0]}, port {peer.port}"
    return connected


async def _resolve(peer: Peer) -> list[_Address]:
    try:
        async with asyncio.timeout(peer.patience):
            found = await asyncio.get_running_loop().getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # Raised before anybody is asked, for names that DNS cannot hold.
        raise TransferFailed(FailureClass.CONFIG, f"{peer.host} is not a host name: {error}.") from error
    except OSError as error:
        raise network_failure(error, str(peer)) from error
    return [_Address(family, sockaddr) for family, _, _, _, sockaddr in found]


async def _connect(addresses: list[_Address], peer: Peer) -> socket.socket:
    """The first address that answers. When none does, the first one's error tells most."""
    waiting = list(addresses)
    attempts: dict[asyncio.Task[socket.socket], None] = {}
    try:
        async with asyncio.timeout(peer.patience):
            while waiting or not all(attempt.done() for attempt in attempts):
                if waiting:
                    attempts[asyncio.create_task(_connect_one(waiting.pop(0)))] = None
                await _next_end(attempts, _HEAD_START if waiting else None)
                if (winner := _winner(attempts)) is not None:
                    del attempts[winner]
                    return winner.result()
        first = next(iter(attempts)).exception()
        assert isinstance(first, OSError)  # noqa: S101 - nothing else was let through
        raise first
    except OSError as error:
        raise network_failure(error, str(peer)) from error
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_forget)


async def _next_end(attempts: Iterable[asyncio.Task[socket.socket]], limit: float | None) -> None:
    """Until one of the attempts that are under way has ended, or the limit."""
    await asyncio.wait(
        {attempt for attempt in attempts if not attempt.done()}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
    )


def _winner(attempts: Iterable[asyncio.Task[socket.socket]]) -> asyncio.Task[socket.socket] | None:
    for attempt in attempts:
        if attempt.done():
            error = attempt.exception()
            if error is None:
                return attempt
            if not isinstance(error, OSError):
                raise error
    return None


def _forget(attempt: asyncio.Task[socket.socket]) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()


async def _connect_one(address: _Address) -> socket.socket:
    connecting = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_BEFORE_PROBE)
        await asyncio.get_running_loop().sock_connect(connecting, address.sockaddr)
    except BaseException:
        connecting.close()
        raise
    return connecting
