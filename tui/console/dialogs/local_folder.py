"""What lies in the local folder of a connection, and what of it a run would take."""

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from tui.console import keymap
from tui.console.formats import moment, safe
from tui.console.keys import ShownKeys, shown_keys
from tui.console.livetable import Column
from tui.console.one_frame import Dialog
from tui.console.widgets.row_table import RowTable
from tui.domain.figures import count, size
from tui.domain.naming import is_aside, is_partial, matches
from tui.domain.text import printable
from tui.paths import expanded

if TYPE_CHECKING:
    from tui.domain.connection import Connection

_MOST = 10_000
"""Names that are looked at: more than that is nothing to read through, and a folder may have millions."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """One entry of the folder."""

    name: str
    bytes: int
    changed: datetime
    what: str
    """What it is to the connection: `matches`, `skipped`, `no match`, `unfinished`, `delivered` or `not a file`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Newest first."""

    files: tuple[LocalFile, ...]
    more: bool
    """Whether the folder has more than was looked at."""


def read_folder(connection: "Connection", most: int = _MOST) -> Listing:
    """Look at the local folder; raises OSError when it cannot be read."""
    with os.scandir(expanded(connection.local_dir)) as entries:
        files = list(_files(connection, islice(entries, most)))
        more = next(entries, None) is not None
    return Listing(tuple(sorted(files, key=lambda file: file.changed, reverse=True)), more)


def _files(connection: "Connection", entries: Iterator[os.DirEntry[str]]) -> Iterator[LocalFile]:
    for entry in entries:
        try:
            found = entry.stat()
        except OSError as error:
            if entry.is_symlink():
                # It leads nowhere, or in a circle.
                found = entry.stat(follow_symlinks=False)
            elif isinstance(error, FileNotFoundError):
                continue  # gone since it was named
            else:
                raise
        changed = datetime.fromtimestamp(found.st_mtime, UTC)
        yield LocalFile(entry.name, found.st_size, changed, _what(connection, entry.name, found.st_mode))


def _what(connection: "Connection", name: str, mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "not a file"
    if is_partial(name):
        return "unfinished"
    if is_aside(name):
        return "delivered"
    if matches(name, connection.skip):
        return "skipped"
    return "matches" if matches(name, connection.pattern) else "no match"


_STYLES = {"matches": "green", "unfinished": "yellow"}

_COLUMNS: tuple[Column[LocalFile], ...] = (
    Column("name", "Name", lambda file, _: safe(file.name), 30, least=16, grows=True, fixed=True),
    Column("size", "Size", lambda file, _: size(file.bytes), 8, justify="right", space=2),
    Column("changed", "Changed", lambda file, _: moment(file.changed), 16),
    Column("what", "Pattern", lambda file, _: Text(file.what, _STYLES.get(file.what, "dim")), 10),
)


class LocalFolderDialog(Dialog[None]):
    """Shows the folder as it is when opened."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.CLOSE]

    def __init__(self, connection: "Connection") -> None:
        super().__init__()
        self._connection = connection

    def compose(self) -> ComposeResult:
        with Vertical(id="local-folder", classes="dialog"):
            yield Static(printable(self._connection.local_dir), classes="dialog-title", markup=False)
            yield Static("Reading…", id="local-told", markup=False)
            yield RowTable[LocalFile](_COLUMNS, lambda file: file.name)
            yield Static(f"{self._keys['dialog.close']} closes", classes="dialog-hint", markup=False)

    @property
    def _keys(self) -> ShownKeys:
        return shown_keys(self.app)

    def on_mount(self) -> None:
        self.query_one(RowTable).focus()
        self._read()

    @work(description="list a local folder", exclusive=True)
    async def _read(self) -> None:
        try:
            listing = await asyncio.to_thread(read_folder, self._connection)
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else None
            edit = self._keys["connections.edit"]
            self._tell(f"The folder cannot be read: {why or error}. {edit} on the connection corrects it.")
            return
        self.query_one(RowTable).show(listing.files)
        self._tell(self._summary(listing))

    def _summary(self, listing: Listing) -> str:
        patterns = ", ".join(self._connection.pattern)
        if listing.more:
            return f"More than {_MOST:,} names, of which these were looked at; the pattern is {patterns}"
        matching = sum(file.what == "matches" for file in listing.files)
        return f"{count(len(listing.files), 'entry', 'entries')}, {matching:,} matching {patterns}"

    def _tell(self, sentence: str) -> None:
        self.query_one("#local-told", Static).update(printable(sentence))

    def action_close(self) -> None:
        self.dismiss(None)
