"""The line of keys at the bottom of a screen."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

_GAP = 1
"""Cells between two keys."""


class FooterKey(NamedTuple):
    """What the line says of a key."""

    key: str
    shown: str
    does: str
    possible: bool

    @property
    def width(self) -> int:
        """Cells of the key, a space, and what it does."""
        return cell_len(self.shown) + 1 + cell_len(self.does)


class KeyFooter(Widget):
    """The keys that work now, each to be clicked; what is not possible is greyed, and says why when it is clicked.

    Textual's own has a widget for each key. Screens open faster with one that draws them all.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "key-footer--key",
        "key-footer--does",
        "key-footer--greyed",
        "key-footer--pointed-at",
    }
    DEFAULT_CSS = "KeyFooter { dock: bottom; width: 1fr; height: 1; }"

    keys: reactive[Sequence[FooterKey]] = reactive((), init=False)
    _shift = reactive(0, init=False)
    """Cells that are out of sight at the left."""
    _pointed_at: reactive[FooterKey | None] = reactive(None, init=False)

    def __init__(self) -> None:
        super().__init__()
        self._will_look = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._look_soon)
        self.app.screen_change_signal.subscribe(self, self._look_soon)
        self._look_soon()

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)
        self.app.screen_change_signal.unsubscribe(self)

    def _size_updated(self, size: Size, virtual_size: Size, container_size: Size, layout: bool = True) -> bool:
        """Look before a frame is drawn that is laid out anew, the first one above all: the keys would come with the
        next.
        """
        self._look()
        return super()._size_updated(size, virtual_size, container_size, layout)

    def _look_soon(self, _screen: object = None) -> None:
        # While a screen opens it is asked for several times, and before there is anything to be seen.
        if not self._will_look:
            self._will_look = True
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        will_look, self._will_look = self._will_look, False
        # While the terminal shows another window, nothing has the focus and its keys would be missing; and below a
        # dialog, those that are not for what is typed there.
        if will_look and self.is_attached and self.screen.is_active and self.app.app_focus:
            self.keys = tuple(self._working())

    def _working(self) -> Iterator[FooterKey]:
        named: set[str] = set()
        for _, binding, enabled, _ in self.screen.active_bindings.values():
            if binding.show and binding.action not in named:
                named.add(binding.action)
                yield FooterKey(binding.key, self.app.get_key_display(binding), binding.description, enabled)

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if (key := self._key_at(event.x)) is not None:
            self.app.simulate_key(key.key)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._pointed_at = self._key_at(event.x)

    def on_leave(self) -> None:
        self._pointed_at = None

    def watch__pointed_at(self, key: FooterKey | None) -> None:
        self.styles.pointer = "default" if key is None else "pointer"

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(event, self.app.scroll_sensitivity_x)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(event, -self.app.scroll_sensitivity_x)

    def _scroll(self, event: events.MouseEvent, by: float) -> None:
        event.prevent_default().stop()
        self._shift += round(by)

    def validate__shift(self, shift: int) -> int:
        return max(min(shift, self._width - self.size.width), 0)

    def watch_keys(self) -> None:
        self._shift = self._shift

    def on_resize(self) -> None:
        self._shift = self._shift

    @property
    def _width(self) -> int:
        return sum(key.width + _GAP for key in self.keys)

    def _key_at(self, x: int) -> FooterKey | None:
        begin = -self._shift
        for key in self.keys:
            if begin <= x < begin + key.width:
                return key
            begin += key.width + _GAP
        return None

    # Drawing

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        segments = [segment for key in self.keys for segment in self._segments(key)]
        line = Strip(segments).crop(self._shift, self._shift + width)
        return line.adjust_cell_length(width, self.rich_style).simplify()

    def _segments(self, key: FooterKey) -> Iterator[Segment]:
        shown, does = map(self._part, ("key", "does") if key.possible else ("greyed", "greyed"))
        if key == self._pointed_at:
            does += self.get_component_rich_style("key-footer--pointed-at", partial=True)
        yield Segment(key.shown, shown)
        yield Segment(f" {key.does}", does)
        yield Segment(" " * _GAP, self.rich_style)

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"key-footer--{name}")
