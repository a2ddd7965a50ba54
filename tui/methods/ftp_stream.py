"""A stream as aioftp wants it, over a socket that blocks: its coroutines never wait for an event loop."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LONGEST_LINE = 16 * 1024
"""Bytes in one line of a reply; a path may be in it."""


class NotFtp(Exception):
    """The other side says what FTP does not provide for; the message says what. Nothing it says can be relied on."""


class BlockingStream:
    """Lines in and bytes out, in clear or by TLS, for one thread. Errors are OSError, and what each call says."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(True)
        self._socket = connected
        # TLS takes the socket over; a duplicate reaches the connection whoever has it at that moment.
        self._lever = connected.dup()
        self._unread = bytearray()

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS layer; None in clear."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def encrypt(self, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        """Begin TLS. Raises NotFtp."""
        self._refuse_early_text()
        self._socket = tls = context.wrap_socket(self._socket, server_hostname=host)
        return tls

    def _refuse_early_text(self) -> None:
        """Whoever is in between could send text in clear ahead of the handshake, to be taken for the server's later."""
        early = bytes(self._unread)
        with suppress(BlockingIOError):
            early += self._socket.recv(_LONGEST_LINE, socket.MSG_DONTWAIT)
        if early:
            raise NotFtp(f"sent “{early.decode(errors='replace')}” in clear where TLS was to begin")

    @contextmanager
    def patient(self, seconds: float | None) -> Iterator[None]:
        """What waits for longer raises TimeoutError; None is for ever."""
        self._socket.settimeout(seconds)
        try:
            yield
        finally:
            self._socket.settimeout(None)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    async def write(self, data: bytes) -> None:
        """As in aioftp."""
        self.send(data)

    async def readline(self) -> bytes:
        """The next line with its end. Raises NotFtp, and ConnectionError when the connection has ended."""
        unread = self._unread
        while (end := unread.find(b"\n")) < 0 and len(unread) <= _LONGEST_LINE:
            more = self._socket.recv(_LONGEST_LINE)
            if not more:
                raise ConnectionResetError("the server closed the connection")
            unread += more
        if not 0 <= end <= _LONGEST_LINE:
            raise NotFtp(f"sent a line of more than {_LONGEST_LINE} bytes")
        line = bytes(unread[: end + 1])
        del unread[: end + 1]
        return line

    @property
    def has_unread(self) -> bool:
        """Whether something has been received and not been read yet."""
        return bool(self._unread) or (self.tls is not None and self.tls.pending() > 0)

    def fileno(self) -> int:
        """For waiting until there is more to be received."""
        return self._socket.fileno()

    def break_off(self) -> None:
        """Drop the connection at once, from any thread, so that whoever waits for it wakes up with an error."""
        with suppress(OSError):
            self._lever.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the sockets. In the thread that uses them."""
        self._socket.close()
        self._lever.close()
