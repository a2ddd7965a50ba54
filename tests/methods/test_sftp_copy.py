"""The copier, against a file in memory that answers when and as it is told."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.methods.sftp_copy import BlockWriter, block_size, read_blocks

_BLOCK = 64


class MemoryFile:
    """Answers reads with as many bytes as `answers` says, in turn, and lets other tasks go first as `turns` says."""

    def __init__(self, content: bytes = b"", answers: Sequence[int] = (), turns: Sequence[int] = ()) -> None:
        self.content = bytearray(content)
        self.under_way = 0
        self.most_under_way = 0
        self.fail_at: int | None = None
        self.frozen = asyncio.Event()
        self.frozen.set()
        self._answers = list(answers)
        self._turns = list(turns)

    async def read(self, size: int, offset: int) -> bytes:
        await self._wait()
        longest = self._answers.pop() if self._answers else size
        return bytes(self.content[offset : offset + min(size, longest)])

    async def write(self, data: bytes, offset: int) -> int:
        await self._wait()
        if self.fail_at is not None and offset >= self.fail_at:
            raise OSError("no")
        self.content[len(self.content) : offset] = bytes(max(0, offset - len(self.content)))
        self.content[offset : offset + len(data)] = data
        return len(data)

    async def _wait(self) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.frozen.wait()
            for _ in range(self._turns.pop() if self._turns else 1):
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1


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
        writer = BlockWriter(file, _BLOCK, lambda: None)
        for piece in pieces:
            await writer.write(piece)
        await writer.flush()
        return bytes(file.content), writer.stored

    whole = b"".join(pieces)
    assert asyncio.run(write()) == (whole, len(whole))


async def test_many_requests_are_under_way_but_not_all() -> None:
    block = 256 * 1024
    file = MemoryFile(bytes(20_000_000))
    assert sum([len(data) async for data in read_blocks(file, 20_000_000, block)]) == 20_000_000
    assert file.most_under_way == 16
    target = MemoryFile()
    writer = BlockWriter(target, block, lambda: None)
    await writer.write(bytes(20_000_000))
    await writer.flush()
    assert target.most_under_way == 16


async def test_a_small_file_is_not_read_far_beyond_its_end() -> None:
    file = MemoryFile(b"x")
    assert [data async for data in read_blocks(file, 1, _BLOCK)] == [b"x"]
    assert file.most_under_way == 1


async def test_a_failed_write_surfaces_and_what_is_under_way_is_dropped() -> None:
    file = MemoryFile()
    file.fail_at = 10 * _BLOCK
    writer = BlockWriter(file, _BLOCK, lambda: None)
    with pytest.raises(OSError, match="no"):
        for _ in range(100):
            await writer.write(os.urandom(_BLOCK))
            await asyncio.sleep(0)
    assert writer.stored == 10 * _BLOCK
    await writer.drop()
    assert file.under_way == 0


async def test_leaving_early_drops_what_is_under_way() -> None:
    file = MemoryFile(bytes(20_000_000))
    blocks = read_blocks(file, 20_000_000, 256 * 1024)
    await anext(blocks)
    file.frozen.clear()
    # What was asked for is answered; after that nothing comes.
    waiting = asyncio.create_task(_count(blocks))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    assert file.under_way > 0
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert file.under_way == 0


async def _count(blocks: AsyncIterator[bytes]) -> int:
    return len([block async for block in blocks])


@pytest.mark.parametrize(("offered", "used"), [(16 * 1024, 32 * 1024), (261_120, 261_120), (4 << 20, 256 * 1024)])
def test_the_size_of_a_request(offered: int, used: int) -> None:
    assert block_size(offered) == used
