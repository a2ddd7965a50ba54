"""One of the known values, or a word of one's own."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Select

from tui.console import keymap
from tui.console.widgets.form_input import TextInput

_OWN = ""


class _List(Select[str], inherit_bindings=False):
    """Up and down lead to other fields, as everywhere in a form; they do not open the list."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.OPEN_CHOICE]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Once the list is open, the keys are the list's."""
        del action, parameters
        return not self.expanded

    def action_leave(self, forward: bool) -> None:
        if forward:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()


class OpenChoice(Horizontal):
    """A list to choose from, whose last entry opens a line. `options` are pairs of value and label."""

    DEFAULT_CSS = """
    OpenChoice {
        height: auto;

        & > _List {
            width: 28;
        }

        & > Input {
            width: 1fr;
            margin: 0 0 0 1;
        }
    }
    """

    class Changed(Message):
        """Another value is chosen or written."""

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._options = options
        self._first = value

    def compose(self) -> ComposeResult:
        known = self._first in dict(self._options)
        yield _List(
            [*((label, value) for value, label in self._options), ("another…", _OWN)],
            value=self._first if known else _OWN,
            allow_blank=False,
            compact=True,
        )
        own = TextInput("" if known else self._first, placeholder="lower-case letters, digits, - and _")
        own.display = not known
        yield own

    @property
    def value(self) -> str:
        chosen = str(self.query_one(Select).value)
        return self.query_one(Input).value if chosen == _OWN else chosen

    @on(Select.Changed)
    @on(Input.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self.query_one(Input).display = self.query_one(Select).value == _OWN
        self.post_message(self.Changed())
