"""Requests and replies over a channel that a test holds in its hands."""

import asyncio
from collections.abc import Callable
from typing import cast

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.methods import sftp_wire as wire
from tui.methods.sftp_channel import LONGEST_PACKET, ChannelLost, SftpChannel
from tui.methods.sftp_client import RemoteFile, SftpClient
from tui.methods.sftp_turns import BUDGET
from tui.methods.sftp_wire import Kind, Malformed, Packet, Refused


class HeldChannel:
    """What the library would send on; `window` bytes at most, the rest is kept back and the session told to pause."""

    def __init__(self, window: int = 1 << 40) -> None:
        self.session: SftpChannel | None = None
        self.window = window
        self.writes: list[bytes] = []
        self.kept = b""
        self.closed = False
        self._limits: tuple[int, int] | None = None

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self._limits = (high, low)

    def write(self, data: bytes) -> None:
        assert not self.kept, "written to although paused"
        assert self._limits == (0, 0)
        self.writes.append(data)
        self.kept = data[self.window :]
        self.window -= len(data) - len(self.kept)
        if self.kept and self.session is not None:
            self.session.pause_writing()

    def widen(self, count: int) -> None:
        self.window += count
        sent, self.kept = self.kept[: self.window], self.kept[self.window :]
        self.window -= len(sent)
        if not self.kept and self.session is not None:
            self.session.resume_writing()

    def close(self) -> None:
        self.closed = True

    @property
    def requests(self) -> list[Packet]:
        return wire.Assembler(1 << 30).feed(b"".join(self.writes))


def held(window: int = 1 << 40) -> tuple[SftpChannel, HeldChannel]:
    channel, below = SftpChannel(lambda: None), HeldChannel(window)
    below.session = channel
    channel.connection_made(cast(asyncssh.SSHClientChannel[bytes], below))
    return channel, below


def status(number: int, code: int, text: bytes = b"") -> bytes:
    return wire.packet(Kind.STATUS, number, wire.uint32(code), wire.string(text), wire.string(b"en"))


async def rounds(count: int = 3) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


def ask(channel: SftpChannel) -> "asyncio.Future[None]":
    return channel.call(wire.check_ok, Kind.REMOVE, wire.path("/a.csv"))


class TestAnswers:
    async def test_reach_whoever_has_asked_in_any_order(self) -> None:
        channel, below = held()
        first, second = ask(channel), ask(channel)
        await rounds()
        one, two = below.requests
        channel.data_received(status(two.number, 2, b"gone") + status(one.number, 0), None)
        await first
        with pytest.raises(Refused, match="gone") as caught:
            await second
        assert caught.value.status == 2

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (status(99, 0), "answers nothing"),
            (wire.packet(Kind.DATA, 1, wire.string(b"x")), "kind 103 came where only a status makes sense"),
            (wire.packet(Kind.STATUS, 1), "ends before its last field"),
            (wire.uint32(LONGEST_PACKET + 1) + b"\x65\0\0\0\1", "claims to have"),
            (b"Have a nice day!\n", "claims to have"),
        ],
    )
    async def test_that_make_no_sense_end_the_channel(self, answer: bytes, sentence: str) -> None:
        channel, below = held()
        asked, other = ask(channel), ask(channel)
        await rounds()
        channel.data_received(answer, None)
        for future in (asked, other, ask(channel)):
            with pytest.raises(Malformed, match=sentence):
                await future
        assert below.closed

    async def test_that_come_twice_end_the_channel(self) -> None:
        channel, _ = held()
        asked = ask(channel)
        await rounds()
        channel.data_received(status(1, 0) * 2, None)
        await asked
        with pytest.raises(Malformed):
            await ask(channel)

    async def test_to_whoever_was_cancelled_are_ignored(self) -> None:
        channel, below = held()
        asked = ask(channel)
        await rounds()
        asked.cancel()
        channel.data_received(status(1, 4), None)
        assert not below.closed

    async def test_stop_when_the_channel_is_lost(self) -> None:
        channel, _ = held()
        asked = ask(channel)
        channel.connection_lost(asyncssh.ConnectionLost("Connection lost"))
        for future in (asked, ask(channel)):
            with pytest.raises(ChannelLost, match="Connection lost"):
                await future

    async def test_on_the_standard_error_are_none(self) -> None:
        channel, below = held()
        asked = ask(channel)
        await rounds()
        channel.data_received(b"sftp-server: warning", 1)
        channel.data_received(status(1, 0), None)
        await asked
        assert not below.closed

    @given(noise=st.binary(max_size=200))
    @settings(deadline=None)
    def test_that_are_noise_let_nobody_wait_for_ever(self, noise: bytes) -> None:
        async def hear() -> None:
            channel, _ = held()
            asked = [ask(channel) for _ in range(3)]
            await rounds()
            channel.data_received(noise, None)
            channel.eof_received()
            for outcome in await asyncio.gather(*asked, return_exceptions=True):
                assert outcome is None or isinstance(outcome, (Refused, Malformed, ChannelLost))

        asyncio.run(hear())


