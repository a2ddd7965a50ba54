"""Packets of SFTP: what is made can be read again, and what comes from outside can do no harm."""

import stat
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.methods import sftp_wire as wire
from tui.methods.sftp_wire import Assembler, Attributes, Fields, FileType, Kind, Malformed, Name, Packet, Refused

LONGEST = 5000
NUMBERS = st.integers(0, 2**32 - 1)
SIZES = st.integers(0, 2**64 - 1)


def arrived(kind: int, *fields: bytes, number: int = 7) -> Packet:
    """A packet as it comes out of an assembler."""
    return Packet(kind, number, [memoryview(b"".join(fields))])


def cut(stream: bytes, lengths: list[int]) -> list[bytes]:
    """The stream in pieces of these lengths, and the rest."""
    pieces = []
    for length in lengths:
        pieces.append(stream[:length])
        stream = stream[length:]
    return [*pieces, stream]


@given(
    packets=st.lists(st.tuples(st.sampled_from(Kind), NUMBERS, st.binary(max_size=200)), max_size=6),
    lengths=st.lists(st.integers(0, 60), max_size=30),
)
def test_packets_come_out_as_they_went_in_wherever_the_stream_is_cut(
    packets: list[tuple[Kind, int, bytes]], lengths: list[int]
) -> None:
    stream = b"".join(wire.packet(kind, number, body) for kind, number, body in packets)
    assembler = Assembler(LONGEST)
    found = [packet for piece in cut(stream, lengths) for packet in assembler.feed(piece)]
    assert [(packet.kind, packet.number, packet.body) for packet in found] == packets


@given(stream=st.binary(max_size=300), lengths=st.lists(st.integers(0, 60), max_size=10))
def test_no_stream_is_held_beyond_the_longest_packet(stream: bytes, lengths: list[int]) -> None:
    assembler = Assembler(100)
    with suppress(Malformed):
        for piece in cut(stream, lengths):
            for packet in assembler.feed(piece):
                assert len(packet.body) <= 95


@pytest.mark.parametrize("length", [0, 4, LONGEST + 1, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(Malformed, match=f"claims to have {length} bytes"):
        Assembler(LONGEST).feed(wire.uint32(length) + b"\x65" + wire.uint32(1))


def test_what_a_shell_greets_with_is_a_packet_of_no_length() -> None:
    with pytest.raises(Malformed, match="claims to have 1466264675 bytes"):
        Assembler(LONGEST).feed(b"Welcome to Acme!\n")


_READERS: list[Callable[[Packet], object]] = [
    lambda packet: wire.names(packet.body),
    lambda packet: wire.refusal(packet.body),
    lambda packet: wire.attributes(Fields(packet.body)),
    lambda packet: wire.extensions(packet.body),
    lambda packet: wire.limits(packet.body),
    lambda packet: wire.free_bytes(packet.body),
    lambda packet: wire.data(packet, 100),
    wire.check_ok,
    lambda packet: wire.body_of(packet, Kind.HANDLE),
]


@given(kind=st.integers(0, 255), body=st.binary(max_size=200), reader=st.sampled_from(_READERS))
def test_any_body_is_read_or_refused(kind: int, body: bytes, reader: Callable[[Packet], object]) -> None:
    try:
        reader(arrived(kind, body))
    except (Malformed, Refused):
        return


def test_a_count_of_fields_that_are_not_there_ends_at_once() -> None:
    with pytest.raises(Malformed):
        wire.names(wire.uint32(2**32 - 1))
    with pytest.raises(Malformed):
        wire.attributes(Fields(wire.uint32(0x80000000) + wire.uint32(2**32 - 1)))


@given(name=st.binary(max_size=100))
def test_a_name_goes_back_as_it_came(name: bytes) -> None:
    shown = Fields(wire.string(name)).path()
    assert wire.path(shown) == wire.string(name)


@given(size=st.none() | SIZES, mtime=st.none() | NUMBERS, owner=st.none() | SIZES, mode=st.none() | NUMBERS)
def test_attributes(size: int | None, mtime: int | None, owner: int | None, mode: int | None) -> None:
    parts = [
        (0x1, size, wire.uint64),
        (0x2, owner, wire.uint64),
        (0x4, mode, wire.uint32),
        # The time of the last access comes before that of the last change.
        (0x8, mtime, lambda time: wire.uint32(5) + wire.uint32(time)),
    ]
    flags = sum(flag for flag, value, _ in parts if value is not None)
    body = wire.uint32(flags | 0x80000000) + b"".join(encode(value) for _, value, encode in parts if value is not None)
    body += wire.uint32(1) + wire.string(b"acl@acme.example") + wire.string(b"\x00")
    found = wire.attributes(Fields(body))
    assert (found.size, found.mtime) == (size, mtime)
    assert (found.type is FileType.REGULAR) == (mode is not None and stat.S_ISREG(mode))
    assert (found.type is FileType.UNKNOWN) == (mode is None or not stat.S_IFMT(mode))


def test_names_are_paired_with_their_attributes() -> None:
    line = wire.string(b"caf\xe9.csv") + wire.string(b"-rw-r--r-- 1 x x 3 Jan 1 caf\xe9.csv")
    body = wire.uint32(1) + line + wire.uint32(0x1 | 0x4) + wire.uint64(3) + wire.uint32(stat.S_IFREG | 0o644)
    assert wire.names(body) == [Name("caf\udce9.csv", Attributes(3, None, FileType.REGULAR))]


def test_a_status_without_words_is_one_too() -> None:
    refused = wire.refusal(wire.uint32(4))
    assert (refused.status, refused.text) == (4, "")


@pytest.mark.parametrize("first", [0, 1, 3, 4, 5, 9])
def test_data_in_pieces(first: int) -> None:
    body = wire.string(b"content")
    reply = Packet(Kind.DATA, 1, [memoryview(body[:first]), memoryview(body[first:])])
    pieces, length = wire.data(reply, 7)
    assert (b"".join(pieces), length) == (b"content", 7)


@pytest.mark.parametrize(
    ("body", "asked"), [(b"", 9), (b"\0\0", 9), (wire.string(b"abc") + b"d", 9), (wire.string(b"abc"), 2)]
)
def test_data_that_is_not_what_it_says(body: bytes, asked: int) -> None:
    with pytest.raises(Malformed):
        wire.data(arrived(Kind.DATA, body), asked)


def test_ok_is_no_answer_to_a_question() -> None:
    with pytest.raises(Malformed, match="“OK” came"):
        wire.body_of(arrived(Kind.STATUS, wire.uint32(0)), Kind.HANDLE)
    with pytest.raises(Refused):
        wire.body_of(arrived(Kind.STATUS, wire.uint32(3)), Kind.HANDLE)
    with pytest.raises(Malformed, match="kind 102"):
        wire.check_ok(arrived(Kind.HANDLE, wire.string(b"h")))


def test_free_bytes_are_counted_in_fragments() -> None:
    # Block size, fragment size, blocks: all, free, free for this user; then eight more.
    fields = [4096, 512, 1000, 900, 800, 1, 1, 1, 0, 0, 255]
    assert wire.free_bytes(b"".join(map(wire.uint64, fields))) == 512 * 800


def test_limits_are_those_of_data() -> None:
    # The longest packet, read, write, and how many files may be open.
    assert wire.limits(b"".join(map(wire.uint64, [262144, 261120, 100000, 1019]))) == wire.Limits(261120, 100000, 1019)
