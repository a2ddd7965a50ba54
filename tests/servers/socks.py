"""A SOCKS5 proxy in the loop of the test (RFC 1928, RFC 1929), which remembers what it was asked for."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class SocksProxy:
    port: int = 0
    login: tuple[str, str] | None = None
    """The user and the password that it wants; None: it wants no login."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names that only the proxy can look up."""
    reply: int | None = None
    """What it answers instead of connecting."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    """The servers it was asked to connect to, as it was asked."""
    logins: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        user = f"{self.login[0]}@" if self.login else ""
        return f"socks5://{user}127.0.0.1:{self.port}"


@asynccontextmanager
async def run_socks(proxy: SocksProxy | None = None) -> AsyncIterator[SocksProxy]:
    proxy = proxy or SocksProxy()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _serve(proxy, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(proxy: SocksProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    _, count = await reader.readexactly(2)
    offered = await reader.readexactly(count)
    wanted = 2 if proxy.login else 0
    if wanted not in offered:
        writer.write(b"\x05\xff")
        return
    writer.write(bytes([5, wanted]))
    if proxy.login and not await _logged_in(proxy, reader, writer):
        return
    host, port = await _target(reader)
    proxy.asked.append((host, port))
    if proxy.reply is not None:
        writer.write(bytes([5, proxy.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        return
    there, back = await asyncio.open_connection(proxy.names.get(host, host), port)
    # A name as the bound address, which clients rarely meet.
    writer.write(b"\x05\x00\x00\x03\x05there\x00\x00")
    try:
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
    finally:
        back.close()


async def _logged_in(proxy: SocksProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    _, length = await reader.readexactly(2)
    user = (await reader.readexactly(length)).decode()
    password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    proxy.logins.append((user, password))
    right = (user, password) == proxy.login
    writer.write(b"\x01\x00" if right else b"\x01\x01")
    return right


async def _target(reader: asyncio.StreamReader) -> tuple[str, int]:
    *_, kind = await reader.readexactly(4)
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    else:
        family, length = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        host = socket.inet_ntop(family, await reader.readexactly(length))
    return host, int.from_bytes(await reader.readexactly(2))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
