"""Requests and replies of SFTP over one channel of an SSH connection, any number of them under way at once."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import inf
from typing import TypeVar

import asyncssh

from tui.methods import sftp_wire as wire
from tui.methods.sftp_turns import turns_of_this_loop
from tui.methods.sftp_wire import Kind, Malformed, Packet, Refused
from tui.methods.ssh_lane import Lane, Pieces, lane_of

LONGEST_PACKET = 1024 * 1024 + wire.HEADER_ROOM
"""Bytes of a packet that is still read: as much as a connection may ask for in one request."""
_WINDOW = 32 * 1024 * 1024
"""Bytes that the server may send before we take them. The library gives room again when half of it is used, so this is
twice what the longest read-ahead asks for."""
_PACKET = 64 * 1024
"""Bytes of a piece in which the server may send. Longer ones cost less work each, and are copied more often."""

Answered = Callable[[Packet | Exception], None]
"""Called once with the reply to a request, or with what keeps it from coming."""

_Result = TypeVar("_Result")


class ChannelLost(Exception):
    """The channel has ended, or the connection below it. The text says why, as far as it is known."""


@dataclass(slots=True)
class _Outgoing:
    """A request that waits for its turn, in the pieces of which it is made."""

    number: int
    pieces: tuple[bytes | memoryview, ...]


class SftpChannel(asyncssh.SSHClientSession[bytes]):
    """`answered` callbacks cost much less than futures, and are for requests that move bytes; `call` is for all others.

    Whatever is no SFTP, or no answer to a request, ends the channel: after it no packet can be told from another.
    """

    def __init__(self, alive: Callable[[], None], lane: Lane | None = None) -> None:
        self._alive = alive
        self._lane = lane
        self._loop = asyncio.get_running_loop()
        self._turns = turns_of_this_loop()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._assembler = wire.Assembler(LONGEST_PACKET)
        self._answered: dict[int, Answered] = {}
        self._last_number = 0
        self._waiting: deque[_Outgoing] = deque()
        self._begun: deque[bytes | memoryview] = deque()
        """What is still to be sent of the request that was begun last."""
        self._is_asking = False
        self._is_paused = False
        self._end: Exception | None = None
        self._version: asyncio.Future[tuple[int, bytes]] = self._loop.create_future()
        self.round_trip = inf
        """Seconds of the shortest wait for an answer until now."""

    @classmethod
    async def open(cls, link: asyncssh.SSHClientConnection, alive: Callable[[], None]) -> "SftpChannel":
        """A channel that runs the SFTP subsystem. `alive` is called whenever something arrives. Raises what asyncssh
        raises."""
        lane = lane_of(link)
        _, session = await link.create_session(
            lambda: cls(alive, lane),
            # What ssh_config has for interactive sessions does not count here.
            command=None,
            subsystem="sftp",
            request_pty=False,
            encoding=None,
            window=_WINDOW,
            max_pktsize=_PACKET,
        )
        assert isinstance(session, cls)  # noqa: S101 - made by the factory above
        return session

    async def begin(self) -> dict[bytes, bytes]:
        """Agree on the version (section 4); returns the server's extensions. Raises Malformed for another version."""
        self._put(_Outgoing(0, (wire.packet(Kind.INIT, wire.VERSION),)))
        version, body = await self._version
        if version != wire.VERSION:
            raise Malformed(f"the server speaks version {version} of the protocol")
        return wire.extensions(body)

    def call(self, decode: Callable[[Packet], _Result], kind: Kind, *fields: bytes) -> "asyncio.Future[_Result]":
        """Ask, and have the reply decoded. The future raises Refused, Malformed or ChannelLost."""
        future: asyncio.Future[_Result] = self._loop.create_future()
        began = self._loop.time()

        def answered(reply: Packet | Exception) -> None:
            if isinstance(reply, Packet):
                self.round_trip = min(self.round_trip, self._loop.time() - began)
            _settle(future, decode, reply)

        self.post(answered, kind, *fields)
        return future

    def post(self, answered: Answered, kind: Kind, *fields: bytes, payload: bytes | memoryview = b"") -> int:
        """Ask, with the payload at the end of the request; returns the number of the request. What `answered` raises as
        Malformed ends the channel."""
        self._last_number = number = (self._last_number + 1) & 0xFFFFFFFF
        if self._end is not None:
            self._loop.call_soon(answered, self._end)
            return number
        self._answered[number] = answered
        head = wire.packet(kind, number, *fields, following=len(payload))
        self._put(_Outgoing(number, (head, payload) if payload else (head,)))
        return number

    def withdraw(self, numbers: Collection[int]) -> None:
        """Forget requests: those that were not sent yet never will be, and the answers to the others do not matter."""
        unsent = {request.number for request in self._waiting}.intersection(numbers)
        self._waiting = deque(request for request in self._waiting if request.number not in unsent)
        for number in numbers:
            if number in unsent:
                self._answered.pop(number, None)
            elif number in self._answered:
                self._answered[number] = does_not_matter

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    # Sending

    def _put(self, request: _Outgoing) -> None:
        self._waiting.append(request)
        self._ask_for_turn()

    def _ask_for_turn(self) -> None:
        if not self._is_asking and not self._is_paused and (self._waiting or self._begun):
            self._is_asking = True
            self._turns.ask(self._send)

    def _send(self, budget: int) -> int:
        self._is_asking = False
        if self._is_paused or self._end is not None or self._channel is None:
            return 0
        sent = self._send_over_lane(self._lane, self._channel, budget) if self._lane else 0
        if not sent and not self._is_paused:
            pieces = self._next_pieces(budget)
            sent = _size(pieces)
            try:
                self._channel.write(b"".join(pieces))
            except OSError:
                self._finish(ChannelLost("the server has ended the session"))
        self._ask_for_turn()
        return sent

    def _send_over_lane(self, lane: Lane, channel: asyncssh.SSHClientChannel[bytes], budget: int) -> int:
        packets: list[Pieces] = []
        sent = 0
        while (room := lane.room(channel, sent)) and (pieces := self._next_pieces(min(room, budget - sent))):
            packets.append(pieces)
            sent += _size(pieces)
        if packets:
            lane.write(channel, packets)
        if room == 0:
            self._is_paused = True
            lane.wait_for_room(channel)
        return sent

    def _next_pieces(self, budget: int) -> list[bytes | memoryview]:
        pieces: list[bytes | memoryview] = []
        while budget and (self._begun or self._waiting):
            if not self._begun:
                self._begun.extend(self._waiting.popleft().pieces)
            piece = self._begun.popleft()
            if len(piece) > budget:
                self._begun.appendleft(memoryview(piece)[budget:])
                piece = memoryview(piece)[:budget]
            pieces.append(piece)
            budget -= len(piece)
        return pieces

    # What the library calls

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan
        if self._lane is not None:
            self._lane.add(chan)
        # Paused as soon as the server's window is full: what the library keeps back it would encrypt all at once.
        chan.set_write_buffer_limits(high=0, low=0)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._ask_for_turn()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        # What the server's program complains about on its standard error has a type.
        if datatype is not None or self._end is not None:
            return
        self._alive()
        try:
            for packet in self._assembler.feed(data):
                self._take(packet)
        except Malformed as error:
            self._finish(error)
            self.close()

    def eof_received(self) -> bool:
        self._finish(ChannelLost("the server has ended the session"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._lane is not None and self._channel is not None:
            self._lane.remove(self._channel)
        self._finish(ChannelLost(str(exc) if exc else "the session was ended"))

    def _take(self, packet: Packet) -> None:
        if packet.kind == Kind.VERSION and not self._version.done():
            self._version.set_result((packet.number, packet.body))
            return
        answered = self._answered.pop(packet.number, None)
        if answered is None:
            raise Malformed(f"a packet of kind {packet.kind} came that answers nothing")
        answered(packet)

    def _finish(self, end: Exception) -> None:
        """Tell everybody who waits that nothing will come any more."""
        if self._end is not None:
            return
        self._end = end
        self._waiting.clear()
        self._begun.clear()
        if not self._version.done():
            self._version.set_exception(end)
            # Nobody may be waiting for it yet, or any more.
            self._version.exception()
        while self._answered:
            _, answered = self._answered.popitem()
            answered(end)


def _size(pieces: Pieces) -> int:
    return sum(map(len, pieces))


def _settle(future: "asyncio.Future[_Result]", decode: Callable[[Packet], _Result], reply: Packet | Exception) -> None:
    """Give the future its result, unless nobody waits for it any more. What is malformed is raised here too."""
    error = reply if isinstance(reply, Exception) else None
    if isinstance(reply, Packet):
        try:
            result = decode(reply)
        except (Refused, Malformed) as found:
            error = found
    if not future.done():
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
    if isinstance(error, Malformed) and isinstance(reply, Packet):
        raise error


def does_not_matter(_: Packet | Exception) -> None:
    """The answer to a request whose fate nobody waits for any more."""
