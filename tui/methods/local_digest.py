"""Hashes local files piece by piece. A large file takes minutes: whoever waits can be cancelled all the while, and a
partner that has to wait for it is not taken for silent."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from tui.methods.disk import DISK_BLOCK

_PIECE = 16 * 1024 * 1024
"""Bytes between two signs of life: seconds even on a very slow disk."""


async def sha256_of(path: Path, alive: Callable[[], None], count: int | None = None) -> "hashlib._Hash":
    """The SHA-256, to be continued, of the first `count` bytes of a file; of all of it without. `alive` is called after
    each piece. Raises OSError."""
    sha256 = hashlib.sha256()
    done = 0
    while count is None or done < count:
        wanted = _PIECE if count is None else min(count - done, _PIECE)
        hashed = await asyncio.to_thread(_hash_piece, sha256, path, done, wanted)
        alive()
        done += hashed
        if hashed < wanted:
            break
    return sha256


def _hash_piece(sha256: "hashlib._Hash", path: Path, start: int, count: int) -> int:
    """Returns how many bytes they were: fewer where the file ends. The file is not kept open between two pieces: a
    thread that nobody waits for any more could not be told to close it."""
    done = 0
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while done < count and (block := file.read(min(count - done, DISK_BLOCK))):
            sha256.update(block)
            done += len(block)
    return done
