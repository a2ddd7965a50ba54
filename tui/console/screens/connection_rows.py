"""What the Connections table shows: its columns for the room there is, a connection as a row, the order of rows."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.text import Text

from tui.console.formats import moment, safe, status_text
from tui.console.widgets.row_table import Column, Row, clickable
from tui.domain.connection import type_title
from tui.domain.run import Status
from tui.engine.live import LiveRun
from tui.store.base import ConnectionState

FULL_WIDTH = 110
"""From this many cells on, every column has room for its longest value."""

_COLUMNS = (("name", "Name"), ("type", "Type"), ("direction", "Direction"), ("method", "Method"), ("status", "Status"))
_NARROW = (None, 9, 9, 6, 13, 11, 12)
_FULL = (None, 21, 10, 7, 13, 16, 18)

_SHORT_TYPES = {
    "conversions": "Convers.",
    "modifications": "Modific.",
    "reversals": "Reversals",
    "catalog": "Catalog",
    "performance": "Perform.",
}

SORTABLE = ("name", "type", "direction", "method", "status", "last_active")

_NEVER = datetime.min.replace(tzinfo=UTC)

_URGENCY = (Status.FAILED, Status.IN_PROGRESS, Status.COMPLETED, Status.NONE)


def columns_for(width: int) -> list[Column]:
    """The seven columns, at widths that fit."""
    labels = (*_COLUMNS, ("last_active", "Last Active"), ("actions", "Actions"))
    widths = _FULL if width >= FULL_WIDTH else _NARROW
    return [Column(key, label, cells) for (key, label), cells in zip(labels, widths, strict=True)]


def with_live(state: ConnectionState, live: Mapping[str, LiveRun]) -> ConnectionState:
    """The state as the engine knows it now: a run may be live before the store was read again."""
    run = live.get(state.connection.name)
    if run is None:
        return state
    return ConnectionState(state.connection, Status.IN_PROGRESS, run.started, state.latest)


def row_for(state: ConnectionState, *, marked: bool, width: int) -> Row:
    """A connection as a line of the table."""
    connection = state.connection
    full = width >= FULL_WIDTH
    title = type_title(connection.type)
    cells = (
        _name(state, marked),
        Text(title if full else _SHORT_TYPES.get(connection.type, title)),
        Text(connection.direction.label),
        Text(connection.method.label),
        status_text(state.status),
        Text(_when(state.last_active, short=not full), style="" if state.last_active else "dim"),
        Text.assemble(
            clickable("Edit", "edit", "underline"),
            "  " if full else " ",
            clickable("View History" if full else "History", "history", "underline"),
        ),
    )
    if not connection.enabled:
        for cell in (*cells[:4], cells[5]):
            cell.stylize("dim")
    return Row(connection.name, cells)


def searchable(state: ConnectionState) -> list[str]:
    """The texts that a word of the filter is looked for in: what the columns say, at full length."""
    connection = state.connection
    return [
        connection.name,
        type_title(connection.type),
        connection.type,
        connection.direction.label,
        connection.method.label,
        state.status.value,
        moment(state.last_active),
        "" if connection.enabled else "off",
    ]


def sort_value(column: str, state: ConnectionState) -> str | int | datetime:
    """What the rows are ordered by in this column."""
    match column:
        case "type":
            return type_title(state.connection.type).lower()
        case "direction":
            return state.connection.direction.label
        case "method":
            return state.connection.method.label
        case "status":
            return _URGENCY.index(state.status)
        case "last_active":
            return state.last_active or _NEVER
        case _:
            return state.connection.name.lower()


def _name(state: ConnectionState, marked: bool) -> Text:
    name = Text()
    if marked:
        name.append("● ", style="bold yellow")
    if not state.connection.enabled:
        name.append("off", style="reverse dim")
        name.append(" ")
    name.append_text(safe(state.connection.name))
    if state.connection.enabled:
        name.stylize("bold")
    return name


def _when(at: datetime | None, *, short: bool) -> str:
    written = moment(at)
    if not short or at is None:
        return written
    return written.replace("yesterday", "yest.") if written[0] in "ty" else written[: len("2026-03-01")]
