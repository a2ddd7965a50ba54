"""The data connection of one FTP transfer, served by a thread.

Through the event loop every few kilobytes cost a wake-up, a future and several copies, and with TLS twice as much. A
thread with blocking calls leaves the interpreter to others while the kernel and the cipher work, and the loop hears of
whole blocks. Such a call cannot be cancelled: whoever stops waiting breaks the connection off, which wakes the thread.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from tui.methods.blocks import Block, Memory
from tui.methods.right_of_way import right_of_way

BLOCK_SIZE = 4 * 1024 * 1024
"""Bytes that are received before they are handed on, if they come fast enough."""
_PROMPT = 0.2
"""Seconds after which what has come is handed on all the same, and what was sent is a sign of life."""
_SLICE = 64 * 1024
"""Bytes sent in one call: a slow peer that takes this much within the stall timeout is not silent."""
_FAREWELL_WAIT = 1.0
"""Seconds for the peer to end TLS after the transfer is confirmed."""

_Result = TypeVar("_Result")


class DataThread:
    """Serves the data connections of one control connection, one after the other."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="ftp data")
        self.memory = Memory(BLOCK_SIZE)

    def end(self) -> None:
        """Let the thread end with what it has to do."""
        self.executor.shutdown(wait=False)


class DataConnection:
    """A connected socket, from the handshake to the farewell. Errors are OSError."""

    def __init__(self, connected: socket.socket, thread: DataThread) -> None:
        connected.setblocking(True)
        self._socket = connected
        # TLS takes the socket over; a duplicate reaches the connection whoever has it at that moment.
        self._lever = connected.dup()
        self._thread = thread
        self._ahead: asyncio.Future[Block] | None = None
        self._awaited = False
        self._ended = False
        self._broken = False

    def encrypt(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None, host: str | None
    ) -> "asyncio.Future[None]":
        """Begin the handshake, resuming a session."""

        def shake_hands() -> None:
            self._socket = context.wrap_socket(self._socket, server_hostname=host, session=session)

        return self._begin(shake_hands)

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS layer after the handshake; None without one."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    async def receive(self) -> Block:
        """The next bytes, up to a block; empty at the end. Meanwhile the bytes after them are fetched."""
        if self._ahead is None and not self._ended:
            self._ahead = self._begin(self._fetch)
        if self._ahead is None:
            return b""
        self._awaited = True
        try:
            block = await self._ahead
        finally:
            self._awaited = False
            self._ahead = None
        if not self._ended:
            self._ahead = self._begin(self._fetch)
        return block

    def _fetch(self) -> Block:
        view = self._thread.memory.piece()
        filled = 0
        until = monotonic() + _PROMPT
        self._socket.settimeout(_PROMPT)
        while filled < BLOCK_SIZE and not (filled and monotonic() > until):
            # Silence is no error here: who notices it breaks the connection off, and that is an end.
            right_of_way.give()
            with suppress(TimeoutError):
                count = self._socket.recv_into(view[filled:])
                filled += count
                if not count:
                    self._ended = True
                    break
        # What does not fill it must not hold it.
        return view if filled == BLOCK_SIZE else bytes(view[:filled])

    async def send(self, data: Block, alive: Callable[[], None]) -> None:
        """Send; returns when most of it has left. `alive` is called while that goes on."""
        loop = asyncio.get_running_loop()

        def send_slices() -> None:
            told = monotonic()
            view = memoryview(data)
            for start in range(0, len(view), _SLICE):
                right_of_way.give()
                self._socket.sendall(view[start : start + _SLICE])
                if monotonic() - told > _PROMPT:
                    loop.call_soon_threadsafe(alive)
                    told = monotonic()

        await self._begin(send_slices)

    def part(self) -> "asyncio.Future[None] | None":
        """Tell the peer that this was all. With TLS the peer has to agree; that is for `settle` to wait for."""
        if self.tls is not None:
            return self._begin(self._end_tls)
        self._broken = True
        self._close()
        return None

    async def settle(self, parting: "asyncio.Future[None] | None") -> None:
        """Close, whether or not the peer agrees soon: what it thinks of the transfer is known already."""
        if parting is not None:
            await asyncio.wait({parting}, timeout=_FAREWELL_WAIT)
        self.break_off()

    def _end_tls(self) -> None:
        with suppress(OSError, ValueError):
            assert isinstance(self._socket, ssl.SSLSocket)  # noqa: S101 - only asked for then
            self._socket.settimeout(None)
            self._socket = self._socket.unwrap()
        # At once: vsftpd gives its verdict when its own end is acknowledged, which an open socket is in no hurry to do.
        self._close()

    def break_off(self) -> None:
        """Drop the connection at once, so that the thread wakes up with an error or an end."""
        if self._broken:
            return
        self._broken = True
        with suppress(OSError):
            self._lever.shutdown(socket.SHUT_RDWR)
        if self._ahead is not None and not self._awaited:
            _forget(self._ahead)
        # In the thread, because it may still be using the socket.
        self._thread.executor.submit(self._close)

    def _close(self) -> None:
        self._socket.close()
        self._lever.close()

    def _begin(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        if self._broken:
            raise ConnectionAbortedError("the connection was dropped")
        return asyncio.get_running_loop().run_in_executor(self._thread.executor, work)


def _forget(future: "asyncio.Future[Block]") -> None:
    """Nobody will ask for the result any more."""
    if not future.cancel() and not future.cancelled():
        future.exception()
