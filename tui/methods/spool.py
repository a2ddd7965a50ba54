"""A place for bytes that are too many for memory and belong to one session only."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from tui.methods.blocks import Block
from tui.methods.failures import file_failure

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Slice:
    """Where something lies in a spool."""

    start: int
    size: int


class Spool:
    """A temporary file without a name: nobody else can open it, and it is gone with the process, however that ends.

    All errors of the disk are TransferFailed.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+b", buffering=0)  # noqa: SIM115 - closed by `close`
        self.size = 0

    async def append(self, data: Block) -> None:
        """Write at the end."""
        await self._in_thread(lambda: self._write_all(data))
        self.size += len(data)

    async def cut(self, size: int) -> None:
        """Forget everything behind the first `size` bytes."""
        await self._in_thread(lambda: self._file.truncate(size))
        self.size = size

    async def blocks(self, where: Slice, block_size: int) -> AsyncIterator[bytes]:
        """The bytes of a slice in blocks, the last one shorter."""
        end = where.start + where.size
        for start in range(where.start, end, block_size):
            yield await self.read(Slice(start, min(block_size, end - start)))

    async def read(self, where: Slice) -> bytes:
        """The bytes of a slice at once."""
        return await self._in_thread(lambda: self._read(where))

    def close(self) -> None:
        self._file.close()

    def _read(self, where: Slice) -> bytes:
        self._file.seek(where.start)
        parts = []
        left = where.size
        while left and (part := self._file.read(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _write_all(self, data: Block) -> None:
        self._file.seek(self.size)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        pending = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(pending)
        except OSError as error:
            raise file_failure(error, f"Using a temporary file in {tempfile.gettempdir()}") from error
        finally:
            # A thread cannot be cancelled; the file must not be used again before it is done.
            if not pending.done():
                await asyncio.wait({pending})
                pending.exception()