class TestTheBeginning:
    async def begin(self, answer: bytes) -> dict[bytes, bytes]:
        channel, below = held()
        beginning = asyncio.create_task(channel.begin())
        await rounds()
        assert b"".join(below.writes) == b"\0\0\0\5\1\0\0\0\3"
        channel.data_received(answer, None)
        return await beginning

    async def test_agrees_on_version_3(self) -> None:
        offered = wire.string(b"posix-rename@openssh.com") + wire.string(b"1")
        assert await self.begin(wire.packet(Kind.VERSION, 3, offered)) == {b"posix-rename@openssh.com": b"1"}

    @pytest.mark.parametrize("version", [0, 2, 4])
    async def test_with_another_version_is_the_end(self, version: int) -> None:
        with pytest.raises(Malformed, match=f"version {version} "):
            await self.begin(wire.packet(Kind.VERSION, version))

    async def test_with_anything_else_is_the_end(self) -> None:
        with pytest.raises(Malformed):
            await self.begin(status(3, 0))


class TestSending:
    async def test_what_is_asked_at_once_goes_at_once(self) -> None:
        channel, below = held()
        for _ in range(50):
            ask(channel)
        await rounds()
        assert len(below.writes) == 1
        assert len(below.requests) == 50

    async def test_no_round_of_the_loop_sends_more_than_the_budget_of_all_channels(self) -> None:
        channels = [held() for _ in range(8)]
        for channel, _ in channels:
            channel.post(lambda _: None, Kind.WRITE, payload=bytes(5 * BUDGET))
        sent = 0
        while sent < 40 * BUDGET:
            await asyncio.sleep(0)
            now = sum(len(data) for _, below in channels for data in below.writes)
            assert now - sent <= BUDGET
            sent = now
        # Everybody in turn: nobody has had to wait for the others to be done.
        assert {len(below.writes) for _, below in channels} <= {5, 6}

    async def test_a_full_window_is_waited_for(self) -> None:
        channel, below = held(window=1000)
        content = bytes(range(256)) * 2000
        channel.post(lambda _: None, Kind.WRITE, payload=content)
        await rounds(20)
        assert len(below.writes) == 1
        while below.kept:
            below.widen(100_000)
            await rounds()
        [request] = below.requests
        assert request.body == content

    async def test_what_was_not_sent_can_be_withdrawn(self) -> None:
        channel, below = held(window=10)
        answers: list[Packet | Exception] = []
        numbers = [channel.post(answers.append, Kind.WRITE, payload=bytes(BUDGET)) for _ in range(5)]
        await rounds(20)
        channel.withdraw(numbers)
        asked = ask(channel)
        below.widen(1 << 40)
        await rounds(20)
        # The one that was begun is sent to its end, or everything after it would be taken for a part of it.
        begun, last = below.requests
        assert (begun.number, len(begun.body)) == (numbers[0], BUDGET)
        channel.data_received(status(begun.number, 4) + status(last.number, 0), None)
        await asked
        assert answers == []


class TestFiles:
    async def opened(self) -> tuple[RemoteFile, SftpChannel, HeldChannel]:
        channel, below = held()
        opening = asyncio.create_task(SftpClient(channel, {}).open("/a.csv", 1))
        await rounds()
        channel.data_received(wire.packet(Kind.HANDLE, 1, wire.string(b"h")), None)
        return await opening, channel, below

    async def test_that_are_opened_for_nobody_are_closed(self) -> None:
        channel, below = held()
        opening = asyncio.create_task(SftpClient(channel, {}).open("/a.csv", 1))
        await rounds()
        opening.cancel()
        await rounds()
        channel.data_received(wire.packet(Kind.HANDLE, 1, wire.string(b"h")), None)
        await rounds()
        assert [(request.kind, request.body) for request in below.requests[1:]] == [(Kind.CLOSE, wire.string(b"h"))]

    async def test_are_closed_once(self) -> None:
        file, channel, below = await self.opened()
        closing = file.close()
        file.close()
        await rounds()
        assert [request.kind for request in below.requests] == [Kind.OPEN, Kind.CLOSE]
        channel.data_received(status(2, 4, b"quota"), None)
        with pytest.raises(Refused, match="quota"):
            await closing

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (wire.packet(Kind.DATA, 2, wire.string(b"abc")), (b"abc", 3, None)),
            (status(2, 1), (b"", 0, None)),
            (status(2, 3), (b"", 0, Refused)),
            (wire.packet(Kind.DATA, 2, wire.string(b"abcdef")), (b"", 0, Malformed)),
            (wire.packet(Kind.HANDLE, 2, wire.string(b"abc")), (b"", 0, Malformed)),
        ],
    )
    async def test_are_read(self, answer: bytes, outcome: tuple[bytes, int, type[Exception] | None]) -> None:
        file, channel, _ = await self.opened()
        found = []
        file.read(0, 5, lambda pieces, count, error: found.append((b"".join(pieces), count, error)))
        await rounds()
        channel.data_received(answer, None)
        [(data, count, error)] = found
        assert (data, count, error and type(error)) == outcome


async def test_calls_measure_the_way_there_and_back() -> None:
    channel, _ = held()
    asked = ask(channel)
    await rounds()
    answering: Callable[[], None] = lambda: channel.data_received(status(1, 0), None)  # noqa: E731 - for the timer
    asyncio.get_running_loop().call_later(0.05, answering)
    await asked
    assert 0.05 <= channel.round_trip < 0.5
