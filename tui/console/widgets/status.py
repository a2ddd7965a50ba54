"""The first line of a screen: where one is and how one came there, and how things stand."""

from collections.abc import Iterator, Sequence

from rich.text import Text
from textual.screen import Screen
from textual.widgets import Static

_STEP = " › "


class StatusLine(Static):
    """The name of the application, the way to this screen, and facts at the right.

    A step of the way is what the screen calls its `crumb`; screens without one, such as dialogs, are no step.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(markup=False, id=id)
        self._facts: tuple[Text, ...] = ()
        self._written: Text | None = None

    def on_mount(self) -> None:
        self.watch(self.app, "badges", self._write)

    def on_resize(self) -> None:
        self._write()

    def show(self, facts: Sequence[Text]) -> None:
        """Say these at the right of the line."""
        self._facts = tuple(facts)
        self._write()

    def _write(self) -> None:
        badges = [Text(f" {badge} ", style="bold reverse yellow") for badge in getattr(self.app, "badges", ())]
        right = Text("  ").join([*badges, *self._facts])
        left = self._way(self.size.width - right.cell_len - 2)
        room = self.size.width - left.cell_len - right.cell_len - 1
        line = Text.assemble(left, " " * max(room, 1), right)
        # The same line again would be sent to the terminal all the same.
        if line != self._written:
            self._written = line
            self.update(line)

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
