"""Asks where a file is to be written to, and has it written."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from tui.console import keymap
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.keys import shown_keys
from tui.console.new_file import FileExists
from tui.console.one_frame import Dialog
from tui.domain.failure import WharfError
from tui.domain.text import printable
from tui.paths import expanded


class ExportDialog(Dialog[None]):
    """Closes when the file is whole. A file that exists is replaced only after a question."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.EXPORT]
    DEFAULT_CSS = """
    ExportDialog {
        #export-told { margin-top: 1; color: $text-muted; }
        #export-told.-failed { color: $text-error; }
    }
    """

    heading: str

    def __init__(self, suggested: str) -> None:
        super().__init__()
        self._suggested = suggested

    @property
    def hint(self) -> str:
        """What the keys do."""
        keys = shown_keys(self.app)
        return f"{keys['export.write']} writes   {keys['export.close']} cancels"

    @property
    def what(self) -> str:
        """One sentence on what will be in the file."""
        raise NotImplementedError

    async def write(self, path: Path, *, replace: bool) -> str:
        """Write the file; what is in it. Raises what `write_file` does."""
        raise NotImplementedError

    def choices(self) -> Iterable[Widget]:
        """What else there is to be chosen."""
        return ()

    def compose(self) -> ComposeResult:
        with Vertical(id="export", classes="dialog"):
            yield Static(self.heading, classes="dialog-title", markup=False)
            yield Input(self._suggested, id="export-path", compact=True)
            yield from self.choices()
            yield Static(self.what, id="export-told", markup=False)
            yield Static(self.hint, classes="dialog-hint", markup=False)

    @on(Input.Submitted)
    def action_write(self) -> None:
        self._write(replace=False)

    def action_close(self) -> None:
        self.dismiss(None)

    @work(description="export", exclusive=True, exit_on_error=False)
    async def _write(self, *, replace: bool) -> None:
        if (path := self._path) is None:
            self.say("Name a file to write to.", failed=True)
            return
        self.say("Writing…")
        try:
            written = await self.write(path, replace=replace)
        except FileExists as error:
            self.say(str(error), failed=True)
            self.app.push_screen(
                ConfirmDialog("Replace the file?", f"{printable(str(path))} exists already.", "Replace"),
                lambda sure: self._replace(sure=bool(sure)),
            )
        except WharfError as error:
            self.say(str(error), failed=True)
        else:
            self.notify(f"{written} written to {printable(str(path))}", markup=False)
            self.dismiss(None)

    def _replace(self, *, sure: bool) -> None:
        if sure:
            self._write(replace=True)

    @on(Worker.StateChanged)
    def _unforeseen(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.say(f"The export broke down: {event.worker.error!r}. This is a fault of Wharf.", failed=True)

    def say(self, sentence: str, *, failed: bool = False) -> None:
        """Put a sentence in the place of the one that says what will be written."""
        told = self.query_one("#export-told", Static)
        told.update(printable(sentence))
        told.set_class(failed, "-failed")

    @property
    def path_line(self) -> Input:
        """Where the path is typed."""
        return self.query_one("#export-path", Input)

    @property
    def _path(self) -> Path | None:
        written = self.path_line.value.strip()
        return expanded(written).absolute() if written else None
