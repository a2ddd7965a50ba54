"""Writes the runs that a filter lets through to a file: all of them, also those that were never shown."""

from collections.abc import AsyncGenerator
from pathlib import Path

from tui.console.export import Format
from tui.console.new_file import write_file
from tui.console.screens.history_list import PAGE
from tui.domain.filter import Filter
from tui.domain.filter_facts import run_facts
from tui.store.base import Store


async def write_history(
    store: Store, name: str | None, wanted: Filter, path: Path, form: Format, *, replace: bool
) -> int:
    """Write the file; how many runs are in it. Raises what `write_file` does, and StoreProblem."""
    number = 0

    async def pieces() -> AsyncGenerator[str]:
        nonlocal number
        yield form.opening
        before = None
        while page := await store.runs(name, before=before, limit=PAGE):
            before = page[-1].run_id
            found = [run for run in page if wanted.accepts(run_facts(run))]
            files = [await store.files(run.run_id) if form is Format.JSON else [] for run in found]
            yield form.page(list(zip(found, files, strict=True)), first=number == 0)
            number += len(found)
        yield form.closing

    await write_file(path, pieces(), replace=replace)
    return number
