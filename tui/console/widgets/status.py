"""The first line of a screen: where one is, and how things stand."""

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static


class StatusLine(Static):
    """The name of the application, the title of the screen, and facts at the right."""

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(markup=False, id=id)
        self._title = title
        self._facts: tuple[Text, ...] = ()
        self._written = Text()

    def on_mount(self) -> None:
        self._write()

    def on_resize(self) -> None:
        self._write()

    def show(self, facts: Sequence[Text], title: str | None = None) -> None:
        """Say these at the right of the line; a new title replaces the old one."""
        self._facts = tuple(facts)
        self._title = title or self._title
        self._write()

    def _write(self) -> None:
        left = Text.assemble((" Wharf ", "bold reverse cyan"), " ", (self._title, "bold"))
        right = Text("  ").join(self._facts)
        room = self.size.width - left.cell_len - right.cell_len - 1
        line = Text.assemble(left, " " * max(room, 2), right)
        # What is said again need not be drawn again.
        if line != self._written:
            self._written = line
            self.update(line, layout=False)
