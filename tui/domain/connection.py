"""The connection: one exchange with one partner, as it stands in a connection file and in the store."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from tui.domain.endpoint import EmailEndpoint, Endpoint, FtpEndpoint, FtpTls, SftpEndpoint
from tui.domain.problems import Problem, cross_field_problems, sentence_for
from tui.domain.route import parse_proxy
from tui.domain.values import PlainText, StrictModel, in_address, plain_text


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Method(StrEnum):
    SFTP = "sftp"
    FTP = "ftp"
    EMAIL = "email"

    @property
    def label(self) -> str:
        return "Email" if self is Method.EMAIL else self.value.upper()


class After(StrEnum):
    """What happens to the source once the delivery is on record."""

    KEEP = "keep"
    DELETE = "delete"
    MOVE = "move"


class Verify(StrEnum):
    """How a delivered file is proved, beyond equal sizes on both sides."""

    AUTO = "auto"
    """The best proof that the other side offers at no cost."""
    SIZE = "size"
    """Sizes only."""
    REREAD = "reread"
    """The delivered bytes are read back and hashed."""


class Repeat(StrEnum):
    """What happens to content delivered before under another name, and to new content under a name delivered before."""

    SEND = "send"
    SKIP = "skip"


class Conflict(StrEnum):
    """What happens when the target has a file of that name."""

    OVERWRITE = "overwrite"
    """It is replaced in one step."""
    KEEP_BOTH = "keep-both"
    """The new file gets a number before its ending."""
    FAIL = "fail"


TEMPORARY_NAMES = (".*", "*.part", "*.filepart", "*.partial", "*.tmp")
"""How senders call files that they still write."""


TYPE_TITLES = {
    "conversions": "Conversion data",
    "modifications": "Action modifications",
    "reversals": "Action reversals",
    "catalog": "Product catalog",
    "performance": "Aggregate performance",
    "other": "Other",
}
"""The built-in types of batch and how they are shown. A connection may carry a type of the user's own."""


def type_title(key: str) -> str:
    """How a type is shown: its title for the built-in ones, the key itself for a user's own."""
    return TYPE_TITLES.get(key, key)


def _pattern_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _file_pattern(value: str) -> str:
    if "/" in value:
        raise ValueError("matches names, not paths: it must not contain “/”")
    return value


FilePattern = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_file_pattern)]


def _as_error(problem: Problem) -> InitErrorDetails:
    kind = PydanticCustomError("cross_field", "{sentence}", {"sentence": problem.sentence})
    return InitErrorDetails(type=kind, loc=problem.where, input=None)


def _repeatable(error: ValidationError) -> list[InitErrorDetails]:
    """The errors as pydantic wants them for raising again, without the input that may be a secret."""
    return [
        InitErrorDetails(
            type=PydanticCustomError(line["type"], "{sentence}", {"sentence": sentence_for(line)}),
            loc=line["loc"],
            input=None,
        )
        for line in error.errors(include_url=False, include_input=False)
    ]


def _with_tables(data: Mapping[str, object]) -> dict[str, object]:
    """The data with endpoints as tables, also where one was given as an object."""
    return {
        key: value.model_dump(by_alias=True) if isinstance(value, BaseModel) else value for key, value in data.items()
    }


