"""What the History table shows: its columns for the room there is, a run as a line, what the filter looks at."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.text import Text

from tui.console.formats import moment, safe, status_text
from tui.console.screens.connection_filter import Filter, slug
from tui.console.widgets.row_table import Column
from tui.console.widgets.run_text import Entry, running_text, seconds_of
from tui.domain.failure import FailureClass
from tui.domain.figures import duration, size
from tui.domain.run import Run, Status, Trigger

FULL_WIDTH = 110
"""From this many cells on, every column has room for its longest value."""

FACETS = ("status", "trigger", "class")
"""The columns with a fixed set of values, by the word that asks for them."""

FACET_VALUES: Mapping[str, Mapping[str, str]] = {
    "status": {slug(each.value): each.value for each in Status if each is not Status.NONE},
    "trigger": {slug(each.value): each.value for each in Trigger},
    "class": {slug(each.value): each.value for each in FailureClass},
}

_SLUGS = {each: slug(each.value) for each in (*Status, *Trigger, *FailureClass)}

_CUT = 200
"""Characters of a message that a line can show at most; the pane below has it in full."""


def columns_for(width: int, *, of_all: bool) -> list[Column]:
    """The columns at widths that fit; where there is little room, the trigger is left to the pane below."""
    full = width >= FULL_WIDTH
    columns = [
        Column("started", "Started", 16 if full else 11),
        Column("connection", "Connection", 24 if full else 15),
        Column("trigger", "Trigger", 12 if full else 8),
        Column("status", "Status", 13),
        Column("files", "Files", 11 if full else 7, "right"),
        Column("bytes", "Bytes", 8 if full else 7, "right"),
        Column("took", "Took", 9 if full else 8, "right"),
        Column("gap", "", 0),
        Column("outcome", "Outcome"),
    ]
    hidden = {"connection"} if not of_all else set() if full else {"trigger"}
    return [column for column in columns if column.key not in hidden]


def cells_for(entry: Entry, width: int, *, of_all: bool) -> list[Text]:
    """A run as a line of the table, for the columns of that width."""
    run, progress = entry.run, entry.run.progress
    full = width >= FULL_WIDTH
    cells = {
        "started": Text(started_text(run.started, short=not full)),
        "connection": safe(run.connection, _CUT),
        "trigger": Text(_trigger(run.trigger, short=not full)),
        "status": status_text(run.status),
        "files": Text(f"{progress.files_done:,}/{progress.files_total:,}", style="" if progress.files_total else "dim"),
        "bytes": Text(size(progress.bytes_done), style="" if progress.bytes_done else "dim"),
        "took": Text(duration(seconds_of(run))),
        "gap": Text(),
        "outcome": _outcome(entry),
    }
    return [cells[column.key] for column in columns_for(width, of_all=of_all)]


def searchable(run: Run) -> list[str]:
    """The texts that a word of the filter is looked for in: what the columns say, at full length."""
    failure = run.failure
    return [
        run.connection,
        moment(run.started),
        run.trigger.value,
        run.status.value,
        f"{run.progress.files_done}/{run.progress.files_total}",
        size(run.progress.bytes_done),
        *([failure.failure_class.value, failure.message] if failure else []),
        run.message or "",
    ]


def values_of(run: Run) -> dict[str, tuple[str, ...]]:
    """Per facet how the run's own value may be written."""
    return {
        "status": (_SLUGS[run.status],),
        "trigger": (_SLUGS[run.trigger],),
        "class": (_SLUGS[run.failure.failure_class],) if run.failure else (),
    }


def accepts(wanted: Filter, run: Run) -> bool:
    """Whether the filter lets a run through."""
    # What words are looked for in takes most of the time.
    return wanted.matches(values_of(run), searchable(run) if wanted.words else ())


def facet_counts(runs: Sequence[Run]) -> dict[tuple[str, str], int]:
    """How many runs have each value of each facet."""
    counts: dict[tuple[str, str], int] = {}
    for run in runs:
        for facet, values in values_of(run).items():
            for value in values:
                counts[facet, value] = counts.get((facet, value), 0) + 1
    return counts


def started_text(at: datetime, *, short: bool) -> str:
    """When a run began, in 16 cells, or in 11: then without what is least needed."""
    written = moment(at)
    if not short:
        return written
    if written[0] in "ty":
        return written.replace("yesterday", "yest.")
    local = at.astimezone()
    return f"{local:%m-%d %H:%M}" if local.year == datetime.now().astimezone().year else f"{local:%Y-%m-%d}"


def _trigger(trigger: Trigger, *, short: bool) -> str:
    return "cmd line" if short and trigger is Trigger.COMMAND_LINE else trigger.value


def _outcome(entry: Entry) -> Text:
    run, live = entry.run, entry.live
    if live is not None:
        return running_text(live)
    if run.failure is not None:
        return Text.assemble((f"{run.failure.failure_class.value}: ", "red"), safe(run.failure.message, _CUT))
    return safe(run.message or "", _CUT)
