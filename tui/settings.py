"""The user's own settings: `config.toml` in the configuration folder. It holds only what differs from the defaults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from tui.domain.failure import UsageProblem
from tui.domain.problems import nearest, sentence_for
from tui.domain.text import printable

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

ThemeName: TypeAlias = Literal["dark", "light", "high-contrast", "colour-blind", "terminal"]

THEME_NAMES: tuple[ThemeName, ...] = get_args(ThemeName)


Auto: TypeAlias = bool | Literal["auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of the file. A key that is not here is refused, so that no setting is silently without effect."""

    theme: ThemeName | None = None
    """`dark` unless one is chosen; in a terminal of 16 colours those that it has, as `terminal`."""
    ascii: Auto = "auto"
    """Signs, bars and borders in ASCII; `auto` where the terminal cannot show others."""
    mouse: Auto = "auto"
    """Whether clicks and the wheel go to Wharf, or stay the terminal's own; `auto` does so in GNU screen."""
    title: bool = True
    """Whether the title of the terminal tells how many runs are running and how many connections failed."""
    low_bandwidth: Auto = "auto"
    """Draw once a second at most; `auto` while the line does not take what is drawn."""
    read_only: bool = False
    """Show everything, change and run nothing."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Other keys for bindings, by the id that `wharf keys` prints; several keys are separated by commas."""


_AUTO_KEYS = frozenset(each.name for each in fields(Settings) if each.type == Auto)


class WrongSettings(UsageProblem):
    """The file says something that is not understood; nothing of it is used."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        shown = printable(str(path))
        super().__init__("\n".join(f"{shown}: {problem}" for problem in problems))
        self.problems = problems


def read_settings(path: Path) -> Settings:
    """The settings of the file; the defaults where there is none. Raises WrongSettings."""
    try:
        return _parse(path, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except OSError as error:
        raise WrongSettings(path, [f"cannot be read: {error.strerror}."]) from error


def remember_theme(path: Path, theme: ThemeName) -> None:
    """Write the theme into the file; its other lines and its comments stay as they are. Raises WrongSettings when the
    file is not understood, and OSError when it cannot be written.
    """
    from tui.trust.private_file import only_writer, write_private

    with only_writer(path):
        content = path.read_bytes() if path.exists() else b""
        before = _parse(path, content)
        changed = _with_theme(content.decode(), theme).encode()
        # The line was found by its looks; what it means is looked at before anything is written.
        if _parse(path, changed) != replace(before, theme=theme):
            raise WrongSettings(path, ["the theme could not be written; set it there by hand."])
        write_private(path, changed)


def _with_theme(text: str, theme: ThemeName) -> str:
    line = f'theme = "{theme}"'
    head, table, rest = _split_at_first_table(text)
    changed, found = re.subn(
        r"(?m)^[ \t]*(theme|\"theme\"|'theme')[ \t]*=[^#\r\n]*?([ \t]*(?:#.*)?)$", rf"{line}\2", head
    )
    return (changed if found else f"{line}\n{head}") + table + rest


def _split_at_first_table(text: str) -> tuple[str, str, str]:
    found = re.search(r"(?m)^[ \t]*\[", text)
    return (text, "", "") if found is None else (text[: found.start()], found.group(), text[found.end() :])


def _parse(path: Path, content: bytes) -> Settings:
    import tomllib

    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise WrongSettings(path, ["is not UTF-8 text, as TOML must be."]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WrongSettings(path, [f"is not valid TOML: {printable(str(error), 200)}."]) from None
    return _judged(path, document) if document else Settings()


def _judged(path: Path, document: dict[str, object]) -> Settings:
    # Most have no such file, and every command asks for the settings.
    from pydantic import ConfigDict, ValidationError, create_model

    usual = Settings()
    keys: dict[str, Any] = {each.name: (each.type, getattr(usual, each.name)) for each in fields(Settings)}
    model = create_model("Settings", __config__=ConfigDict(extra="forbid", strict=True), **keys)
    try:
        return Settings(**model.model_validate(document).model_dump())
    except ValidationError as error:
        lines = error.errors(include_url=False, include_input=False)
        # Of a choice between two types there is a line for each.
        raise WrongSettings(path, list(dict.fromkeys(_problem(line, document) for line in lines))) from None


def _problem(line: "ErrorDetails", document: dict[str, object]) -> str:
    key = ".".join(printable(str(part), 80) for part in line["loc"])
    setting = str(line["loc"][0])
    if setting in _AUTO_KEYS:
        return f"{setting} must be true, false or “auto”."
    match line["type"]:
        case "extra_forbidden":
            return f"{key} is not a known setting{_meant(setting, [each.name for each in fields(Settings)])}"
        case "literal_error":
            given = document.get(setting)
            hint = _meant(given if isinstance(given, str) else "", list(THEME_NAMES))
            return f"{key} must be one of {', '.join(THEME_NAMES)}{hint}"
        case _:
            return f"{key} {sentence_for(line)}."


def _meant(word: str, known: list[str]) -> str:
    meant = nearest(word.lower(), known)
    return f"; did you mean {meant}?" if meant else "."
