"""Reaching servers through a SOCKS5 proxy (RFC 1928), with a user and a password if it wants them (RFC 1929).

The proxy is given host names, never addresses, so that names are looked up where the server is seen from. What is said
to the proxy is not encrypted, its password included: SOCKS5 has nothing better. What goes through it is as protected
as the method makes it.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.route import Proxy
from tui.methods.dial import Peer, Unguarded, dial
from tui.methods.failures import network_failure
from tui.methods.narration import Narrator

_VERSION = b"\x05"
_NO_LOGIN, _PASSWORD = b"\x00", b"\x02"
_CONNECT = b"\x05\x01\x00"
_ADDRESS_LENGTH = {1: 4, 4: 16}

_REPLIES = {
    1: (FailureClass.NETWORK, "it has failed, for no reason that it would tell"),
    2: (FailureClass.PERMISSION, "its rules do not allow that"),
    3: (FailureClass.NETWORK, "the network cannot be reached"),
    4: (FailureClass.NETWORK, "the host cannot be reached"),
    5: (FailureClass.REFUSED, "the connection was refused"),
    6: (FailureClass.TIMEOUT, "the connection took too long"),
    7: (FailureClass.REJECTED, "it cannot make connections"),
    8: (FailureClass.REJECTED, "it does not know this kind of address"),
}
"""RFC 1928, section 6."""


class Socks5(Unguarded):
    """From behind a proxy. `password` fetches the password for the proxy's user."""

    def __init__(self, proxy: Proxy, password: Callable[[], Awaitable[str]]) -> None:
        self._proxy = proxy
        self._password = password

    async def connect(self, peer: Peer, narrator: Narrator) -> socket.socket:
        proxy = Peer(self._proxy.host, self._proxy.port, peer.patience)
        connected = await dial(proxy, narrator.within("proxy"))
        try:
            with narrator.step("connect") as note:
                await self._ask_for(peer, connected)
                note.detail = f"{peer} through the proxy {self._proxy}"
        except BaseException:
            connected.close()
            raise
        return connected

    async def _ask_for(self, peer: Peer, connected: socket.socket) -> None:
        login = None
        if self._proxy.user is not None:
            # Not by the clock of the conversation: fetching may mean asking somebody.
            login = self._proxy.user.encode(), (await self._password()).encode()
        try:
            async with asyncio.timeout(peer.patience):
                await _Conversation(connected, self._proxy).ask_for(peer, login)
        except OSError as error:
            raise network_failure(error, f"the proxy {self._proxy}") from error


class _Conversation:
    """What is said before the proxy steps aside. Not a byte more is read than belongs to it."""

    def __init__(self, connected: socket.socket, proxy: Proxy) -> None:
        self._socket = connected
        self._proxy = proxy

    async def ask_for(self, peer: Peer, login: tuple[bytes, bytes] | None) -> None:
        await self._agree_on_login(login)
        await self._send(_CONNECT + _encoded(peer))
        version, reply, _, kind = await self._read(4)
        self._check_version(version)
        if reply != 0:
            failure_class, reason = _REPLIES.get(reply, (FailureClass.NETWORK, f"its reply is number {reply}"))
            raise TransferFailed(failure_class, f"The proxy {self._proxy} does not connect to {peer}: {reason}.")
        # The address that the proxy uses is of no use to us.
        length = _ADDRESS_LENGTH[kind] if kind in _ADDRESS_LENGTH else (await self._read(1))[0]
        await self._read(length + 2)

    async def _agree_on_login(self, login: tuple[bytes, bytes] | None) -> None:
        """Offers one way only: the one that the connection names."""
        offered = _NO_LOGIN if login is None else _PASSWORD
        await self._send(_VERSION + b"\x01" + offered)
        version, chosen = await self._read(2)
        self._check_version(version)
        if bytes([chosen]) != offered:
            wanted = "wants a login; name a user in proxy" if login is None else "takes no user and password"
            raise TransferFailed(
                FailureClass.AUTH, f"The proxy {self._proxy} {wanted}.", remedy="Correct proxy of the connection."
            )
        if login is not None:
            await self._log_in(*login)

    async def _log_in(self, user: bytes, password: bytes) -> None:
        if not 1 <= len(user) <= 255 or not 1 <= len(password) <= 255:
            raise TransferFailed(
                FailureClass.CONFIG, "The user or the password for the proxy is longer than the 255 bytes of SOCKS5."
            )
        await self._send(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        _, status = await self._read(2)
        if status != 0:
            raise TransferFailed(
                FailureClass.AUTH,
                f"The proxy {self._proxy} has refused the login of {user.decode()}.",
                remedy="Check proxy and proxy_secret of the connection; a refused login is not retried.",
            )

    def _check_version(self, version: int) -> None:
        if version != _VERSION[0]:
            raise TransferFailed(
                FailureClass.CONFIG,
                f"{self._proxy} does not answer as a SOCKS5 proxy does.",
                remedy="Correct proxy of the connection.",
            )

    async def _send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = await asyncio.get_running_loop().sock_recv(self._socket, count - len(data))
            if not piece:
                raise ConnectionResetError("closed by the proxy")
            data += piece
        return data


def _encoded(peer: Peer) -> bytes:
    """The server's address, its kind first (RFC 1928, section 5)."""
    try:
        address = ip_address(peer.host)
    except ValueError:
        name = _ascii_name(peer.host)
        return b"\x03" + bytes([len(name)]) + name + peer.port.to_bytes(2)
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed + peer.port.to_bytes(2)


def _ascii_name(host: str) -> bytes:
    try:
        name = host.encode("idna")
    except UnicodeError as error:
        raise TransferFailed(FailureClass.CONFIG, f"{host} is not a host name: {error}.") from error
    if not 1 <= len(name) <= 255:
        raise TransferFailed(FailureClass.CONFIG, f"{host} is too long for a host name.")
    return name
