"""The runs of one connection, or of all, newest first and live."""

import asyncio
from datetime import date, datetime
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from tui.console import keymap
from tui.console.bridge import SnapshotTaken
from tui.console.dialogs.facets import Choices, FacetDialog
from tui.console.dialogs.history_export import HistoryExport
from tui.console.dialogs.saved_filters import SavedFiltersDialog
from tui.console.formats import STYLES, moment
from tui.console.keys import shown_keys
from tui.console.screens.chosen_columns import ChosenColumns
from tui.console.screens.history_days import DayBreak, Row, TimeLine, break_text, row_key
from tui.console.screens.history_list import RunList
from tui.console.screens.history_rows import FACET_VALUES, FACETS, choice, facet_counts
from tui.console.screens.run import RunScreen
from tui.console.screens.run_actions import RunActions
from tui.console.widgets.empty_state import EmptyState
from tui.console.widgets.filter_bar import FilterBar
from tui.console.widgets.key_footer import KeyFooter
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.run_detail import RunDetail
from tui.console.widgets.run_text import Entry
from tui.console.widgets.status import StatusLine
from tui.domain.filter import with_choices
from tui.domain.filter_facts import RUN_VOCABULARY
from tui.domain.run import Run, Status, Trigger
from tui.domain.text import printable
from tui.engine import Engine
from tui.saved_filters import SavedFilters

_NEEDS_ONE = {
    "open": "opened",
    "retry": "retried",
    "retry_failed": "retried",
    "test": "tested",
    "cancel": "cancelled",
    "pause": "paused",
    "copy": "copied from",
}


