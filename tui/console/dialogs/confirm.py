"""Asks before something that cannot be undone."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.console import keymap
from tui.console.keys import shown_keys
from tui.console.one_frame import Dialog


class ConfirmDialog(Dialog[bool]):
    """True only for the confirming button or `y`. Cancel has the focus, so that enter alone does no harm."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CONFIRM]
    AUTO_FOCUS = "#cancel"

    def __init__(self, title: str, body: str, confirm_label: str) -> None:
        super().__init__()
        self._title = title
        self._body = body
        self._confirm_label = confirm_label

    def compose(self) -> ComposeResult:
        with Vertical(id="confirm", classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Static(self._body, classes="dialog-body", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button(f"Cancel ({shown_keys(self.app)['confirm.no']})", id="cancel")
                confirming = f"{self._confirm_label} ({shown_keys(self.app)['confirm.yes']})"
                yield Button(confirming, id="confirm-button", variant="error")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "confirm-button")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
