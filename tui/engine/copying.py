"""Copies one file from the source into its staged form at the target, from its start or from where it was left."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tui.domain.failure import TransferFailed
from tui.engine.journal import Journal
from tui.engine.resume import continued, keepable
from tui.engine.sides import Sides
from tui.methods.base import CannotContinue, Entry, Staged, Writer
from tui.methods.blocks import Block
from tui.store.base import Partial


class Copier:
    """Copies files over open sides and hashes every byte on its way."""

    def __init__(self, sides: Sides, journal: Journal) -> None:
        self._sides = sides
        self._journal = journal

    async def copy(self, entry: Entry, partial: Partial | None) -> Staged:
        """Stage the whole file. The hash is of the whole file too, whatever part of it was there already."""
        keep = await keepable(self._sides, entry, partial)
        staged = await self._continue_if_possible(entry, keep) if keep else None
        if staged is not None:
            return staged
        if partial is not None:
            await self._remove(entry.called(partial.target_name))
        return await self._from_start(entry)

    async def _continue_if_possible(self, entry: Entry, keep: int) -> Staged | None:
        try:
            return await self._continue(entry, keep)
        except CannotContinue as error:
            self._tell(entry, f"begun anew, because {error}")
            return None

    async def _continue(self, entry: Entry, keep: int) -> Staged | None:
        async with continued(self._sides, entry, keep) as continuation:
            if continuation is None:
                self._tell(entry, f"{keep} bytes of an earlier attempt are not those of the source; begun anew")
                return None
            self._tell(entry, f"continued after {keep} bytes of an earlier attempt")
            self._journal.resume(entry, keep)
            if keep == entry.size:
                # All of it is there: what was lost is only the answer to its last byte.
                size = keep + sum([len(block) async for block in continuation.blocks])
            else:
                async with self._staging(entry, keep) as writer:
                    size = keep + await self._pump(entry, continuation.blocks, writer, continuation.digest)
        return Staged(entry, size, continuation.digest.hexdigest())

    async def _remove(self, entry: Entry) -> None:
        """Begin with a new file, not with an old one that is cut: a session of an earlier attempt that its server has
        not missed yet may still write to the old one, or hold it locked."""
        try:
            await self._sides.target.discard(entry)
        except TransferFailed as error:
            self._tell(entry, f"what an earlier attempt has left stays to be overwritten: {error}")

    async def _from_start(self, entry: Entry) -> Staged:
        self._journal.resume(entry, 0)
        digest = hashlib.sha256()
        async with self._sides.source.read(entry) as blocks, self._staging(entry) as writer:
            size = await self._pump(entry, blocks, writer, digest)
        return Staged(entry, size, digest.hexdigest())

    @asynccontextmanager
    async def _staging(self, entry: Entry, keep: int = 0) -> AsyncIterator[Writer]:
        """The writer, whose low-water mark is on record once it is closed, however that came about."""
        writer: Writer | None = None
        try:
            async with self._sides.target.stage(entry, keep) as writer:
                yield writer
        finally:
            if writer is not None:
                self._journal.mark(entry, writer.stored)

    async def _pump(self, entry: Entry, blocks: AsyncIterator[Block], writer: Writer, digest: "hashlib._Hash") -> int:
        """Move the blocks; returns how many bytes they were."""
        loop = asyncio.get_running_loop()
        size = 0
        async for block in blocks:
            self._sides.alive()
            # Hashing releases the interpreter lock, so it goes on beside the write.
            hashing = loop.run_in_executor(None, digest.update, block)
            try:
                await writer.write(block)
            finally:
                await hashing
            size += len(block)
            self._journal.advance(entry, len(block))
            self._journal.mark(entry, writer.stored)
            self._sides.alive()
        return size

    def _tell(self, entry: Entry, what: str) -> None:
        self._sides.narrator.tell("resume", f"{entry.name}: {what}")