class HistoryScreen(ChosenColumns, RunActions):
    """Draws a RunList.

    All reading happens in handlers of this screen's own messages, one after the other, so that no two readings overlap.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.HISTORY]
    bound = keymap.HISTORY

    class OlderWanted(Message):
        """The table has room for more runs than were read."""

    def __init__(self, engine: Engine, name: str | None) -> None:
        super().__init__(engine)
        self._older_wanted = False
        self._list = RunList(engine.store, name)
        self._time_line = TimeLine()
        self._day = _today()
        self.choice = choice(of_all=name is None)
        self.remembered_as = "history" if name is None else "history of one"
        self.crumb = "all" if name is None else printable(name, 80)

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status-line")
        yield FilterBar(FACETS, "words, status:failed last:<2d -auth", lambda: RUN_VOCABULARY, id="filter-bar")
        yield RowTable[Row](self.columns_shown, row_key, banner=break_text, passive=_is_break, id="runs")
        yield EmptyState(id="empty")
        yield RunDetail(id="run-detail")
        yield KeyFooter()

    async def on_mount(self) -> None:
        self._list.observe(self.engine.snapshot().live)
        await self._read_new()
        self._table.focus()
        self.set_interval(1, self._tick)

    # What is shown

    @on(SnapshotTaken)
    async def _snapshot_taken(self, event: SnapshotTaken) -> None:
        event.stop()
        self._list.observe(event.snapshot.live)
        if event.store_changed:
            await self._read_new()
        else:
            self._show()

    async def _read_new(self) -> None:
        with self._wharf.telling():
            await self._list.read_new()
        self._show()

    @on(RowTable.EndNear)
    def _end_near(self) -> None:
        # It is told with every change of the rows. While a search goes on, once at a time is enough.
        if not self._older_wanted:
            self._older_wanted = True
            self.post_message(self.OlderWanted())

    @on(OlderWanted)
    async def _read_older(self) -> None:
        """Between two slices of a search whatever else happens has its turn, such as another letter of the filter."""
        self._older_wanted = False
        with self._wharf.telling():
            await self._list.read_older()
            self._show()

    def _show(self) -> None:
        if not self.is_attached:
            return  # left while it was read
        shown = self._list.shown
        self._day = _today()
        rows = self._time_line.rows(shown, self._day, complete=self._list.complete)
        self._table.show(rows, more=not self._list.complete)
        self._show_emptiness(nothing_shown=not shown)
        narrowed = self._list.filter.choices.keys() & set(FACETS)
        self._filter_bar.show(
            len(shown),
            self._list.total,
            self._list.filter.problem,
            narrowed,
            more=not self._list.complete,
        )
        self.query_one(StatusLine).show(self._facts())
        self._show_current()

    def _facts(self) -> list[Text]:
        words = ((Status.IN_PROGRESS, "running"), (Status.FAILED, "failed"))
        numbers = [(status, word, self._list.count(status)) for status, word in words]
        back_to = self._list.searched_back_to
        searching = [Text(f"searched back to {moment(back_to)}", style="dim")] if back_to is not None else []
        return searching + [
            Text(f"{number} {word}", style=STYLES[status]) for status, word, number in numbers if number
        ]

    def _show_emptiness(self, *, nothing_shown: bool) -> None:
        empty = self.query_one(EmptyState)
        self._table.display = not nothing_shown
        self.query_one(RunDetail).display = not nothing_shown
        empty.display = nothing_shown
        keys = shown_keys(self.app)
        back, change = keys["history.back"], keys["history.filter"]
        if self._list.filter and not self._list.complete:
            ways = [(back, "stops it"), (change, "changes the filter")]
            empty.show("Searching for runs that match the filter", ways)
        elif self._list.runs or self._list.filter:
            empty.show("No run matches the filter", [(back, "clears it"), (change, "changes it")])
        elif self._list.name is None:
            empty.show(
                "No runs yet", [(back, f"goes back to the connections, where {keys['connections.run']} runs one")]
            )
        else:
            empty.show("No runs yet", [(keys["history.retry"], "runs it now"), (back, "goes back to the connections")])

    @on(RowTable.Highlighted)
    def _show_current(self) -> None:
        self.show_possible()
        self.query_one(RunDetail).show(self._current)

    def _tick(self) -> None:
        """Show how long runs in progress have taken by now, and what was today as yesterday once it is."""
        if self._day != _today():
            self._show()
            self._table.redraw(lambda _: True)
        self._table.redraw(lambda row: isinstance(row, Entry) and row.running)
        self.query_one(RunDetail).show(self._current)

    # Filter

    @on(FilterBar.Changed)
    async def _filter_changed(self) -> None:
        if self._list.narrow(self._filter_bar.text):
            await self._read_new()
        else:
            self._show()

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self._table.focus()

    def action_filter(self) -> None:
        self._filter_bar.edit()

    def action_facets(self) -> None:
        self._choose_facets(None)

    @on(FilterBar.FacetClicked)
    def _facet_clicked(self, event: FilterBar.FacetClicked) -> None:
        self._choose_facets(event.facet)

    def _choose_facets(self, begin_at: str | None) -> None:
        already = {facet: self._list.filter.asked(facet, values) for facet, values in FACET_VALUES.items()}
        counts = facet_counts(self._list.runs)
        self.app.push_screen(FacetDialog(FACET_VALUES, counts, already, self._narrow_to, begin_at))

    def _narrow_to(self, choices: Choices) -> None:
        self._filter_bar.text = with_choices(self._filter_bar.text, choices)

    def action_saved_filters(self) -> None:
        self.app.push_screen(SavedFiltersDialog(self._saved, self._filter_bar.text), self._filter_bar.recall)

    async def action_recall(self, place: int) -> None:
        with self._wharf.telling():
            self._filter_bar.recall(await asyncio.to_thread(self._saved.at, place))

    @property
    def _saved(self) -> SavedFilters:
        return SavedFilters(self.engine.paths.filters, "runs")

    def action_back(self) -> None:
        """One step back: the filter first, then to where one came from."""
        if self._filter_bar.text:
            self._filter_bar.text = ""
        else:
            self.dismiss(None)

    # One run

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened) -> None:
        self.app.push_screen(RunScreen(self.engine, event.key))

    def action_open(self) -> None:
        if (entry := self._current) is not None:
            self.app.push_screen(RunScreen(self.engine, entry.run_id, named=self._list.name is None))

    async def action_retry(self) -> None:
        if self._list.name is not None and not self._list.runs and not self._list.filter:
            await self.start(self._list.name, Trigger.MANUAL)
        elif (entry := self._current) is not None:
            await self.start(entry.run.connection, Trigger.RETRY)

    async def action_retry_failed(self) -> None:
        if (entry := self._current) is not None:
            await self.retry_failed(entry.run)

    def action_pause(self) -> None:
        if (entry := self._current) is not None:
            self.pause(entry.run)

    async def action_test(self) -> None:
        if self._list.name is not None:
            await self.test(self._list.name)
        elif (entry := self._current) is not None:
            await self.test(entry.run.connection)

    async def action_cancel(self) -> None:
        if (entry := self._current) is not None:
            await self.cancel(entry.run)

    def action_copy(self) -> None:
        if (entry := self._current) is not None and (message := _message(entry.run)):
            self.copy(message, f"the message of run {entry.run_id}")

    def action_totals(self) -> None:
        # Plots bring a library along that nothing else needs.
        from tui.console.screens.totals import TotalsScreen

        self.app.push_screen(TotalsScreen(self.engine, self._list.name))

    def action_export(self) -> None:
        self.app.push_screen(HistoryExport(self.engine.store, self._list.name, self._list.filter))

    def why_not(self, action: str) -> str | None:
        entry, name = self._current, self._list.name
        match action:
            case "export" if not self._list.runs:
                return "There is no run to export."
            case "retry" if name is not None and not self._list.runs:
                return self.why_no_start(name)
            case _ if entry is None:
                return f"There is no run to be {_NEEDS_ONE[action]}." if action in _NEEDS_ONE else None
            case "retry" | "retry_failed":
                return self.why_no_start(entry.run.connection)
            case "cancel" | "pause":
                return self.why_no_cancel(entry.run)
            case "copy" if not _message(entry.run):
                return f"Run {entry.run_id} has no message to copy."
        return None

    # Parts

    @property
    def _table(self) -> RowTable[Row]:
        return self.query_one(RowTable)

    @property
    def _current(self) -> Entry | None:
        """The run under the cursor."""
        row = self._table.current
        return row if isinstance(row, Entry) else None

    @property
    def _filter_bar(self) -> FilterBar:
        return self.query_one(FilterBar)


def _message(run: Run) -> str | None:
    return run.failure.message if run.failure else run.message


def _is_break(row: Row) -> bool:
    return isinstance(row, DayBreak)


def _today() -> date:
    return datetime.now().astimezone().date()
