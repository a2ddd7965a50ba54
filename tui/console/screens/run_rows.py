"""What the tables of a run show: a file or an event as a line, and in full for the pane below."""

from bisect import bisect_left
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tui.console.formats import file_status_text, safe
from tui.console.livetable import Column
from tui.console.widgets.run_detail import failure_table
from tui.domain.figures import size
from tui.domain.run import Event, FileRecord, FileStatus
from tui.domain.text import printable
from tui.store.base import FileChanges

_CUT = 300
"""Characters of a name or a message that a line can show at most."""

_LONG_NAME = 160

FileLine = tuple[int, FileRecord]
EventLine = tuple[int, Event]
"""With the place in the plan, or in the log: what tells one line from another."""


def place_of(line: FileLine | EventLine) -> int:
    return line[0]


class FileLines:
    """The files of a run in the order of the plan, brought up to date by what has changed."""

    def __init__(self) -> None:
        self.revision = 0
        self.lines: list[FileLine] = []

    def take(self, changes: FileChanges) -> None:
        self.revision = changes.revision
        for place, file in sorted(changes.files.items(), key=place_of):
            at = bisect_left(self.lines, place, key=place_of)
            known = at < len(self.lines) and self.lines[at][0] == place
            self.lines[at : at + known] = [(place, file)]


def file_detail(file: FileRecord) -> RenderableType:
    """Everything that is known of a file."""
    lines = [f"{size(file.bytes)} of {size(file.size)}"]
    if file.records is not None:
        lines.append(f"{file.records:,} records")
    if file.rejected is not None:
        lines.append(f"{file.rejected:,} rejected")
    # A name as long as a page must not push what is wrong with the file out of sight.
    heading = Text.assemble((printable(file.name, _LONG_NAME), "bold"), "  ", (", ".join(lines), "dim"))
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    if file.sha256:
        table.add_row(Text("SHA-256"), safe(file.sha256))
    if file.proof:
        table.add_row(Text("proof"), safe(file.proof))
    return Group(heading, table, *([failure_table(file.failure)] if file.failure else []))


def file_copy(file: FileRecord) -> str:
    """What is worth pasting elsewhere: the failure, or else the hash and the name as sha256sum writes them."""
    if file.failure:
        return f"{file.name}: {file.failure.message}"
    return f"{file.sha256}  {file.name}" if file.sha256 else file.name


def event_detail(event: Event) -> RenderableType:
    """The event with its text in full."""
    took = "" if event.ms is None else f"  {event.ms:,.1f} ms"
    heading = Text.assemble(
        ok_sign(event.ok), " ", (printable(event.step), "bold"), (f"  {time_of(event.at)}{took}", "dim")
    )
    return Group(heading, safe(event.detail))


def event_copy(event: Event) -> str:
    return f"{time_of(event.at)} {event.step}: {event.detail}"


def ok_sign(ok: bool) -> Text:
    return Text.assemble(("✓", "green") if ok else ("✗", "bold red"))


def time_of(at: datetime) -> str:
    """The time of day in the user's own zone, with milliseconds."""
    return at.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _name(line: FileLine, _: int) -> Text:
    return safe(line[1].name, _CUT)


def _size(line: FileLine, _: int) -> str:
    return size(line[1].size)


def _percent(line: FileLine, _: int) -> str:
    file = line[1]
    if file.size:
        return f"{int(file.bytes * 100 / file.size)}%"
    return "100%" if file.status is FileStatus.COMPLETED else "0%"


def _status(line: FileLine, _: int) -> Text:
    return file_status_text(line[1].status)


def _sha256(line: FileLine, width: int) -> str:
    return (line[1].sha256 or "")[:width]


def _verdict(line: FileLine, _: int) -> Text:
    file = line[1]
    if file.failure:
        return Text.assemble((f"{file.failure.failure_class.value}: ", "red"), printable(file.failure.message, _CUT))
    return safe(file.proof or "", _CUT)


FILE_COLUMNS: tuple[Column[FileLine], ...] = (
    Column("name", "File", _name, 20, least=16, grows=True, fixed=True),
    Column("size", "Size", _size, 8, least=7, justify="right"),
    Column("done", "Done", _percent, 5, justify="right", space=2),
    Column("status", "Status", _status, 13),
    Column("sha256", "SHA-256", _sha256, 16, least=8, drop=1),
    Column("proof", "Proof or failure", _verdict, 22, least=16, grows=True),
)


def _at(line: EventLine, _: int) -> Text:
    return Text(time_of(line[1].at), style="dim")


def _ok(line: EventLine, _: int) -> Text:
    return ok_sign(line[1].ok)


def _step(line: EventLine, _: int) -> Text:
    return Text(line[1].step, style="bold")


def _detail(line: EventLine, _: int) -> Text:
    event = line[1]
    return Text(printable(event.detail, _CUT), style="" if event.ok else "red")


def _ms(line: EventLine, _: int) -> Text:
    ms = line[1].ms
    return Text("" if ms is None else f"{ms:,.1f}", style="dim")


EVENT_COLUMNS: tuple[Column[EventLine], ...] = (
    Column("at", "Time", _at, 12, fixed=True),
    Column("ok", "", _ok, 1),
    Column("step", "Step", _step, 14, least=10),
    Column("detail", "What happened", _detail, 20, grows=True),
    Column("ms", "ms", _ms, 9, justify="right"),
)
