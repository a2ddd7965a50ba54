"""The home screen: every connection with its state, and what is running."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import ClassVar, Literal

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer

from tui.console import keymap
from tui.console.bridge import SnapshotTaken
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.facets import Choices, FacetDialog
from tui.console.dialogs.local_folder import LocalFolderDialog
from tui.console.dialogs.saved_filters import SavedFiltersDialog
from tui.console.dialogs.testing import TestDialog
from tui.console.formats import STYLES
from tui.console.reasons import ExplainingScreen
from tui.console.screens import connection_reasons
from tui.console.screens.connection_list import FACETS, ConnectionList
from tui.console.screens.connection_reasons import named
from tui.console.screens.connection_rows import COLUMNS
from tui.console.widgets.detail import ConnectionDetail
from tui.console.widgets.empty_state import EmptyState
from tui.console.widgets.filter_bar import FilterBar
from tui.console.widgets.recent import RECENT, RecentRuns
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.running_panel import RunningPanel
from tui.console.widgets.status import StatusLine
from tui.domain.connection import Connection
from tui.domain.connection_file import write_connections
from tui.domain.failure import UnknownConnection, WharfError
from tui.domain.figures import count
from tui.domain.filter import with_choices
from tui.domain.run import Run, Status
from tui.engine import Engine
from tui.engine.live import LiveRun
from tui.saved_filters import SavedFilters
from tui.store.base import ConnectionState

_READING_TIME = {"information": 4, "warning": 8, "error": 12}
"""Seconds that a notification stays."""

_MINUTE = 60

_LONGEST_COPY = 50_000
"""Characters: terminals take about 75,000 bytes at most, and they get a third more than there are."""

_AT_ONCE = 100
"""Connections that are prepared for the filter before anything else has its turn."""

_ON_MARKS = frozenset({"copy_toml", "run", "cancel", "pause", "toggle_enabled", "delete"})
"""Actions that are done with all marked connections, if some are marked."""

_NO_CONNECTIONS = (
    ("n", "describe the first exchange with a partner"),
    ("wharf import FILE", "take over connections from a file"),
    ("wharf demo", "look around, with servers and batches made for it"),
)


class ConnectionsScreen(ExplainingScreen[None]):
    """Draws a ConnectionList and turns keys into calls of the engine and the store.

    An action that is not possible now is not hidden: it says why.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CONNECTIONS]
    bound = keymap.CONNECTIONS
    crumb = "Connections"

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self._list = ConnectionList()
        self._place: str | None = None
        self._recent = RecentRuns()

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status-line")
        yield FilterBar(FACETS, "words, status:failed last:<2d -email", lambda: self._list.vocabulary, id="filter-bar")
        yield RowTable[ConnectionState](COLUMNS, _name_of, id="connections")
        yield EmptyState(id="empty")
        yield RunningPanel(id="running")
        yield ConnectionDetail(id="detail")
        yield Footer(compact=True, show_command_palette=False)

    async def on_mount(self) -> None:
        self._list.observe(self.engine.snapshot().live)
        self._table.sort_mark(self._list.sorted_by, reverse=self._list.backwards)
        await self.reload()
        self._table.focus()
        # What is “today” changes without anything happening.
        self.set_interval(_MINUTE, self._tick)

    # What is shown

    async def reload(self) -> None:
        """Read the store again and show what it says."""
        with self._telling():
            self._list.read(await self.engine.store.overview(), await self.engine.store.unreadable())
            self._table.mark(self._table.marks & self._list.names)
        self._show()

    @work(group="filter", exclusive=True, description="get ready for the filter")
    async def _prepare(self) -> None:
        """Be ready for the first letter of a filter, a little at a time: there may be ten thousand connections. Not
        before one is typed: of ten thousand connections, what it looks at takes 15 MB.
        """
        states = self._list.states
        for start in range(0, len(states), _AT_ONCE):
            self._list.prepare(states[start : start + _AT_ONCE])
            await asyncio.sleep(0)

    def _tick(self) -> None:
        self._show()
        self._table.redraw(lambda _: True)

    @on(SnapshotTaken)
    async def _snapshot_taken(self, event: SnapshotTaken) -> None:
        event.stop()
        began_or_ended = self._list.observe(event.snapshot.live)
        if event.store_changed:
            await self.reload()
        elif began_or_ended:
            self._show()
        else:
            self._panel.show(self._list.live.values())

    def _show(self) -> None:
        self._list.narrow(self._filter_bar.text)
        shown = self._list.shown()
        self._table.show(shown)
        self._panel.show(self._list.live.values())
        self._show_emptiness(nothing_shown=not shown)
        narrowed = self._list.filter.choices.keys() & set(FACETS)
        self._filter_bar.show(len(shown), len(self._list.states), self._list.filter.problem, narrowed)
        self._status_line.show(self._facts())
        self._show_detail()

    def _facts(self) -> list[Text]:
        facts = [Text(count(len(self._list.states), "connection"))]
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
            empty.show("No connections yet", _NO_CONNECTIONS)
        elif nothing_shown:
            empty.show("No connection matches the filter", [("esc", "clears it"), ("/", "changes it")])

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        # The row itself is drawn first: what is told of it takes several times as long.
        self.call_after_refresh(self._show_detail)

    def _show_detail(self) -> None:
        if not self.is_attached:
            return  # left meanwhile
        self.show_possible()
        detail, state = self.query_one(ConnectionDetail), self._table.current
        latest = state.latest if state is not None else None
        recent = self._recent.of(latest) if latest is not None else ()
        detail.show(state, recent or ())
        if recent is None and latest is not None and detail.has_room:
            self._read_recent(latest)

    @work(group="recent runs", exclusive=True, description="read the latest runs")
    async def _read_recent(self, latest: Run) -> None:
        with self._telling(), suppress(UnknownConnection):
            self._recent.keep(latest, await self.engine.store.runs(latest.connection, limit=RECENT))
            self._show_detail()

    # Filter and order

    @on(FilterBar.Changed)
    def _filter_changed(self) -> None:
        self._show()
        if self._place is not None:
            self._table.move_to(self._place)

    def _keep_place(self) -> None:
        """While a filter is typed, the row under the cursor may vanish and come back; the cursor comes back with it.

        Only then: a cursor that moved by itself when something happens elsewhere would put actions on the wrong row.
        """
        self._place = self._table.cursor_key

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self._table.focus()

    def action_filter(self) -> None:
        self._keep_place()
        self._filter_bar.edit()
        self._prepare()

    def action_facets(self) -> None:
        self._choose_facets(None)

    @on(FilterBar.FacetClicked)
    def _facet_clicked(self, event: FilterBar.FacetClicked) -> None:
        self._choose_facets(event.facet)

    def _choose_facets(self, begin_at: str | None) -> None:
        self._keep_place()
        values = self._list.facets
        already = {facet: self._list.filter.asked(facet, titles) for facet, titles in values.items()}
        self.app.push_screen(FacetDialog(values, self._list.facet_counts(), already, self._narrow_to, begin_at))

    def _narrow_to(self, choices: Choices) -> None:
        self._filter_bar.text = with_choices(self._filter_bar.text, choices)

    def action_sort(self) -> None:
        self._list.sort_by_next()
        self._show_order()

    def action_sort_back(self) -> None:
        self._list.sort_by(self._list.sorted_by)
        self._show_order()

    @on(RowTable.HeaderClicked)
    def _header_clicked(self, event: RowTable.HeaderClicked) -> None:
        self._list.sort_by(event.column)
        self._show_order()

    def _show_order(self) -> None:
        self._table.sort_mark(self._list.sorted_by, reverse=self._list.backwards)
        self._show()

    def action_saved_filters(self) -> None:
        self._keep_place()
        self.app.push_screen(SavedFiltersDialog(self._saved, self._filter_bar.text), self._filter_bar.recall)

    async def action_recall(self, place: int) -> None:
        self._keep_place()
        with self._telling():
            self._filter_bar.recall(await asyncio.to_thread(self._saved.at, place))

    @property
    def _saved(self) -> SavedFilters:
        return SavedFilters(self.engine.paths.filters, "connections")

    def action_back(self) -> None:
        """One step back, and never out: the filter first, then the marks."""
        if self._filter_bar.text:
            self._keep_place()
            self._filter_bar.text = ""
        elif self._table.marks:
            self._table.mark(())
            self._show()

    # One connection

    def action_history(self) -> None:
        if (name := self._chosen) is not None:
            self._open_history(name)

    def action_totals(self) -> None:
        # Plots bring a library along that nothing else needs.
        from tui.console.screens.totals import TotalsScreen

        self.app.push_screen(TotalsScreen(self.engine, None))

    def action_all_history(self) -> None:
        self._open_history(None)

    def _open_history(self, name: str | None) -> None:
        from tui.console.screens.history import HistoryScreen

        self.app.push_screen(HistoryScreen(self.engine, name))

    def action_new(self) -> None:
        self._open_form(None)

    async def action_edit(self) -> None:
        if (name := self._chosen) is not None:
            await self._edit(name)

    async def _edit(self, name: str) -> None:
        with self._telling():
            self._open_form(await self.engine.store.connection(name))

    async def action_copy(self) -> None:
        if (name := self._chosen) is not None:
            with self._telling():
                self._open_form(await self.engine.store.connection(name), copy=True)

    def _open_form(self, connection: Connection | None, *, copy: bool = False) -> None:
        from tui.console.dialogs.connection_form import ConnectionForm

        self.app.push_screen(ConnectionForm(self.engine, connection, copy=copy), self._form_closed)

    async def _form_closed(self, saved: Connection | None) -> None:
        if saved is not None:
            await self.reload()
            self._table.move_to(saved.name)

    async def action_test(self) -> None:
        if (name := self._chosen) is not None:
            with self._telling():
                self.app.push_screen(TestDialog(self.engine, await self.engine.store.connection(name)))

    async def action_local_folder(self) -> None:
        if (name := self._chosen) is not None:
            with self._telling():
                self.app.push_screen(LocalFolderDialog(await self.engine.store.connection(name)))

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened) -> None:
        self._open_history(event.key)

    @on(RowTable.WordClicked)
    async def _word_clicked(self, event: RowTable.WordClicked) -> None:
        match event.word:
            case "edit":
                await self._edit(event.key)
            case "history":
                self._open_history(event.key)

    # One or all marked

    async def action_copy_toml(self) -> None:
        """Put the connections on the clipboard of the terminal as `wharf export` writes them: without secrets."""
        names = self._targets
        with self._telling():
            text = write_connections([await self.engine.store.connection(name) for name in names])
            if len(text) > _LONGEST_COPY:
                told = f"{named(names)} are too much for a terminal's clipboard; `wharf export` writes a file."
                self._tell(told, "warning")
            elif names:
                self.app.copy_to_clipboard(text)
                self._tell(f"Copied {named(names)} as TOML.")

    def action_mark(self) -> None:
        if (name := self._chosen) is not None:
            self._table.toggle_mark(name)
            self._show()
            self._table.action_move(1)

    async def action_run(self) -> None:
        names = self._targets
        done = await self._each(names, self.engine.start)
        if len(done) > 1:
            self._tell(f"{count(len(done), 'run')} started.")

    async def action_cancel(self) -> None:
        running = {name: self._list.live[name].run_id for name in self._targets if name in self._list.live}
        done = await self._each(list(running), lambda name: self.engine.cancel(running[name]))
        if done:
            self._tell(f"Cancelling {named(done)}.")

    async def action_pause(self) -> None:
        await self._turn_round({name: self._list.live[name] for name in self._targets if name in self._list.live})

    async def action_pause_all(self) -> None:
        await self._turn_round({name: run for name, run in self._list.live.items() if run.here})

    async def _turn_round(self, runs: Mapping[str, LiveRun]) -> None:
        """Pause these runs or, when all of them are paused already, let them go on."""
        pause = not all(run.paused for run in runs.values())

        async def turn(name: str) -> None:
            run_id = runs[name].run_id
            self.engine.pause(run_id) if pause else self.engine.resume(run_id)

        if done := await self._each(list(runs), turn):
            self._tell(f"{named(done)}: {'paused; what has arrived stays' if pause else 'going on'}.")

    async def action_toggle_enabled(self) -> None:
        names = self._targets
        connections = [found for name in names if (found := self._list.connection(name)) is not None]
        enabled = not all(connection.enabled for connection in connections)

        async def switch(name: str) -> None:
            fresh = await self.engine.store.connection(name)
            await self.engine.store.save(fresh.model_copy(update={"enabled": enabled}), replacing=name)

        if done := await self._each(names, switch):
            self._tell(f"{named(done)} {'is' if len(done) == 1 else 'are'} {'on' if enabled else 'off'}.")

    def action_delete(self) -> None:
        # The names are kept from here on: what is under the cursor may be another row when the answer comes.
        names = self._targets
        self.app.push_screen(
            ConfirmDialog(
                f"Delete {named(names)}?",
                "Wharf forgets the connection and what it has delivered; a new connection of that name would move "
                "the files again. The history of all runs keeps its runs.",
                "Delete",
            ),
            lambda sure: self._delete(names) if sure else _nothing(),
        )

    async def _delete(self, names: list[str]) -> None:
        if done := await self._each(names, self.engine.store.delete):
            self._tell(f"{named(done)} deleted.")

    async def _each(self, names: list[str], act: Callable[[str], Awaitable[object]]) -> list[str]:
        """Do something with each; what fails is told, the others go on. Returns those that it was done with."""
        done = []
        for name in names:
            with self._telling():
                await act(name)
                done.append(name)
        if names:
            self._list.observe(self.engine.snapshot().live)
            await self.reload()
        return done

    # Who is meant, and how it is told

    @property
    def _chosen(self) -> str | None:
        """The connection under the cursor."""
        name: str | None = self._table.cursor_key
        return name

    @property
    def _targets(self) -> list[str]:
        """The marked connections, or else the one under the cursor."""
        if marks := self._table.marks:
            return sorted(marks)
        return [] if self._chosen is None else [self._chosen]

    def why_not(self, action: str) -> str | None:
        targets = self._targets if action in _ON_MARKS else [] if self._chosen is None else [self._chosen]
        connections = {name: found for name in targets if (found := self._list.connection(name)) is not None}
        return connection_reasons.why_not(
            action, targets, connections, self._list.live, read_only=self.engine.read_only
        )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What Wharf says on purpose is shown and does not end the application."""
        try:
            yield
        except WharfError as error:
            self._tell(str(error), "error")

    def _tell(self, sentence: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        self.notify(sentence, severity=severity, markup=False, timeout=_READING_TIME[severity])

    # Parts

    @property
    def _table(self) -> RowTable[ConnectionState]:
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


def _name_of(state: ConnectionState) -> str:
    return state.connection.name


async def _nothing() -> None:
    """The answer was no."""
