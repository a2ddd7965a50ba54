"""A table on a screen of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.message import Message

from tests.console.conftest import lines_of
from tui.console.livetable import Column, LiveTable, clickable


@dataclass(frozen=True)
class Thing:
    """A row."""

    key: str
    size: str = "1 B"
    name: Text | str | None = None


COLUMNS: tuple[Column[Thing], ...] = (
    Column("name", "Name", lambda thing, _: thing.key if thing.name is None else thing.name, 8, grows=True),
    Column("size", "Size", lambda thing, _: thing.size, 8, justify="right"),
    Column("do", "Do", lambda *_: Text.assemble(clickable("Open", "open"), " ", clickable("Drop", "drop")), 10),
)


def things(keys: Sequence[str]) -> list[Thing]:
    return [Thing(key) for key in keys]


def key_of(thing: Thing) -> str:
    return thing.key


class Table(LiveTable[Thing], inherit_bindings=False):
    BINDINGS = [  # noqa: RUF012 - Textual declares it without ClassVar
        Binding("down,j", "move(1)"),
        Binding("up,k", "move(-1)"),
        Binding("g", "first"),
        Binding("G", "last"),
        Binding("pagedown", "page(1)"),
        Binding("pageup", "page(-1)"),
    ]


class TableApp(App[None]):
    """Shows what the test says and keeps what the table says."""

    def __init__(self, columns: Sequence[Column[Thing]] = COLUMNS) -> None:
        super().__init__()
        self.heard: list[Message] = []
        self.table = Table(columns, key_of, banner=lambda thing: thing.size if thing.size.startswith("#") else None)

    def compose(self) -> ComposeResult:
        yield self.table

    def on_live_table_highlighted(self, event: LiveTable.Highlighted) -> None:
        self.heard.append(event)

    def on_live_table_opened(self, event: LiveTable.Opened) -> None:
        self.heard.append(event)

    def on_live_table_header_clicked(self, event: LiveTable.HeaderClicked) -> None:
        self.heard.append(event)

    def on_live_table_word_clicked(self, event: LiveTable.WordClicked) -> None:
        self.heard.append(event)

    def on_live_table_end_near(self, event: LiveTable.EndNear) -> None:
        self.heard.append(event)

    def times_heard(self, kind: type[Message]) -> int:
        return sum(isinstance(event, kind) for event in self.heard)

    def names(self) -> list[str]:
        """The first word of each line under the heading, without marks."""
        return [line.removeprefix("● ").split()[0] for line in lines_of(self)[1:] if line.strip()]


def larger(thing: Thing) -> Thing:
    """The same with another value."""
    return replace(thing, size=f"{len(thing.size)} B" + "!" * (len(thing.size) % 3))
