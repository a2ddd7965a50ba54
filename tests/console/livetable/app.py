"""A table on a screen of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import RenderableType
from rich.text import Text
from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen

from tests.console.conftest import lines_of
from tests.pty.picture import Picture
from tui.console.frames import Frames
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

WIDE = (replace(COLUMNS[0], fixed=True), *COLUMNS[1:], replace(COLUMNS[1], key="more", label="More"))
"""One more than there is room for in thirty cells, the first of them always in sight."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"


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
        Binding("right", "sideways(1)"),
        Binding("left", "sideways(-1)"),
    ]


class PictureApp(App[None]):
    """Keeps what a terminal would show of all that is sent to it."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = Frames()
        self.sent = 0
        self.picture = Picture(0, 0)

    def on_resize(self, event: events.Resize) -> None:
        if event.size != self.picture.size:
            self.picture = Picture(*event.size)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        sent = self.frames.reduced(renderable)
        if isinstance(sent, CompositorUpdate):
            data = sent.render_segments(self.console).encode()
            self.sent += len(data)
            self.picture.feed(data)
        super()._display(screen, renderable)

    def drawn_anew(self) -> Picture:
        """What it would show if everything were sent now."""
        picture = Picture(*self.size)
        picture.feed(self.screen._compositor.render_full_update().render_segments(self.console).encode())
        return picture


class TableApp(PictureApp):
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
