"""Everything that was told since the start, to be read again at leisure and copied."""

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.console import keymap
from tui.console.formats import clock
from tui.console.messages import Message, MessageLog
from tui.console.one_frame import Dialog
from tui.console.widgets.key_footer import KeyFooter
from tui.domain.figures import count

_STYLES = {"information": "dim", "warning": "yellow", "error": "bold red"}


class MessagesDialog(Dialog[None]):
    """Shows the log as it is when opened, the newest message at the end and under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.MESSAGES]
    AUTO_FOCUS = "OptionList"

    def __init__(self, log: MessageLog) -> None:
        super().__init__()
        self._messages = list(log)

    def compose(self) -> ComposeResult:
        with Vertical(id="messages", classes="dialog"):
            title = count(len(self._messages), "message") if self._messages else "No messages yet"
            yield Static(title, classes="dialog-title", markup=False)
            yield OptionList(*(Option(_line(message)) for message in self._messages))
            yield KeyFooter()

    def on_mount(self) -> None:
        self._options.highlighted = len(self._messages) - 1 if self._messages else None

    def action_move(self, by: int) -> None:
        if by > 0:
            self._options.action_cursor_down()
        else:
            self._options.action_cursor_up()

    def action_copy(self) -> None:
        if (place := self._options.highlighted) is not None:
            self._copy([self._messages[place]])

    def action_copy_all(self) -> None:
        self._copy(self._messages)

    def _copy(self, messages: list[Message]) -> None:
        self.app.copy_to_clipboard("\n".join(map(str, messages)))

    def action_close(self) -> None:
        self.dismiss(None)

    @property
    def _options(self) -> OptionList:
        return self.query_one(OptionList)


def _line(message: Message) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, width=len("information"))
    line.add_column(overflow="fold", ratio=1)
    severity = Text(message.severity, style=_STYLES[message.severity])
    line.add_row(Text(clock(message.at), style="dim"), severity, Text(message.sentence))
    return line
