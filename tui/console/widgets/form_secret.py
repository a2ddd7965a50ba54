"""Takes a secret: typed without being shown, for the vault, or as a reference to where it is.

What was typed is never shown again and never leaves this widget but through `typed`, which the form asks for when it
stores or tests it.
"""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.console.widgets.form_choice import Choice
from tui.console.widgets.form_input import HiddenInput, TextInput
from tui.domain.text import printable

_STORED, _TYPED, _REFERENCE = "stored", "typed", "reference"


class SecretInput(Vertical):
    """A choice of ways, and the line that belongs to the chosen one."""

    DEFAULT_CSS = """
    SecretInput {
        height: auto;

        & > .secret-stored {
            color: $text-muted;
        }
    }
    """

    class Edited(Message):
        """The way or the line has changed. Carries nothing: a message may be logged."""

    def __init__(self, reference: str, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._before = reference

    def compose(self) -> ComposeResult:
        stored = self._before.startswith("vault:")
        ways = [(_TYPED, "type it, for the vault"), (_REFERENCE, "reference")]
        if stored:
            ways = [(_STORED, "in the vault"), (_TYPED, "type a new one"), (_REFERENCE, "reference")]
        yield Choice(ways, _STORED if stored else _REFERENCE if self._before else _TYPED)
        yield HiddenInput(placeholder="typed hidden, never shown", classes="secret-typed")
        yield TextInput(
            "" if stored else self._before,
            placeholder="env:NAME, file:PATH, cmd:COMMAND, keyring:SERVICE/USER",
            classes="secret-reference",
        )
        yield Static(printable(self._before), markup=False, classes="secret-stored")

    def on_mount(self) -> None:
        self._show_line()

    @property
    def reference(self) -> str:
        """The reference that was given or was there before; empty when the secret is typed."""
        match self._way:
            case "stored":
                return self._before
            case "reference":
                return self.query_one(".secret-reference", Input).value
            case _:
                return ""

    @property
    def typed(self) -> str:
        """What was typed for the vault; empty when a reference is given."""
        return self.query_one(HiddenInput).value if self._way == _TYPED else ""

    @property
    def _way(self) -> str:
        return self.query_one(Choice).value

    def _show_line(self) -> None:
        for way in (_STORED, _TYPED, _REFERENCE):
            self.query_one(f".secret-{way}").display = way == self._way

    @on(Choice.Changed)
    @on(Input.Changed)
    def _edited(self, event: Message) -> None:
        event.stop()
        self._show_line()
        self.post_message(self.Edited())
