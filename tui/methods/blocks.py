"""What moves between a source and a target, and the memory it lies in."""

import mmap
import sys
from collections.abc import Sequence
from typing import TypeAlias

Block: TypeAlias = bytes | memoryview
"""Some bytes of a file. Nobody changes them as long as somebody refers to them."""

PAGE = 4096
"""Bytes to a multiple of which disks take data straight from memory, and to which that memory has to be aligned."""


class Memory:
    """Pieces of memory of one size, each used again once nobody refers to what lies in it. New memory for every block
    would cost more than what comes into it: the kernel fills it with zeros first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[mmap.mmap] = []

    def piece(self) -> memoryview:
        """Memory that is free, beginning with a page."""
        references = _references(self._pieces)
        if _OURS in references:
            return memoryview(self._pieces[references.index(_OURS)])
        self._pieces.append(mmap.mmap(-1, self._size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        return memoryview(self._pieces[-1])


def begins_with_page(block: Block) -> bool:
    """Whether it is from the beginning of such a piece, as far as that can be told."""
    return isinstance(block, memoryview) and isinstance(block.obj, mmap.mmap)


def _references(pieces: Sequence[mmap.mmap]) -> list[int]:
    """How many references there are to each, with those that counting takes. A view of a view, or of a part of it,
    refers to the memory itself."""
    return [sys.getrefcount(piece) for piece in pieces]


[_OURS] = _references([mmap.mmap(-1, PAGE)])
"""References to a piece that nobody else refers to. Counted and not written down: what counting itself takes differs
between interpreters, and one too many would hand out memory that somebody still reads."""
