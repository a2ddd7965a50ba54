"""Writes the runs that a filter lets through to a file: all of them, also those that were never shown."""

from collections.abc import AsyncGenerator
from pathlib import Path

from tui.console.export import Format
from tui.console.new_file import write_file
from tui.console.screens.history_list import PAGE
from tui.domain.filter import Filter
from tui.store.base import Store


async def write_history(
    store: Store, name: str | None, wanted: Filter, path: Path, form: Format, *, replace: bool
) -> int:
    """Write the file; how many runs are in it. Raises what `write_file` does, and StoreProblem."""
    number = 0

    async def pieces() -> AsyncGenerator[str]:
        nonlocal number
        yield form.opening
        reached, is_done = None, False
        while not is_done:
            found = await store.search(wanted, name, before=reached, limit=PAGE)
            files = [await store.files(run.run_id) if form is Format.JSON else [] for run in found.runs]
            yield form.page(list(zip(found.runs, files, strict=True)), first=number == 0)
            number += len(found.runs)
            reached, is_done = found.reached, found.reached is None
        yield form.closing

    await write_file(path, pieces(), replace=replace)
    return number
