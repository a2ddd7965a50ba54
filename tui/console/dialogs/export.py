"""Asks where the history is to be written to, and writes it."""

import os
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, RadioButton, RadioSet, Static
from textual.worker import Worker, WorkerState

from tui.console import keymap
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.export import Format, suggested_name
from tui.console.screens.history_export import FileExists, write_history
from tui.domain.failure import WharfError
from tui.domain.figures import count
from tui.domain.filter import Filter
from tui.domain.text import printable
from tui.store.base import Store


class ExportDialog(ModalScreen[None]):
    """Closes when the file is whole. A file that exists is replaced only after a question."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.EXPORT]
    DEFAULT_CSS = """
    ExportDialog {
        #export-format { height: auto; layout: horizontal; border: none; padding: 0; margin-top: 1; }
        #export-format RadioButton { width: auto; margin-right: 3; }
        #export-told { margin-top: 1; color: $text-muted; }
        #export-told.-failed { color: $text-error; }
    }
    """

    def __init__(self, store: Store, name: str | None, wanted: Filter) -> None:
        super().__init__()
        self._store = store
        self._name = name
        self._wanted = wanted

    def compose(self) -> ComposeResult:
        with Vertical(id="export", classes="dialog"):
            yield Static("Export the history", classes="dialog-title", markup=False)
            yield Input(
                f"~/{suggested_name(self._name, datetime.now().astimezone())}.csv", id="export-path", compact=True
            )
            with RadioSet(id="export-format", compact=True):
                yield RadioButton("CSV, a line per run", value=True, id="format-csv")
                yield RadioButton("JSON, with files", id="format-json")
            yield Static(self._what(Format.CSV), id="export-told", markup=False)
            yield Static("enter writes   tab to the format   esc cancels", classes="dialog-hint", markup=False)

    @on(RadioSet.Changed)
    def _format_changed(self, event: RadioSet.Changed) -> None:
        event.stop()
        path = Path(self._input.value)
        if path.suffix.lower() in {f".{each.value}" for each in Format}:
            self._input.value = str(path.with_suffix(f".{self._format.value}"))
        self._say(self._what(self._format))

    @on(Input.Submitted)
    def action_write(self) -> None:
        self._write(replace=False)

    def action_close(self) -> None:
        self.dismiss(None)

    @work(description="export of the history", exclusive=True, exit_on_error=False)
    async def _write(self, *, replace: bool) -> None:
        if (path := self._path) is None:
            self._say("Name a file to write to.", failed=True)
            return
        self._say("Writing…")
        try:
            number = await write_history(self._store, self._name, self._wanted, path, self._format, replace=replace)
        except FileExists as error:
            self._say(str(error), failed=True)
            self.app.push_screen(
                ConfirmDialog("Replace the file?", f"{printable(str(path))} exists already.", "Replace"),
                lambda sure: self._replace(sure=bool(sure)),
            )
        except WharfError as error:
            self._say(str(error), failed=True)
        else:
            self.notify(f"{count(number, 'run')} written to {printable(str(path))}", markup=False)
            self.dismiss(None)

    def _replace(self, *, sure: bool) -> None:
        if sure:
            self._write(replace=True)

    @on(Worker.StateChanged)
    def _unforeseen(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self._say(f"The export broke down: {event.worker.error!r}. This is a fault of Wharf.", failed=True)

    def _what(self, form: Format) -> str:
        # The format is in words too, because the buttons show it by colour alone.
        return f"{'The runs that the filter lets through' if self._wanted else 'All runs'}, as {form.name}."

    def _say(self, sentence: str, *, failed: bool = False) -> None:
        told = self.query_one("#export-told", Static)
        told.update(printable(sentence))
        told.set_class(failed, "-failed")

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def _path(self) -> Path | None:
        written = self._input.value.strip()
        home = os.path.expanduser(written)  # noqa: PTH111 - Path.expanduser raises for a user that does not exist
        return Path(home).absolute() if written else None

    @property
    def _format(self) -> Format:
        return Format.JSON if self.query_one("#format-json", RadioButton).value else Format.CSV
