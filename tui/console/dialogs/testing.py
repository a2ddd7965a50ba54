"""A test of a connection, step by step, while it happens."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tui.console import keymap
from tui.console.formats import safe
from tui.domain.connection import Connection
from tui.domain.failure import WharfError
from tui.domain.figures import duration
from tui.domain.run import Event
from tui.domain.text import printable
from tui.engine import Engine, TestReport, Watcher


class TestDialog(ModalScreen[None]):
    """Nothing is moved. Closing the dialog ends the test."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CLOSE]

    def __init__(self, engine: Engine, connection: Connection, typed_secret: str | None = None) -> None:
        super().__init__()
        self._typed_secret = typed_secret
        self._engine = engine
        self._connection = connection
        self._steps: list[Event] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="testing", classes="dialog"):
            yield Static(f"Test of {printable(self._connection.name)}", classes="dialog-title", markup=False)
            yield Static(printable(self._connection.address), classes="dialog-body", markup=False)
            with VerticalScroll(id="test-steps"):
                yield Static("", id="test-log", markup=False)
            yield Static("Testing; nothing is moved. esc stops it.", id="test-verdict", markup=False)

    def on_mount(self) -> None:
        self._run()

    @work(description="test of a connection", exit_on_error=False)
    async def _run(self) -> None:
        try:
            report = await self._engine.test(
                self._connection, Watcher(ended=self._told), typed_secret=self._typed_secret
            )
        except WharfError as error:
            self._conclude(str(error), ok=False)
        else:
            self._conclude(_verdict(report), ok=report.ok)

    @on(Worker.StateChanged)
    def _unforeseen(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            # Only its kind is shown: the text of an error that nobody foresaw may hold a secret.
            kind = type(event.worker.error).__name__
            self._conclude(f"The test broke down ({kind}). This is a fault of Wharf; please report it.", ok=False)

    def _told(self, step: Event) -> None:
        self._steps.append(step)
        self.query_one("#test-log", Static).update(_table(self._steps))

    def _conclude(self, verdict: str, *, ok: bool) -> None:
        shown = self.query_one("#test-verdict", Static)
        shown.update(printable(verdict))
        shown.set_class(ok, "-ok")
        shown.set_class(not ok, "-failed")

    def action_close(self) -> None:
        self.dismiss(None)


def _verdict(report: TestReport) -> str:
    if report.failure is None:
        return "Every step passed. esc closes."
    return f"{report.failure.message} {report.failure.remedy}"


def _table(steps: list[Event]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_column(justify="right", no_wrap=True)
    for step in steps:
        sign = Text("✓", style="green") if step.ok else Text("✗", style="bold red")
        took = Text(duration(step.ms / 1000) if step.ms is not None else "", style="dim")
        table.add_row(sign, Text(printable(step.step), style="bold"), safe(step.detail), took)
    return table
