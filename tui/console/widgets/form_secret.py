"""Takes a secret: as a reference, or typed without being shown, for the vault.

What was typed is never shown again and never leaves this widget but through `typed`, which the form asks for once, when
it stores it.
"""

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Select

_REFERENCE, _TYPED, _STORED = "reference", "type it", "in the vault"


class SecretInput(Horizontal):
    """A choice of ways, and the line that belongs to the chosen one."""

    DEFAULT_CSS = """
    SecretInput {
        height: auto;

        & > Select {
            width: 17;
            margin: 0 1 0 0;
        }

        & > Input {
            width: 1fr;
        }
    }
    """

    class Edited(Message):
        """The way or the line has changed. Carries nothing: a message may be logged."""

    def __init__(self, reference: str, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._before = reference
        stored = reference.startswith("vault:")
        self._ways = [_STORED, _TYPED, _REFERENCE] if stored else [_REFERENCE, _TYPED]
        self._first_way = self._ways[0]

    def compose(self) -> ComposeResult:
        yield Select([(way, way) for way in self._ways], value=self._first_way, allow_blank=False, compact=True)
        yield Input(
            "" if self._first_way == _STORED else self._before,
            placeholder="env:NAME, file:PATH, cmd:COMMAND",
            compact=True,
            classes="secret-reference",
        )
        yield Input(placeholder="typed hidden, kept in the vault", password=True, compact=True, classes="secret-typed")
        yield Input(self._before, compact=True, disabled=True, classes="secret-stored")

    def on_mount(self) -> None:
        self._show_line()

    @property
    def reference(self) -> str:
        """The reference that was given or was there before; empty when the secret is typed."""
        match self._way:
            case way if way == _STORED:
                return self._before
            case way if way == _REFERENCE:
                return self.query_one(".secret-reference", Input).value
            case _:
                return ""

    @property
    def typed(self) -> str:
        """What was typed for the vault; empty when a reference is given."""
        return self.query_one(".secret-typed", Input).value if self._way == _TYPED else ""

    @property
    def _way(self) -> str:
        return str(self.query_one(Select).value)

    def _show_line(self) -> None:
        shown = {_REFERENCE: "secret-reference", _TYPED: "secret-typed", _STORED: "secret-stored"}[self._way]
        for line in self.query(Input):
            line.display = line.has_class(shown)

    @on(Select.Changed)
    @on(Input.Changed)
    def _edited(self, event: Message) -> None:
        event.stop()
        self._show_line()
        self.post_message(self.Edited())
