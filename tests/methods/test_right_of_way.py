"""Whoever presses a key goes first, and transfers go on for all that."""

import asyncio
import os
import socket
import threading
from types import SimpleNamespace

import pytest

from tui.console.terminal import TerminalDriver
from tui.methods import ftp_data, right_of_way, sftp_turns, ssh_socket
from tui.methods.ftp_data import DataConnection, DataThread
from tui.methods.right_of_way import RightOfWay
from tui.methods.sftp_turns import Turns
from tui.methods.ssh_socket import SshSocket


class Clock:
    """Time that passes when it is told to, or when somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(right_of_way, "monotonic", lambda: self.now)
        monkeypatch.setattr(right_of_way, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> RightOfWay:
    """One that all who move bytes look at."""
    way = RightOfWay()
    for module in (ftp_data, sftp_turns, ssh_socket):
        monkeypatch.setattr(module, "right_of_way", way)
    return way


def test_a_key_that_is_held_down_has_half_of_the_time(clock: Clock) -> None:
    way = RightOfWay()
    claimed = 0
    for _ in range(6000):
        way.claim()
        claimed += way.seconds_claimed > 0
        clock.now += 0.001
    assert claimed == pytest.approx(3000, rel=0.05)


def test_the_answer_to_a_key_ends_its_claim(clock: Clock) -> None:
    way = RightOfWay()
    way.claim()
    way.answer()
    assert way.seconds_claimed > 0, "what was shown before the loop knew of the key is no answer"
    way.hear()
    clock.now += 0.04
    way.answer()
    assert way.seconds_claimed <= 0


def test_what_is_shown_soon_after_a_key_was_under_way_before(clock: Clock) -> None:
    way = RightOfWay()
    way.claim()
    way.hear()
    clock.now += 0.01
    way.answer()
    assert way.seconds_claimed > 0
    clock.now += 0.021
    assert way.seconds_claimed <= 0


def test_it_is_claimed_again_when_transfers_had_as_much_time_as_the_answer_took(clock: Clock) -> None:
    way = RightOfWay()
    way.claim()
    way.hear()
    clock.now += 0.04
    way.answer()
    clock.now += 0.039
    way.claim()
    assert way.seconds_claimed <= 0
    clock.now += 0.002
    way.claim()
    assert way.seconds_claimed > 0


def test_who_stands_back_looks_again_before_the_claim_has_to_be_over(clock: Clock) -> None:
    way = RightOfWay()
    way.claim()
    way.hear()
    looks = 0
    while (seconds := way.seconds_claimed) > 0:
        clock.sleep(seconds)
        looks += 1
    assert looks > 5


def test_who_gives_way_waits_until_the_claim_is_over(clock: Clock) -> None:
    way = RightOfWay()
    way.claim()
    way.give()
    assert way.seconds_claimed <= 0


def test_a_connection_has_nothing_to_read_while_it_is_claimed(clock: Clock, way: RightOfWay) -> None:
    near, far = socket.socketpair()
    with far, SshSocket(near) as gentle:
        far.send(b"packet")
        way.claim()
        with pytest.raises(BlockingIOError):
            gentle.recv(1024)
        way.give()
        assert gentle.recv(1024) == b"packet"


async def test_the_loop_rests_while_a_connection_that_has_something_stands_back(way: RightOfWay) -> None:
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    gentle = Counted(near)
    arrived = loop.create_future()

    class Taker(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            arrived.set_result((data, way.seconds_claimed))

    transport, _ = await loop.create_connection(Taker, sock=gentle)
    gentle.read_by(transport)
    way.claim()
    far.send(b"packet")
    data, claimed = await arrived
    assert data == b"packet"
    assert claimed <= 0
    assert gentle.asked < 50, "a loop that comes back at once asks thousands of times"
    transport.close()
    far.close()


class Counted(SshSocket):
    """Counts how often it was asked for what has come."""

    asked = 0

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        self.asked += 1
        return super().recv(bufsize, flags)


async def test_nobody_sends_while_it_is_claimed(way: RightOfWay) -> None:
    turns = Turns(asyncio.get_running_loop())
    sent = asyncio.get_running_loop().create_future()

    def send(budget: int) -> int:
        sent.set_result(way.seconds_claimed)
        return budget

    way.claim()
    turns.ask(send)
    assert await sent <= 0


async def test_the_threads_of_ftp_wait_while_it_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over = threading.Event(), threading.Event()

    def give() -> None:
        asked.set()
        over.wait()

    monkeypatch.setattr(ftp_data, "right_of_way", SimpleNamespace(give=give))
    ours, peer = socket.socketpair()
    thread = DataThread()
    data = DataConnection(ours, thread)
    peer.send(b"rows")
    peer.shutdown(socket.SHUT_WR)
    receiving = asyncio.create_task(data.receive())
    await asyncio.to_thread(asked.wait)
    assert not receiving.done()
    over.set()
    assert await receiving == b"rows"
    data.break_off()
    thread.end()
    peer.close()


async def test_a_key_claims_it_and_the_frame_that_follows_gives_it_back(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    way = RightOfWay()
    monkeypatch.setattr("tui.console.terminal.right_of_way", way)
    keys, typist = os.pipe()
    ended, ender = os.pipe()
    claimed = []

    def take(_: object) -> None:
        claimed.append(way.seconds_claimed > 0)
        os.write(ender, b".")

    shown: list[str] = []
    driver = SimpleNamespace(
        fileno=keys,
        _input_ends=(ended, ender),
        _debug=False,
        _loop=asyncio.get_running_loop(),
        _outlet=SimpleNamespace(write=shown.append),
        process_message=take,
    )
    os.write(typist, b"j")
    await asyncio.to_thread(TerminalDriver.run_input_thread, driver)  # type: ignore[arg-type]  # what it needs of it
    assert claimed == [True]
    clock.now += 0.04
    assert way.seconds_claimed > 0
    TerminalDriver.write(driver, "a frame")  # type: ignore[arg-type]  # what it needs of it
    assert shown == ["a frame"]
    assert way.seconds_claimed <= 0
    for end in (keys, typist, ended, ender):
        os.close(end)
