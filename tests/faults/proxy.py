"""A TCP proxy on loopback that does to connections what bad networks and bad servers do.

It stands between a client and a real server. One fault is armed at a time; `bites` tells how often it has struck. For
FTP the data connections go through it as well: the server listens on another address of loopback and announces
passive ports out of a fixed range, and the proxy listens on the same ports here. So nothing has to be rewritten, and it
works with an encrypted control connection too.
"""

import asyncio
import re
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from socket import SO_LINGER, SOL_SOCKET

HERE = "127.0.0.1"
BEHIND = "127.0.0.2"
"""Where servers with data connections listen."""

_CHUNK = 64 * 1024


class Way(StrEnum):
    """Whither bytes flow."""

    UP = "up"
    """From the client to the server."""
    DOWN = "down"


class Channel(StrEnum):
    """The kind of connection: with FTP there are two, elsewhere only the main one."""

    MAIN = "main"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class ByteFault:
    """Strikes as soon as `after` bytes have gone this way, counted over all connections of the channel since it was
    armed. Unless it `stays`, it strikes once; otherwise every later connection of the channel is struck as well as soon
    as it brings something: the way is broken until somebody repairs it.
    """

    after: int
    way: Way = Way.DOWN
    channel: Channel = Channel.MAIN
    stays: bool = False


class Cut(ByteFault):
    """Both connections are closed, as when the process at the other end dies."""


class Reset(ByteFault):
    """Both connections are reset (RST), as firewalls do it."""


class Freeze(ByteFault):
    """Nothing passes any more in either way, and nothing ends: a black hole."""


class Truncate(ByteFault):
    """The receiver sees a clean end (FIN), and the sender never learns: what it still sends is thrown away. The other
    way stays open."""


class Drip(ByteFault):
    """The next 4 kB come in small drops."""


class Meanwhile(ByteFault):
    """Nothing happens to the connection; the proxy calls `meanwhile`, so that a test can do something just then."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Every chunk of the way comes late."""

    seconds: float
    way: Way = Way.DOWN
    channel: Channel = Channel.MAIN


@dataclass(frozen=True, slots=True)
class Refuse:
    """The nth connection of the channel, counted from 1, is reset as soon as it is there; all from then on if it
    `stays`."""

    nth: int
    channel: Channel = Channel.MAIN
    stays: bool = False


@dataclass(frozen=True, slots=True)
class ReplyFault:
    """Strikes the nth line from the server on the main channel in which the regular expression is found; all from then
    on if it `stays`."""

    pattern: str
    nth: int = 1
    stays: bool = False


class DropReply(ReplyFault):
    """The line never arrives."""


class DuplicateReply(ReplyFault):
    """The line arrives twice."""


class DelayReply(ReplyFault):
    """The line, and what follows it, comes late."""


Fault = ByteFault | Delay | Refuse | ReplyFault

REPLY_DELAY = 0.3
"""Seconds by which a delayed reply is late."""
_DRIPPING = 4096
_DROP = 128
_BETWEEN_DROPS = 0.002


@dataclass(eq=False, slots=True)
class _Link:
    """A client's connection with the server's that belongs to it."""

    channel: Channel
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear while frozen."""
    struck: bool = False

    def ends(self, way: Way) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Where bytes of this way come from and where they go."""
        origin, goal = (self.client, self.server) if way is Way.UP else (self.server, self.client)
        return origin[0], goal[1]

    def close(self) -> None:
        for _, writer in (self.client, self.server):
            writer.close()

    def reset(self) -> None:
        for _, writer in (self.client, self.server):
            _reset(writer)


class _Ended(Exception):
    """A fault has ended this way of the link."""


