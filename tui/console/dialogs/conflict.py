"""Asks what is to be kept when a connection was changed elsewhere while it was edited here."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.console import keymap
from tui.console.dialogs.heights import DIALOG_HEIGHTS
from tui.console.formats import safe
from tui.console.forms.fields import Difference
from tui.console.keys import shown_keys
from tui.domain.text import printable


class Kept(Enum):
    """What is kept; the other is lost."""

    YOURS = auto()
    THEIRS = auto()


class ConflictDialog(ModalScreen[Kept | None]):
    """None leaves the form as it is, with nothing saved. Cancel has the focus, so that enter alone does no harm."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CONFLICT]
    AUTO_FOCUS = "#cancel"
    VERTICAL_BREAKPOINTS = DIALOG_HEIGHTS

    def __init__(self, name: str, differences: Sequence[Difference] | None) -> None:
        """`differences` are those between what was typed and what is stored now, or None if nothing is any more."""
        super().__init__()
        self._connection = name
        self._differences = differences

    def compose(self) -> ComposeResult:
        gone = self._differences is None
        with Vertical(id="conflict", classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            with VerticalScroll(id="conflict-shown", can_focus=False):
                yield Static(self._sentence, classes="dialog-body", markup=False)
                if self._differences:
                    yield Static(_table(self._differences), markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button(f"Cancel ({self._key('cancel')})", id="cancel", compact=True)
                if not gone:
                    yield Button(f"Show theirs ({self._key('theirs')})", id="theirs", compact=True)
                keep = "Save as new" if gone else "Keep yours"
                yield Button(f"{keep} ({self._key('keep')})", id="keep", variant="error", compact=True)

    def _key(self, action: str) -> str:
        return shown_keys(self.app)[f"conflict.{action}"]

    @property
    def _title(self) -> str:
        was = "deleted or renamed" if self._differences is None else "changed"
        return f"{printable(self._connection, 40)} was {was} elsewhere"

    @property
    def _sentence(self) -> str:
        if self._differences is None:
            return (
                "While this form was open, somebody deleted the connection or gave it another name. Nothing was saved. "
                "What you typed can become a new connection, without the history of the old one."
            )
        return (
            "While this form was open, somebody else saved the connection. Nothing of yours was saved. Keeping yours "
            "overwrites theirs; showing theirs drops what you typed."
        )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss({"keep": Kept.YOURS, "theirs": Kept.THEIRS}.get(event.button.id or ""))

    def action_answer(self, yours: bool) -> None:
        self.dismiss(Kept.YOURS if yours else Kept.THEIRS)

    def action_close(self) -> None:
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._differences is not None or (action, parameters) != ("answer", (False,))


def _table(differences: Sequence[Difference]) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    for _ in range(2):
        table.add_column(ratio=1, overflow="fold")
    table.add_row("", Text("Yours", style="bold"), Text("Theirs, stored now", style="bold"))
    for each in differences:
        table.add_row(Text(each.label, style="dim"), safe(each.one), safe(each.other))
    return table
