"""Finds out what of an earlier attempt can be built on, and proves it before anything is built on it."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tui.engine.sides import Sides
from tui.methods.base import Entry
from tui.methods.blocks import Block
from tui.store.base import Partial

_TAIL = 64 * 1024
"""Bytes at the end of what is kept that are compared with the source."""


@dataclass(slots=True)
class Continuation:
    """A file to be copied from `keep` on: the digest of what is before, and the source's bytes from there."""

    keep: int
    digest: "hashlib._Hash"
    blocks: AsyncIterator[Block]


async def keepable(sides: Sides, entry: Entry, partial: Partial | None) -> int:
    """Bytes of the staged file that are worth a try: 0 when there are none, or the source has changed since.

    What a peer has acknowledged and what it has are two things; the smaller one counts.
    """
    if partial is None or not (sides.source.resumes and sides.target.resumes):
        return 0
    if (partial.target_name, partial.size, partial.mtime) != (entry.target_name, entry.size, entry.mtime):
        return 0
    if partial.mtime is None or not partial.stored:
        return 0
    there = await sides.target.staged_size(entry)
    if there is None or there > entry.size:
        return 0
    return min(partial.stored, there)


@asynccontextmanager
async def continued(sides: Sides, entry: Entry, keep: int) -> AsyncIterator[Continuation | None]:
    """Read the source from where the staged file ends, if the end of the staged file equals the source there; else
    None. The source is read from a little before, so that the comparison costs no transfer of its own."""
    tail = min(_TAIL, keep)
    there = await sides.target.read_staged(entry, keep - tail, tail)
    async with sides.source.read(entry, keep - tail) as blocks:
        head, rest = await _split(blocks, tail)
        if head != there:
            yield None
            return
        digest = await sides.local.prefix_digest(entry, keep)
        yield Continuation(keep, digest, _chained(rest, blocks))


async def _split(blocks: AsyncIterator[Block], count: int) -> tuple[bytes, bytes]:
    """The first `count` bytes, and what of the last block lies beyond."""
    found = bytearray()
    while len(found) < count:
        block = await anext(blocks, None)
        if block is None:
            break
        found += block
    return bytes(found[:count]), bytes(found[count:])


async def _chained(first: bytes, rest: AsyncIterator[Block]) -> AsyncIterator[Block]:
    if first:
        yield first
    async for block in rest:
        yield block
