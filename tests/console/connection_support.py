"""What tests of the Connections screen look at."""

from tests.console.conftest import lines_of
from tui.console.app import WharfApp
from tui.console.screens.connection_groups import Row
from tui.console.widgets.group_text import group_line
from tui.console.widgets.row_table import RowTable
from tui.domain.failure import Failure, FailureClass
from tui.store.base import ConnectionState

REFUSED = Failure(FailureClass.AUTH, "The server refused [/red] the login.", "Check the secret.")


def table(app: WharfApp) -> RowTable[Row]:
    return app.screen.query_one(RowTable)


def shown(app: WharfApp) -> list[str]:
    """The names of the connections in the table; a group is there by the line that it has."""
    return [
        row.connection.name if isinstance(row, ConnectionState) else group_line(row).plain for row in table(app).items
    ]


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


def told(app: WharfApp) -> list[str]:
    return [message.sentence for message in app.messages]


async def typed(pilot: object, text: str) -> None:
    names = {":": "colon", " ": "space", "-": "minus", ",": "comma"}
    await pilot.press(*(names.get(letter, letter) for letter in text))  # type: ignore[attr-defined]  # any pilot: its class has the type of the app as a parameter of any app
