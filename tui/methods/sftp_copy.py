"""Moves the bytes of one file over SFTP with many requests under way at once.

A request answers for one block. Waiting for each answer before asking for the next block would move one block per round
trip; here about 4 MiB are always under way. The library's own `get` and `put` are not used because they take the
size of the file from the start, end without error on files that shrink, and hang when they are cancelled on a link
that has gone silent.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from tui.methods.base import BLOCK_SIZE

IN_FLIGHT = 4 * 1024 * 1024
"""Bytes under way at once: what fills 100 Mbit/s at 300 ms."""
_ALWAYS_SUPPORTED = 32 * 1024
"""Bytes that every server must take in one request (draft-ietf-secsh-filexfer-02, section 3)."""


class RemoteFile(Protocol):
    """An open file that takes one request per call: asyncssh's, opened with `block_size=0`."""

    async def read(self, size: int, offset: int) -> bytes:
        """The bytes at the offset: fewer than asked for if the server likes, none at the end of the file."""

    async def write(self, data: bytes, offset: int) -> int:
        """Store the bytes at the offset; returns how many they are."""


def block_size(offered: int) -> int:
    """Bytes per request, given what the server says it takes; libraries say 16 KiB where the server says nothing."""
    return max(_ALWAYS_SUPPORTED, min(offered, BLOCK_SIZE))


def _window(block: int) -> int:
    return max(1, IN_FLIGHT // block)


class _Requests:
    """Requests under way, oldest first."""

    def __init__(self) -> None:
        self._tasks: deque[asyncio.Task[Any]] = deque()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, request: Coroutine[Any, Any, Any]) -> None:
        self._tasks.append(asyncio.create_task(request))

    def oldest_is_done(self) -> bool:
        return bool(self._tasks) and self._tasks[0].done()

    async def oldest(self) -> Any:
        """The answer to the oldest request. It stays in the queue while it is waited for, so that `drop` finds it."""
        answer = await self._tasks[0]
        self._tasks.popleft()
        return answer

    async def drop(self) -> None:
        """End all requests, whatever became of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


@dataclass(frozen=True, slots=True)
class _Block:
    """An answer: the bytes at an offset and how many were asked for. Fewer mean that the file ends there."""

    data: bytes
    asked: int


async def read_blocks(file: RemoteFile, expected: int, block: int, offset: int = 0) -> AsyncGenerator[bytes, None]:
    """The bytes of the file from `offset` in order, to its true end. Up to `expected` it is read ahead; what lies
    beyond, if the file has grown, is read block by block.
    """
    requests = _Requests()
    try:
        while True:
            while len(requests) < _window(block) and (offset <= expected or not requests):
                requests.begin(_read_block(file, offset, block))
                offset += block
            answer: _Block = await requests.oldest()
            if answer.data:
                yield answer.data
            if len(answer.data) < answer.asked:
                return
    finally:
        await requests.drop()


async def _read_block(file: RemoteFile, offset: int, asked: int) -> _Block:
    return _Block(await read_fully(file, offset, asked), asked)


async def read_fully(file: RemoteFile, offset: int, count: int) -> bytes:
    """These bytes; fewer only where the file ends. Some servers answer with less than they were asked for, whatever the
    draft says, so a short answer is no end.
    """
    data = await file.read(count, offset)
    while data and len(data) < count:
        more = await file.read(count - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


class BlockWriter:
    """Writes blocks in order of their offsets, many at once. An error of any of them surfaces at a later call."""

    def __init__(self, file: RemoteFile, block: int, acknowledged: Callable[[], None], offset: int = 0) -> None:
        self._file = file
        self._block = block
        self._acknowledged = acknowledged
        self._requests = _Requests()
        self._offset = offset
        self.stored = offset
        """Bytes from the beginning of the file that the server has acknowledged, without a gap."""

    async def write(self, data: bytes) -> None:
        for start in range(0, len(data), self._block):
            while self._requests.oldest_is_done() or len(self._requests) >= _window(self._block):
                await self._settle_oldest()
            piece = data[start : start + self._block]
            self._requests.begin(self._file.write(piece, self._offset))
            self._offset += len(piece)

    async def flush(self) -> None:
        """Wait until the server has acknowledged every byte."""
        while self._requests:
            await self._settle_oldest()

    async def drop(self) -> None:
        """Forget what is under way."""
        await self._requests.drop()

    async def _settle_oldest(self) -> None:
        self.stored += await self._requests.oldest()
        self._acknowledged()
