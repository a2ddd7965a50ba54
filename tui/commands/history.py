"""`wharf history`: the runs, newest first."""

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tui.commands.narrowing import understood
from tui.commands.opening import open_reading
from tui.commands.output import COMPLETED, cut, narrate, run_duration, say, say_json, status_text, table, time_text
from tui.domain.as_json import run_json
from tui.domain.figures import size
from tui.domain.filter import Filter
from tui.domain.filter_facts import RUN_VOCABULARY
from tui.domain.run import FileRecord, Run
from tui.paths import Paths

if TYPE_CHECKING:
    from tui.store.reading import Reading

_HEAD = ("Run", "Started (UTC)", "Connection", "Trigger", "Status", "Files", "Size", "Took", "Outcome")


def history(args: argparse.Namespace, paths: Paths) -> int:
    """Print the latest runs of one connection or of all, or of those that the filter means. Raises UnknownConnection,
    and UsageProblem for a wrong filter."""
    wanted = understood(args.filter, RUN_VOCABULARY, paths, "runs")
    runs = _runs(paths, args.name, args.limit, wanted, with_files=args.json)
    if args.json:
        say_json([run_json(run, files) for run, files in runs])
    elif runs:
        say("\n".join(_fitting(table(_HEAD, [_row(run) for run, _ in runs]).splitlines())))
    elif wanted:
        narrate("No run is meant by this filter.")
    else:
        narrate("There are no runs yet. `wharf run NAME` makes one.")
    return COMPLETED


def _runs(
    paths: Paths, name: str | None, limit: int, wanted: Filter, *, with_files: bool
) -> list[tuple[Run, list[FileRecord]]]:
    with open_reading(paths) as store:
        runs = _latest(store, name, limit, wanted)
        if name is not None and not runs:
            # Runs outlive their connection, so only a name without any can be a wrong one.
            store.require(name)
        return [(run, store.files(run.run_id) if with_files else []) for run in runs]


def _latest(store: "Reading", name: str | None, limit: int, wanted: Filter) -> list[Run]:
    if not wanted:
        return store.runs(name, limit=limit)
    found: list[Run] = []
    before = None
    while len(found) < limit:
        some = store.search(wanted, name, before=before, limit=limit - len(found))
        found += some.runs
        if some.reached is None:
            break
        before = some.reached
    return found


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
