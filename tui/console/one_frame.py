"""Screens and dialogs that open with a single frame, and answer to another size of the terminal with one.

Textual styles a screen when it is mounted and again when it comes on top, draws it before its widgets have heard all
that concerns them, lays it out again with the event about the size that the layout itself has given, and draws it
again, and sends all of it, for what was asked for before. Of all that only one time shows something new.
"""

from collections.abc import Callable

from textual import events
from textual.geometry import Size
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.widget import Widget
from textual.widgets._toast import ToastRack

_MOST_LAYOUTS = 3
"""As scrollbars come and go, there may be no end to it."""


class OneFrameScreen(Screen[ScreenResultType]):
    """Its first frame has everything that is known by then, and is not drawn a second time."""

    _was_on_top = False
    _waits = False
    """Whether it is not to be drawn yet."""

    def on_compose(self) -> None:
        self._take_classes_for(self.app.size)

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        if not self._was_on_top:
            self._was_on_top = True
            event.prevent_default()
            # What its widgets have to say while they are mounted comes first.
            self.app.call_later(self._open)

    def _open(self) -> None:
        resumed = events.ScreenResume(refresh_styles=False)
        self._draw_once(lambda: super(OneFrameScreen, self)._on_screen_resume(resumed))

    def _screen_resized(self, size: Size) -> None:
        # The event that a layout sends about the size that it has given asks for another one.
        if size != self._size and self.stack_updates:
            self._take_classes_for(size)
            self._draw_once(lambda: super(OneFrameScreen, self)._screen_resized(size))

    def _take_classes_for(self, size: Size) -> None:
        """Textual does so when all of the screen was drawn with those for another size, or with none."""
        across, down = self.app.HORIZONTAL_BREAKPOINTS or [], self.VERTICAL_BREAKPOINTS or []
        fitting = self._get_breakpoint_classes(size.width, across) | self._get_breakpoint_classes(size.height, down)
        self.update_classes({name: name in fitting for _, name in (*across, *down)}, animate=False)

    def _draw_once(self, lay_out: Callable[[], None]) -> None:
        """Draw what comes out in the end, and nothing for what was asked for until then."""
        self._waits = True
        before = self._scrollbars()
        lay_out()
        for _ in range(_MOST_LAYOUTS - 1):
            # Where a scrollbar came or went, the rest has another width.
            if (now := self._scrollbars()) == before:
                break
            before = now
            self._lay_out_anew()
        self._waits = False
        if self.is_current and not self.app._batch_count:  # noqa: SLF001 - nothing is drawn while it counts
            self._compositor_refresh()
            self._take_back_requests()

    def _scrollbars(self) -> set[tuple[Widget, bool, bool]]:
        """Which widgets have some."""
        every = self.walk_children(Widget, with_self=True)
        return {(widget, widget.show_vertical_scrollbar, widget.show_horizontal_scrollbar) for widget in every}

    def _lay_out_anew(self) -> None:
        for widget in self.walk_children(Widget, with_self=True):
            widget._clear_arrangement_cache()  # noqa: SLF001 - as Textual does before it lays out what has changed
            widget._layout_updates += 1  # noqa: SLF001
        self._refresh_layout(self.app.size)

    def _take_back_requests(self) -> None:
        """Whatever was asked for by now is done. Scrollbars are nobody's children, and what is hidden has no place."""
        for widget in {*self.walk_children(Widget, with_self=True), *self._compositor.full_map}:
            widget._layout_required = widget._repaint_required = False  # noqa: SLF001 - there is no other way

    def _compositor_refresh(self) -> None:
        if self._waits:
            return
        if self.is_current and self is not self.app.screen:
            # What shines through is drawn by the dialog above, and only what has changed of it. Textual has this screen
            # ask again and again.
            dirty = self._compositor._dirty_regions  # noqa: SLF001 - only drawing would tell and clear them
            changed = list(dirty)
            dirty.clear()
            self._dirty_widgets.clear()
            if changed:
                self.app.screen.refresh(*changed)
        else:
            super()._compositor_refresh()

    def _on_screen_suspend(self) -> None:
        # Textual asks for all of it when something comes above, which draws what shines through by itself.
        self._repaint_required = False

    def _extend_compose(self, widgets: list[Widget]) -> None:
        super()._extend_compose(widgets)
        for widget in widgets:
            if isinstance(widget, ToastRack):
                # Textual hides it when the screen was laid out with it, which is then done again.
                widget.display = False


# In this order, for Textual takes the rules of style for the first base only.
class Dialog(ModalScreen[ScreenResultType], OneFrameScreen[ScreenResultType]):
    """Lies over the screen from which it was opened."""
