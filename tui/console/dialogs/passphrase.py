"""Asks for the passphrase of the vault."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

from tui.console import keymap
from tui.console.one_frame import Dialog
from tui.console.widgets.form_input import HiddenInput
from tui.domain.text import printable


class _Line(HiddenInput, inherit_bindings=False):
    """Where enter does not go on to the next field but answers."""

    BINDINGS: ClassVar[list[BindingType]] = [*Input.BINDINGS]


class PassphraseDialog(Dialog[str | None]):
    """Dismisses with what was typed, or with None when the vault is to stay locked."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.PASSPHRASE]

    def __init__(self, complaint: str) -> None:
        super().__init__()
        self._complaint = complaint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("The vault is locked", classes="dialog-title", markup=False)
            said = f"{printable(self._complaint)}\n\n" if self._complaint else ""
            yield Static(
                f"{said}Its passphrase is needed for a secret that is in it. It is asked for once; whatever needs the "
                "vault waits for it.",
                classes="dialog-body",
                markup=False,
            )
            yield _Line(placeholder="typed hidden, never shown")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Leave it locked", id="passphrase-no")
                yield Button("Unlock", variant="primary", id="passphrase-yes")

    def on_mount(self) -> None:
        self.query_one(_Line).focus()

    @on(_Line.Submitted)
    @on(Button.Pressed, "#passphrase-yes")
    def _answer(self) -> None:
        self.dismiss(self.query_one(_Line).value)

    @on(Button.Pressed, "#passphrase-no")
    def action_decline(self) -> None:
        self.dismiss(None)
