"""What the History table shows: its columns, a run as a line, what the filter looks at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import cast

from rich.text import Text

from tui.console.column_choice import ColumnChoice
from tui.console.formats import clock, moment, safe, speed, status_text
from tui.console.livetable import Column
from tui.console.screens.history_days import Row
from tui.console.widgets.run_text import Entry, running_text, seconds_of
from tui.domain.figures import duration, size
from tui.domain.filter_facts import RUN_VOCABULARY, run_facts
from tui.domain.run import Run, Trigger

FACETS = ("status", "trigger", "failure")
"""The columns with a menu of their values, by the key that asks for them in a filter."""

FACET_VALUES = {facet: RUN_VOCABULARY.choices[facet] for facet in FACETS}

_CUT = 200
"""Characters of a message that a line can show at most; the pane below has it in full."""


def facet_counts(runs: Iterable[Run]) -> Counter[tuple[str, str]]:
    """How many runs have each value of each facet."""
    every = [run_facts(run).values for run in runs]
    return Counter((facet, value) for values in every for facet in FACETS for value in values[facet])


def _started(entry: Entry, width: int) -> str:
    written = moment(entry.run.started)
    if len(written) <= width:
        return written
    if written[0] in "ty":
        return written.replace("yesterday", "yest.")
    local = entry.run.started.astimezone()
    return f"{local:%m-%d %H:%M}" if local.year == datetime.now().astimezone().year else f"{local:%Y-%m-%d}"


def _connection(entry: Entry, _: int) -> str:
    return entry.run.connection


def _trigger(entry: Entry, width: int) -> str:
    trigger = entry.run.trigger
    return "cmd line" if trigger is Trigger.COMMAND_LINE and len(trigger.value) > width else trigger.value


def _status(entry: Entry, _: int) -> Text:
    return status_text(entry.run.status)


def _files(entry: Entry, _: int) -> Text:
    progress = entry.run.progress
    return Text(f"{progress.files_done:,}/{progress.files_total:,}", style="" if progress.files_total else "dim")


def _bytes(entry: Entry, _: int) -> Text:
    done = entry.run.progress.bytes_done
    return Text(size(done), style="" if done else "dim")


def _took(entry: Entry, _: int) -> str:
    return duration(seconds_of(entry.run))


def _outcome(entry: Entry, _: int) -> Text:
    run, live = entry.run, entry.live
    if live is not None:
        return running_text(live)
    if run.failure is not None:
        return Text.assemble((f"{run.failure.failure_class.value}: ", "red"), safe(run.failure.message, _CUT))
    return safe(run.message or "", _CUT)


def _run(entry: Entry, _: int) -> str:
    return str(entry.run_id)


def _ended(entry: Entry, _: int) -> str:
    return clock(entry.run.ended) if entry.run.ended else ""


def _attempts(entry: Entry, _: int) -> Text:
    return Text(str(entry.run.attempts), style="" if entry.run.attempts > 1 else "dim")


def _speed(entry: Entry, _: int) -> str:
    """On the whole way, waits and retries included; while it runs, as it is now."""
    if entry.live is not None:
        return speed(entry.live.speed)
    seconds = seconds_of(entry.run)
    return speed(entry.run.progress.bytes_done / seconds) if seconds > 0 else ""


def _failure(entry: Entry, _: int) -> Text:
    failure = entry.run.failure
    return Text(failure.failure_class.value if failure else "", style="red")


_CONNECTION = Column("connection", "Connection", _connection, 24, least=15)

_COLUMNS: tuple[Column[Entry], ...] = (
    Column("started", "Started", _started, 16, least=11, fixed=True),
    Column("trigger", "Trigger", _trigger, 12, least=8, drop=1),
    Column("status", "Status", _status, 13),
    Column("files", "Files", _files, 11, least=7, justify="right"),
    Column("bytes", "Bytes", _bytes, 8, least=7, justify="right"),
    Column("took", "Took", _took, 9, least=8, justify="right", space=2),
    Column("outcome", "Outcome", _outcome, 20, least=18, grows=True),
)

_COLUMNS_OF_ALL = (
    _COLUMNS[0],
    _CONNECTION,
    *_COLUMNS[1:-1],
    # Beside the connection there are 80 cells for the class of a failure and the rest, but not for more of its message.
    replace(_COLUMNS[-1], least=11),
)

_OTHERS: tuple[Column[Entry], ...] = (
    Column("run", "Run", _run, 8, drop=1, justify="right", space=2),
    Column("ended", "Ended", _ended, 8, drop=1),
    Column("attempts", "Attempts", _attempts, 8, drop=1, justify="right", space=2),
    Column("speed", "Speed", _speed, 9, drop=1, justify="right", space=2),
    Column("failure", "Failure", _failure, 12, drop=1),
)


def choice(*, of_all: bool) -> ColumnChoice[Row]:
    """The columns that the history of all, or of one connection, can show."""
    usual = _COLUMNS_OF_ALL if of_all else _COLUMNS
    # The lines of days have no columns, so that none is ever asked for what it says of one.
    return cast("ColumnChoice[Row]", ColumnChoice(usual, _OTHERS))
