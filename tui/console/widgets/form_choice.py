"""One of a few values, with all of them in sight."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.console import keymap

_GAP = "   "


class Choice(Widget, can_focus=True):
    """Shows `● SFTP   ○ FTP   ○ Email`; arrows, space and the mouse choose. `options` are pairs of value and label."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice--chosen", "choice--other"}
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CHOICE]
    DEFAULT_CSS = """
    Choice {
        height: 1;

        & > .choice--chosen {
            text-style: bold;
        }

        & > .choice--other {
            color: $text-muted;
        }

        &:focus > .choice--chosen {
            background: $accent;
            color: $background;
        }
    }
    """

    value: reactive[str] = reactive("", init=False)

    class Changed(Message):
        """Another value is chosen."""

        def __init__(self, choice: "Choice") -> None:
            super().__init__()
            self.choice = choice

        @property
        def control(self) -> "Choice":
            return self.choice

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._options = list(options)
        self.set_reactive(Choice.value, value)

    def watch_value(self) -> None:
        self.post_message(self.Changed(self))

    def render(self) -> Text:
        chosen = self.get_component_rich_style("choice--chosen")
        other = self.get_component_rich_style("choice--other")
        parts = [Text(shown, chosen if value == self.value else other) for value, shown in self._shown()]
        return Text(_GAP, no_wrap=True).join(parts)

    def action_step(self, by: int) -> None:
        values = [value for value, _ in self._options]
        self.value = values[(values.index(self.value) + by) % len(values)]

    def on_click(self, event: events.Click) -> None:
        end = 0
        for value, shown in self._shown():
            end += len(shown) + len(_GAP)
            if event.x < end:
                self.value = value
                return

    def _shown(self) -> list[tuple[str, str]]:
        return [(value, f"{'●' if value == self.value else '○'} {label}") for value, label in self._options]
