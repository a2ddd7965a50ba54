"""A TCP proxy that makes the way longer, as a process of its own: `python -m tests.bench.delay PORT MILLISECONDS`.

It says on which port of loopback it listens and carries every connection to PORT, each direction late by half of the
round trip. What has arrived is on its way however much it is: the proxy stands for a long line of endless width, so
that what limits a program are its own windows. It ends with its standard input.

`delayed` runs it, and proves before anybody uses it that it adds what it says.
"""

import asyncio
import os
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

HERE = "127.0.0.1"
_PINGS = 20
_TOLERANCE = 0.01
"""Seconds that the fastest of several round trips may take longer than announced."""
_PROBE = 128 * 1024 * 1024
_MOST_UNDER_WAY = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DelayedWay:
    """A proxy that is running, and what it was measured to do."""

    port: int
    round_trip: float
    """Seconds, measured."""
    speed: float
    """Bytes per second through it, measured with one connection."""


class _End(asyncio.Protocol):
    """One end of a connection: passes on what arrives here to the other end, late."""

    def __init__(self, delay: float) -> None:
        self.other: _End | None = None
        self.transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._under_way: deque[tuple[float, bytes]] = deque()
        """What has arrived here, with the time at which it is due at the other end; nothing is the end of it all."""
        self._bytes_under_way = 0
        self._timer: asyncio.TimerHandle | None = None
        self._other_takes_more = True
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._send_off(data)
        self._bytes_under_way += len(data)
        if self._bytes_under_way > _MOST_UNDER_WAY:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._send_off(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._send_off(b"")

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other._other_takes_more = False

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other._other_takes_more = True
            self.other.deliver()

    def deliver(self) -> None:
        """Hand over what is due, and come back for the rest when that is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.other is not None and self._under_way and self._other_takes_more:
            due, data = self._under_way[0]
            if due > self._loop.time():
                self._timer = self._loop.call_at(due, self.deliver)
                return
            self._under_way.popleft()
            self._hand_over(data)

    def _end(self) -> None:
        """What came this way has come to its end; when both ways have, so has the connection."""
        assert self.other is not None
        self._has_ended = True
        if self.other._has_ended or self.transport.is_closing():
            self.transport.close()
            self.other.transport.close()
        elif not self.other.transport.is_closing():
            # The other side may have gone already, which its own end learns in a moment.
            with suppress(OSError):
                self.other.transport.write_eof()

    def _send_off(self, data: bytes) -> None:
        self._under_way.append((self._loop.time() + self._delay, data))
        if self._timer is None:
            self.deliver()

    def _hand_over(self, data: bytes) -> None:
        assert self.other is not None
        if not data:
            self._end()
            return
        self.other.transport.write(data)
        self._bytes_under_way -= len(data)
        if self._bytes_under_way <= _MOST_UNDER_WAY and not self.transport.is_closing():
            self.transport.resume_reading()


class _Entrance(_End):
    """The client's end, which opens the other one."""

    def __init__(self, delay: float, port: int, opening: set[asyncio.Task[None]]) -> None:
        super().__init__(delay)
        self._port = port
        self._opening = opening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        task = self._loop.create_task(self._open())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        try:
            _, exit_ = await self._loop.create_connection(lambda: _End(self._delay), HERE, self._port)
        except OSError:
            self.transport.abort()
            return
        self.other, exit_.other = exit_, self
        self.deliver()


async def _serve(port: int, round_trip: float) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_take_note)
    opening: set[asyncio.Task[None]] = set()
    server = await loop.create_server(lambda: _Entrance(round_trip / 2, port, opening), HERE, 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


def _take_note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A connection that the other side has broken meanwhile cannot be ended; both sides know already."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


# For those who use it


@asynccontextmanager
async def delayed(port: int, round_trip: float) -> AsyncIterator[DelayedWay]:
    """Run the proxy before the server on loopback at `port`. `round_trip` in seconds. Raises RuntimeError when it adds
    less or more."""
    echo = await asyncio.start_server(_echo, HERE, 0)
    async with echo, _running(echo.sockets[0].getsockname()[1], round_trip) as probe:
        measured = await _ping(probe)
        speed = await _pump(probe)
    if not round_trip <= measured <= round_trip + _TOLERANCE:
        raise RuntimeError(f"the delay proxy makes {measured * 1000:.1f} ms of {round_trip * 1000:.1f}")
    async with _running(port, round_trip) as here:
        yield DelayedWay(here, measured, speed)


@asynccontextmanager
async def _running(port: int, round_trip: float) -> AsyncIterator[int]:
    arguments = "-m", "tests.bench.delay", str(port), str(round_trip * 1000)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Gives back single bytes, and of what comes in bulk only the number of bytes, at its end."""
    first = await reader.read(1)
    while first == b"p":
        writer.write(first)
        first = await reader.read(1)
    count = len(first)
    while data := await reader.read(1024 * 1024):
        count += len(data)
    writer.write(b"%d\n" % count)
    writer.close()


async def _ping(port: int) -> float:
    reader, writer = await asyncio.open_connection(HERE, port)
    times = []
    for _ in range(_PINGS):
        began = perf_counter()
        writer.write(b"p")
        await reader.readexactly(1)
        times.append(perf_counter() - began)
    writer.close()
    return min(times)


async def _pump(port: int) -> float:
    reader, writer = await asyncio.open_connection(HERE, port)
    block = b"b" * 1024 * 1024
    began = perf_counter()
    for _ in range(_PROBE // len(block)):
        writer.write(block)
        await writer.drain()
    writer.write_eof()
    assert int(await reader.readline()) == _PROBE
    took = perf_counter() - began
    writer.close()
    return _PROBE / took


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
