"""The connection file: connections as TOML text, and back.

Reading refuses a file with anything wrong in it and names every wrong place at once. Writing gives a text that reads
back as equal connections. Neither touches the disk.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tui.domain.connection import Connection
from tui.domain.endpoint import EmailEndpoint, FtpEndpoint, SftpEndpoint
from tui.domain.failure import UsageProblem
from tui.domain.problems import nearest, sentence_for
from tui.domain.text import printable

_TABLES: Mapping[str, type[BaseModel]] = {"sftp": SftpEndpoint, "ftp": FtpEndpoint, "email": EmailEndpoint}

_OTHER_WORDS = {
    "password": "secret",
    "passphrase": "secret",
    "user": "username",
    "login": "username",
    "hostname": "host",
    "path": "directory",
    "dir": "directory",
    "from_": "from",
    "to": "recipients",
    "proxyjump": "jump",
    "bastion": "jump",
    "socks": "proxy",
}
"""Words that people write where Wharf has another; no measure of likeness finds them all."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One wrong place in a connection file. The sentence never contains a value of the file: it may be a secret."""

    where: str
    """Such as `connection "acme"`, `connection 2` or `line 7, column 3`; empty for the file as a whole."""
    key: str
    """The dotted key within the connection, such as `sftp.port`; empty for the connection as a whole."""
    sentence: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.sentence) if part)


class WrongConnectionFile(UsageProblem):
    """The text is no connection file; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def read_connections(text: str) -> list[Connection]:
    """The connections of a file, in its order. Raises WrongConnectionFile."""
    tables = _connection_tables(_parse(text))
    problems: list[FileProblem] = []
    connections: list[Connection] = []
    for number, table in enumerate(tables, start=1):
        try:
            connections.append(Connection.model_validate(table, by_alias=True, by_name=False))
        except ValidationError as error:
            problems += _problems_in(table, _describe(table, number), error)
    problems += _repeated_names(tables)
    if problems:
        raise WrongConnectionFile(problems)
    return connections


def write_connections(connections: Iterable[Connection]) -> str:
    """The file that holds these connections: every key that has a value, in the order of the model."""
    import tomli_w

    tables = [_as_table(connection) for connection in connections]
    return tomli_w.dumps({"connection": tables}) if tables else ""


def changed_keys(old: Connection, new: Connection) -> list[str]:
    """The dotted keys in which two connections differ, in the order of the model."""
    before, after = _flat(old), _flat(new)
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _as_table(connection: Connection) -> dict[str, Any]:
    table = connection.document
    if len(connection.pattern) == 1:
        table["pattern"] = connection.pattern[0]
    return table


def _flat(connection: Connection) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in _as_table(connection).items():
        flat |= {f"{key}.{inner}": item for inner, item in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = _syntax_problem(str(error))
    except RecursionError:
        problem = FileProblem("", "", "is nested too deeply to be a connection file")
    except ValueError:  # what is left is int() refusing to read thousands of digits
        problem = FileProblem("", "", "holds a number that is too long to be read")
    raise WrongConnectionFile([problem])


def _syntax_problem(message: str) -> FileProblem:
    """Tell tomllib's sentence from the place, which it puts in brackets at the end."""
    found = re.fullmatch(r"(?P<what>.*) \(at (?P<where>[^()]*)\)", message, re.DOTALL)
    what, where = (found["what"], found["where"]) if found else (message, "")
    return FileProblem(where, "", f"is not valid TOML: {printable(what, 200)}")


def _connection_tables(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    problems = [_unknown_table(key) for key in document if key != "connection"]
    tables = document.get("connection", [])
    if isinstance(tables, dict):
        problems.append(FileProblem("", "connection", "must be written [[connection]], with two brackets on each side"))
    elif not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(FileProblem("", "connection", "must be tables, each headed [[connection]]"))
    if problems:
        raise WrongConnectionFile(problems)
    return list(tables)


def _unknown_table(key: str) -> FileProblem:
    hint = "; did you mean [[connection]]?" if nearest(key.lower(), ["connection", *_TABLES]) else ""
    return FileProblem("", printable(key, 80), f"is not known at the top of the file, which holds [[connection]]{hint}")


def _describe(table: Mapping[str, Any], number: int) -> str:
    name = table.get("name")
    shown = printable(name.strip(), 80) if isinstance(name, str) else ""
    return f'connection "{shown}"' if shown else f"connection {number}"


def _repeated_names(tables: Sequence[Mapping[str, Any]]) -> list[FileProblem]:
    problems: list[FileProblem] = []
    first: dict[str, int] = {}
    for number, table in enumerate(tables, start=1):
        name = table.get("name")
        if not isinstance(name, str):
            continue
        earlier = first.setdefault(name.strip(), number)
        if earlier != number:
            sentence = f"is the name of connections {earlier} and {number} of the file; each needs its own"
            problems.append(FileProblem(_describe(table, number), "name", sentence))
    return problems


def _problems_in(table: Mapping[str, Any], where: str, error: ValidationError) -> list[FileProblem]:
    """One problem per key. Of two sentences about one key, the one about the key itself came first."""
    found: dict[str, FileProblem] = {}
    for line in error.errors(include_url=False, include_input=False):
        key = _dotted(line["loc"])
        found.setdefault(key, FileProblem(where, key, sentence_for(line) + _hint(table, line)))
    return list(found.values())


def _dotted(location: tuple[str | int, ...]) -> str:
    """Such as `email.recipients[2]`, counted from 1 as people do."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{printable(part, 80)}" for part in location)
    return "".join(parts).removeprefix(".")


def _hint(table: Mapping[str, Any], line: ErrorDetails) -> str:
    *path, last = line["loc"]
    inner = str(path[0]) if path else ""
    model = _TABLES.get(inner, Connection)
    if line["type"] == "extra_forbidden":
        return _key_hint(str(last), model, table.get("method"))
    if line["type"] == "enum":
        holder = table[inner] if inner else table
        return _value_hint(holder.get(str(last)), _fields(model).get(str(last)))
    return ""


def _key_hint(key: str, model: type[BaseModel], method: object) -> str:
    known = list(_fields(model))
    meant = _OTHER_WORDS.get(key.lower())
    meant = meant if meant in known else nearest(key.lower(), known)
    if meant:
        return f"; did you mean {meant}?"
    if model is not Connection:
        return "; it belongs into [[connection]] itself" if key in _fields(Connection) else ""
    homes = [name for name, table in _TABLES.items() if key in _fields(table) and method in (name, None)]
    return f"; it belongs into [connection.{homes[0]}]" if len(homes) == 1 else ""


def _value_hint(given: object, field: FieldInfo | None) -> str:
    annotation = field.annotation if field else None
    kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
    values = [str(value) for kind in kinds if issubclass(kind, StrEnum) for value in kind]
    meant = nearest(given.lower(), values) if isinstance(given, str) else None
    return f"; did you mean {meant}?" if meant else ""


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a table by the key that the file has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}