class Connection(StrictModel):
    """One exchange with one partner. Exactly one endpoint is given, in the table named after the method."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=80, pattern=r"^[^\s/-][^/]*$"),
        AfterValidator(plain_text),
    ]
    type: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] = "other"
    direction: Direction
    method: Method
    local_dir: PlainText
    pattern: Annotated[tuple[FilePattern, ...], BeforeValidator(_pattern_list), Field(min_length=1, max_length=50)] = (
        "*",
    )
    skip: Annotated[tuple[FilePattern, ...], BeforeValidator(_pattern_list), Field(max_length=50)] = TEMPORARY_NAMES
    done_file: Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f]{1,40}$")] | None = None
    min_age: Annotated[int, Field(ge=0, le=604_800)] = 0
    repeat: Repeat = Repeat.SEND
    conflict: Conflict = Conflict.OVERWRITE
    after: After = After.KEEP
    move_to: PlainText | None = None
    verify: Verify = Verify.AUTO
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    parallel: Annotated[int, Field(ge=1, le=8)] = 1
    stall_timeout: Annotated[int, Field(ge=1, le=3600)] = 30
    enabled: bool = True
    sftp: SftpEndpoint | None = None
    ftp: FtpEndpoint | None = None
    email: EmailEndpoint | None = None

    @field_validator("local_dir")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith(("/", "~")):
            raise ValueError("must be an absolute path or start with ~")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _every_problem_at_once(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report what single fields say and what only fields together can say in one go."""
        if not isinstance(data, Mapping):
            return handler(data)
        problems = list(cross_field_problems(_with_tables(data)))
        try:
            connection = handler(data)
        except ValidationError as error:
            raise ValidationError.from_exception_data(
                cls.__name__, [*_repeatable(error), *map(_as_error, problems)]
            ) from None
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, list(map(_as_error, problems)))
        return connection

    @property
    def endpoint(self) -> Endpoint:
        """The table named after the method."""
        endpoint = {Method.SFTP: self.sftp, Method.FTP: self.ftp, Method.EMAIL: self.email}[self.method]
        assert endpoint is not None  # noqa: S101 - cross_field_problems has seen to it
        return endpoint

    @property
    def encrypted(self) -> bool:
        """Whether what goes between the two sides can be read on its way by nobody else."""
        endpoint = self.endpoint
        return isinstance(endpoint, SftpEndpoint) or endpoint.tls.value != "none"

    @property
    def references(self) -> tuple[str, ...]:
        """Every reference to a secret."""
        endpoint = self.endpoint
        found = (endpoint.secret, endpoint.jump_secret, endpoint.proxy_secret)
        return tuple(reference for reference in found if reference is not None)

    @property
    def way(self) -> str | None:
        """What the connection itself puts between the two sides, in the order in which it is met."""
        endpoint = self.endpoint
        proxy = [f"proxy {parse_proxy(endpoint.proxy)}"] if endpoint.proxy else []
        return ", then ".join([*proxy, *(f"jump host {hop}" for hop in endpoint.jump or ())]) or None

    @property
    def host(self) -> str:
        """The host of the other side, or its alias in ssh_config."""
        endpoint = self.endpoint
        if isinstance(endpoint, SftpEndpoint):
            return endpoint.ssh_config or endpoint.host or ""
        return endpoint.host

    @property
    def port(self) -> int:
        """The port of the other side: the one given, or the usual one for how the connection is encrypted."""
        match self.endpoint:
            case SftpEndpoint() as sftp:
                return sftp.port
            case FtpEndpoint() as ftp:
                return ftp.resolved_port
            case EmailEndpoint() as mail:
                return mail.imap_port if self.direction is Direction.INBOUND else mail.smtp_port

    @property
    def address(self) -> str:
        """The other side in one short text, such as `sftp://wharf@sftp.acme.example:22/outgoing`."""
        match self.endpoint:
            case SftpEndpoint() as sftp:
                scheme, where = "sftp", "/" + sftp.directory.lstrip("/")
            case FtpEndpoint() as ftp:
                scheme, where = "ftp" if ftp.tls is FtpTls.NONE else "ftps", "/" + ftp.directory.lstrip("/")
            case EmailEndpoint() as mail:
                inbound = self.direction is Direction.INBOUND
                scheme, where = ("imap", f"/{mail.folder or 'INBOX'}") if inbound else ("smtp", "")
        user = f"{self.endpoint.username}@" if self.endpoint.username else ""
        host = in_address(self.endpoint.host) or self.host
        return f"{scheme}://{user}{host}:{self.port}{where}"
