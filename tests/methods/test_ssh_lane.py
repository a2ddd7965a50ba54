"""The short way through asyncssh: what it takes, what it leaves to the library, and that the library agrees."""

import asyncio
import os
from collections.abc import AsyncIterator
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

import asyncssh
import pytest
from asyncssh.channel import SSHChannel
from asyncssh.encryption import GCMEncryption
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.sftp_support import opened, receive, send
from tui.methods.sftp import SftpSession
from tui.methods.ssh_lane import Lane, lane_of

_SIZE = 20_000_000
_KEY, _IV = bytes(range(16)), bytes(12)
_OURS, _OTHER = 3, 4
"""Channels."""


@pytest.fixture
def by_the_library(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of packets with data that have gone the library's way, in either direction."""
    sizes: list[int] = []
    take, send = SSHChannel._process_data, SSHChannel.send_packet

    def taken(self: Any, kind: int, number: int, packet: Any) -> None:
        sizes.append(len(packet.get_full_payload()))
        take(self, kind, number, packet)

    def sent(self: Any, kind: int, *args: bytes) -> None:
        sizes.append(sum(map(len, args)))
        send(self, kind, *args)

    monkeypatch.setitem(SSHChannel._packet_handlers, 94, taken)
    monkeypatch.setattr(SSHChannel, "send_packet", sent)
    return sizes


@pytest.fixture
async def session(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[SftpSession]:
    async with opened(tmp_path, *getattr(request, "param", ())) as (session, _):
        yield session


async def _there_and_back(session: SftpSession, folder: Path) -> None:
    content = os.urandom(_SIZE)
    sent = await send(session, "a.csv", content)
    path = folder / "remote" / "a.csv.wharf-part"
    assert path.read_bytes() == content
    path.rename(folder / "remote" / sent.name)
    [entry] = await session.list_files()
    assert await receive(session, entry) == content


async def test_bytes_of_files_take_it_in_both_directions(
    session: SftpSession, tmp_path: Path, by_the_library: list[int]
) -> None:
    await _there_and_back(session, tmp_path)
    assert sum(by_the_library) < _SIZE / 1000


@pytest.mark.parametrize("session", [("RekeyLimit 12M",)], indirect=True)
async def test_is_taken_again_when_the_server_has_changed_the_keys(
    session: SftpSession, tmp_path: Path, by_the_library: list[int]
) -> None:
    before = session._the_link._recv_encryption
    await _there_and_back(session, tmp_path)
    assert session._the_link._recv_encryption is not before
    assert sum(by_the_library) < _SIZE / 2


async def test_is_taken_again_when_we_have_changed_the_keys(
    session: SftpSession, tmp_path: Path, by_the_library: list[int]
) -> None:
    link = session._the_link
    link._rekey_bytes = 12_000_000
    before = link._send_encryption
    await _there_and_back(session, tmp_path)
    assert link._send_encryption is not before
    assert sum(by_the_library) < _SIZE / 2


@pytest.mark.parametrize("session", [("Ciphers chacha20-poly1305@openssh.com,aes256-ctr",)], indirect=True)
async def test_other_ciphers_go_the_librarys_way(session: SftpSession, tmp_path: Path) -> None:
    assert lane_of(session._the_link) is None
    await _there_and_back(session, tmp_path)


async def test_there_is_one_for_all_channels_of_a_connection(session: SftpSession) -> None:
    lane = lane_of(session._the_link)
    assert lane is not None
    assert lane_of(session._the_link) is lane


class _Channel:
    """As much of a channel of the library as the lane asks for."""

    def __init__(self) -> None:
        self._recv_state = self._send_state = "open"
        self._recv_paused = False
        self._recv_window = 1 << 20
        self._send_window = 0
        self.flushed_at: list[int] = []
        """How wide the window was when what waits for it could go on."""
        self.received: list[bytes] = []

    def _flush_send_buf(self) -> None:
        self.flushed_at.append(self._send_window)

    def _deliver_data(self, data: bytes, datatype: int | None) -> None:
        self.received.append(bytes(data))


class _Link:
    """As much of a connection of the library; it ends at a packet that is not authentic."""

    def __init__(self) -> None:
        self._channels = {_OURS: _Channel(), _OTHER: _Channel()}
        self._recv_encryption = GCMEncryption.new("aes128-gcm", _KEY, _IV)
        self._inpbuf = self._packet = b""
        self._kex = self._decompressor = None
        self._transport: object | None = object()
        self._recv_handler = self._recv_pkthdr
        self._recv_seq = 0
        self.received: list[bytes] = []

    def _recv_pkthdr(self) -> None:
        """Compared with, never called."""

    def _reset_keepalive_timer(self) -> None:
        """Nothing to keep alive."""

    def data_received(self, data: bytes) -> None:
        plain = self._recv_encryption.decrypt_packet(self._recv_seq, data[:4], data[4:-16], 4, data[-16:])
        if plain is None:
            self._transport = None
            return
        self._recv_seq += 1
        self.received.append(plain)


def _packet(kind: int, channel: int, data: bytes, number: int | None = None) -> bytes:
    padding = 4 + -(len(data) + 14) % 16
    number = len(data) if number is None else number
    body = bytes((padding, kind)) + channel.to_bytes(4) + number.to_bytes(4) + data + bytes(padding)
    return len(body).to_bytes(4) + body


def _widening(channel: int, count: int) -> bytes:
    return _packet(93, channel, b"", count)


def _sealed(packets: list[bytes]) -> list[bytes]:
    encryption = GCMEncryption.new("aes128-gcm", _KEY, _IV)
    return [b"".join(encryption.encrypt_packet(0, packet[:4], packet[4:])) for packet in packets]


def _lane(link: _Link) -> Lane:
    lane = Lane(cast(asyncssh.SSHClientConnection, link), cast(asyncio.Transport, link._transport))
    lane.add(cast("asyncssh.SSHClientChannel[bytes]", link._channels[_OURS]))
    return lane


def _feed(lane: Lane, stream: bytes, pieces: list[int]) -> None:
    """The stream in pieces of these sizes, and the rest of it as large as they fit."""
    sizes = iter(pieces)
    while stream:
        room = lane.get_buffer(-1)
        count = min(len(room), len(stream), next(sizes, len(stream)))
        room[:count] = stream[:count]
        lane.buffer_updated(count)
        stream = stream[count:]


_DATA = st.tuples(st.just(94), st.sampled_from([_OURS, _OTHER]), st.binary(min_size=1, max_size=200))
_OTHERS = st.tuples(st.sampled_from([2, 95, 96, 99]), st.just(_OURS), st.binary(max_size=40))


@given(st.lists(_DATA | _OTHERS, max_size=12), st.lists(st.integers(1, 300), max_size=30))
def test_every_packet_goes_one_way_in_whatever_pieces_it_comes(
    packets: list[tuple[int, int, bytes]], pieces: list[int]
) -> None:
    link = _Link()
    plain = [_packet(*packet) for packet in packets]
    _feed(_lane(link), b"".join(_sealed(plain)), pieces)
    ours = [data for kind, channel, data in packets if (kind, channel) == (94, _OURS)]
    assert link._channels[_OURS].received == ours
    assert link.received == [packet[4:] for packet, one in zip(plain, packets, strict=True) if one[:2] != (94, _OURS)]
    assert link._recv_seq == len(packets)
    assert link._channels[_OURS]._recv_window == (1 << 20) - sum(map(len, ours))


@given(st.lists(st.tuples(st.sampled_from([_OURS, _OTHER]), st.integers(0, (1 << 32) - 1)), max_size=12))
def test_windows_of_its_channels_are_widened_by_the_lane_and_others_by_the_library(
    widened: list[tuple[int, int]],
) -> None:
    link = _Link()
    plain = [_widening(*one) for one in widened]
    _feed(_lane(link), b"".join(_sealed(plain)), [])
    ours = [count for channel, count in widened if channel == _OURS]
    assert link._channels[_OURS].flushed_at == list(accumulate(ours))
    assert link.received == [
        packet[4:] for packet, (channel, _) in zip(plain, widened, strict=True) if channel == _OTHER
    ]
    assert link._recv_seq == len(widened)


@given(st.integers(4, 60))
def test_after_a_packet_that_is_not_authentic_nothing_counts(at: int) -> None:
    link = _Link()
    first, second, third = _sealed([_packet(94, _OURS, bytes([number]) * 40) for number in range(3)])
    forged = second[:at] + bytes([second[at] ^ 1]) + second[at + 1 :]
    _feed(_lane(link), first + forged + third, [])
    assert link._channels[_OURS].received == [bytes(40)]
    assert link.received == []


@pytest.mark.parametrize(
    "change",
    [{"_recv_paused": True}, {"_recv_state": "eof"}, {"_send_state": "closed"}, {"_recv_window": 39}],
    ids=str,
)
def test_what_a_channel_cannot_take_now_is_the_librarys_matter(change: dict[str, Any]) -> None:
    link = _Link()
    vars(link._channels[_OURS]).update(change)
    packet = _packet(94, _OURS, bytes(40))
    _feed(_lane(link), b"".join(_sealed([packet])), [])
    assert (link._channels[_OURS].received, link.received) == ([], [packet[4:]])


def test_a_window_adjustment_with_something_behind_it_is_the_librarys_matter() -> None:
    link = _Link()
    packet = _packet(93, _OURS, b"more", 4)
    _feed(_lane(link), b"".join(_sealed([packet])), [])
    assert (link._channels[_OURS].flushed_at, link.received) == ([], [packet[4:]])


@pytest.mark.parametrize("change", [{"_recv_state": "eof"}, {"_send_state": "eof_pending"}], ids=str)
def test_the_window_of_a_channel_that_ends_is_the_librarys_matter(change: dict[str, Any]) -> None:
    link = _Link()
    vars(link._channels[_OURS]).update(change)
    _feed(_lane(link), b"".join(_sealed([_widening(_OURS, 7)])), [])
    assert (link._channels[_OURS].flushed_at, len(link.received)) == ([], 1)


@pytest.mark.parametrize("size", [0, 39, 41, 1 << 31])
def test_a_length_that_is_not_that_of_the_data_is_the_librarys_matter(size: int) -> None:
    link = _Link()
    packet = bytearray(_packet(94, _OURS, bytes(40)))
    packet[10:14] = size.to_bytes(4)
    _feed(_lane(link), b"".join(_sealed([bytes(packet)])), [])
    assert (link._channels[_OURS].received, len(link.received)) == ([], 1)
