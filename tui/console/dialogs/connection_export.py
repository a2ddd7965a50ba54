"""Exports connections as the TOML that `wharf import` takes."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from pathlib import Path

from tui.console.dialogs.export import ExportDialog
from tui.console.export import suggested_name
from tui.console.new_file import write_file
from tui.console.screens.connection_reasons import named
from tui.domain.connection_file import write_connections
from tui.store.base import Store


class ConnectionExport(ExportDialog):
    """The connections as they are when the file is written."""

    def __init__(self, store: Store, names: Sequence[str]) -> None:
        subject = names[0] if len(names) == 1 else "connections"
        super().__init__(f"~/{suggested_name(subject, datetime.now().astimezone())}.toml")
        self.heading = f"Export {named(names)}"
        self._store = store
        self._names = names

    @property
    def what(self) -> str:
        return "TOML for wharf import; secrets by reference only."

    async def write(self, path: Path, *, replace: bool) -> str:
        await write_file(path, self._pieces(), replace=replace)
        return named(self._names)

    async def _pieces(self) -> AsyncGenerator[str]:
        for place, name in enumerate(self._names):
            text = write_connections([await self._store.connection(name)])
            yield f"\n{text}" if place else text
