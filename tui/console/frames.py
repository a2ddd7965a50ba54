"""Sends of a frame only what differs from what the terminal shows.

Textual draws a widget's line again when anything on it has changed, and sends it from its beginning. On a slow line
most of that is for nothing: of a transfer only some digits change.
"""

from collections.abc import Iterable, Sequence

from rich.cells import split_graphemes
from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

_Cell = tuple[str, Style | None]
"""What stands in a cell. The second half of a wide character is an empty text."""

_Run = tuple[int, int, list[_Cell]]
"""Cells beside each other: line, place of the first one, and what stands in them."""

_NOTHING: _Cell = ("", None)
"""A cell of which nothing is known."""

_JOINED = 4
"""So many cells that have not changed are sent again rather than skipped: that is shorter than to move the cursor."""


class Frames:
    """Knows what the terminal shows. Every update has to pass through here."""

    def __init__(self) -> None:
        self._sent: list[list[Strip]] = []
        """The lines of the latest update of the whole screen."""
        self._lines: list[list[_Cell] | None] = []
        """What they show by now; None for those that are as they were sent. Most are sent anew before they change."""

    def reduced(self, update: "RenderableType | CompositorUpdate | None") -> "RenderableType | CompositorUpdate | None":
        """What remains to be sent of an update; None if that is nothing. One of the whole screen is sent as it is, so
        that it mends whatever has happened to the terminal.
        """
        if isinstance(update, LayoutUpdate):
            self._sent = [list(strips) for strips in update.strips]
            self._lines = [None] * len(self._sent)
            return update
        if isinstance(update, ChopsUpdate):
            runs = [run for y, x, strips in _pieces(update) for run in self._changed(y, x, _cells(strips))]
            return _Runs(runs) if runs else None
        return update

    def _changed(self, y: int, x: int, cells: list[_Cell]) -> list[_Run]:
        """Take over cells of a line from `x` on; the runs of those that differ, each with its place."""
        if y >= len(self._lines):
            return [(y, x, cells)]
        if (line := self._lines[y]) is None:
            line = self._lines[y] = _cells(self._sent[y])
        line += [_NOTHING] * (x + len(cells) - len(line))
        runs: list[_Run] = []
        begin = end = -1
        for place, cell in enumerate(cells):
            if cell == line[x + place]:
                continue
            if begin >= 0 and place - end > _JOINED:
                runs.append((y, x + begin, cells[begin:end]))
                begin = place
            elif begin < 0:
                begin = place
            end = place + 1
        if begin >= 0:
            runs.append((y, x + begin, cells[begin:end]))
        line[x : x + len(cells)] = cells
        return [_from_whole_characters(run, x, cells) for run in runs]


class _Runs(CompositorUpdate):
    def __init__(self, runs: Sequence[_Run]) -> None:
        self._runs = runs

    def render_segments(self, console: Console) -> str:
        parts = []
        for y, x, cells in self._runs:
            parts.append(Control.move_to(x, y).segment.text)
            parts.append(Strip(_segments(cells)).render(console))
        return "".join(parts)


def _pieces(update: ChopsUpdate) -> Iterable[tuple[int, int, list[Strip]]]:
    """The parts of lines that an update has drawn: where each begins, and what stands there."""
    for y in {y for y, _, _ in update.spans}:
        for x, strip in update.chops[y].items():
            if strip is not None:
                yield y, x, [strip]


def _cells(strips: Iterable[Strip]) -> list[_Cell]:
    cells: list[_Cell] = []
    for strip in strips:
        for text, style, control in strip:
            if control:
                continue
            if text.isascii():
                # Equal ones of a text are one: of a screen that is remembered, most are blanks.
                once = {character: (character, style) for character in set(text)}
                cells += [once[character] for character in text]
            else:
                _add_characters(cells, text, style)
    return cells


def _add_characters(cells: list[_Cell], text: str, style: Style | None) -> None:
    spans, _ = split_graphemes(text)
    for begin, end, width in spans:
        if width == 0 and cells:
            before, its_style = cells[-1]
            cells[-1] = (before + text[begin:end], its_style)
            continue
        cells.append((text[begin:end], style))
        cells += [("", style)] * (width - 1)


def _from_whole_characters(run: _Run, x: int, cells: list[_Cell]) -> _Run:
    """The run, begun at the first half of a wide character rather than at its second."""
    y, begin, changed = run
    while changed and changed[0][0] == "" and begin > x:
        begin -= 1
        changed = [cells[begin - x], *changed]
    return y, begin, changed


def _segments(cells: Sequence[_Cell]) -> list[Segment]:
    """Neighbours of one style as one."""
    segments: list[Segment] = []
    texts: list[str] = []
    style = None
    for text, its_style in cells:
        if texts and its_style != style:
            segments.append(Segment("".join(texts), style))
            texts = []
        style = its_style
        texts.append(text)
    if texts:
        segments.append(Segment("".join(texts), style))
    return segments
