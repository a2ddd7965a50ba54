"""A data connection and its thread: what comes is handed on in time, and nothing holds the thread for ever."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from tui.methods.ftp_data import BLOCK_SIZE, DataConnection, DataThread

LIMIT = 2.0
"""Seconds within which any wait can be cancelled."""


@dataclass
class Line:
    """A data connection and the other end of it."""

    data: DataConnection
    peer: socket.socket
    thread: DataThread
    alive: int = 0

    def lives(self) -> None:
        self.alive += 1


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    ours, peer = socket.socketpair()
    peer.setblocking(False)
    thread = DataThread()
    line = Line(DataConnection(ours, thread), peer, thread)
    yield line
    line.data.break_off()
    thread.end()
    peer.close()


def in_thread(line: Line, work: Callable[[], None]) -> Awaitable[None]:
    return asyncio.get_running_loop().run_in_executor(line.thread.executor, work)


async def test_what_trickles_in_is_handed_on_although_no_block_is_full(line: Line) -> None:
    for piece in (b"first", b"second"):
        line.peer.send(piece)
        async with asyncio.timeout(LIMIT):
            assert await line.data.receive() == piece


async def test_what_comes_fast_comes_in_blocks_to_the_last_byte(line: Line) -> None:
    content = bytes(range(256)) * (3 * BLOCK_SIZE // 256) + b"the end"
    sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(line.peer, content))
    sending.add_done_callback(lambda _: line.peer.shutdown(socket.SHUT_WR))
    blocks = []
    while block := await line.data.receive():
        blocks.append(block)

    assert b"".join(blocks) == content
    assert max(map(len, blocks)) <= BLOCK_SIZE
    assert await line.data.receive() == b""


async def test_a_slow_peer_that_takes_something_is_alive(line: Line) -> None:
    content = b"x" * (4 * BLOCK_SIZE)
    sending = asyncio.create_task(line.data.send(content, line.lives))
    taken = 0
    while taken < len(content):
        await asyncio.sleep(0 if line.alive else 0.01)
        taken += len(await asyncio.get_running_loop().sock_recv(line.peer, 64 * 1024))
    await sending

    assert line.alive > 0


@pytest.mark.parametrize("waits_for", ["receive", "send", "handshake"])
async def test_a_silent_peer_can_be_left_at_once(line: Line, waits_for: str) -> None:
    waits: dict[str, Callable[[], Awaitable[object]]] = {
        "receive": line.data.receive,
        "send": lambda: line.data.send(b"x" * (64 * BLOCK_SIZE), line.lives),
        "handshake": lambda: in_thread(line, lambda: line.data.shake_hands(wait=True)),
    }
    if waits_for == "handshake":
        line.data.encrypt(ssl.create_default_context(), None, "localhost")
    waiting = asyncio.ensure_future(waits[waits_for]())
    ended, _ = await asyncio.wait({waiting}, timeout=0.1)
    assert not ended
    line.data.break_off()
    async with asyncio.timeout(LIMIT):
        await asyncio.wait({waiting})

    assert waiting.exception() is None or isinstance(waiting.exception(), OSError)
    with pytest.raises(ConnectionAbortedError):
        await line.data.send(b"x", line.lives)


async def test_the_end_of_an_upload_reaches_the_peer(line: Line) -> None:
    await line.data.send(b"all of it", line.lives)
    await in_thread(line, line.data.part)
    loop = asyncio.get_running_loop()

    assert [await loop.sock_recv(line.peer, 100), await loop.sock_recv(line.peer, 100)] == [b"all of it", b""]
