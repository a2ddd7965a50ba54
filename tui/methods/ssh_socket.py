"""The socket of an SSH connection, as gentle to the event loop and to the library as it should be.

It hands over what has arrived in pieces that are the shorter the more connections there are. The event loop reads up to
256 KiB from each connection that has something, in one round; decrypting that much for each of eight connections keeps
the screen and all others waiting for longer than a frame of the screen should take.

And it tells that the server has hung up only after what came before was dealt with. asyncssh deals with some messages
in tasks; an end that overtakes them would hide why it came, such as that no algorithm is in common.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, ClassVar

from tui.methods.right_of_way import right_of_way

if TYPE_CHECKING:
    from typing_extensions import Buffer

IN_ONE_ROUND = 256 * 1024
"""Bytes that all connections together may have read in one round of the event loop."""
LEAST_PIECE = 32 * 1024
"""Bytes that one read may give however many there are: as much as servers put into one SSH packet."""
_ROUNDS = 3
"""Rounds of the event loop that the end waits for: one for the library's task, one for its callback, and one more."""


class SshSocket(socket.socket):
    """Takes the place of a connected socket that does not block, and owns its descriptor from then on."""

    _open: ClassVar[int] = 0
    """How many there are."""

    def __init__(self, connected: socket.socket) -> None:
        timeout = connected.gettimeout()
        super().__init__(connected.family, connected.type, connected.proto, fileno=connected.detach())
        self.settimeout(timeout)
        self._rounds_to_the_end = _ROUNDS
        self._counts = True
        self._transport: asyncio.ReadTransport | None = None
        SshSocket._open += 1

    def read_by(self, transport: asyncio.ReadTransport) -> None:
        """Name the transport that reads it, so that it can be told to wait."""
        self._transport = transport

    def close(self) -> None:
        if self._counts:
            self._counts = False
            SshSocket._open -= 1
        super().close()

    @property
    def longest_piece(self) -> int:
        """Bytes that one read gives at most now."""
        return max(IN_ONE_ROUND // max(SshSocket._open, 1), LEAST_PIECE)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        self._give_way()
        piece = super().recv(min(bufsize, self.longest_piece), flags)
        self._take_note(len(piece))
        return piece

    def recv_into(self, buffer: "Buffer", nbytes: int = 0, flags: int = 0, /) -> int:
        self._give_way()
        count = super().recv_into(buffer, min(nbytes or memoryview(buffer).nbytes, self.longest_piece), flags)
        self._take_note(count)
        return count

    def _give_way(self) -> None:
        seconds = right_of_way.seconds_claimed
        if seconds <= 0:
            return
        if self._transport is not None:
            # There is something to read all the while: the loop would come back at once, again and again.
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._transport.resume_reading)
        raise BlockingIOError

    def _take_note(self, count: int) -> None:
        """Count the rounds to the end, and let it wait."""
        if not count and self._rounds_to_the_end:
            self._rounds_to_the_end -= 1
            raise BlockingIOError
