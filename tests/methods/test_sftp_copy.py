"""The copier, against a file in memory that answers when and as it is told."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.methods.blocks import PAGE, Block, begins_with_page
from tui.methods.sftp_client import ReadAnswered, WriteAnswered
from tui.methods.sftp_copy import BlockWriter, block_size, in_flight, read_blocks, read_fully

_BLOCK = 64


class MemoryFile:
    """Answers reads with as many bytes as `answers` says, in turn, and anything after as many rounds of the loop as
    `turns` says, so that later requests may be answered first."""

    def __init__(self, content: bytes = b"", answers: Sequence[int] = (), turns: Sequence[int] = ()) -> None:
        self.content = bytearray(content)
        self.most_under_way = 0
        self.asked: list[tuple[int, int]] = []
        self.fail_at: int | None = None
        self.is_frozen = False
        self._loop = asyncio.get_running_loop()
        self._answers = list(answers)
        self._turns = list(turns)
        self._under_way: dict[int, int] = {}
        self._held: list[tuple[int, Callable[[], None]]] = []
        self._requests = 0

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def read(self, offset: int, count: int, answered: ReadAnswered) -> int:
        self.asked.append((offset, count))
        longest = self._answers.pop() if self._answers else count

        def answer() -> None:
            if self.fail_at is not None and offset >= self.fail_at:
                answered([], 0, OSError("no"))
                return
            data = bytes(self.content[offset : offset + min(count, longest)])
            middle = len(data) // 2
            answered([memoryview(data)[:middle], memoryview(data)[middle:]], len(data), None)

        return self._begin(answer)

    def write(self, offset: int, data: memoryview, answered: WriteAnswered) -> int:
        def answer() -> None:
            if self.fail_at is not None and offset >= self.fail_at:
                answered(OSError("no"))
                return
            self.content[len(self.content) : offset] = bytes(max(0, offset - len(self.content)))
            self.content[offset : offset + len(data)] = data
            answered(None)

        return self._begin(answer)

    def withdraw(self, numbers: Collection[int]) -> None:
        for number in numbers:
            self._under_way.pop(number, None)

    def _begin(self, answer: Callable[[], None]) -> int:
        self._requests += 1
        self._under_way[self._requests] = self._turns.pop() if self._turns else 1
        self.most_under_way = max(self.most_under_way, len(self._under_way))
        self._loop.call_soon(self._turn, self._requests, answer)
        return self._requests

    def answer_oldest(self) -> None:
        """While it is frozen."""
        number, answer = self._held.pop(0)
        del self._under_way[number]
        answer()

    def _turn(self, number: int, answer: Callable[[], None]) -> None:
        if number not in self._under_way:
            return
        if self.is_frozen:
            self._held.append((number, answer))
        elif self._under_way[number]:
            self._under_way[number] -= 1
            self._loop.call_soon(self._turn, number, answer)
        else:
            del self._under_way[number]
            answer()


@given(
    content=st.binary(max_size=_BLOCK * 5),
    expected=st.integers(0, _BLOCK * 6),
    answers=st.lists(st.integers(1, _BLOCK), max_size=30),
    turns=st.lists(st.integers(0, 8), max_size=30),
)
@settings(deadline=None)
def test_every_byte_is_read_in_order_whatever_the_answers(
    content: bytes, expected: int, answers: list[int], turns: list[int]
) -> None:
    async def read() -> bytes:
        return b"".join([block async for block in read_blocks(MemoryFile(content, answers, turns), expected, _BLOCK)])

    assert asyncio.run(read()) == content


@given(pieces=st.lists(st.binary(max_size=_BLOCK * 3), max_size=8), turns=st.lists(st.integers(0, 8), max_size=30))
@settings(deadline=None)
def test_every_byte_is_written_at_its_place(pieces: list[bytes], turns: list[int]) -> None:
    async def write() -> tuple[bytes, int]:
        file = MemoryFile(turns=turns)
        writer = BlockWriter(file, _BLOCK)
        for piece in pieces:
            await writer.write(piece)
        await writer.flush()
        return bytes(file.content), writer.stored

    whole = b"".join(pieces)
    assert asyncio.run(write()) == (whole, len(whole))


@pytest.mark.parametrize(("block", "ahead"), [(256 * 1024, 4 << 20), (32 * 1024, 16 << 20)])
async def test_many_requests_are_under_way_but_not_all(block: int, ahead: int) -> None:
    file = MemoryFile(bytes(20_000_000))
    assert sum([len(data) async for data in read_blocks(file, 20_000_000, block, ahead=ahead)]) == 20_000_000
    # The last one asks what lies beyond the end.
    assert file.most_under_way in (ahead // block, ahead // block + 1)
    target = MemoryFile()
    writer = BlockWriter(target, block, ahead=ahead)
    await writer.write(bytes(20_000_000))
    await writer.flush()
    assert target.most_under_way == ahead // block


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (0, 0), (_BLOCK, _BLOCK), (3 * _BLOCK, 3 * _BLOCK), (5, 2)])
async def test_a_small_file_is_asked_for_whole_and_its_end_with_it(size: int, expected: int) -> None:
    file = MemoryFile(os.urandom(size))
    blocks = read_blocks(file, expected, _BLOCK)
    first = asyncio.ensure_future(anext(blocks, b""))
    await asyncio.sleep(0)
    # Before anything is answered, all of it is asked for, and what comes behind.
    assert sum(count for _, count in file.asked) == expected + _BLOCK
    rest = [await first, *[data async for data in blocks]]
    assert b"".join(rest) == file.content


async def test_a_file_that_has_shrunk_ends_where_it_ends() -> None:
    file = MemoryFile(bytes(10 * _BLOCK + 1))
    assert sum([len(data) async for data in read_blocks(file, 100 * _BLOCK, _BLOCK)]) == 10 * _BLOCK + 1
    assert file.under_way == 0


async def test_what_comes_before_a_failed_read_is_delivered() -> None:
    file = MemoryFile(bytes(100 * _BLOCK), turns=[0, 5, 0, 3, 0, 0, 7])
    file.fail_at = 10 * _BLOCK
    size = 0
    with pytest.raises(OSError, match="no"):
        async for data in read_blocks(file, 100 * _BLOCK, _BLOCK):
            size += len(data)
    assert size == 10 * _BLOCK
    assert file.under_way == 0


async def test_what_comes_slowly_is_not_held_back() -> None:
    file = MemoryFile(bytes(3 * _BLOCK))
    file.is_frozen = True
    blocks = read_blocks(file, 3 * _BLOCK, _BLOCK)
    first = asyncio.ensure_future(anext(blocks))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    file.answer_oldest()
    assert len(await first) == _BLOCK
    await blocks.aclose()


@given(content=st.binary(max_size=200), offset=st.integers(0, 220), count=st.integers(0, 220))
@settings(deadline=None)
def test_a_part_is_read_fully(content: bytes, offset: int, count: int) -> None:
    async def read() -> bytes:
        return await read_fully(MemoryFile(content, answers=[1, 2, 3] * 9), offset, count)

    assert asyncio.run(read()) == content[offset : offset + count]


async def test_a_failed_write_surfaces_and_what_is_under_way_is_dropped() -> None:
    file = MemoryFile()
    file.fail_at = 10 * _BLOCK
    writer = BlockWriter(file, _BLOCK)
    with pytest.raises(OSError, match="no"):
        for _ in range(100):
            await writer.write(os.urandom(_BLOCK))
            await asyncio.sleep(0)
    assert writer.stored == 10 * _BLOCK
    writer.drop()
    assert file.under_way == 0


async def test_what_is_read_fast_comes_in_pieces_that_disks_take_as_they_are() -> None:
    block = block_size(261_120)
    size = 10_000_000
    pieces = [data async for data in read_blocks(MemoryFile(bytes(size)), size, block)]
    assert all(begins_with_page(piece) and not len(piece) % PAGE for piece in pieces[:-1])
    assert len(pieces) <= 4
    assert sum(map(len, pieces)) == size


async def test_a_piece_stays_as_it_is_while_others_come() -> None:
    content = os.urandom(20_000_000)
    kept = [data async for data in read_blocks(MemoryFile(content), len(content), 256 * 1024)]
    assert b"".join(kept) == content


async def test_leaving_early_drops_what_is_under_way() -> None:
    file = MemoryFile(bytes(20_000_000))
    blocks = read_blocks(file, 20_000_000, 256 * 1024)
    await anext(blocks)
    file.is_frozen = True
    # What was asked for is answered; after that nothing comes.
    waiting = asyncio.create_task(_count(blocks))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    assert file.under_way > 0
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert file.under_way == 0


async def _count(blocks: AsyncIterator[Block]) -> int:
    return len([block async for block in blocks])


@pytest.mark.parametrize(
    ("offered", "used"), [(0, 32 * 1024), (16 * 1024, 32 * 1024), (261_120, 63 * 4096), (4 << 20, 256 * 1024)]
)
def test_the_size_of_a_request(offered: int, used: int) -> None:
    assert block_size(offered) == used


@pytest.mark.parametrize(("seconds", "megabytes"), [(0.0, 4), (0.001, 4), (0.05, 9), (0.15, 16), (float("inf"), 16)])
def test_the_farther_the_more_is_under_way(seconds: float, megabytes: int) -> None:
    assert in_flight(seconds) >> 20 == megabytes
