"""Filter lines with a name: `filters.toml` in the configuration folder, a table for connections and one for runs."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tui.domain.failure import UsageProblem
from tui.domain.problems import nearest, sentence_for
from tui.domain.text import plain_text, printable
from tui.trust.private_file import only_writer, write_private

Subject: TypeAlias = Literal["connections", "runs"]
"""What a filter is about: the two have different columns."""

_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), AfterValidator(plain_text)
]
_Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(plain_text)
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    connections: dict[_Name, _Line] = Field(default_factory=dict)
    runs: dict[_Name, _Line] = Field(default_factory=dict)


class SavedFilters:
    """The filters of one subject, in the order in which they were saved. Every method reads the file anew, does its
    file work at once, and raises UsageProblem when the file cannot be read, understood or written.
    """

    def __init__(self, path: Path, subject: Subject) -> None:
        self._path = path
        self._subject: Subject = subject

    def all(self) -> dict[str, str]:
        """The lines by their names."""
        return dict(self._of(self._read()))

    def line(self, name: str) -> str:
        """The line of that name. Raises UsageProblem, with the nearest name, when there is none."""
        known = self.all()
        if name not in known:
            meant = nearest(name, list(known))
            hint = f"; did you mean {printable(meant)}?" if meant else "; F on the screen saves one."
            raise UsageProblem(f"There is no filter “{printable(name, 40)}” for {self._subject}{hint}")
        return known[name]

    def at(self, place: int) -> str:
        """The line at a place, from 1. Raises UsageProblem when there is none."""
        lines = list(self.all().values())
        if not 0 < place <= len(lines):
            raise UsageProblem(f"There is no saved filter {place} for {self._subject}; F shows and saves them.")
        return lines[place - 1]

    def save(self, name: str, line: str) -> None:
        """Keep the line under the name, in the place of the one that may have it."""
        self._change({name: line})

    def delete(self, name: str) -> None:
        """Forget a filter; one that is gone already is no mistake."""
        self._change({}, without=name)

    def _change(self, added: dict[str, str], *, without: str | None = None) -> None:
        try:
            with only_writer(self._path):
                document = self._read()
                kept = {name: line for name, line in self._of(document).items() if name != without}
                changed = document.model_dump() | {self._subject: kept | added}
                content = self._checked(changed).model_dump(exclude_defaults=True)
                write_private(self._path, tomli_w.dumps(content).encode())
        except OSError as error:
            raise UsageProblem(f"{self._shown} cannot be written: {error.strerror or error}.") from error

    def _read(self) -> _Document:
        try:
            return self._checked(tomllib.loads(self._path.read_text("utf-8-sig")))
        except (FileNotFoundError, NotADirectoryError):
            return _Document()
        except OSError as error:
            raise UsageProblem(f"{self._shown} cannot be read: {error.strerror or error}.") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise UsageProblem(
                f"{self._shown} is not valid TOML ({printable(str(error), 200)}). Correct it, or move it away."
            ) from None

    def _checked(self, document: dict[str, object]) -> _Document:
        try:
            return _Document.model_validate(document)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            key = ".".join(printable(str(part), 40) for part in wrong["loc"])
            raise UsageProblem(f"{self._shown}: {key} {sentence_for(wrong)}.") from None

    def _of(self, document: _Document) -> dict[str, str]:
        return document.connections if self._subject == "connections" else document.runs

    @property
    def _shown(self) -> str:
        return printable(str(self._path))
