"""How a user has set up the tables: `view.toml` in the state folder, a table for each.

It is no more than convenience. What cannot be understood is told once and replaced by the next change; what another
version of Wharf has put there stays. Of several processes the last writer counts, for each table on its own. Under
`--read-only` it is read, and what is changed holds until the end of the process.
"""

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tui.domain.failure import UsageProblem
from tui.domain.problems import sentence_for
from tui.domain.text import printable
from tui.trust.private_file import only_writer, write_private


class TableView(BaseModel):
    """What is remembered of one table. What is None is as Wharf has it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    columns: tuple[str, ...] | None = Field(default=None, max_length=100)
    """The keys of the columns that are shown, in their order. Other versions may have others."""
    sorted_by: str | None = None
    """The key of a column."""
    backwards: bool = False
    grouped_by: str | None = None
    """What the rows have in common that are in a group."""
    folded: dict[str, tuple[str, ...]] = Field(default_factory=dict, max_length=100)
    """The values of the groups that are folded, for each thing to group by."""


_VIEWS = TypeAdapter(dict[str, TableView])


class Remembered:
    """The views of all tables, by their names. `load` before anything else."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._views: dict[str, TableView] = {}

    async def load(self) -> None:
        """Read the file. Raises UsageProblem when it cannot be read or understood; everything is as Wharf has it then,
        and the next `save` replaces the file.
        """
        document = await asyncio.to_thread(self._read)
        try:
            self._views = _VIEWS.validate_python(document)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(printable(str(part), 40) for part in wrong["loc"])
            raise UsageProblem(self._not_used(f"{key} {sentence_for(wrong)}")) from None

    def of(self, table: str) -> TableView:
        """The view of a table; that of Wharf itself if there is no other."""
        return self._views.get(table, TableView())

    def change(self, table: str, **changes: object) -> None:
        """Change the view of a table, for as long as the process lives; `save` does so for longer."""
        self._views[table] = TableView.model_validate(self.of(table).model_dump() | changes)

    async def save(self, table: str) -> None:
        """Write the view of a table as it is now. Raises UsageProblem when that is not possible."""
        if not self._read_only:
            await asyncio.to_thread(self._write, table)

    def _write(self, table: str) -> None:
        try:
            with only_writer(self._path):
                # Looked up only now: of two writings that wait for each other, the one that is last may have begun
                # first.
                view = self._views[table].model_dump(exclude_defaults=True)
                before = self._on_disk()
                if before.get(table) != view:
                    write_private(self._path, tomli_w.dumps(before | {table: view}).encode())
        except OSError as error:
            raise UsageProblem(
                f"How the table is set up could not be remembered: {self._shown} cannot be written: "
                f"{error.strerror or error}."
            ) from error

    def _on_disk(self) -> dict[str, Any]:
        """What other processes may have written; nothing of a damaged file."""
        try:
            document = self._read()
        except UsageProblem:
            return {}
        return {name: view for name, view in document.items() if isinstance(view, dict)}

    def _read(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._path.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise UsageProblem(self._not_used(f"cannot be read: {error.strerror or error}")) from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise UsageProblem(self._not_used(f"is not valid TOML ({printable(str(error), 200)})")) from None

    def _not_used(self, why: str) -> str:
        return f"{self._shown}: {why}. The tables are as at first; the next change of one replaces the file."

    @property
    def _shown(self) -> str:
        return printable(str(self._path))
