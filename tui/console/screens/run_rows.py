"""What the tables of a run show: a file or an event as a line, and in full for the pane below."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tui.console.formats import file_status_text, safe
from tui.console.widgets.row_table import Column
from tui.console.widgets.run_detail import failure_table
from tui.domain.figures import size
from tui.domain.run import Event, FileRecord, FileStatus
from tui.domain.text import printable

FULL_WIDTH = 110

_CUT = 300
"""Characters of a name or a message that a line can show at most."""

_LONG_NAME = 160

FileLine = tuple[int, FileRecord]
EventLine = tuple[int, Event]
"""With the place in the plan, or in the log: what tells one line from another."""


def file_columns(width: int) -> Sequence[Column]:
    full = width >= FULL_WIDTH
    return (
        Column("name", "File"),
        Column("size", "Size", 8 if full else 7, "right"),
        Column("done", "Done", 5, "right"),
        Column("gap", "", 0),
        Column("status", "Status", 13),
        Column("sha256", "SHA-256", 16 if full else 8),
        Column("proof", "Proof or failure"),
    )


def file_cells(line: FileLine, width: int) -> list[Text]:
    _, file = line
    return [
        safe(file.name, _CUT),
        Text(size(file.size)),
        Text(f"{_percent(file)}%"),
        Text(),
        file_status_text(file.status),
        safe((file.sha256 or "")[: 16 if width >= FULL_WIDTH else 8]),
        _verdict(file),
    ]


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


def event_columns(width: int) -> Sequence[Column]:
    return (
        Column("at", "Time", 12),
        Column("ok", "", 1),
        Column("step", "Step", 14 if width >= FULL_WIDTH else 10),
        Column("detail", "What happened"),
        Column("ms", "ms", 9, "right"),
    )


def event_cells(line: EventLine, width: int) -> list[Text]:
    del width
    _, event = line
    return [
        Text(time_of(event.at), style="dim"),
        ok_sign(event.ok),
        Text.assemble((printable(event.step, _CUT), "bold")),
        Text.assemble((printable(event.detail, _CUT), "" if event.ok else "red")),
        Text("" if event.ms is None else f"{event.ms:,.1f}", style="dim"),
    ]


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


def _percent(file: FileRecord) -> int:
    if file.size:
        return int(file.bytes * 100 / file.size)
    return 100 if file.status is FileStatus.COMPLETED else 0


def _verdict(file: FileRecord) -> Text:
    if file.failure:
        return Text.assemble((f"{file.failure.failure_class.value}: ", "red"), printable(file.failure.message, _CUT))
    return safe(file.proof or "", _CUT)
