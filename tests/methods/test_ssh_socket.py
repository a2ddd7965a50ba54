"""What the event loop is handed in one piece, and when it learns of the end."""

import asyncio
import socket
from contextlib import ExitStack

import pytest

from tui.methods.ssh_socket import IN_ONE_ROUND, LEAST_PIECE, SshSocket


class Kept:
    """Keeps the pieces in which everything came."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = asyncio.get_running_loop().create_future()


class Taker(Kept, asyncio.Protocol):
    """As the library takes it."""

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(exc)


class BufferedTaker(Kept, asyncio.BufferedProtocol):
    """As the short way for files takes it."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray(2 * IN_ONE_ROUND)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.pieces.append(bytes(self._buffer[:nbytes]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(exc)


@pytest.mark.parametrize("kind", [Taker, BufferedTaker])
async def test_the_loop_gets_everything_and_no_piece_is_longer_than_it_may_be(
    kind: type[Taker | BufferedTaker],
) -> None:
    everything = bytes(range(256)) * 4096
    near, far = socket.socketpair()
    near.setblocking(False)
    sending = asyncio.to_thread(_send_and_close, far, everything)
    _, taker = await asyncio.get_running_loop().create_connection(kind, sock=SshSocket(near))
    assert isinstance(taker, Kept)

    await asyncio.gather(sending, taker.ended)

    assert b"".join(taker.pieces) == everything
    assert LEAST_PIECE <= max(map(len, taker.pieces)) <= IN_ONE_ROUND


def test_the_more_connections_there_are_the_shorter_are_the_pieces() -> None:
    first, far = socket.socketpair()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * IN_ONE_ROUND)
    far.setblocking(False)
    far.send(bytes(4 * IN_ONE_ROUND))
    read = []
    with far, ExitStack() as stack:
        gentle = stack.enter_context(SshSocket(first))
        for _ in range(10):
            read.append(len(gentle.recv(IN_ONE_ROUND)))
            near, other = socket.socketpair()
            stack.enter_context(SshSocket(near))
            other.close()
        assert read[:4] == [IN_ONE_ROUND // number for number in range(1, 5)]
        assert read[-1] == LEAST_PIECE
    with SshSocket(socket.socketpair()[0]) as alone:
        assert alone.longest_piece == IN_ONE_ROUND


async def test_the_end_is_told_after_what_was_begun_before_it() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    order: list[bytes | Exception | None] = []

    class Dealer(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            task = asyncio.ensure_future(asyncio.sleep(0))
            task.add_done_callback(lambda _: order.append(data))

        def connection_lost(self, exc: Exception | None) -> None:
            order.append(exc)
            ended.set_result(None)

    ended = asyncio.get_running_loop().create_future()
    _send_and_close(far, b"the reason")
    await asyncio.get_running_loop().create_connection(Dealer, sock=SshSocket(near))
    await ended

    assert order == [b"the reason", None]


def test_it_owns_the_descriptor_and_keeps_the_timeout() -> None:
    near, far = socket.socketpair()
    with far:
        near.settimeout(0)
        descriptor = near.fileno()
        with SshSocket(near) as taken:
            assert (taken.fileno(), near.fileno()) == (descriptor, -1)
            assert taken.gettimeout() == 0


def _send_and_close(far: socket.socket, everything: bytes) -> None:
    with far:
        far.sendall(everything)
