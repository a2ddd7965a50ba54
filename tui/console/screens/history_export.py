"""Writes the runs that a filter lets through to a file: all of them, also those that were never shown."""

import asyncio
import os
import tempfile
from pathlib import Path

from tui.console.export import Format
from tui.console.screens.history_list import PAGE
from tui.domain.failure import UsageProblem
from tui.domain.filter import Filter
from tui.domain.filter_facts import run_facts
from tui.store.base import Store


class FileExists(UsageProblem):
    """There is a file of that name, and nobody said that it may be replaced."""


async def write_history(
    store: Store, name: str | None, wanted: Filter, path: Path, form: Format, *, replace: bool
) -> int:
    """Write the file; how many runs are in it. It gets its name when it is whole, and replaces another only with
    `replace`. Raises FileExists, UsageProblem when it cannot be written, StoreProblem.
    """
    if not replace and await asyncio.to_thread(os.path.lexists, path):
        raise FileExists(f"{path} exists already.")
    try:
        return await _write(store, name, wanted, path, form, replace=replace)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror or error}. Choose another place.") from error


async def _write(store: Store, name: str | None, wanted: Filter, path: Path, form: Format, *, replace: bool) -> int:
    partial = await asyncio.to_thread(_begin, path)
    try:
        number = await _fill(store, name, wanted, partial, form)
        await asyncio.to_thread(_finish, partial, path, replace=replace)
    finally:
        # Not in a thread: a cancelled export must not leave its beginnings behind, and this takes no time.
        partial.unlink(missing_ok=True)
    return number


async def _fill(store: Store, name: str | None, wanted: Filter, partial: Path, form: Format) -> int:
    number, before = 0, None
    await asyncio.to_thread(_append, partial, form.opening)
    while page := await store.runs(name, before=before, limit=PAGE):
        before = page[-1].run_id
        found = [run for run in page if wanted.accepts(run_facts(run))]
        files = [await store.files(run.run_id) if form is Format.JSON else [] for run in found]
        text = form.page(list(zip(found, files, strict=True)), first=number == 0)
        await asyncio.to_thread(_append, partial, text)
        number += len(found)
    await asyncio.to_thread(_append, partial, form.closing)
    return number


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
