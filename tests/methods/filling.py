"""Writes a large file to a disk that is too small for it until something else is removed there, and tells in JSON what
came of it: `python -m tests.methods.filling FOLDER`. A process of its own, because the disk is mounted for it alone."""

import asyncio
import json
import os
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tui.domain.failure import TransferFailed
from tui.methods.disk_writing import DirectWriter, DiskWriter, writing

MEGABYTE = 1024 * 1024
BALLAST = 140 * MEGABYTE
SIZE = 130 * MEGABYTE + 77
_BLOCK = 1_000_003
"""Bytes that come at once; no whole number of pages."""


@dataclass(frozen=True)
class Told:
    """What has happened. Numbers are bytes."""

    failure: str
    """The class of the first failure."""
    stored: int
    """What the writer called safe then."""
    good: bool
    """Whether these bytes were those of the file."""
    past_the_cache: tuple[bool, bool]
    """Whether the first and the second writer were such."""
    identical: bool
    """Whether the file was right in the end."""


async def main(folder: Path) -> Told:
    """Fill the disk, make room and go on from what was safe."""
    content = memoryview(random.Random("a full disk").randbytes(SIZE))
    ballast, path = folder / "ballast", folder / "part"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, BALLAST)
    try:
        async with writing(path, SIZE, 0) as first:
            await _write(first, content)
    except TransferFailed as error:
        failure = error.failure.failure_class
    else:
        raise AssertionError("the disk is too large")
    ballast.unlink()
    good = path.read_bytes()[: first.stored] == content[: first.stored]
    async with writing(path, SIZE, first.stored) as second:
        await _write(second, content[first.stored :])
    kinds = isinstance(first, DirectWriter), isinstance(second, DirectWriter)
    return Told(failure, first.stored, good, kinds, path.read_bytes() == content)


async def _write(writer: DiskWriter, content: memoryview) -> None:
    for start in range(0, len(content), _BLOCK):
        await writer.write(content[start : start + _BLOCK])


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(main(Path(sys.argv[1]))))))