class Proxy:
    """Made and ended by `run_proxy`."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.port = 0
        self.meanwhile = meanwhile
        self.fault: Fault | None = None
        self.bites = 0
        """How often the fault has struck since it was armed."""
        self.passed: Counter[tuple[Channel, Way]] = Counter()
        """Bytes that have arrived at the proxy since the fault was armed."""
        self.connections: Counter[Channel] = Counter()
        self._matching = 0
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def arm(self, fault: Fault | None) -> None:
        """Set the fault, None for none; all counts begin anew, and the connections there are, are dropped."""
        for link in list(self._links):
            link.reset()
            link.flowing.set()
        self._links.clear()
        self.fault = fault
        self.bites = self._matching = 0
        self.passed.clear()
        self.connections.clear()

    async def serve(
        self, channel: Channel, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> None:
        """Carry one connection of a client to the server."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections[channel] += 1
        if self._refuses(channel):
            self.bites += 1
            _reset(writer)
            return
        try:
            server = await asyncio.open_connection(host, port)
        except OSError:
            _reset(writer)
            return
        link = _Link(channel, (reader, writer), server)
        link.flowing.set()
        self._links.add(link)
        try:
            await asyncio.gather(self._carry(link, Way.UP), self._carry(link, Way.DOWN))
        finally:
            self._links.discard(link)
            link.close()

    async def quiet(self, seconds: float) -> None:
        """Wait until all connections have ended, but no longer than this."""
        carrying = set(self._tasks)
        if carrying:
            await asyncio.wait(carrying, timeout=seconds)

    async def end(self) -> None:
        self.arm(None)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _refuses(self, channel: Channel) -> bool:
        fault = self.fault
        if not isinstance(fault, Refuse) or fault.channel is not channel:
            return False
        count = self.connections[channel]
        return count >= fault.nth if fault.stays else count == fault.nth

    async def _carry(self, link: _Link, way: Way) -> None:
        reader, writer = link.ends(way)
        rest = b""
        with suppress(_Ended):
            try:
                while data := await reader.read(_CHUNK):
                    rest = await self._pass(link, way, rest + data)
                await self._forward(link, writer, rest)
                await link.flowing.wait()
                if writer.can_write_eof():
                    writer.write_eof()
            except OSError:
                # What one side does to its connection, the other side sees.
                if not link.struck:
                    link.reset()

    async def _pass(self, link: _Link, way: Way, data: bytes) -> bytes:
        """Send on what may pass. Returns the beginning of a line that is not complete."""
        fault = self.fault
        _, writer = link.ends(way)
        if isinstance(fault, ReplyFault) and (link.channel, way) == (Channel.MAIN, Way.DOWN):
            return await self._pass_lines(link, data, fault)
        if isinstance(fault, (ByteFault, Delay)) and (fault.channel, fault.way) == (link.channel, way):
            if isinstance(fault, Delay):
                self.bites += 1
                await asyncio.sleep(fault.seconds)
            else:
                return await self._pass_bytes(link, data, fault)
        self.passed[link.channel, way] += len(data)
        await self._forward(link, writer, data)
        return b""

    async def _pass_bytes(self, link: _Link, data: bytes, fault: ByteFault) -> bytes:
        _, writer = link.ends(fault.way)
        before = self.passed[fault.channel, fault.way]
        self.passed[fault.channel, fault.way] += len(data)
        strikes = before + len(data) >= fault.after and (fault.stays or not self.bites)
        if strikes:
            good, data = data[: max(0, fault.after - before)], data[max(0, fault.after - before) :]
            self.bites += 1
            await self._forward(link, writer, good)
            data = await self._strike(link, data, fault)
        await self._forward(link, writer, data)
        return b""

    async def _strike(self, link: _Link, rest: bytes, fault: ByteFault) -> bytes:
        """Do it. Returns what is still to be sent on of the bytes that were on their way."""
        reader, writer = link.ends(fault.way)
        match fault:
            case Cut():
                link.struck = True
                link.close()
                raise _Ended
            case Reset():
                link.struck = True
                link.reset()
                raise _Ended
            case Freeze():
                link.flowing.clear()
            case Truncate():
                writer.write_eof()
                while await reader.read(_CHUNK):
                    pass
                raise _Ended
            case Drip():
                for start in range(0, min(len(rest), _DRIPPING), _DROP):
                    await self._forward(link, writer, rest[start : min(start + _DROP, _DRIPPING)])
                    await asyncio.sleep(_BETWEEN_DROPS)
                return rest[_DRIPPING:]
            case Meanwhile():
                self.meanwhile()
        return rest

    async def _pass_lines(self, link: _Link, data: bytes, fault: ReplyFault) -> bytes:
        _, writer = link.ends(Way.DOWN)
        *lines, rest = data.split(b"\n")
        self.passed[Channel.MAIN, Way.DOWN] += len(data) - len(rest)
        for line in lines:
            for copy in await self._fate_of(line + b"\n", fault):
                await self._forward(link, writer, copy)
        return rest

    async def _fate_of(self, line: bytes, fault: ReplyFault) -> list[bytes]:
        if re.search(fault.pattern.encode(), line) is None:
            return [line]
        self._matching += 1
        if self._matching < fault.nth or (self._matching > fault.nth and not fault.stays):
            return [line]
        self.bites += 1
        match fault:
            case DropReply():
                return []
            case DuplicateReply():
                return [line, line]
            case _:
                await asyncio.sleep(REPLY_DELAY)
                return [line]

    async def _forward(self, link: _Link, writer: asyncio.StreamWriter, data: bytes) -> None:
        await link.flowing.wait()
        if data and not writer.is_closing():
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        # Closing without lingering sends RST.
        connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def run_proxy(host: str, port: int, data_ports: Sequence[int] = ()) -> AsyncIterator[Proxy]:
    """A proxy before the server at the address; `data_ports` are those that it announces for data connections."""
    proxy = Proxy()

    async def listen(channel: Channel, here: int, there: int) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Python 3.11 complains of servers whose connections are cancelled.
            with suppress(asyncio.CancelledError):
                await proxy.serve(channel, there, reader, writer, host)

        return await asyncio.start_server(serve, HERE, here)

    servers = [await listen(Channel.MAIN, 0, port)]
    try:
        for data_port in data_ports:
            servers.append(await listen(Channel.DATA, data_port, data_port))  # noqa: PERF401 - closed one by one below
        proxy.port = servers[0].sockets[0].getsockname()[1]
        yield proxy
    finally:
        for server in servers:
            server.close()
        await proxy.end()
