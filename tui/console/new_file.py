"""Writes a file that the user asked for: readable by them alone, and nothing of it is seen before it is whole."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from tui.domain.failure import UsageProblem


class FileExists(UsageProblem):
    """There is a file of that name, and nobody said that it may be replaced."""


async def write_file(path: Path, pieces: AsyncGenerator[str], *, replace: bool) -> None:
    """Write the pieces one after the other. The file gets its name when it is whole, and replaces another only with
    `replace`. Raises FileExists, UsageProblem when it cannot be written, and whatever ends the pieces.
    """
    async with aclosing(pieces):
        if not replace and await asyncio.to_thread(os.path.lexists, path):
            raise FileExists(f"{path} exists already.")
        try:
            await _write(path, pieces, replace=replace)
        except OSError as error:
            raise UsageProblem(f"{path} cannot be written: {error.strerror or error}. Choose another place.") from error


async def _write(path: Path, pieces: AsyncGenerator[str], *, replace: bool) -> None:
    partial = await asyncio.to_thread(_begin, path)
    try:
        async for text in pieces:
            await asyncio.to_thread(_append, partial, text)
        await asyncio.to_thread(_finish, partial, path, replace=replace)
    finally:
        # Not in a thread: a cancelled export must not leave its beginnings behind, and this takes no time.
        partial.unlink(missing_ok=True)


def _begin(path: Path) -> Path:
    handle, partial = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    os.close(handle)
    return Path(partial)


def _append(partial: Path, text: str) -> None:
    # A name that is no valid Unicode is shown by escapes rather than making the export impossible.
    with partial.open("a", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(text)


def _finish(partial: Path, path: Path, *, replace: bool) -> None:
    if not replace:
        try:
            # A rename alone would take the place of a file made a moment ago; not every file system has links.
            path.touch(exist_ok=False)
        except FileExistsError:
            raise FileExists(f"{path} exists already.") from None
    partial.replace(path)
