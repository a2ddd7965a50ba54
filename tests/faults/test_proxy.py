"""The fault proxy does what it says: what passes, what does not, and how connections end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.proxy import (
    BEHIND,
    HERE,
    REPLY_DELAY,
    Channel,
    Cut,
    Delay,
    DelayReply,
    Drip,
    DropReply,
    DuplicateReply,
    Fault,
    Freeze,
    Meanwhile,
    Proxy,
    Refuse,
    Reset,
    Truncate,
    Way,
    run_proxy,
)
from tests.servers.debian import free_port

CONTENT = bytes(range(256)) * 1000


class Echo:
    """Sends back what it gets, and remembers how each connection ended."""

    def __init__(self) -> None:
        self.endings: asyncio.Queue[tuple[bytes, BaseException | None]] = asyncio.Queue()
        self.clients: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        got = b""
        ending: BaseException | None = None
        try:
            while data := await reader.read(10_000):
                got += data
                writer.write(data)
                await writer.drain()
        except OSError as error:
            ending = error
        self.endings.put_nowait((got, ending))
        writer.close()


@asynccontextmanager
async def echo_behind_proxy(fault: Fault | None, *data_ports: int) -> AsyncIterator[tuple[Proxy, Echo]]:
    echo = Echo()
    servers = [await asyncio.start_server(echo.serve, BEHIND, port) for port in (0, *data_ports)]
    try:
        async with run_proxy(BEHIND, servers[0].sockets[0].getsockname()[1], data_ports) as proxy:
            proxy.arm(fault)
            yield proxy, echo
    finally:
        for server in servers:
            server.close()
        for writer in echo.clients:
            writer.transport.abort()


async def talk(port: int, content: bytes = CONTENT) -> bytes:
    """Send everything and read everything, to the clean end of both."""
    reader, writer = await asyncio.open_connection(HERE, port)
    try:

        async def send() -> None:
            writer.write(content)
            await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        try:
            return await reader.read(-1)
        finally:
            await asyncio.gather(sending, return_exceptions=True)
    finally:
        writer.transport.abort()


async def test_without_a_fault_everything_passes() -> None:
    async with echo_behind_proxy(None) as (proxy, echo):
        assert await talk(proxy.port) == CONTENT
        assert await echo.endings.get() == (CONTENT, None)
        assert proxy.passed == {(Channel.MAIN, Way.UP): len(CONTENT), (Channel.MAIN, Way.DOWN): len(CONTENT)}
        assert proxy.bites == 0


@pytest.mark.parametrize("after", [0, 1, 70_000, len(CONTENT)])
async def test_cut(after: int) -> None:
    async with echo_behind_proxy(Cut(after)) as (proxy, _):
        reader, writer = await asyncio.open_connection(HERE, proxy.port)
        writer.write(CONTENT)
        got = b""
        try:
            while data := await reader.read(10_000):
                got += data
        except ConnectionResetError:
            pass  # closing with something unread does that
        assert CONTENT[:after].startswith(got)
        assert proxy.bites == 1
        writer.transport.abort()
        assert await talk(proxy.port) == CONTENT, "it strikes once"


@pytest.mark.parametrize("way", Way)
async def test_reset(way: Way) -> None:
    async with echo_behind_proxy(Reset(70_000, way)) as (proxy, echo):
        with pytest.raises(ConnectionResetError):
            await talk(proxy.port)
        got, ending = await echo.endings.get()
        assert CONTENT.startswith(got)
        # Struck on the way back, the server may have been through with it.
        assert isinstance(ending, ConnectionResetError) or (way is Way.DOWN and got == CONTENT)


async def test_a_fault_that_stays_strikes_every_connection() -> None:
    async with echo_behind_proxy(Reset(300_000, Way.UP, stays=True)) as (proxy, _):
        assert await talk(proxy.port) == CONTENT
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                await talk(proxy.port)
        assert proxy.bites == 2


async def test_freeze_ends_nothing_and_passes_nothing() -> None:
    async with echo_behind_proxy(Freeze(1000)) as (proxy, echo):
        reader, writer = await asyncio.open_connection(HERE, proxy.port)
        writer.write(CONTENT[:2000])
        assert await reader.readexactly(1000) == CONTENT[:1000]
        writer.write(CONTENT[2000:3000])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        assert echo.endings.empty()
        assert await talk(proxy.port) == CONTENT, "others are not frozen"
        proxy.arm(None)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.transport.abort()


async def test_truncate_up_the_server_sees_a_clean_end() -> None:
    async with echo_behind_proxy(Truncate(100_000, Way.UP)) as (proxy, echo):
        assert await talk(proxy.port) == CONTENT[:100_000]
        assert await echo.endings.get() == (CONTENT[:100_000], None)


async def test_truncate_down_the_sender_never_learns() -> None:
    async with echo_behind_proxy(Truncate(100_000)) as (proxy, echo):
        assert await talk(proxy.port) == CONTENT[:100_000]
        assert await echo.endings.get() == (CONTENT, None)


async def test_drip_loses_nothing() -> None:
    async with echo_behind_proxy(Drip(100_000)) as (proxy, _):
        assert await talk(proxy.port) == CONTENT
        assert proxy.bites == 1


async def test_meanwhile_calls() -> None:
    async with echo_behind_proxy(Meanwhile(100_000)) as (proxy, _):
        called: list[int] = []
        proxy.meanwhile = lambda: called.append(proxy.passed[Channel.MAIN, Way.UP])
        assert await talk(proxy.port) == CONTENT
        [moment] = called
        assert moment >= 100_000


async def test_delay_is_for_every_chunk() -> None:
    async with echo_behind_proxy(Delay(0.05)) as (proxy, _):
        reader, writer = await asyncio.open_connection(HERE, proxy.port)
        began = time.monotonic()
        for _ in range(3):
            writer.write(b"x")
            await reader.readexactly(1)
        assert time.monotonic() - began >= 0.15
        writer.transport.abort()


@pytest.mark.parametrize(("stays", "refused"), [(False, [2]), (True, [2, 3])])
async def test_refuse(stays: bool, refused: list[int]) -> None:
    async with echo_behind_proxy(Refuse(2, stays=stays)) as (proxy, _):
        for number in (1, 2, 3):
            if number in refused:
                with pytest.raises((ConnectionResetError, BrokenPipeError)):
                    await talk(proxy.port)
            else:
                assert await talk(proxy.port) == CONTENT


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (DropReply("^226"), b"220 hello\r\n150 begin\r\n226 again\r\n250 last\r\n"),
        (DropReply("^226", 2), b"220 hello\r\n150 begin\r\n226 done\r\n250 last\r\n"),
        (DropReply("^226", stays=True), b"220 hello\r\n150 begin\r\n250 last\r\n"),
        (DuplicateReply("begin"), b"220 hello\r\n150 begin\r\n150 begin\r\n226 done\r\n226 again\r\n250 last\r\n"),
    ],
)
async def test_replies(fault: Fault, expected: bytes) -> None:
    sent = b"220 hello\r\n150 begin\r\n226 done\r\n226 again\r\n250 last\r\n"
    async with echo_behind_proxy(fault) as (proxy, _):
        assert await talk(proxy.port, sent) == expected


async def test_a_delayed_reply_holds_up_what_follows() -> None:
    async with echo_behind_proxy(DelayReply("^226")) as (proxy, _):
        began = time.monotonic()
        assert await talk(proxy.port, b"226 done\r\n250 last\r\n") == b"226 done\r\n250 last\r\n"
        assert time.monotonic() - began >= REPLY_DELAY


async def test_text_without_an_end_of_line_arrives_at_the_end() -> None:
    async with echo_behind_proxy(DropReply("nothing")) as (proxy, _):
        assert await talk(proxy.port, b"one\r\ntwo") == b"one\r\ntwo"


async def test_data_connections_are_a_channel_of_their_own() -> None:
    data_port = free_port()
    async with echo_behind_proxy(Truncate(10, channel=Channel.DATA), data_port) as (proxy, _):
        assert await talk(proxy.port) == CONTENT
        assert await talk(data_port) == CONTENT[:10]
        assert proxy.connections == {Channel.MAIN: 1, Channel.DATA: 1}
