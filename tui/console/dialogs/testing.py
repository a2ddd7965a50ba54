"""A test of a connection, step by step, while it happens."""

from contextlib import suppress
from time import monotonic
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tui.console import keymap
from tui.console.dialogs.heights import DIALOG_HEIGHTS
from tui.console.dialogs.trusting import TrustDialog
from tui.console.formats import STYLES, safe
from tui.console.one_frame import Dialog
from tui.console.pace import INTERVAL
from tui.console.widgets.ladder import drawn_ladder
from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass, TransferFailed, WharfError
from tui.domain.figures import SIGNS
from tui.domain.run import Event, Status
from tui.domain.terms import Direction
from tui.domain.text import printable
from tui.engine import Engine
from tui.engine.inspection import TestReport, Watcher
from tui.trust.identity import Identity


class TestDialog(Dialog[Connection | None]):
    """Begins at once; no batch is moved. Closing the dialog ends the test.

    What is accepted of a server is kept at once: a host key in Wharf's own file, a pin in the connection, which is
    saved if it was saved before. One that was not comes back from the dialog with its pin.
    """

    __test__ = False  # not a test case, whatever pytest thinks of the name

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.TEST]
    VERTICAL_BREAKPOINTS = DIALOG_HEIGHTS

    def __init__(
        self, engine: Engine, connection: Connection, typed_secret: str | None = None, *, saved: bool = True
    ) -> None:
        super().__init__()
        self._typed_secret = typed_secret
        self._engine = engine
        self._connection = connection
        self._saved = saved
        self._changed = False
        self._writes = connection.direction is Direction.OUTBOUND and not engine.read_only
        self._steps: list[Event] = []
        self._at_work: str | None = None
        self._since = 0.0

    def compose(self) -> ComposeResult:
        with Vertical(id="testing", classes="dialog"):
            yield Static(f"Test of {printable(self._connection.name)}", classes="dialog-title", markup=False)
            yield Static(printable(self._connection.address), id="test-address", markup=False)
            with VerticalScroll(id="test-steps"):
                yield Static("", id="test-log", markup=False)
            yield Static("", id="test-verdict", markup=False)
            yield Static("", id="test-keys", classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        self.set_interval(INTERVAL, self._show_time)
        self._show_keys()
        self._run()

    # The test

    @work(description="test of a connection", exit_on_error=False, exclusive=True)
    async def _run(self) -> None:
        self._steps, self._at_work = [], None
        self._show_steps()
        self.query_one("#test-verdict", Static).update(Text(_UNDER_WAY[self._writes], style="dim"))
        try:
            report = await self._engine.test(
                self._connection,
                Watcher(self._begun, self._ended),
                typed_secret=self._typed_secret,
                write=self._writes,
            )
        except WharfError as error:
            self._fail(str(error))
        else:
            self._conclude(report)
            if report.failure is not None:
                await self._doubt(report.failure, report.identity)

    @on(Worker.StateChanged)
    def _unforeseen(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            # Only its kind is shown: the text of an error that nobody foresaw may hold a secret.
            kind = type(event.worker.error).__name__
            self._fail(f"The test broke down ({kind}). This is a fault of Wharf; please report it.")

    def _begun(self, step: str) -> None:
        self._at_work, self._since = step, monotonic()
        self._show_steps()

    def _ended(self, step: Event) -> None:
        self._steps.append(step)
        self._at_work = None
        self._show_steps()

    # Who the server is

    @work(description="look at a server", exit_on_error=False, exclusive=True, group="look")
    async def action_look(self) -> None:
        try:
            identity = await self._engine.identify(self._connection)
        except WharfError as error:
            self._fail(str(error))
        else:
            await self._ask_about(identity)

    async def _doubt(self, failure: Failure, identity: Identity | None) -> None:
        """After a failure because of what the server has shown: that is shown, and may be accepted."""
        if identity is None and failure.failure_class is FailureClass.TLS:
            # What OpenSSL has refused it does not show, so the server is asked once more.
            with suppress(TransferFailed):
                identity = await self._engine.identify(self._connection)
        if identity is not None and identity.doubt is not None:
            await self._ask_about(identity)

    async def _ask_about(self, identity: Identity) -> None:
        """Show it, and test once more if somebody says that it is to be trusted."""
        kept_in = self._engine.place_for(self._connection, identity)
        if not await self.app.push_screen_wait(TrustDialog(self._connection.name, identity, kept_in)):
            return
        try:
            accepted = await self._engine.accept(self._connection, identity)
            if accepted.connection != self._connection and self._saved:
                await self._engine.store.save(
                    accepted.connection, replacing=self._connection.name, seen=self._connection
                )
        except WharfError as error:
            self._fail(str(error))
            return
        self._changed = self._changed or accepted.connection != self._connection
        self._connection = accepted.connection
        self._run()

    # What is shown

    def _show_time(self) -> None:
        if self._at_work is not None:
            self._show_steps()

    def _show_steps(self) -> None:
        if not self.is_attached:
            # The dialog was closed; its test still tells that it was cancelled.
            return
        seconds = monotonic() - self._since
        self.query_one("#test-log", Static).update(drawn_ladder(self._steps, self._at_work, seconds))
        self.query_one("#test-steps").scroll_end(animate=False)

    def _conclude(self, report: TestReport) -> None:
        self._at_work = None
        if report.failure is None:
            lines = [Text(f"{SIGNS[Status.COMPLETED]} Every step passed.", style=STYLES[Status.COMPLETED])]
        else:
            lines = _told(report.failure, report.steps[-1].step)
        lines += [Text.assemble(("! ", "bold yellow"), safe(warning)) for warning in report.warnings]
        self.query_one("#test-verdict", Static).update(Group(*lines))
        self._show_steps()

    def _fail(self, sentence: str) -> None:
        self._at_work = None
        told = Text.assemble((f"{SIGNS[Status.FAILED]} ", STYLES[Status.FAILED]), safe(sentence))
        self.query_one("#test-verdict", Static).update(told)
        self._show_steps()

    def _show_keys(self) -> None:
        keys = {active.binding.id: active.binding for active in self.active_bindings.values()}
        shown = [
            Text.assemble((self.app.get_key_display(keys[name]), "bold"), f" {words}")
            for name, words in self._commands()
            if name in keys
        ]
        self.query_one("#test-keys", Static).update(Text("   ").join(shown))

    def _commands(self) -> list[tuple[str, str]]:
        commands = [("test.again", "again"), ("test.look", "who the server is")]
        if self._connection.direction is Direction.OUTBOUND:
            commands.append(("test.write", "without a test file" if self._writes else "with a test file"))
        return [*commands, ("test.close", "close")]

    # Keys

    def action_again(self) -> None:
        self._run()

    def action_write(self) -> None:
        """Begin anew, without writing or with it."""
        if self._connection.direction is Direction.OUTBOUND and not self._engine.read_only:
            self._writes = not self._writes
            self._show_keys()
            self._run()

    def action_close(self) -> None:
        self.dismiss(self._connection if self._changed else None)


_UNDER_WAY = {
    False: "Testing; nothing is moved and nothing is written to the other side.",
    True: "Testing; no batch is moved. A small test file is written to the other side and removed again.",
}


def _told(failure: Failure, step: str) -> list[Text]:
    """The failed step has said what has happened; this says what to do."""
    failed = f"{SIGNS[Status.FAILED]} Failed at {printable(step, 20)} ({failure.failure_class.value})."
    return [Text(failed, style=STYLES[Status.FAILED]), safe(failure.remedy)]
