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
from functools import partial
from time import monotonic
from typing import TypeVar

from tui.methods.blocks import Block, Memory
from tui.methods.loop_turns import Share
from tui.methods.right_of_way import right_of_way

BLOCK_SIZE = 4 * 1024 * 1024
"""Bytes that are received before they are handed on, if they come fast enough."""
_PROMPT = 0.2
"""Seconds after which what has come is handed on all the same, and what was sent is a sign of life."""
_SLICE = 64 * 1024
"""Bytes sent in one call: a slow peer that takes this much within the stall timeout is not silent."""
_UNSENT = 128 * 1024
"""Bytes that may wait in the kernel for sending. More would hide from us for a long time whether a slow peer takes
them at all."""
_PIECE = 64 * 1024
"""Bytes of a small file that are received in one call."""

_Result = TypeVar("_Result")


class DataThread:
    """Serves one control connection and its data connections, one after the other."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="ftp")
        self.memory = Memory(BLOCK_SIZE)
        self.share = Share()

    def end(self) -> None:
        """Let the thread end with what it has to do."""
        self.executor.shutdown(wait=False)


def signs_of_life(alive: Callable[[], None]) -> Callable[[], None]:
    """For a thread to tell the event loop that the peer does something. To be called there as often as one likes."""
    loop = asyncio.get_running_loop()
    told = monotonic()

    def tell() -> None:
        nonlocal told
        if monotonic() - told > _PROMPT:
            told = monotonic()
            loop.call_soon_threadsafe(alive)

    return tell


class DataConnection:
    """A socket, from connecting to the farewell. Errors are OSError. What is no coroutine is for use in the thread,
    apart from `break_off`."""

    def __init__(self, connection: socket.socket, thread: DataThread) -> None:
        connection.setblocking(True)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        self._socket = connection
        # TLS takes the socket over; a duplicate reaches the connection whoever has it at that moment.
        self._lever = connection.dup()
        self._thread = thread
        self._ahead: asyncio.Future[Block] | None = None
        self._awaited = False
        self._ended = False
        self._broken = False

    def connect(self, address: tuple[object, ...]) -> None:
        """Connect, if the socket was not."""
        self._socket.connect(address)

    def encrypt(self, context: ssl.SSLContext, session: ssl.SSLSession | None, host: str | None) -> None:
        """Prepare for TLS that resumes a session. `shake_hands` comes next."""
        self._socket = context.wrap_socket(
            self._socket, server_hostname=host, session=session, do_handshake_on_connect=False
        )

    def shake_hands(self, *, wait: bool) -> None:
        """Go on with the handshake to its end. Unless it is to `wait` for the peer it raises what ssl does then."""
        assert isinstance(self._socket, ssl.SSLSocket)  # noqa: S101 - of no other
        self._socket.setblocking(wait)
        self._socket.do_handshake()
        self._socket.setblocking(True)

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS layer after the handshake; None without one."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    def fileno(self) -> int:
        """For waiting until there is more to be received or sent."""
        return self._socket.fileno()

    def take(self, most: int, heard: Callable[[], None]) -> bytes | None:
        """All that comes, to the end; None if that is more than so much. `heard` is called while it comes."""
        pieces = []
        length = 0
        while piece := self._socket.recv(_PIECE):
            heard()
            self._thread.share.use(len(piece))
            pieces.append(piece)
            length += len(piece)
            if length > most:
                return None
        return b"".join(pieces)

    def give(self, data: Block, heard: Callable[[], None]) -> None:
        """Send. `heard` is called while the peer takes it."""
        view = memoryview(data)
        for start in range(0, len(view), _SLICE):
            right_of_way.give()
            self._socket.sendall(view[start : start + _SLICE])
            heard()
            self._thread.share.use(_SLICE)

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
                self._thread.share.use(count)
        # What does not fill it must not hold it.
        return view if filled == BLOCK_SIZE else bytes(view[:filled])

    async def send(self, data: Block, alive: Callable[[], None]) -> None:
        """Send; returns when most of it has left. `alive` is called while that goes on."""
        await self._begin(partial(self.give, data, signs_of_life(alive)))

    def part(self) -> None:
        """Tell the peer that this was all, and close. With TLS the peer has to agree; while it has not, this raises
        what ssl does when there is something to wait for."""
        if self.tls is not None:
            self.tls.setblocking(False)
            try:
                self.tls.unwrap()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except (OSError, ValueError):
                # What the peer thinks of the transfer it says elsewhere.
                pass
        # At once: vsftpd gives its verdict when its own end is acknowledged, which an open socket is in no hurry to do.
        self.close()

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
        self._thread.executor.submit(self.close)

    def close(self) -> None:
        """Free the sockets."""
        self._broken = True
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
