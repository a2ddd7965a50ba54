"""The client's side of SOCKS5: what it says, what it makes of the answers, and that it says nothing too early."""

import asyncio

import pytest

from tests.servers.debian import free_port
from tests.servers.socks import SocksProxy, run_socks
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.domain.route import parse_proxy
from tui.domain.run import Event
from tui.methods.dial import Peer
from tui.methods.narration import Narrator
from tui.methods.socks5 import Socks5


async def password() -> str:
    return "open sesame"


async def never() -> str:
    raise AssertionError("no password is needed")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # The first word comes without being asked for, right behind the proxy's answer.
    writer.write(b"220 ready\r\n")
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize("login", [None, ("ops", "open sesame")])
@pytest.mark.parametrize("host", ["only.behind.example", "127.0.0.1"])
async def test_the_name_is_looked_up_there_and_nothing_is_lost(login: tuple[str, str] | None, host: str) -> None:
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with run_socks(SocksProxy(login=login, names={"only.behind.example": "127.0.0.1"})) as proxy:
            way = Socks5(parse_proxy(proxy.address), password if login else never)
            events: list[object] = []
            connected = await way.connect(Peer(host, port, 5), Narrator(events.append))
            reader, writer = await asyncio.open_connection(sock=connected)
            writer.write(b"hello\r\n")
            assert await reader.readexactly(18) == b"220 ready\r\nhello\r\n"
            writer.close()
    assert proxy.asked == [(host, port)]
    assert proxy.logins == ([] if login is None else [login])
    assert "open sesame" not in repr(events)


@pytest.mark.parametrize(
    ("reply", "failure_class"),
    [
        (1, FailureClass.NETWORK),
        (2, FailureClass.PERMISSION),
        (4, FailureClass.NETWORK),
        (5, FailureClass.REFUSED),
        (6, FailureClass.TIMEOUT),
        (99, FailureClass.NETWORK),
    ],
)
async def test_every_refusal_is_told(reply: int, failure_class: FailureClass) -> None:
    async with run_socks(SocksProxy(reply=reply)) as proxy:
        failure = await refused(proxy)
    assert failure.failure_class is failure_class
    assert f"The proxy 127.0.0.1:{proxy.port} does not connect to ftp.acme.example:21" in failure.message


async def test_a_wrong_password_is_tried_once() -> None:
    async with run_socks(SocksProxy(login=("ops", "another"))) as proxy:
        failure = await refused(proxy)
    assert failure.failure_class is FailureClass.AUTH
    assert proxy.logins == [("ops", "open sesame")]
    assert proxy.asked == []
    assert "open sesame" not in failure.message


async def test_a_proxy_that_wants_a_login_gets_none_that_was_not_named() -> None:
    async with run_socks(SocksProxy(login=("ops", "open sesame"))) as proxy:
        failure = await refused(proxy, address=f"socks5://127.0.0.1:{proxy.port}")
    assert failure.failure_class is FailureClass.AUTH
    assert "wants a login" in failure.message
    assert proxy.logins == []


async def test_something_that_is_no_proxy() -> None:
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        failure = await refused(SocksProxy(port=server.sockets[0].getsockname()[1]))
    assert failure.failure_class is FailureClass.CONFIG
    assert "does not answer as a SOCKS5 proxy" in failure.message


async def test_nobody_there() -> None:
    failure = await refused(SocksProxy(port=free_port()))
    assert failure.failure_class is FailureClass.REFUSED


@pytest.mark.parametrize("said", [b"", b"\x05", b"\x05\x00\x05\x00\x00\x03\xffx"])
async def test_a_proxy_that_hangs_up_or_falls_silent(said: bytes) -> None:
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        if silent.is_set():
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        proxy = SocksProxy(port=server.sockets[0].getsockname()[1])
        assert (await refused(proxy)).failure_class is FailureClass.NETWORK
        silent.set()
        assert (await refused(proxy)).failure_class is FailureClass.TIMEOUT


async def refused(proxy: SocksProxy, *, address: str | None = None) -> Failure:
    way = Socks5(parse_proxy(address or proxy.address), password)
    told: list[Event] = []
    with pytest.raises(TransferFailed) as caught:
        await way.connect(Peer("ftp.acme.example", 21, 0.3), Narrator(told.append))
    assert not told[-1].ok
    assert told[-1].detail == str(caught.value)
    return caught.value.failure
