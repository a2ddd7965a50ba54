"""The fields of the connection form, derived from the models of the domain.

What a field is called and what it takes follows from the model; only the words for people are added here. A field is
known by where it stands in the connection, such as `("sftp", "port")`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tui.domain.connection import Connection
from tui.domain.endpoint import EmailEndpoint, FtpEndpoint, SftpEndpoint
from tui.domain.terms import TYPE_TITLES
from tui.domain.text import printable

Where: TypeAlias = tuple[str, ...]


class Kind(Enum):
    """What a field takes, and so which widget asks for it."""

    TEXT = auto()
    NUMBER = auto()
    LIST = auto()
    """Several texts, separated by commas."""
    CHOICE = auto()
    OPEN_CHOICE = auto()
    """One of the known values, or another."""
    SWITCH = auto()
    SECRET = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form."""

    where: Where
    label: str
    kind: Kind
    help: str
    default: str
    """What holds when nothing is given, in words; empty where something must be given or nothing holds."""
    choices: tuple[tuple[str, str], ...] = ()
    """Each value with the label that it is shown with."""

    @property
    def path(self) -> str:
        return ".".join(self.where)


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading."""

    heading: str
    fields: tuple[Field, ...]
    method: str | None = None
    """The method whose endpoint this is; None for what every connection has."""


_LABELS = {
    "local_dir": "Local folder",
    "pattern": "File pattern",
    "after": "Afterwards",
    "move_to": "Move to",
    "stall_timeout": "Stall timeout",
    "skip": "Skip names",
    "done_file": "Done-file",
    "min_age": "Minimum age",
    "repeat": "Repeated content",
    "conflict": "Existing files",
    "key": "Key file",
    "agent": "ssh-agent",
    "ssh_config": "ssh_config alias",
    "directory": "Folder there",
    "jump": "Jump hosts",
    "jump_key": "Jump host key",
    "jump_secret": "Jump host secret",
    "proxy_secret": "Proxy password",
    "host_key": "Host key pin",
    "tls": "TLS",
    "ca_file": "CA file",
    "fingerprint": "Certificate pin",
    "folder": "Mailbox folder",
    "auth": "Log in with",
}

_HELP = {
    "name": "How the connection is called everywhere; must be unique",
    "type": "What the batch holds",
    "direction": "Inbound: data comes to us. Outbound: data goes to the partner",
    "method": "How the files travel",
    "local_dir": "Inbound: files land here. Outbound: files wait here. Absolute, or beginning with ~",
    "pattern": "Which names: *, ? and [...] as in a shell; several separated by commas",
    "skip": "Names that are never taken, such as those of files still being written",
    "done_file": "Ending such as .done: a file is taken only when NAME.done is there",
    "min_age": "Seconds since its last change before a file is taken",
    "repeat": "skip: content that was delivered before under another name, or a known name with new content",
    "conflict": "What happens when the target has a file of that name",
    "after": "What happens to the source file once its delivery is on record",
    "move_to": "Folder for delivered files, relative to the source folder unless absolute",
    "verify": "auto: the best proof at no cost. size: sizes only. reread: read back and compared",
    "retries": "How often a run is tried again where that can help",
    "parallel": "Files moved at the same time; mail goes one by one",
    "stall_timeout": "Seconds of silence after which the connection is given up",
    "enabled": "A connection that is off does not run",
    "host": "Host name or address",
    "username": "Who logs in",
    "directory": "Folder on the partner's server",
    "tls": "How the connection is encrypted; none sends the password in clear",
    "recipients": "To whom the mail goes; several separated by commas",
}

_ENDPOINTS: Mapping[str, type[BaseModel]] = {"sftp": SftpEndpoint, "ftp": FtpEndpoint, "email": EmailEndpoint}

_PARTNER_HEADINGS = {"sftp": "SFTP server", "ftp": "FTP server", "email": "Mail server"}

_ONLY_OUTBOUND = frozenset({"sender", "recipients", "subject", "single_mail", "resend"})
_ONLY_INBOUND = frozenset({"folder", "from"})

_FIRST = ("name", "type", "direction", "method")
_FILES = ("local_dir", "pattern", "skip", "done_file", "min_age", "repeat", "conflict", "after", "move_to", "verify")


def sections() -> tuple[Section, ...]:
    """Every field there is, in the order of the form: those of all methods, of which one is shown at a time."""
    by_name = {field.where[-1]: field for field in _fields_of(Connection, ()) if field.where[-1] not in _ENDPOINTS}
    rest = tuple(field for name, field in by_name.items() if name not in _FIRST + _FILES)
    return (
        Section("Connection", tuple(by_name[name] for name in _FIRST)),
        *(
            Section(_PARTNER_HEADINGS[method], tuple(_fields_of(model, (method,))), method)
            for method, model in _ENDPOINTS.items()
        ),
        Section("Files", tuple(by_name[name] for name in _FILES)),
        Section("Running", rest),
    )


def is_asked(where: Where, *, method: str, direction: str, after: str) -> bool:
    """Whether the field belongs to a connection of this method, direction and after-action."""
    if where[0] in _ENDPOINTS:
        if where[0] != method:
            return False
        foreign = _ONLY_OUTBOUND if direction == "inbound" else _ONLY_INBOUND
        return method != "email" or where[-1] not in foreign
    return where != ("move_to",) or after == "move"


def _fields_of(model: type[BaseModel], prefix: Where) -> Iterator[Field]:
    for name, info in model.model_fields.items():
        shown = info.alias or name
        core = _core(info.annotation)
        yield Field(
            where=(*prefix, shown),
            label=_LABELS.get(shown, shown.replace("_", " ").capitalize()),
            kind=_kind(shown, core),
            help=info.description or _HELP.get(shown, ""),
            default=_default(info),
            choices=_choices(shown, core, info),
        )


def _core(annotation: Any) -> Any:
    """The type behind `Annotated[...]` and `... | None`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _core(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return _core(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def _choices(name: str, core: Any, info: FieldInfo) -> tuple[tuple[str, str], ...]:
    if name == "type":
        return tuple(TYPE_TITLES.items())
    if isinstance(core, type) and issubclass(core, StrEnum):
        unset = (("", "not set"),) if info.default is None else ()
        return (*unset, *((member.value, str(getattr(member, "label", member.value))) for member in core))
    return ()


def _kind(name: str, core: Any) -> Kind:
    if name == "secret":
        return Kind.SECRET
    if name == "type":
        return Kind.OPEN_CHOICE
    if get_origin(core) is tuple:
        return Kind.LIST
    if core is bool:
        return Kind.SWITCH
    if core is int:
        return Kind.NUMBER
    if isinstance(core, type) and issubclass(core, StrEnum):
        return Kind.CHOICE
    return Kind.TEXT


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined or info.default is None:
        return ""
    return ", ".join(info.default) if isinstance(info.default, tuple) else str(info.default)


# Values


Value: TypeAlias = str | bool


def values_of(connection: Connection) -> dict[Where, Value]:
    """What the form shows of a connection."""
    data = connection.document
    return {
        field.where: _shown(found)
        for section in sections()
        for field in section.fields
        if (found := _look_up(data, field.where)) is not None
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that two connections do not have in common, and what each of them has there, in words."""

    label: str
    one: str
    other: str


def differences(one: Connection, other: Connection) -> list[Difference]:
    """In the order of the form."""
    ones, others = values_of(one), values_of(other)
    return [
        Difference(field.label, _in_words(field, ones.get(field.where)), _in_words(field, others.get(field.where)))
        for section in sections()
        for field in section.fields
        if ones.get(field.where) != others.get(field.where)
    ]


def _in_words(field: Field, value: Value | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return dict(field.choices).get(value or "", value or "") or field.default or "not set"


def _look_up(data: Any, where: Where) -> Any:
    for key in where:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _shown(value: Any) -> Value:
    if isinstance(value, bool):
        return value
    return ", ".join(value) if isinstance(value, list) else str(value)


def data_of(values: Mapping[Where, Value], original: Connection | None = None) -> dict[str, Any]:
    """What was typed, as `Connection` validates it. Nothing typed is nothing given.

    What reads as it did in `original` is taken from there: a pattern may contain the comma that separates, and a
    subject characters that cannot be shown.
    """
    kinds = {field.where: field.kind for section in sections() for field in section.fields}
    before = original.document if original is not None else {}
    data: dict[str, Any] = {}
    for where, value in values.items():
        if len(where) > 1:
            data.setdefault(where[0], {})
        if value == "":
            continue
        kept = _look_up(before, where)
        table = data if len(where) == 1 else data[where[0]]
        unchanged = kept is not None and isinstance(value, str) and printable(str(_shown(kept))) == value
        table[where[-1]] = kept if unchanged else _given(value, kinds[where])
    return data


def _given(value: Value, kind: Kind) -> Any:
    if kind is Kind.LIST and isinstance(value, str):
        return [part for piece in value.split(",") if (part := piece.strip())]
    return value
