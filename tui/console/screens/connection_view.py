"""What the Connections screen shows: every connection with its state, live, and what is running."""

from contextlib import suppress
from typing import cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult

from tui.console.bridge import SnapshotTaken
from tui.console.formats import STYLES
from tui.console.keys import ShownKeys, shown_keys
from tui.console.livetable import Column
from tui.console.screens.chosen_columns import ChosenColumns
from tui.console.screens.connection_groups import Row, row_key
from tui.console.screens.connection_list import FACETS, ConnectionList
from tui.console.screens.connection_rows import CHOICE, COLUMNS
from tui.console.widgets.detail import ConnectionDetail
from tui.console.widgets.empty_state import EmptyState
from tui.console.widgets.filter_bar import FilterBar
from tui.console.widgets.group_text import Group, group_line
from tui.console.widgets.key_footer import KeyFooter
from tui.console.widgets.recent import RECENT, RecentRuns
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.running_panel import RunningPanel
from tui.console.widgets.status import StatusLine
from tui.domain.failure import UnknownConnection
from tui.domain.figures import count
from tui.domain.run import Run, Status
from tui.engine import Engine
from tui.store.base import ConnectionState

_MINUTE = 60

_FIRST_COMMANDS = (
    ("wharf import FILE", "take over connections from a file"),
    ("wharf demo", "look around, with servers and batches made for it"),
)


