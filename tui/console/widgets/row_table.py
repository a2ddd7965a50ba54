"""A table whose rows have keys.

The cursor belongs to a row's key, never to its place: sorting, filtering and live updates leave it on the row the user
chose. Cells are never parsed as markup. The grid inside is an implementation detail that nobody else may touch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.coordinate import Coordinate
from textual.message import Message
from textual.widget import Widget
from textual.widgets import DataTable

from tui.console import keymap

Justify = Literal["left", "right"]

GAP = 1
"""Blank cells after each column."""

_SMALLEST = 6
"""What a column that takes the remaining width gets at least."""

_FEW = 20
"""Up to so many rows are removed one by one; each removal costs as much as there are rows."""

WORD = "word"
"""Key in the style meta of a cell's Text that makes a part of it clickable by name: see `clickable`."""


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is in cells of the terminal; columns with None share what remains."""

    key: str
    label: str
    width: int | None = None
    justify: Justify = "left"


@dataclass(frozen=True, slots=True)
class Row:
    """One line; a cell per column."""

    key: str
    cells: tuple[Text | str, ...]


class _Grid(DataTable[Text], inherit_bindings=False):
    """The drawing inside of a RowTable, which has the keys and the mouse."""

    def on_click(self, event: events.Click) -> None:
        # The grid's own reaction would take clicks on one line for different things by the column.
        event.prevent_default()


class RowTable(Widget):
    """Rows under headings, one of them under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.TABLE]

    class _About(Message):
        def __init__(self, table: "RowTable") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "RowTable":
            return self.table

    class Opened(_About):
        """A double click on a row. Enter is the screen's to bind, so that its footer can say what it does."""

        def __init__(self, table: "RowTable", key: str) -> None:
            super().__init__(table)
            self.key = key

    class Highlighted(_About):
        """Another row is under the cursor; None when there is no row left."""

        def __init__(self, table: "RowTable", key: str | None) -> None:
            super().__init__(table)
            self.key = key

    class HeaderClicked(_About):
        """A click on a heading."""

        def __init__(self, table: "RowTable", column_key: str) -> None:
            super().__init__(table)
            self.column_key = column_key

    class CellClicked(_About):
        """A click on a cell; `word` names the clickable part that was hit, if one was."""

        def __init__(self, table: "RowTable", key: str, column_key: str, word: str | None) -> None:
            super().__init__(table)
            self.key = key
            self.column_key = column_key
            self.word = word

    def __init__(self, columns: Sequence[Column], *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._rows: dict[str, Row] = {}
        self._mark: tuple[str, bool] | None = None
        self._announced: str | None = None
        self._grid = _Grid(
            cursor_type="row",
            cell_padding=0,
            cursor_foreground_priority="renderable",
            show_row_labels=False,
        )

    def compose(self) -> ComposeResult:
        yield self._grid

    def on_resize(self) -> None:
        self._rebuild(self.cursor_key, self._grid.cursor_row)

    def focus(self, scroll_visible: bool = True) -> "RowTable":
        """Give the keys to the table."""
        self._grid.focus(scroll_visible)
        return self

    # What is shown

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows, in the order shown."""
        return tuple(self._rows.values())

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._columns

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows in this order. The cursor stays on its row; if that is gone, on the line where it was."""
        before, self._rows = self._rows, {row.key: row for row in rows}
        if not self._grid.columns:
            return
        cursor, line = self.cursor_key, self._grid.cursor_row
        gone = [key for key in before if key not in self._rows]
        if len(gone) > _FEW:
            self._rebuild(cursor, line)
            return
        for key in gone:
            self._grid.remove_row(key)
        for row in rows:
            self._draw(row, before.get(row.key))
        self._arrange()
        self._put_cursor(cursor, line)

    def show_columns(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show other columns, or the same at other widths, and the rows that fit them."""
        cursor, line = self.cursor_key, self._grid.cursor_row
        self._columns = tuple(columns)
        self._rows = {row.key: row for row in rows}
        self._rebuild(cursor, line)

    def sort_mark(self, column_key: str | None, reverse: bool = False) -> None:
        """Mark the heading by whose column the rows are sorted. The order itself is that of `show`."""
        self._mark = None if column_key is None else (column_key, reverse)
        self._rebuild(self.cursor_key, self._grid.cursor_row)

    # The cursor

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._key_at(self._grid.cursor_row)

    def _key_at(self, line: int) -> str | None:
        if not self._grid.is_valid_row_index(line):
            return None
        return self._grid.coordinate_to_cell_key(Coordinate(line, 0)).row_key.value

    def move_to(self, key: str) -> None:
        """Put the cursor on a row, if it is shown."""
        # A table that has no size yet has no lines either; it begins at its first row.
        if key in self._rows and self._grid.columns:
            self._grid.move_cursor(row=self._grid.get_row_index(key), animate=False)
            self._announce()

    def action_move(self, by: int) -> None:
        self._go(self._grid.cursor_row + by)

    def action_page(self, by: int) -> None:
        self._go(self._grid.cursor_row + by * max(1, self._grid.size.height - 2))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self._rows) - 1)

    def _go(self, line: int) -> None:
        if self._rows:
            self._grid.move_cursor(row=min(max(line, 0), len(self._rows) - 1), animate=False)
            self._announce()

    def _put_cursor(self, key: str | None, line: int) -> None:
        if key is not None and key in self._rows:
            line = self._grid.get_row_index(key)
        if self._rows:
            self._grid.move_cursor(row=min(line, len(self._rows) - 1), animate=False, scroll=key != self.cursor_key)
        self._announce()

    def _announce(self) -> None:
        key = self.cursor_key
        if key != self._announced:
            self._announced = key
            self.post_message(self.Highlighted(self, key))

    # The mouse

    @on(events.Click)
    def _clicked(self, event: events.Click) -> None:
        meta = event.style.meta
        line, place = meta.get("row"), meta.get("column")
        if line is None or place is None:
            return
        event.stop()
        column = self._columns[place]
        if line < 0:
            self.post_message(self.HeaderClicked(self, column.key))
            return
        key = self._key_at(line)
        if key is None:
            return
        self.move_to(key)
        word = meta.get(WORD)
        self.post_message(self.CellClicked(self, key, column.key, word))
        if event.chain == 2 and word is None:
            self.post_message(self.Opened(self, key))

    @on(DataTable.RowHighlighted)
    @on(DataTable.RowSelected)
    @on(DataTable.HeaderSelected)
    def _keep_to_ourselves(self, event: Message) -> None:
        event.stop()
        self._announce()

    # Drawing

    def _widths(self) -> list[int]:
        """The width of each column, without its gap."""
        return widths_of(self._columns, self.size.width - self._grid.styles.scrollbar_size_vertical)

    def _rebuild(self, cursor: str | None, line: int) -> None:
        """Draw everything anew, at the widths for the present size."""
        if not self.size.width:
            return
        top = self._grid.scroll_y
        self._grid.clear(columns=True)
        for column, width in zip(self._columns, self._widths(), strict=True):
            self._grid.add_column(self._label(column, width), width=width + GAP, key=column.key)
        for row in self._rows.values():
            self._draw(row, None)
        self._put_cursor(cursor, line)
        self._grid.call_after_refresh(self._grid.scroll_to, y=top, animate=False)

    def _arrange(self) -> None:
        """Bring the lines into the order of the rows, whatever their cells say."""
        first = self._columns[0].key
        places = {id(self._grid.get_cell(key, first)): place for place, key in enumerate(self._rows)}
        drawn = [self._key_at(line) for line in range(self._grid.row_count)]
        if drawn != list(self._rows):
            self._grid.sort(first, key=lambda cell: places[id(cell)])

    def _draw(self, row: Row, before: Row | None) -> None:
        if row is before:
            return
        places = list(zip(row.cells, self._columns, self._widths(), strict=True))
        if before is None:
            self._grid.add_row(*(fit(*place) for place in places), key=row.key)
            return
        for old, (cell, column, width) in zip(before.cells, places, strict=True):
            if _look(cell) != _look(old):
                self._grid.update_cell(row.key, column.key, fit(cell, column, width))

    def _label(self, column: Column, width: int) -> Text:
        label = Text(column.label)
        if self._mark is not None and self._mark[0] == column.key:
            label.truncate(width - 1)
            label.append("▼" if self._mark[1] else "▲")
        return fit(label, column, width)


def clickable(text: str, word: str, style: str = "") -> Text:
    """A part of a cell that answers to clicks by name; the name arrives as `CellClicked.word`."""
    part = Text(text, style=style)
    part.apply_meta({WORD: word})
    return part


def _look(cell: Text | str) -> object:
    """What makes two cells look the same; equality of Text leaves out the style of the whole."""
    return (cell.plain, cell.style, cell.spans) if isinstance(cell, Text) else cell


def widths_of(columns: Sequence[Column], room: int) -> list[int]:
    """The width of each column, without its gap, where there are `room` cells for all."""
    given = sum((column.width or 0) + GAP for column in columns)
    flexible = sum(column.width is None for column in columns)
    share, extra = divmod(max(room - given, 0), max(flexible, 1))
    widths = []
    for column in columns:
        if column.width is not None:
            widths.append(column.width)
        else:
            widths.append(max(_SMALLEST, share + (extra > 0)))
            extra -= 1
    return widths


def fit(cell: Text | str, column: Column, width: int) -> Text:
    """The cell on one line, cut or filled up for its column."""
    text = Text(cell) if isinstance(cell, str) else cell.copy()
    text.no_wrap = True
    text.truncate(width, overflow="ellipsis")
    if column.justify == "right":
        text.pad_left(max(0, width - text.cell_len))
    return text
