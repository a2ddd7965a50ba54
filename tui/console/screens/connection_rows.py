"""What the Connections table shows: its columns for the room there is, a connection as a row, the order of rows."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from tui.console.column_choice import ColumnChoice
from tui.console.formats import moment, safe, status_text
from tui.console.livetable import Column, clickable
from tui.console.widgets.run_text import seconds_of
from tui.domain.expiry import EXPIRY_SIGN, expiry_warning
from tui.domain.failure import Failure
from tui.domain.figures import UNENCRYPTED_SIGN, duration, size
from tui.domain.filter import Facts
from tui.domain.filter_facts import connection_facts
from tui.domain.run import Status
from tui.domain.terms import type_title
from tui.engine.live import LiveRun
from tui.store.base import ConnectionState

_SHORT_TYPES = {
    "conversions": "Convers.",
    "modifications": "Modific.",
    "reversals": "Reversals",
    "catalog": "Catalog",
    "performance": "Perform.",
}

_NEVER = datetime.min.replace(tzinfo=UTC)

_CUT = 200
"""Characters of a message that a line can show at most; the pane beside has it in full."""

_URGENCY = {Status.FAILED: 0, Status.IN_PROGRESS: 1, Status.COMPLETED: 2, Status.NONE: 3}


def with_live(state: ConnectionState, live: Mapping[str, LiveRun]) -> ConnectionState:
    """The state as the engine knows it now: a run may be live before the store was read again."""
    run = live.get(state.connection.name)
    if run is None:
        return state
    return state._replace(status=Status.IN_PROGRESS, last_active=run.started)


def facts_of(state: ConnectionState) -> Facts:
    """What a filter looks at."""
    return connection_facts(state.connection, state.status, state.last_active, state.latest)


ORDERS: Mapping[str, Callable[[ConnectionState], Any]] = {
    "name": lambda state: state.connection.name.lower(),
    "type": lambda state: type_title(state.connection.type).lower(),
    "direction": lambda state: state.connection.direction.label,
    "method": lambda state: state.connection.method.label,
    "status": lambda state: _URGENCY[state.status],
    "last_active": lambda state: state.last_active or _NEVER,
    "enabled": lambda state: not state.connection.enabled,
    "host": lambda state: state.connection.host.lower(),
    "local_dir": lambda state: state.connection.local_dir,
    "failure": lambda state: _latest_failure(state) is None,
    "bytes": lambda state: state.latest.progress.bytes_done if state.latest else -1,
    "took": lambda state: seconds_of(state.latest) if state.latest else -1,
}
"""What the rows are ordered by in each column that they can be sorted by."""

LARGEST_FIRST = frozenset({"last_active", "bytes", "took"})
"""The columns by which the latest or the largest comes first."""


def _name(state: ConnectionState, _: int) -> Text:
    if state.connection.enabled:
        return Text(state.connection.name, style="bold")
    return Text.assemble(("off", "reverse dim"), " ", safe(state.connection.name), style="dim")


def _type(state: ConnectionState, width: int) -> Text:
    key = state.connection.type
    title = type_title(key)
    return _plain(state, title if len(title) <= width else _SHORT_TYPES.get(key, title))


def _direction(state: ConnectionState, _: int) -> Text:
    return _plain(state, state.connection.direction.label)


def _method(state: ConnectionState, _: int) -> Text:
    name = _plain(state, state.connection.method.label)
    if expiry_warning(state.certificate_ends, datetime.now(UTC)) is not None:
        name.append(EXPIRY_SIGN, style="bold yellow")
    return name if state.connection.encrypted else name.append(UNENCRYPTED_SIGN, style="bold yellow")


def _status(state: ConnectionState, _: int) -> Text:
    return status_text(state.status)


def _last_active(state: ConnectionState, width: int) -> Text:
    at = state.last_active
    written = moment(at)
    if len(written) > width:
        written = written.replace("yesterday", "yest.") if written[0] in "ty" else written[: len("2026-03-01")]
    return _plain(state, written) if at else Text(written, style="dim")


def _actions(_: ConnectionState, width: int) -> Text:
    full = width >= len("Edit  View History")
    return Text.assemble(
        clickable("Edit", "edit", "underline"),
        "  " if full else " ",
        clickable("View History" if full else "History", "history", "underline"),
    )


def _enabled(state: ConnectionState, _: int) -> Text:
    return Text("on") if state.connection.enabled else Text("off", style="dim")


def _host(state: ConnectionState, _: int) -> Text:
    return _plain(state, state.connection.host)


def _address(state: ConnectionState, _: int) -> Text:
    return _plain(state, state.connection.address)


def _local_dir(state: ConnectionState, _: int) -> Text:
    return _plain(state, state.connection.local_dir)


def _pattern(state: ConnectionState, _: int) -> Text:
    return _plain(state, ", ".join(state.connection.pattern))


def _bytes(state: ConnectionState, _: int) -> Text:
    return Text("") if state.latest is None else _plain(state, size(state.latest.progress.bytes_done))


def _took(state: ConnectionState, _: int) -> Text:
    return Text("") if state.latest is None else _plain(state, duration(seconds_of(state.latest)))


def _failure(state: ConnectionState, _: int) -> Text:
    failure = _latest_failure(state)
    if failure is None:
        return Text("")
    return Text.assemble((f"{failure.failure_class.value}: ", "red"), safe(failure.message, _CUT))


def _latest_failure(state: ConnectionState) -> Failure | None:
    return state.latest.failure if state.latest else None


def _plain(state: ConnectionState, text: str) -> Text:
    return Text(text, style="" if state.connection.enabled else "dim")


COLUMNS: tuple[Column[ConnectionState], ...] = (
    Column("name", "Name", _name, 26, least=12, grows=True, fixed=True),
    Column("type", "Type", _type, 21, least=9, drop=2),
    Column("direction", "Direction", _direction, 10, least=9, drop=3),
    Column("method", "Method", _method, 7, least=6, drop=2),
    Column("status", "Status", _status, 13),
    Column("last_active", "Last Active", _last_active, 16, least=11, drop=1),
    Column("actions", "Actions", _actions, 18, least=12, drop=4),
)

CHOICE = ColumnChoice(
    COLUMNS,
    (
        Column("enabled", "On/Off", _enabled, 7, drop=1),
        Column("host", "Host", _host, 26, least=12, drop=1),
        Column("address", "Address", _address, 44, least=20, drop=1),
        Column("local_dir", "Local Folder", _local_dir, 26, least=12, drop=1),
        Column("pattern", "Pattern", _pattern, 20, least=10, drop=1),
        Column("bytes", "Last Bytes", _bytes, 11, drop=1, justify="right"),
        Column("took", "Last Took", _took, 10, drop=1, justify="right"),
        Column("failure", "Last Failure", _failure, 30, least=12, grows=True, drop=1),
    ),
)
"""The columns that a user can choose from."""
