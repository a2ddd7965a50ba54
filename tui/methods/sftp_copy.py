"""Moves the bytes of one file over SFTP with many requests under way at once.

A request answers for one block. Waiting for each answer before asking for the next block would move one block per round
trip; here as many bytes are always under way as the connection holds.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from tui.methods.base import BLOCK_SIZE
from tui.methods.blocks import PAGE, Block, Memory
from tui.methods.sftp_client import ReadAnswered, WriteAnswered
from tui.methods.sftp_wire import DEFAULT_BLOCK

_LEAST_IN_FLIGHT = 4 * 1024 * 1024
_MOST_IN_FLIGHT = 16 * 1024 * 1024
"""Bytes under way at once: what fills 100 MB/s at 150 ms, and what memory is given to one file."""
_SPEED = 200_000_000
"""Bytes per second for which there is enough under way, until that is too much."""
_PIECE = 4 * 1024 * 1024
"""Bytes that are handed over together, at most, where they come fast: every hand-over costs, hashing and writing to the
disk included."""
_READ_AHEAD = 10 * 1024 * 1024
"""Bytes asked for at least: while one piece is handed over, others come."""
_PATIENCE = 0.02
"""Seconds that bytes wait for more of them, where they come slowly."""


class ReadableFile(Protocol):
    """An open file, as far as it is read: see `RemoteFile`."""

    def read(self, offset: int, count: int, answered: ReadAnswered) -> int: ...

    def withdraw(self, numbers: Collection[int]) -> None: ...


class WritableFile(Protocol):
    """An open file, as far as it is written: see `RemoteFile`."""

    def write(self, offset: int, data: memoryview, answered: WriteAnswered) -> int: ...

    def withdraw(self, numbers: Collection[int]) -> None: ...


def block_size(offered: int) -> int:
    """Bytes per request, given what the server says it takes, which is 0 where it says nothing. What is read so goes
    from memory to disks that take whole pages only."""
    return max(DEFAULT_BLOCK, min(offered, BLOCK_SIZE) // PAGE * PAGE)


def in_flight(round_trip: float) -> int:
    """Bytes to have under way at once, given the seconds between a request and its answer."""
    return int(max(_LEAST_IN_FLIGHT, min(round_trip * _SPEED, _MOST_IN_FLIGHT)))


def read_ahead(round_trip: float) -> int:
    """Bytes to have asked for and not handed over, given the seconds between a request and its answer."""
    return max(in_flight(round_trip), _READ_AHEAD)


@dataclass(slots=True, eq=False)
class _Span:
    """Bytes that were asked for. They may come in several answers: some servers answer with less than they were asked
    for, whatever the draft says, so a short answer is no end."""

    offset: int
    asked: int
    pieces: list[memoryview] = field(default_factory=list)
    arrived: int = 0
    error: Exception | None = None
    is_complete: bool = False
    request: int = 0


async def read_blocks(
    file: ReadableFile, expected: int, block: int, offset: int = 0, *, ahead: int = _READ_AHEAD
) -> AsyncGenerator[Block, None]:
    """The bytes of the file from `offset` in order, to its true end. Up to `expected` bytes of the file, `ahead` bytes
    are always asked for in advance; what lies beyond, if the file has grown, is read block by block.
    """
    reading = _Reading(file, expected, block, offset, ahead)
    try:
        while not reading.is_over:
            reading.ask()
            await reading.enough()
            if data := reading.take():
                yield data
    finally:
        reading.drop()


class _Reading:
    def __init__(self, file: ReadableFile, expected: int, block: int, offset: int, ahead: int) -> None:
        self._file = file
        self._expected = expected
        self._block = block
        self._next = offset
        self._ahead = ahead
        self._memory = Memory(max(_PIECE // block, 1) * block)
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[_Span] = deque()
        self._full: deque[memoryview] = deque()
        """Pieces with what has arrived without a gap and was not taken yet."""
        self._filling = self._memory.piece()
        self._filled = 0
        """Bytes of what follows in the piece that is being filled."""
        self._asked_size = 0
        """Bytes asked for and not taken."""
        self._error: Exception | None = None
        """What was answered instead of the bytes that follow."""
        self._at_end = False
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        return self._at_end and not self._has_some

    def ask(self) -> None:
        """Ask for what there is room for; at the expected end for one block more, to see whether it is the end."""
        if self._is_cut:
            return
        while self._next < self._expected and self._asked_size < self._ahead:
            self._begin(min(self._block, self._expected - self._next))
        if self._next == self._expected or (self._next > self._expected and not self._under_way):
            self._begin(self._block)

    async def enough(self) -> None:
        """Wait until it is worth while to take what has arrived."""
        if self._is_enough():
            return
        self._waiting = self._loop.create_future()
        self._look()
        try:
            await self._waiting
        finally:
            self._waiting = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def take(self) -> Block:
        """A piece of what has arrived without a gap, in memory that begins with a page. Raises what was answered
        instead of the next bytes."""
        if self._error is not None and not self._has_some:
            raise self._error
        if not self._full:
            self._begin_piece()
        piece = self._full.popleft()
        self._asked_size -= len(piece)
        return piece

    def drop(self) -> None:
        """Forget what is under way."""
        self._file.withdraw([span.request for span in self._under_way if not span.is_complete])
        self._under_way.clear()

    def _begin(self, count: int) -> None:
        span = _Span(self._next, count)
        self._next += count
        self._asked_size += count
        self._under_way.append(span)
        self._request(span)

    def _request(self, span: _Span) -> None:
        def answered(pieces: list[memoryview], count: int, error: Exception | None) -> None:
            span.pieces += pieces
            span.arrived += count
            if count and span.arrived < span.asked:
                self._request(span)
                return
            span.error = error
            span.is_complete = True
            self._collect()

        span.request = self._file.read(span.offset + span.arrived, span.asked - span.arrived, answered)

    def _collect(self) -> None:
        while self._under_way and self._under_way[0].is_complete and not self._is_cut:
            span = self._under_way.popleft()
            self._fill(span)
            self._error = span.error
            self._at_end = span.error is None and span.arrived < span.asked
        self._look()

    def _fill(self, span: _Span) -> None:
        """Copied now, as long as it is in the caches of the processor."""
        if self._filled + span.arrived > len(self._filling):
            self._begin_piece()
        for piece in span.pieces:
            self._filling[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
        if self._filled == len(self._filling):
            self._begin_piece()

    def _begin_piece(self) -> None:
        self._full.append(self._filling[: self._filled])
        self._filling, self._filled = self._memory.piece(), 0

    @property
    def _has_some(self) -> bool:
        """Whether there is something to take."""
        return bool(self._full or self._filled)

    @property
    def _is_cut(self) -> bool:
        """Whether nothing can follow."""
        return self._at_end or self._error is not None

    def _look(self) -> None:
        """Wake who waits, if there is reason to; where there is something, but not enough, in a moment."""
        if self._waiting is None:
            return
        if self._is_enough():
            self._wake()
        elif self._timer is None and self._filled:
            self._timer = self._loop.call_later(_PATIENCE, self._wake)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _is_enough(self) -> bool:
        """Whether a whole piece has arrived, or all that was asked for, or the end."""
        return bool(self._full) or self._is_cut or not self._under_way


async def read_fully(file: ReadableFile, offset: int, count: int) -> bytes:
    """These bytes; fewer only where the file ends."""
    found = bytearray()
    reading = _Reading(file, offset + count, max(1, min(count, DEFAULT_BLOCK)), offset, _READ_AHEAD)
    try:
        while not reading.is_over and len(found) < count:
            reading.ask()
            await reading.enough()
            found += reading.take()
    finally:
        reading.drop()
    return bytes(found[:count])


@dataclass(slots=True, eq=False)
class _Written:
    """Bytes that are to be written."""

    size: int
    is_acknowledged: bool = False
    request: int = 0


class BlockWriter:
    """Writes blocks in order of their offsets, many at once. An error of any of them surfaces at a later call."""

    def __init__(self, file: WritableFile, block: int, offset: int = 0, *, ahead: int = _LEAST_IN_FLIGHT) -> None:
        self._file = file
        self._block = block
        self._offset = offset
        self._ahead = ahead
        self._loop = asyncio.get_running_loop()
        self._blocks: deque[_Written] = deque()
        """What is not acknowledged, and what is behind it."""
        self._under_way = 0
        self._error: Exception | None = None
        self._room: asyncio.Future[None] | None = None
        self.stored = offset
        """Bytes from the beginning of the file that the server has acknowledged, without a gap."""

    async def write(self, data: Block) -> None:
        """Begin to write the next bytes. Returns when there is room for more."""
        view = memoryview(data)
        for start in range(0, len(view), self._block):
            await self._until(lambda: self._under_way < self._ahead)
            self._begin(view[start : start + self._block])

    async def flush(self) -> None:
        """Wait until the server has acknowledged every byte."""
        await self._until(lambda: not self._under_way)

    def drop(self) -> None:
        """Forget what is under way."""
        self._file.withdraw([block.request for block in self._blocks if not block.is_acknowledged])
        self._blocks.clear()
        self._under_way = 0

    def _begin(self, data: memoryview) -> None:
        block = _Written(len(data))
        self._blocks.append(block)
        self._under_way += block.size

        def answered(error: Exception | None) -> None:
            self._under_way -= block.size
            if error is None:
                block.is_acknowledged = True
            else:
                self._error = self._error or error
            while self._blocks and self._blocks[0].is_acknowledged:
                self.stored += self._blocks.popleft().size
            if self._room is not None and not self._room.done():
                self._room.set_result(None)

        block.request = self._file.write(self._offset, data, answered)
        self._offset += block.size

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while self._error is None and not is_so():
            self._room = self._loop.create_future()
            await self._room
        if self._error is not None:
            raise self._error
