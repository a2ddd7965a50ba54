"""One run: its outcome, its files and its events, live."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tui.console import keymap
from tui.console.bridge import SnapshotTaken
from tui.console.keys import shown_keys
from tui.console.screens.run_actions import RunActions
from tui.console.screens.run_rows import (
    EVENT_COLUMNS,
    FILE_COLUMNS,
    EventLine,
    FileLine,
    FileLines,
    event_copy,
    event_detail,
    file_copy,
    file_detail,
    place_of,
)
from tui.console.widgets.attempts import AttemptsView
from tui.console.widgets.key_footer import KeyFooter
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.run_detail import RunDetail
from tui.console.widgets.run_tabs import ATTEMPTS, EVENTS, FILES, TABS, RunTabs
from tui.console.widgets.run_text import entry_for
from tui.console.widgets.status import StatusLine
from tui.domain.run import FileRecord, Run, Trigger
from tui.domain.text import printable
from tui.engine import Engine

_IN_FULL = "-in-full"


class RunScreen(RunActions):
    """Reads in the handlers of its own messages only, so that no two readings overlap.

    Files and events are added at the end and never taken away, so that the place of one tells it from the others.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.RUN]
    bound = keymap.RUN
    DEFAULT_CSS = """
    RunScreen {
        RunDetail { border-top: none; min-height: 2; max-height: 60%; padding: 1 1; }
        #run-body { height: 1fr; }
        #run-tables { height: 1fr; min-height: 3; }
        #run-nothing { padding: 1 2; color: $text-muted; }
        #line-pane { height: auto; max-height: 50%; padding: 0 1; border-top: solid $panel; }

        &.-narrow RunDetail { padding: 0 1; }
        &.-in-full RunDetail { display: none; }
        &.-in-full #line-pane { max-height: 85%; }
    }
    """

    def __init__(self, engine: Engine, run_id: int, *, named: bool = True) -> None:
        """With `named` the way to the screen names the connection; otherwise the step before has done so."""
        super().__init__(engine)
        self._named = named
        self._run_id = run_id
        self.crumb = f"run {run_id}"
        self._run: Run | None = None
        self._files = FileLines()
        self._events: list[EventLine] = []
        self._line_shown: FileLine | EventLine | None = None
        self._events_seen = 0
        self._tab = FILES

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status-line")
        yield RunDetail(named=False, id="run-detail")
        yield RunTabs(id="run-tabs")
        with Vertical(id="run-body"):
            with Vertical(id="run-tables"):
                yield RowTable[FileLine](FILE_COLUMNS, place_of, id="files")
                yield RowTable[EventLine](EVENT_COLUMNS, place_of, id="events")
                yield AttemptsView(id="attempts")
                yield Static("", id="run-nothing", markup=False)
            with VerticalScroll(id="line-pane", can_focus=False):
                yield Static("", id="line-detail", markup=False)
        yield KeyFooter()

    async def on_mount(self) -> None:
        await self._read()
        # What was there before the screen is not new to who opens it.
        self._events_seen = len(self._events)
        if self._run is not None and self._run.ended is None:
            self._event_table.action_last()
        self._turn_to(FILES)
        self.set_interval(1, self._show_run)

    # What is shown

    @on(SnapshotTaken)
    async def _snapshot_taken(self, event: SnapshotTaken) -> None:
        event.stop()
        if event.store_changed:
            await self._read()
        else:
            self._show_run()

    async def _read(self) -> None:
        """Read what has changed: of a run with ten thousand files, those few that have gone on."""
        store = self.engine.store
        with self._wharf.telling():
            self._run = await store.run(self._run_id)
            new = await store.events(self._run_id, after=len(self._events))
            self._files.take(await store.changed_files(self._run_id, since=self._files.revision))
            self._events += enumerate(new, len(self._events))
            if new and self.is_attached:
                self._attempts.add(new)
        self._show()

    def _show(self) -> None:
        if not self.is_attached:
            return  # left while it was read
        self._file_table.show(self._files.lines)
        self._event_table.show(self._events, follow=True)
        self._show_run()
        self._show_tabs()
        self._show_line()

    def _show_run(self) -> None:
        if self._run is not None:
            if self._named:
                self.crumb = f"run {self._run_id} of {printable(self._run.connection, 60)}"
            self.query_one(StatusLine).show([])
            self.show_possible()
            self.query_one(RunDetail).show(entry_for(self._run, self.engine.snapshot().live))

    def _show_tabs(self) -> None:
        if self._event_table.at_end and self._tab == EVENTS:
            self._events_seen = len(self._events)
        numbers = {FILES: len(self._files.lines), EVENTS: len(self._events), ATTEMPTS: self._attempts.number}
        unseen = len(self._events) - self._events_seen if self._tab == EVENTS else 0
        self.query_one(RunTabs).show(self._tab, numbers, unseen)
        for tab in TABS:
            self.query_one(f"#{tab}").display = tab == self._tab and numbers[tab] > 0
        nothing = self.query_one("#run-nothing", Static)
        nothing.display = numbers[self._tab] == 0
        if nothing.content != (why := self._why_nothing()):
            nothing.update(why)

    def _why_nothing(self) -> str:
        if self._tab == EVENTS:
            return "No events yet."
        if self._run is not None and self._run.ended is None:
            return "No files yet; the run is looking what there is to move."
        return f"The run moved no files. {shown_keys(self.app)['run.switch']} shows its events."

    @on(RowTable.Highlighted)
    def _highlighted(self) -> None:
        self._show_tabs()
        self._show_line()

    def _show_line(self) -> None:
        line = {FILES: self._file_table.current, EVENTS: self._event_table.current}.get(self._tab)
        self.query_one("#line-pane").display = line is not None
        if line is not None and line != self._line_shown:
            self._line_shown = line
            content = line[1]
            detail = file_detail(content) if isinstance(content, FileRecord) else event_detail(content)
            self.query_one("#line-detail", Static).update(detail)

    # Keys

    def action_switch(self) -> None:
        tabs = TABS if self._attempts.number > 1 else (FILES, EVENTS)
        self._turn_to(tabs[(tabs.index(self._tab) + 1) % len(tabs)])

    @on(RunTabs.Chosen)
    def _tab_chosen(self, event: RunTabs.Chosen) -> None:
        event.stop()
        self._turn_to(event.tab)

    @on(RunTabs.NewestWanted)
    def _newest_wanted(self) -> None:
        self._event_table.action_last()

    def _turn_to(self, tab: str) -> None:
        self._tab = tab
        self._show_tabs()
        self._show_line()
        self.query_one(f"#{tab}").focus()

    @on(RowTable.Opened)
    def action_in_full(self) -> None:
        """Give the room of the run's own outcome to the line under the cursor, or give it back."""
        self.toggle_class(_IN_FULL)

    async def action_retry(self) -> None:
        if self._run is None:
            return
        new = await self.start(self._run.connection, Trigger.RETRY)
        if new is not None:
            await self.app.switch_screen(RunScreen(self.engine, new.run_id, named=self._named))

    async def action_retry_failed(self) -> None:
        if self._run is None:
            return
        new = await self.retry_failed(self._run)
        if new is not None:
            await self.app.switch_screen(RunScreen(self.engine, new.run_id, named=self._named))

    def action_pause(self) -> None:
        if self._run is not None:
            self.pause(self._run)

    async def action_test(self) -> None:
        if self._run is not None:
            await self.test(self._run.connection)

    async def action_cancel(self) -> None:
        if self._run is not None:
            await self.cancel(self._run)

    def action_copy(self) -> None:
        if (line := self._line_to_copy()) is not None:
            self.copy(*line)

    def _line_to_copy(self) -> tuple[str, str] | None:
        """What there is to copy, and what it is called."""
        if self._tab == FILES and (file := self._file_table.current) is not None:
            return file_copy(file[1]), "the file's line"
        if self._tab == EVENTS and (event := self._event_table.current) is not None:
            return event_copy(event[1]), "the event"
        if self._run is not None and self._run.failure is not None:
            return self._run.failure.message, "the failure"
        return None

    def why_not(self, action: str) -> str | None:
        match action:
            case "retry" | "retry_failed" if self._run is not None:
                return self.why_no_start(self._run.connection)
            case "cancel" | "pause" if self._run is not None:
                return self.why_no_cancel(self._run)
            case "copy" if self._line_to_copy() is None:
                return "There is nothing to copy here."
        return None

    def action_back(self) -> None:
        if self.has_class(_IN_FULL):
            self.remove_class(_IN_FULL)
        else:
            self.dismiss(None)

    # Parts

    @property
    def _attempts(self) -> AttemptsView:
        return self.query_one(AttemptsView)

    @property
    def _file_table(self) -> RowTable[FileLine]:
        return self.query_one("#files", RowTable)

    @property
    def _event_table(self) -> RowTable[EventLine]:
        return self.query_one("#events", RowTable)
