"""Lines that take text: shown, or hidden."""

from dataclasses import dataclass, field
from typing import ClassVar

from textual.binding import BindingType
from textual.widgets import Input

from tui.console import keymap
from tui.domain.text import printable


class TextInput(Input):
    """A line whose text moves no cursor and starts no escape, wherever it was pasted from.

    Coming to it selects nothing, so that no key replaces what stands there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.FIELD]

    def __init__(self, value: str, *, placeholder: str = "", classes: str | None = None) -> None:
        super().__init__(
            printable(value), placeholder=placeholder, compact=True, select_on_focus=False, classes=classes
        )

    def replace(self, text: str, start: int, end: int) -> None:
        super().replace(printable(text), start, end)


class HiddenInput(Input):
    """A line for a secret. Shows how many characters were typed and tells nobody which."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.FIELD]

    @dataclass
    class Changed(Input.Changed):
        value: str = field(repr=False)

    @dataclass
    class Submitted(Input.Submitted):
        value: str = field(repr=False)

    @dataclass
    class Blurred(Input.Blurred):
        value: str = field(repr=False)

    def __init__(self, *, placeholder: str = "", classes: str | None = None) -> None:
        super().__init__(placeholder=placeholder, password=True, compact=True, classes=classes)
