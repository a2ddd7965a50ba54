"""The widget."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.console.livetable.cells import WORD, Cell, Signs, fitted
from tui.console.livetable.columns import Column, Placed, arrange, furthest
from tui.console.livetable.drawn import Drawn
from tui.console.livetable.view import Instead, View, carried, nothing_instead

Item = TypeVar("Item")

_HEADING = 1
"""Lines above the rows."""

_SIDEWAYS = "sideways"
"""Key in the meta of a style that makes a sign in the heading move the columns."""


class LiveTable(ScrollView, Generic[Item], can_focus=True, inherit_bindings=False):
    """Items as rows under headings, one of them under the cursor.

    Has actions but no keys; a subclass binds them: `move(by)`, `page(by)`, `first`, `last`, `sideways(by)`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "live-table--heading",
        "live-table--banner",
        "live-table--cursor",
        "live-table--mark",
    }
    DEFAULT_CSS = """
    LiveTable {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;

        & > .live-table--heading { color: $text-muted; text-style: bold; }
        & > .live-table--mark { color: $text-warning; text-style: bold; }
        & > .live-table--cursor { background: $accent 15%; }
        &:focus > .live-table--cursor { background: $accent 30%; }
    }
    """

    class _About(Message):
        def __init__(self, table: "LiveTable[Any]") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "LiveTable[Any]":
            return self.table

    class Highlighted(_About):
        """Another row is under the cursor, or the same with other values, or there is none left."""

    class Opened(_About):
        """A double click on a row. Enter is the screen's to bind, so that its footer can say what it does."""

        def __init__(self, table: "LiveTable[Any]", key: Any) -> None:
            super().__init__(table)
            self.key = key

    class HeaderClicked(_About):
        """A click on a heading."""

        def __init__(self, table: "LiveTable[Any]", column: str) -> None:
            super().__init__(table)
            self.column = column

    class WordClicked(_About):
        """A click on a part of a cell that was made `clickable`."""

        def __init__(self, table: "LiveTable[Any]", key: Any, word: str) -> None:
            super().__init__(table)
            self.key = key
            self.word = word

    class EndNear(_About):
        """The last row is in sight or nearly so, and there is more than what was shown. Posted once for each `show`."""

    def __init__(
        self,
        columns: Sequence[Column[Item]],
        key: Callable[[Item], Hashable],
        *,
        banner: Callable[[Item], Cell | None] = lambda _: None,
        passive: Callable[[Item], bool] = lambda _: False,
        signs: Signs | None = None,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """`key` tells items apart. An item for which `banner` has a text is a line of its own kind, without columns.
        The cursor passes over items that are `passive`.
        """
        super().__init__(id=id)
        self.signs = signs or Signs()
        self._columns = tuple(columns)
        self._key = key
        self._banner = banner
        self._passive = passive
        self._items: tuple[Item, ...] = ()
        self._view = View()
        self._marks: set[Hashable] = set()
        self._sorted: tuple[str, bool] | None = None
        self._placed: tuple[Placed, ...] = ()
        self._shift = 0
        self._furthest = 0
        self._more = False
        self._fitted_to = Size()
        self._drawn: Drawn[Item] = Drawn()

    # What is shown

    @property
    def items(self) -> tuple[Item, ...]:
        """The rows, in the order shown."""
        return self._items

    @property
    def columns(self) -> tuple[Column[Item], ...]:
        """All columns, also those for which there is no room."""
        return self._columns

    @property
    def columns_seen(self) -> tuple[str, ...]:
        """The keys of the columns that there is room for."""
        return tuple(placed.column.key for placed in self._placed)

    @property
    def hides_columns(self) -> bool:
        """Whether there is not room for all columns, so that one can go sideways."""
        return self._furthest > 0

    def show(
        self,
        items: Sequence[Item],
        *,
        more: bool = False,
        follow: bool = False,
        instead: Instead = nothing_instead,
    ) -> None:
        """Show these items in this order. Cursor, marks and what is looked at stay with their items.

        `more` says that there are others after these, which `EndNear` asks for. With `follow`, a cursor that is seen on
        the last row moves to the new last row. Where the cursor's row is gone, the row that `instead` names for its key
        gets it, or else the next one that is left.
        """
        before, old = self._items, self._seen_view()
        current = self.current
        self._items, self._more = tuple(items), more
        view = carried(old, before, self._items, self._key, follow=follow, instead=instead)
        self._turn_to(self._active(view, 1), before, old)
        if self.current != current:
            self.post_message(self.Highlighted(self))
        self._ask_for_more()

    def show_columns(self, columns: Sequence[Column[Item]]) -> None:
        """Show other columns of the same items."""
        self._columns = tuple(columns)
        self._place_columns()
        self.refresh()

    def sort_mark(self, column: str | None, *, reverse: bool = False) -> None:
        """Mark the heading by whose column the rows are sorted. The order itself is that of `show`."""
        self._sorted = None if column is None else (column, reverse)
        self.refresh(self._line_region(0))

    def redraw(self, wanted: Callable[[Item], bool]) -> None:
        """Draw some rows again, because what they say depends on more than the item, such as the time."""
        self._drawn.forget(wanted)
        self._refresh_places(place for place in self._places_seen() if wanted(self._items[place]))

    # The cursor

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        return self._items[self._view.cursor] if self._items else None

    @property
    def cursor_key(self) -> Any:
        """The key of the item under the cursor; None when there is none."""
        return self._key(self._items[self._view.cursor]) if self._items else None

    @property
    def cursor(self) -> int:
        """The place of the item under the cursor, from 0."""
        return self._view.cursor

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last row (or there is none)."""
        return self._view.cursor >= len(self._items) - 1

    def move_to(self, key: Hashable) -> None:
        """Put the cursor on the item with this key, if it is shown."""
        place = next((place for place, item in enumerate(self._items) if self._key(item) == key), None)
        if place is not None:
            self.go(place)

    def go(self, place: int) -> None:
        """Put the cursor on the row nearest to this place, and into sight."""
        old = self._seen_view()
        self._go(replace(old, cursor=place), old)

    def _go(self, view: View, old: View) -> None:
        if not self._items:
            return
        held = view.held(len(self._items)).watching()
        self._turn_to(self._active(held, view.cursor - old.cursor), self._items, old)
        if self._view.cursor != old.cursor:
            self.post_message(self.Highlighted(self))
        self._ask_for_more()

    def _active(self, view: View, direction: int) -> View:
        """The cursor on the next row that can have it, in this direction, or else in the other."""
        if not self._items or not self._passive(self._items[view.cursor]):
            return view
        ahead, back = range(view.cursor, len(self._items)), range(view.cursor, -1, -1)
        places = chain(back, ahead) if direction < 0 else chain(ahead, back)
        found = next((place for place in places if not self._passive(self._items[place])), view.cursor)
        return replace(view, cursor=found).watching() if view.watched else replace(view, cursor=found)

    def action_move(self, by: int) -> None:
        self.go(self._view.cursor + by)

    def action_page(self, by: int) -> None:
        """Turn pages: what was the last row seen becomes the first one."""
        old = self._seen_view()
        step = by * max(old.height - 1, 1)
        self._go(replace(old, cursor=old.cursor + step, top=old.top + step), old)

    def action_first(self) -> None:
        self.go(0)

    def action_last(self) -> None:
        self.go(len(self._items) - 1)

    def action_sideways(self, by: int) -> None:
        """Move columns out of sight on the left, or back into it; those that are fixed stay."""
        before = self._shift
        self._shift = max(self._shift + by, 0)
        self._place_columns()
        if self._shift != before:
            self.refresh()

    # Marks

    @property
    def marks(self) -> frozenset[Any]:
        """The keys that are marked, whether or not their items are shown."""
        return frozenset(self._marks)

    def mark(self, keys: Collection[Hashable]) -> None:
        """Mark these keys and no others."""
        changed = self._marks ^ set(keys)
        self._marks = set(keys)
        self._refresh_places(place for place in self._places_seen() if self._key(self._items[place]) in changed)

    def toggle_mark(self, key: Hashable) -> None:
        """Mark what is not marked, and the other way round."""
        self.mark(self._marks ^ {key})

    # Place and size

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """Fit into the size before the next frame is drawn: Textual's event of it comes after that."""
        changed = super()._size_updated(size, virtual_size, container_size, layout)
        if self.size != self._fitted_to:
            self._fitted_to = self.size
            self._fit()
        return changed

    def _fit(self) -> None:
        self._place_columns()
        self._tell_length()
        watched = self._view.watched
        view = replace(self._seen_view(), height=max(self.size.height - _HEADING, 0)).held(len(self._items))
        self._view = view.watching() if watched else view
        self.scroll_to(y=self._view.top, animate=False)
        self.refresh()
        self._ask_for_more()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._view = self._seen_view()
        self._ask_for_more()

    def _seen_view(self) -> View:
        """The view as it is now: the wheel and the scrollbar move it as well."""
        return replace(self._view, top=round(self.scroll_y)) if self._view.height else self._view

    @property
    def _width(self) -> int:
        """The cells of a line that the scrollbar leaves."""
        return max(self.size.width - self.styles.scrollbar_size_vertical, 0)

    def _place_columns(self) -> None:
        self._furthest = furthest(self._columns, self._width)
        self._shift = min(self._shift, self._furthest)
        self._placed = arrange(self._columns, self._width, self._shift)
        self._drawn.forget()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.forget()

    def _tell_length(self) -> None:
        # Assigning it would lay out the whole screen, which has no need of it: our size depends on our neighbours only.
        self.set_reactive(LiveTable.virtual_size, Size(self.size.width, len(self._items) + _HEADING))
        self._scroll_update(self.virtual_size)

    def _turn_to(self, view: View, before: Sequence[Item], old: View) -> None:
        """Look at the present items through this view, drawing only what differs from what was seen of those before."""
        self._view = view
        if len(before) != len(self._items):
            self._tell_length()
        self.scroll_to(y=view.top, animate=False)
        if self._seen_view().top != old.top:
            return  # Scrolling has everything drawn.
        for line in range(view.height):
            place = old.top + line
            if _line(before, place, old) != _line(self._items, place, view):
                self.refresh(self._line_region(line + _HEADING))

    def _places_seen(self) -> range:
        view = self._seen_view()
        return range(view.top, min(view.top + view.height, len(self._items)))

    def _refresh_places(self, places: Iterable[int]) -> None:
        top = self._seen_view().top
        for place in places:
            self.refresh(self._line_region(place - top + _HEADING))

    def _line_region(self, line: int) -> Region:
        return Region(0, line, self.size.width, 1)

    def _ask_for_more(self) -> None:
        view = self._seen_view()
        last_wanted = max(view.cursor, view.top + view.height) + view.height
        if self._more and view.height and last_wanted >= len(self._items):
            self._more = False
            self.post_message(self.EndNear(self))

    # The mouse

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        if at.y < _HEADING:
            event.stop()
            self._heading_clicked(at.x, event.style.meta.get(_SIDEWAYS, 0))
            return
        place = self._seen_view().top + at.y - _HEADING
        if place >= len(self._items):
            return
        event.stop()
        if self._passive(self._items[place]):
            return
        self.go(place)
        word = event.style.meta.get(WORD)
        if word is not None:
            self.post_message(self.WordClicked(self, self.cursor_key, word))
        elif event.chain == 2:
            self.post_message(self.Opened(self, self.cursor_key))

    def _heading_clicked(self, x: int, sideways: int) -> None:
        if sideways:
            self.action_sideways(sideways)
        elif (column := self._column_at(x)) is not None:
            self.post_message(self.HeaderClicked(self, column))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if event.shift:
            self._wheel_sideways(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if event.shift:
            self._wheel_sideways(event, -1)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._wheel_sideways(event, 1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._wheel_sideways(event, -1)

    def _wheel_sideways(self, event: events.MouseEvent, by: int) -> None:
        event.prevent_default().stop()
        self.action_sideways(by)

    def _column_at(self, x: int) -> str | None:
        placed = (placed for placed in self._placed if placed.x <= x < placed.x + placed.width + placed.column.space)
        return next((each.column.key for each in placed), None)

    # Drawing

    def render_line(self, y: int) -> Strip:
        if y < _HEADING:
            return self._strip(self._heading(), self._part("heading"))
        view = self._seen_view()
        place = view.top + y - _HEADING
        if place >= len(self._items):
            return Strip.blank(self.size.width, self.rich_style)
        item, style = self._items[place], self._style_of(place, view)
        key = self._key(item)
        is_marked = key in self._marks
        return self._drawn.row(key, item, (style, is_marked), lambda: self._strip(self._row(item, is_marked), style))

    def _style_of(self, place: int, view: View) -> Style:
        if place == view.cursor:
            return self._part("cursor")
        return self.rich_style if self._banner(self._items[place]) is None else self._part("banner")

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"live-table--{name}")

    def _heading(self) -> list[Segment]:
        segments: list[Segment] = []
        seen = [placed for placed in self._placed if placed.x < self._width]
        for placed in seen:
            signs = self._side_signs(first=placed is seen[0], last=placed is seen[-1])
            width = max(min(placed.width, self._width - placed.x) - len(signs), 0)
            # A sign for what is cut would take another letter from a heading that gives one to the sign beside it.
            segments += self._fitted(self._label(placed.column, width), placed.column, width, more="")
            segments += [*signs, Segment(" " * placed.column.space)]
        return segments

    def _side_signs(self, *, first: bool, last: bool) -> list[Segment]:
        """Where columns are out of sight: at the end of the first heading for the left, of the last for the right."""
        signs = []
        if first and self._shift:
            signs.append(Segment(self.signs.before, Style(meta={_SIDEWAYS: -1})))
        if last and self._shift < self._furthest:
            signs.append(Segment(self.signs.after, Style(meta={_SIDEWAYS: 1})))
        return signs

    def _label(self, column: Column[Any], width: int) -> str:
        if self._sorted is None or self._sorted[0] != column.key:
            return column.label
        sign = self.signs.descending if self._sorted[1] else self.signs.ascending
        return column.label[: max(width - 1, 0)] + sign

    def _row(self, item: Item, is_marked: bool) -> list[Segment]:
        marked = [Segment(f"{self.signs.mark} ", self._mark_style())] if is_marked else []
        banner = self._banner(item)
        if banner is not None:
            width = self._width - 2 * len(marked)
            return [*marked, *fitted(banner, width, self.app.console, more=self.signs.more)]
        return self._side_by_side([placed.column.cell(item, placed.width) for placed in self._placed], marked)

    def _mark_style(self) -> Style:
        return self.get_component_rich_style("live-table--mark", partial=True)

    def _side_by_side(self, cells: Sequence[Cell], mark: Sequence[Segment] = ()) -> list[Segment]:
        """The cells at their places. A mark takes its room from the first one."""
        segments = list(mark)
        room = [placed.width for placed in self._placed]
        if mark and room:
            room[0] = max(room[0] - 2, 0)
        for cell, placed, width in zip(cells, self._placed, room, strict=True):
            segments += self._fitted(cell, placed.column, width)
            segments.append(Segment(" " * placed.column.space))
        return segments

    def _fitted(self, cell: Cell, column: Column[Any], width: int, more: str | None = None) -> list[Segment]:
        more = self.signs.more if more is None else more
        return fitted(cell, width, self.app.console, right=column.justify == "right", more=more)

    def _strip(self, segments: Sequence[Segment], style: Style) -> Strip:
        # Neighbours that look the same are sent as one.
        return Strip(segments).adjust_cell_length(self.size.width).apply_style(style).simplify()


def _line(items: Sequence[Item], place: int, view: View) -> tuple[object, bool] | None:
    """What makes a line look as it does; None for a blank one."""
    return (items[place], place == view.cursor) if place < len(items) else None
