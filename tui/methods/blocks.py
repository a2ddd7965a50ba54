"""What moves between a source and a target, and the memory it lies in."""

import mmap
import sys
from typing import TypeAlias

Block: TypeAlias = bytes | memoryview
"""Some bytes of a file. Nobody changes them as long as somebody refers to them."""

PAGE = 4096
"""Bytes to a multiple of which disks take data straight from memory, and to which that memory has to be aligned."""

_OUR_REFERENCES = 3
"""The list's, the loop variable's, and that of the call that counts."""


class Memory:
    """Pieces of memory of one size, each used again once nobody refers to what lies in it. New memory for every block
    would cost more than what comes into it: the kernel fills it with zeros first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces: list[mmap.mmap] = []

    def piece(self) -> memoryview:
        """Memory that is free, beginning with a page."""
        for piece in self._pieces:
            # A view of a view, or of a part of it, refers to the memory itself.
            if sys.getrefcount(piece) == _OUR_REFERENCES:
                return memoryview(piece)
        self._pieces.append(mmap.mmap(-1, self._size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        return memoryview(self._pieces[-1])


def begins_with_page(block: Block) -> bool:
    """Whether it is from the beginning of such a piece, as far as that can be told."""
    return isinstance(block, memoryview) and isinstance(block.obj, mmap.mmap)
