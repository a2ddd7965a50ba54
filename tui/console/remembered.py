"""How a user has set up the tables: `view.toml` in the state folder, a table for each.

It is no more than convenience. What cannot be understood is told once and replaced by the next change; what another
version of Wharf has put there stays. Of several processes the last writer counts, for each table on its own. Under
`--read-only` it is read, and what is changed holds until the end of the process.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tui.domain.failure import UsageProblem
from tui.domain.problems import sentence_for
from tui.domain.text import printable
from tui.trust.private_file import only_writer, write_private


@dataclass(frozen=True, slots=True)
class TableView:
    """What is remembered of one table. What is None is as Wharf has it."""

    columns: tuple[str, ...] | None = None
    """The keys of the columns that are shown, in their order. Other versions may have others."""
    sorted_by: str | None = None
    """The key of a column."""
    backwards: bool = False
    grouped_by: str | None = None
    """What the rows have in common that are in a group."""
    folded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values of the groups that are folded, for each thing to group by."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """What another version of Wharf remembers of it."""

    def as_table(self) -> dict[str, Any]:
        """As the file has it: what differs from how Wharf has it."""
        own = {
            "columns": self.columns,
            "sorted_by": self.sorted_by,
            "backwards": self.backwards or None,
            "grouped_by": self.grouped_by,
            "folded": self.folded or None,
        }
        return {key: value for key, value in own.items() if value is not None} | dict(self.others)


def _judged(document: Mapping[str, Any]) -> dict[str, TableView]:
    """Raises pydantic's ValidationError."""
    # The first frame waits for this, and most have not set up any table.
    from pydantic import ConfigDict, Field, TypeAdapter, create_model

    keys: dict[str, Any] = {
        "columns": (tuple[str, ...] | None, Field(default=None, max_length=100)),
        "sorted_by": (str | None, None),
        "backwards": (bool, False),
        "grouped_by": (str | None, None),
        "folded": (dict[str, tuple[str, ...]], Field(default_factory=dict, max_length=100)),
    }
    model = create_model("TableView", __config__=ConfigDict(extra="allow"), **keys)
    views = TypeAdapter(dict[str, model]).validate_python(document)
    return {
        name: TableView(**view.model_dump(include=set(keys)), others=view.model_extra or {})
        for name, view in views.items()
    }


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
        if not document:
            return
        from pydantic import ValidationError

        try:
            self._views = _judged(document)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(printable(str(part), 40) for part in wrong["loc"])
            raise UsageProblem(self._not_used(f"{key} {sentence_for(wrong)}")) from None

    def of(self, table: str) -> TableView:
        """The view of a table; that of Wharf itself if there is no other."""
        return self._views.get(table, TableView())

    def change(self, table: str, **changes: Any) -> None:
        """Change the view of a table, for as long as the process lives; `save` does so for longer."""
        self._views[table] = replace(self.of(table), **changes)

    async def save(self, table: str) -> None:
        """Write the view of a table as it is now. Raises UsageProblem when that is not possible."""
        if not self._read_only:
            await asyncio.to_thread(self._write, table)

    def _write(self, table: str) -> None:
        try:
            with only_writer(self._path):
                # Looked up only now: of two writings that wait for each other, the one that is last may have begun
                # first.
                view = self._views[table].as_table()
                before = self._on_disk()
                if before.get(table) != view:
                    import tomli_w

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
            content = self._path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise UsageProblem(self._not_used(f"cannot be read: {error.strerror or error}")) from error
        import tomllib

        try:
            return tomllib.loads(content.decode())
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise UsageProblem(self._not_used(f"is not valid TOML ({printable(str(error), 200)})")) from None

    def _not_used(self, why: str) -> str:
        return f"{self._shown}: {why}. The tables are as at first; the next change of one replaces the file."

    @property
    def _shown(self) -> str:
        return printable(str(self._path))
