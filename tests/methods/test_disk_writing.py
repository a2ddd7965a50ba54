"""Large files are written past the page cache, whatever the sizes of the blocks that come and of those of the disk."""

import asyncio
import errno
import fcntl
import os
import random
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.failure import TransferFailed
from tui.methods import disk_writing
from tui.methods.blocks import PAGE, Block, Memory, begins_with_page
from tui.methods.disk_writing import DirectWriter, _open_for_writing, writing

GATHERED = 4 * PAGE
SIZES = st.one_of(st.sampled_from([1, PAGE - 1, PAGE, PAGE + 1, GATHERED]), st.integers(1, 3 * GATHERED))


@pytest.fixture(scope="module", autouse=True)
def everything_is_large() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk_writing, "_LARGE", 0)
        patch.setattr(disk_writing, "_GATHERED", GATHERED)
        yield


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(SIZES, max_size=12), pages_kept=st.integers(0, 2), prompt=st.booleans())
async def test_what_comes_is_what_is_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: Sequence[int], pages_kept: int, *, prompt: bool
) -> None:
    path = tmp_path_factory.mktemp("in") / "part"
    kept = os.urandom(pages_kept * PAGE)
    path.write_bytes(kept + b"beyond what is kept")
    blocks = [random.Random(size).randbytes(size) for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        if prompt:
            patch.setattr(disk_writing, "_SYNC_INTERVAL", 0)
        async with writing(path, len(kept) + sum(sizes), len(kept)) as writer:
            assert isinstance(writer, DirectWriter)
            for block in blocks:
                await writer.write(block)

    assert path.read_bytes() == kept + b"".join(blocks)
    assert writer.stored == path.stat().st_size


async def test_blocks_in_aligned_memory_go_to_the_disk_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, write, written = Memory(2 * PAGE), os.write, []

    def noted(file: int, data: Block) -> int:
        written.append((bool(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_DIRECT), len(data)))
        return write(file, data)

    monkeypatch.setattr("tui.methods.disk_writing.os.write", noted)
    async with writing(tmp_path / "part", 4 * PAGE, 0) as writer:
        for letter in b"ab":
            piece = memory.piece()
            assert begins_with_page(piece)
            piece[:] = bytes([letter]) * len(piece)
            await writer.write(piece)

    assert (tmp_path / "part").read_bytes() == b"a" * 2 * PAGE + b"b" * 2 * PAGE
    assert written == [(True, 2 * PAGE)] * 2


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.EIO])
@pytest.mark.parametrize("refuses", ["the mode", "each write"])
async def test_a_disk_that_wants_the_cache_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str, number: int
) -> None:
    control, write = fcntl.fcntl, os.write

    def no_mode(file: int, command: int, flags: int = 0) -> int:
        if command == fcntl.F_SETFL and flags & os.O_DIRECT:
            raise OSError(number, "No.")
        return control(file, command, flags)

    def no_write(file: int, data: Block) -> int:
        if control(file, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(number, "No.")
        return write(file, data)

    if refuses == "the mode":
        monkeypatch.setattr("tui.methods.disk_writing.fcntl.fcntl", no_mode)
    else:
        monkeypatch.setattr("tui.methods.disk_writing.os.write", no_write)
    content = os.urandom(3 * GATHERED + 5)
    async with writing(tmp_path / "part", len(content), 0) as writer:
        await writer.write(content)

    assert (tmp_path / "part").read_bytes() == content


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
async def test_a_write_that_is_refused_for_another_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(_file: int, _data: Block) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tui.methods.disk_writing.os.write", refused)
    with pytest.raises(TransferFailed, match=os.strerror(number)):
        async with writing(tmp_path / "part", PAGE, 0) as writer:
            await writer.write(b"x" * PAGE)


async def test_what_had_come_before_a_failure_counts(tmp_path: Path) -> None:
    content = os.urandom(2 * GATHERED + PAGE + 7)
    with pytest.raises(ZeroDivisionError):
        async with writing(tmp_path / "part", 10 * GATHERED, 0) as writer:
            await writer.write(content)
            raise ZeroDivisionError

    assert (tmp_path / "part").read_bytes() == content
    assert writer.stored == len(content)


async def test_what_was_written_before_the_disk_was_full_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, full_at = os.write, GATHERED + PAGE

    def until_full(file: int, data: Block) -> int:
        room = full_at - os.lseek(file, 0, os.SEEK_CUR)
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, memoryview(data)[:room])

    monkeypatch.setattr("tui.methods.disk_writing.os.write", until_full)
    content = os.urandom(3 * GATHERED)
    with pytest.raises(TransferFailed, match="No space left"):
        async with writing(tmp_path / "part", len(content), 0) as writer:
            await writer.write(content)

    assert writer.stored == GATHERED, "the block that was begun does not"
    assert (tmp_path / "part").read_bytes() == content[:full_at]


async def test_what_had_come_counts_also_where_a_cancellation_follows_the_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered, fdatasync = threading.Event(), threading.Event(), os.fdatasync

    def slow(file: int) -> None:
        asked.set()
        assert answered.wait(10)
        fdatasync(file)

    monkeypatch.setattr("tui.methods.disk_writing.os.fdatasync", slow)
    content = os.urandom(GATHERED + 7)
    writers = []

    async def fail() -> None:
        async with writing(tmp_path / "part", 10 * GATHERED, 0) as writer:
            writers.append(writer)
            await writer.write(content)
            raise ZeroDivisionError

    failing = asyncio.create_task(fail())
    assert await asyncio.to_thread(asked.wait, 10)
    failing.cancel()
    await asyncio.sleep(0)
    answered.set()
    with pytest.raises(asyncio.CancelledError):
        await failing
    assert [writer.stored for writer in writers] == [len(content)]


async def test_a_file_that_is_there_only_after_a_cancel_does_not_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered, closed = threading.Event(), threading.Event(), asyncio.Event()
    opened, closed_files = [], []

    def open_slowly(path: Path, keep: int) -> int:
        asked.set()
        assert answered.wait(10)
        opened.append(_open_for_writing(path, keep))
        return opened[0]

    def close(file: int) -> None:
        closed_files.append(file)
        os_close(file)
        closed.set()

    os_close = os.close
    monkeypatch.setattr(disk_writing, "_open_for_writing", open_slowly)
    monkeypatch.setattr("tui.methods.disk.os.close", close)

    async def write() -> None:
        async with writing(tmp_path / "part", PAGE, 0):
            raise AssertionError("nobody waits for it any more")

    beginning = asyncio.create_task(write())
    assert await asyncio.to_thread(asked.wait, 10)
    beginning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    answered.set()
    async with asyncio.timeout(10):
        await closed.wait()
    assert closed_files == opened


def test_memory_is_used_again_once_nobody_refers_to_it() -> None:
    memory = Memory(PAGE)
    first = memory.piece()
    first[:5] = b"first"
    part = first[1:3]
    del first
    second = memory.piece()
    second[:5] = b"other"
    assert bytes(part) == b"ir"
    del part
    third = memory.piece()
    assert bytes(third[:5]) == b"first", "the memory of the first is free"
    assert bytes(second[:5]) == b"other"
