"""`wharf history`: the runs, newest first."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence

from tui.commands.interruption import run_async
from tui.commands.opening import open_store
from tui.commands.output import COMPLETED, cut, narrate, run_duration, say, say_json, status_text, table, time_text
from tui.domain.as_json import run_json
from tui.domain.figures import size
from tui.domain.run import FileRecord, Run
from tui.paths import Paths

_HEAD = ("Run", "Started (UTC)", "Connection", "Trigger", "Status", "Files", "Size", "Took", "Outcome")


def history(args: argparse.Namespace, paths: Paths) -> int:
    """Print the latest runs of one connection or of all. Raises UnknownConnection."""
    runs = run_async(_runs(paths, args.name, args.limit, with_files=args.json))
    if args.json:
        say_json([run_json(run, files) for run, files in runs])
    elif runs:
        say("\n".join(_fitting(table(_HEAD, [_row(run) for run, _ in runs]).splitlines())))
    else:
        narrate("There are no runs yet. `wharf run NAME` makes one.")
    return COMPLETED


async def _runs(paths: Paths, name: str | None, limit: int, *, with_files: bool) -> list[tuple[Run, list[FileRecord]]]:
    async with open_store(paths) as store:
        runs = await store.runs(name, limit=limit)
        if name is not None and not runs:
            # Runs outlive their connection, so only a name without any can be a wrong one.
            await store.connection(name)
        return [(run, await store.files(run.run_id) if with_files else []) for run in runs]


def _fitting(lines: Sequence[str]) -> Iterator[str]:
    """On a terminal a long outcome, which comes last, is cut; a file or pipe gets it whole."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return (cut(line, columns) for line in lines)


def _row(run: Run) -> tuple[str, ...]:
    progress = run.progress
    return (
        str(run.run_id),
        time_text(run.started),
        run.connection,
        run.trigger.value,
        status_text(run.status),
        f"{progress.files_done}/{progress.files_total}",
        size(progress.bytes_done),
        run_duration(run),
        run.failure.message if run.failure else run.message or "",
    )
