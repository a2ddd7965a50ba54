"""The first line of a screen: where one is and how one came there, and how things stand."""

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.screen import Screen
from textual.widget import Widget

_STEP = " › "


class StatusLine(Widget):
    """The name of the application, the way to this screen, and facts at the right.

    A step of the way is what the screen calls its `crumb`; screens without one, such as dialogs, are no step.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._facts: tuple[Text, ...] = ()
        self._drawn: Text | None = None

    def on_mount(self) -> None:
        self.watch(self.app, "badges", self._draw_again)

    def show(self, facts: Sequence[Text]) -> None:
        """Say these at the right of the line."""
        self._facts = tuple(facts)
        self._draw_again()

    def _draw_again(self) -> None:
        # The same line again would be sent to the terminal all the same.
        if self._line() != self._drawn:
            self.refresh()

    def render(self) -> Text:
        self._drawn = self._line()
        return self._drawn

    def _line(self) -> Text:
        badges = [Text(f" {badge} ", style="bold reverse yellow") for badge in getattr(self.app, "badges", ())]
        right = Text("  ").join([*badges, *self._facts])
        left = self._way(self.size.width - right.cell_len - 2)
        room = self.size.width - left.cell_len - right.cell_len - 1
        return Text.assemble(left, " " * max(room, 1), right)

    def _way(self, room: int) -> Text:
        """As many of the last steps as there is room for, but the last one always."""
        steps = list(self._steps())
        for left_out in range(len(steps)):
            text = Text.assemble((" Wharf ", "bold reverse cyan"), " ", ("…" + _STEP if left_out else "", "dim"))
            for step in steps[left_out:-1]:
                text.append(step).append(_STEP, "dim")
            text.append(steps[-1], "bold")
            if text.cell_len <= room:
                break
        return text

    def _steps(self) -> Iterator[str]:
        stack: list[Screen[object]] = list(self.app.screen_stack)
        if self.screen not in stack:
            stack.append(self.screen)
        for screen in stack[: stack.index(self.screen) + 1]:
            if crumb := getattr(screen, "crumb", None):
                yield str(crumb)
