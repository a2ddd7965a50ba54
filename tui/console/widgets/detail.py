"""What is under the cursor, in full: one line where there is little room, a pane where there is more."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from tui.console.formats import moment, safe, status_text
from tui.console.keys import ShownKeys, shown_keys
from tui.console.widgets.group_text import Group, group_facts, group_keys, group_title
from tui.console.widgets.recent import recent_lines
from tui.domain.expiry import EXPIRY_SIGN, expiry_warning
from tui.domain.failure import Failure
from tui.domain.figures import count, size
from tui.domain.run import Run
from tui.domain.summary import Summary
from tui.domain.terms import After, Direction, type_title
from tui.domain.text import printable
from tui.store.base import ConnectionState

PANE_WIDTH = 120
"""From this many cells on there is room for the pane."""


class ConnectionDetail(Static):
    """Shows one connection, one group, or nothing."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(markup=False, id=id)
        self._shown: ConnectionState | Group | None = None
        self._recent: Sequence[Run] = ()

    def show(self, shown: ConnectionState | Group | None, recent: Sequence[Run] = ()) -> None:
        """Show this instead; a connection with its latest runs, newest first, as far as they are known already."""
        if (shown, recent) != (self._shown, self._recent):
            self._shown, self._recent = shown, recent
            self._write()

    @property
    def has_room(self) -> bool:
        """Whether more than a line is shown."""
        return self.app.size.width >= PANE_WIDTH

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        if self._shown is None:
            self.update("")
        else:
            keys = shown_keys(self.app)
            if isinstance(self._shown, Group):
                shown = _group_pane(self._shown, keys) if self.has_room else _group_line(self._shown, keys)
            else:
                shown = _pane(self._shown, self._recent, keys) if self.has_room else _line(self._shown)
            # However much there is to say, the pane keeps its height.
            self.update(shown, layout=False)


def _line(state: ConnectionState) -> Text:
    connection = state.connection
    failure = state.latest.failure if state.latest else None
    told = safe(failure.message) if failure else safe(f"{connection.address}  {' '.join(connection.pattern)}")
    text = Text.assemble((printable(connection.name), "bold"), "  ")
    if (expiry := expiry_warning(state.certificate_ends, datetime.now(UTC))) is not None:
        text.append(f"{EXPIRY_SIGN} {expiry}", "bold yellow").append("  ")
    text.append_text(told)
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text


def _pane(state: ConnectionState, recent: Sequence[Run], keys: ShownKeys) -> Table:
    pane = Table.grid(padding=(0, 3), expand=True)
    pane.add_column(ratio=1)
    pane.add_column(ratio=1)
    pane.add_row(_facts(state, keys), _outcome(state.latest, recent, keys))
    return pane


def _group_line(group: Group, keys: ShownKeys) -> Text:
    text = Text.assemble(group_title(group), f"  {group_keys(group, keys)}", no_wrap=True)
    text.overflow = "ellipsis"
    return text


def _group_pane(group: Group, keys: ShownKeys) -> Table:
    return _lines(group_title(group), [*group_facts(group), ("Keys", group_keys(group, keys))])


def _facts(state: ConnectionState, keys: ShownKeys) -> Table:
    connection = state.connection
    inbound = connection.direction is Direction.INBOUND
    lines = [
        ("Partner", connection.address),
        *([("Through", connection.way)] if connection.way else []),
        ("Lands in" if inbound else "Waits in", connection.local_dir),
        ("Files", " ".join(connection.pattern)),
        ("Type", type_title(connection.type)),
        ("Afterwards", _afterwards(connection)),
    ]
    if (expiry := expiry_warning(state.certificate_ends, datetime.now(UTC))) is not None:
        lines.append(("Warning", f"{EXPIRY_SIGN} {expiry}"))
    off = "" if connection.enabled else f"  (off: {keys['connections.toggle']} switches it on)"
    return _lines(printable(connection.name) + off, lines)


def _afterwards(connection: Summary) -> str:
    match connection.after:
        case After.MOVE:
            return f"source files are moved to {connection.move_to}"
        case After.DELETE:
            return "source files are deleted"
        case After.KEEP:
            return "source files are kept"


def _outcome(run: Run | None, recent: Sequence[Run], keys: ShownKeys) -> Table:
    if run is None:
        run_it, test_it = keys["connections.run"], keys["connections.test"]
        return _lines("Never ran", [("", f"{run_it} runs it now, {test_it} tests it without moving anything")])
    progress = run.progress
    lines: list[tuple[str, str | Text]] = [
        *(recent_lines(recent) if len(recent) > 1 else []),
        ("", f"{count(progress.files_done, 'file')} of {progress.files_total}, {size(progress.bytes_done)}"),
        *(_failure(run.failure) if run.failure else []),
        *([("", run.message)] if run.message else []),
    ]
    return _lines(Text.assemble("Last run  ", status_text(run.status), f"  {moment(run.ended or run.started)}"), lines)


def _failure(failure: Failure) -> list[tuple[str, str]]:
    return [("Why", f"{failure.message}"), ("Do", failure.remedy)]


def _lines(heading: str | Text, lines: Sequence[tuple[str, str | Text]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    grid = Table.grid()
    grid.add_row(Text(heading, style="bold", no_wrap=True) if isinstance(heading, str) else heading)
    for label, value in lines:
        table.add_row(Text(label), safe(value) if isinstance(value, str) else value)
    grid.add_row(table)
    return grid
