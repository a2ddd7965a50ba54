"""A long list that changes while it is shown, drawn by line.

Only the lines that are seen are ever put into words, and only those that changed are sent to the terminal: ten thousand
files of a running run cost what one screenful costs. The cursor belongs to an item's key, never to its place.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.console import keymap
from tui.console.widgets.row_table import GAP, Column, fit, widths_of

Item = TypeVar("Item")

_HEADING = 1
"""Lines above the items."""


class LineTable(ScrollView, Generic[Item], can_focus=True, inherit_bindings=False):
    """Items under headings, one of them under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.TABLE]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-table--heading", "line-table--cursor"}
    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;

        & > .line-table--heading { color: $text-muted; text-style: bold; }
        & > .line-table--cursor { background: $accent 15%; }
        &:focus > .line-table--cursor { background: $accent 30%; }
    }
    """

    class Highlighted(Message):
        """Another item is under the cursor, or the same with other values, or there is none left."""

        def __init__(self, table: "LineTable[Any]") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "LineTable[Any]":
            return self.table

    class Opened(Highlighted):
        """A double click on the item under the cursor; enter is a binding of the screen."""

    def __init__(
        self,
        columns: Callable[[int], Sequence[Column]],
        cells: Callable[[Item, int], Sequence[Text]],
        key: Callable[[Item], object],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """`columns` and `cells` are asked for the width of the table; `key` tells items apart."""
        super().__init__(id=id)
        self._columns_for = columns
        self._cells_for = cells
        self._key = key
        self._items: Sequence[Item] = ()
        self._cursor = 0

    # What is shown

    @property
    def items(self) -> Sequence[Item]:
        return self._items

    @property
    def lines_seen(self) -> int:
        """How many items there is room for."""
        return max(self.size.height - _HEADING, 1)

    def show(self, items: Sequence[Item], *, follow: bool = False) -> None:
        """Show these items in this order. The cursor stays on its item; if that is gone, on the line where it was.

        With `follow`, a cursor on the last line moves to the new last line. Whoever has scrolled away from the cursor
        goes on seeing what they look at.
        """
        before, was = self._items, self._cursor
        old = before[was] if before else None
        self._items = tuple(items)
        watched = self._in_sight()
        following = follow and watched and self.at_end(before)
        self._cursor = max(len(self._items) - 1, 0) if following else self._place_of(old, was)
        if len(before) == len(self._items) and self._cursor == was:
            self._refresh_changed(before)
        else:
            self._measure()
            # What is read now stays where it is, except at the top, where what is new wants to be seen.
            if self.scroll_y and not following:
                self.scroll_to(y=self.scroll_y + self._cursor - was, animate=False)
            if watched:
                self._keep_in_sight()
            self.refresh()
        if self.current != old:
            self.post_message(self.Highlighted(self))

    def at_end(self, items: Sequence[Item] | None = None) -> bool:
        """Whether the cursor is on the last line (or there is none)."""
        return self._cursor >= len(self._items if items is None else items) - 1

    def redraw(self, wanted: Callable[[Item], bool]) -> None:
        """Draw the lines of some items again, because what they say depends on the time."""
        for place in self._places_seen():
            if wanted(self._items[place]):
                self.refresh_line(place + _HEADING)

    def on_resize(self) -> None:
        self._measure()
        self._keep_in_sight()
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._items) + _HEADING)

    def _refresh_changed(self, before: Sequence[Item]) -> None:
        for place in self._places_seen():
            if before[place] != self._items[place]:
                self.refresh_line(place + _HEADING)

    def _places_seen(self) -> range:
        top = round(self.scroll_y)
        return range(top, min(top + self.lines_seen, len(self._items)))

    # The cursor

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        return self._items[self._cursor] if self._items else None

    @property
    def cursor(self) -> int:
        """The place of the item under the cursor, from 0."""
        return self._cursor

    def _place_of(self, item: Item | None, otherwise: int) -> int:
        if item is not None:
            key = self._key(item)
            for place, each in enumerate(self._items):
                if self._key(each) == key:
                    return place
        return min(otherwise, max(len(self._items) - 1, 0))

    def action_move(self, by: int) -> None:
        self.go(self._cursor + by)

    def action_page(self, by: int) -> None:
        self.go(self._cursor + by * max(self.lines_seen - 1, 1))

    def action_first(self) -> None:
        self.go(0)

    def action_last(self) -> None:
        self.go(len(self._items) - 1)

    def go(self, place: int) -> None:
        """Put the cursor on the line nearest to this place."""
        if not self._items:
            return
        was, self._cursor = self._cursor, min(max(place, 0), len(self._items) - 1)
        self._keep_in_sight()
        for line in {was, self._cursor}:
            self.refresh_line(line + _HEADING)
        self.post_message(self.Highlighted(self))

    def _in_sight(self) -> bool:
        """Whether the cursor's line can be seen, or could if the table were shown."""
        top = round(self.scroll_y)
        return not self.size.height or top <= self._cursor < top + self.lines_seen

    def _keep_in_sight(self) -> None:
        top = round(self.scroll_y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + self.lines_seen:
            self.scroll_to(y=self._cursor - self.lines_seen + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        place = round(self.scroll_y) + event.y - _HEADING
        if event.y < _HEADING or place >= len(self._items):
            return
        event.stop()
        self.go(place)
        if event.chain == 2:
            self.post_message(self.Opened(self))

    # Drawing

    def render_line(self, y: int) -> Strip:
        columns = self._columns_for(self.size.width)
        place = round(self.scroll_y) + y - _HEADING
        if y < _HEADING:
            return self._strip(columns, [Text(column.label) for column in columns], self._part("heading"))
        if place >= len(self._items):
            return Strip.blank(self.size.width, self.rich_style)
        style = self._part("cursor") if place == self._cursor else self.rich_style
        return self._strip(columns, self._cells_for(self._items[place], self.size.width), style)

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"line-table--{name}")

    def _strip(self, columns: Sequence[Column], cells: Sequence[Text], style: Style) -> Strip:
        line = Text()
        for cell, column, width in zip(cells, columns, widths_of(columns, self.size.width), strict=True):
            fitted = fit(cell, column, width)
            line.append_text(fitted).append(" " * (width - fitted.cell_len + GAP))
        line.truncate(self.size.width, pad=True)
        segments = [Segment(part.text, part.style) for part in line.render(self.app.console)]
        return Strip(segments, line.cell_len).apply_style(style)