class ConnectionView(ChosenColumns):
    """Draws a ConnectionList and keeps it up with the engine and the store. What keys do is added by its subclasses."""

    # Otherwise the filter would have the focus first, and lose it again before the first frame.
    AUTO_FOCUS = "#connections"

    choice = CHOICE
    remembered_as = "connections"

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self._list = ConnectionList()
        self._recent = RecentRuns()
        self._is_behind = False
        self._is_catching_up = False

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status-line")
        yield FilterBar(FACETS, "words, status:failed last:<2d -email", lambda: self._list.vocabulary, id="filter-bar")
        # The lines of groups have no columns, so that none is ever asked for what it says of one.
        columns = cast("tuple[Column[Row], ...]", COLUMNS)
        yield RowTable[Row](columns, row_key, banner=_banner, id="connections")
        yield EmptyState(id="empty")
        yield RunningPanel(id="running")
        yield ConnectionDetail(id="detail")
        yield KeyFooter()

    async def on_mount(self) -> None:
        await self._recall_view()
        self._list.observe(self.engine.snapshot().live)
        self._table.sort_mark(self._list.sorted_by, reverse=self._list.backwards)
        await self.reload()
        self._table.focus()
        # What is “today” changes without anything happening.
        self.set_interval(_MINUTE, self._tick)

    async def _recall_view(self) -> None:
        """Set the table up as it was last. This is the first screen, so that the views of all are read here."""
        await self.recall_views()
        self._list.order(self.view.sorted_by, backwards=self.view.backwards)
        self._list.groups.restore(self.view.grouped_by, self.view.folded)
        self._table.show_columns(self.columns_shown)

    async def reload(self) -> None:
        """Read the store again and show what it says."""
        with self._wharf.telling():
            states, unshown = await self.engine.store.overview(), await self.engine.store.unshown()
            if self._is_gone:
                return
            self._list.read(states, unshown)
            self._table.mark(self._table.marks & self._list.names)
        self._show()

    def _tick(self) -> None:
        self._show()
        self._table.redraw(lambda _: True)

    @on(SnapshotTaken)
    async def _snapshot_taken(self, event: SnapshotTaken) -> None:
        event.stop()
        began_or_ended = self._list.observe(event.snapshot.live)
        if event.store_changed:
            self._is_behind = True
            if not self._is_catching_up:
                self._is_catching_up = True
                self._catch_up()
        elif began_or_ended:
            self._show()
        else:
            self._panel.show(self._list.live.values())

    @work(group="states", description="read the connections again")
    async def _catch_up(self) -> None:
        """Beside the keys: those that come while the store is read would wait for it."""
        try:
            while self._is_behind:
                self._is_behind = False
                await self.reload()
        finally:
            self._is_catching_up = False

    def _show(self) -> None:
        self._list.narrow(self._filter_bar.text)
        shown = self._list.shown()
        self._table.show(self._list.rows(shown, self._table.marks), instead=self._list.folded_into)
        self._panel.show(self._list.live.values())
        self._show_emptiness(nothing_shown=not shown)
        narrowed = self._list.filter.choices.keys() & set(FACETS)
        self._filter_bar.show(len(shown), len(self._list.states), self._list.filter.problem, narrowed)
        self._status_line.show(self._facts())
        self._show_detail()

    def _reveal(self, name: str) -> None:
        """Put the cursor on a connection, also if its group is folded."""
        if (key := self._list.folded_into(name)) is not None:
            self._list.groups.unfold(key)
            self._show_groups()
        self._table.move_to(name)

    def _show_groups(self) -> None:
        """Show other groups than before, and again the next time."""
        groups = self._list.groups
        self.remember(grouped_by=groups.by, folded=groups.folded_values())
        self._show()

    def _facts(self) -> list[Text]:
        by = self._list.groups.by
        facts = [Text(count(len(self._list.states), "connection") + (f" by {by}" if by else ""))]
        if marks := self._table.marks:
            facts.append(Text(f"● {len(marks)} marked", style="bold yellow"))
        for status, word in ((Status.IN_PROGRESS, "running"), (Status.FAILED, "failed")):
            if number := self._list.count(status):
                facts.append(Text(f"{number} {word}", style=STYLES[status]))
        if self._list.unreadable:
            facts.append(Text(f"{len(self._list.unreadable)} unreadable", style=STYLES[Status.FAILED]))
        return facts

    def _show_emptiness(self, *, nothing_shown: bool) -> None:
        empty = self.query_one(EmptyState)
        self._table.display = not nothing_shown
        empty.display = nothing_shown
        if not nothing_shown and self.focused is None:
            # A hidden table loses the focus and does not get it back by itself.
            self._table.focus()
        if not self._list.states:
            new = (self._keys["connections.new"], "describe the first exchange with a partner")
            empty.show("No connections yet", (new, *_FIRST_COMMANDS))
        elif nothing_shown:
            clear, change = self._keys["connections.back"], self._keys["connections.filter"]
            empty.show("No connection matches the filter", [(clear, "clears it"), (change, "changes it")])

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        # The row itself is drawn first: what is told of it takes several times as long.
        self.call_after_refresh(self._show_detail)

    def _show_detail(self) -> None:
        if not self.is_attached:
            return  # left meanwhile
        self.show_possible()
        detail, row = self.query_one(ConnectionDetail), self._table.current
        latest = row.latest if isinstance(row, ConnectionState) else None
        recent = self._recent.of(latest) if latest is not None else ()
        detail.show(row, recent or ())
        if recent is None and latest is not None and detail.has_room:
            self._read_recent(latest)

    @work(group="recent runs", exclusive=True, description="read the latest runs")
    async def _read_recent(self, latest: Run) -> None:
        with self._wharf.telling(), suppress(UnknownConnection):
            self._recent.keep(latest, await self.engine.store.runs(latest.connection, limit=RECENT))
            if not self._is_gone:
                self._show_detail()

    # Parts

    @property
    def _is_gone(self) -> bool:
        """Whether the screen was taken down while something was awaited: workers outlive its parts for a moment."""
        return not self.query("#connections")

    @property
    def _keys(self) -> ShownKeys:
        return shown_keys(self.app)

    @property
    def _chosen(self) -> str | None:
        """The connection under the cursor."""
        row = self._table.current
        return row.connection.name if isinstance(row, ConnectionState) else None

    @property
    def _group(self) -> Group | None:
        """The group whose line is under the cursor."""
        row = self._table.current
        return row if isinstance(row, Group) else None

    @property
    def _table(self) -> RowTable[Row]:
        return self.query_one("#connections", RowTable)

    @property
    def _filter_bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    @property
    def _panel(self) -> RunningPanel:
        return self.query_one(RunningPanel)

    @property
    def _status_line(self) -> StatusLine:
        return self.query_one(StatusLine)


def _banner(row: Row) -> Text | None:
    return group_line(row) if isinstance(row, Group) else None
