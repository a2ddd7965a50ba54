"""From what a cell says to what is drawn: exactly as wide as its column, and free of anything that is not text."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from tui.domain.text import printable

Cell = Text | str

WORD = "word"
"""Key in the meta of a style that makes a part of a cell answer to clicks by name."""

_MOST_PER_CELL = 8
"""Characters looked at per cell of width: more than a letter with all its accents, less than a page on one line."""


class Signs(NamedTuple):
    """What is not a letter. One cell each."""

    mark: str = "●"
    ascending: str = "▲"
    descending: str = "▼"
    more: str = "…"
    """At the end of what is cut."""
    before: str = "‹"
    after: str = "›"
    """In the heading, where columns are out of sight."""


def clickable(text: str, word: str, style: str = "") -> Text:
    """A part of a cell that answers to clicks by name: the table posts `WordClicked` with it."""
    part = Text(text, style=style)
    part.apply_meta({WORD: word})
    return part


def fitted(cell: Cell, width: int, console: Console, *, right: bool = False, more: str = "…") -> list[Segment]:
    """The cell in exactly `width` cells: cut, with `more` at its end, or filled up with blanks."""
    segments = _safe(cell, width * _MOST_PER_CELL, console)
    taken = sum(cell_len(segment.text) for segment in segments)
    if taken > width:
        return _cut(segments, width, more)
    blank = [Segment(" " * (width - taken))] if taken < width else []
    return [*blank, *segments] if right else [*segments, *blank]


def _safe(cell: Cell, most: int, console: Console) -> list[Segment]:
    """The texts and styles of a cell, on one line and without control characters."""
    if isinstance(cell, str):
        return [Segment(printable(cell, most))] if cell else []
    text = cell if len(cell) <= most else cell[:most]
    if not text.spans:
        return [Segment(printable(text.plain), _style(text.style, console))] if text.plain else []
    # A line break is no part of a line; Text.render would end every text with one.
    parts = text.render(console, end="")
    return [Segment(printable(part.text), part.style) for part in parts if part.text]


def _style(style: Style | str, console: Console) -> Style | None:
    return console.get_style(style) if style else None


def _cut(segments: Iterable[Segment], width: int, more: str) -> list[Segment]:
    room = width - cell_len(more)
    if room < 0:
        return [Segment(" " * width)]
    kept: list[Segment] = []
    style = None
    for text, style, _ in segments:
        size = cell_len(text)
        if size > room:
            kept.append(Segment(set_cell_size(text, room), style))
            break
        kept.append(Segment(text, style))
        room -= size
    return [*kept, Segment(more, style)]
