"""The connection: one exchange with one partner, as it stands in a connection file and in the store."""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv6Address
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from tui.domain.problems import Problem, cross_field_problems, sentence_for
from tui.domain.text import is_safe_character


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


class FtpTls(StrEnum):
    EXPLICIT = "explicit"
    IMPLICIT = "implicit"
    NONE = "none"


class MailTls(StrEnum):
    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


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


class Resend(StrEnum):
    """What happens to a mail that the server took whole but never confirmed."""

    NEVER = "never"
    """It counts as unknown, and somebody decides."""
    ALWAYS = "always"
    """It is sent again under the same Message-ID."""


TYPE_TITLES = {
    "conversions": "Conversion data",
    "modifications": "Action modifications",
    "reversals": "Action reversals",
    "catalog": "Product catalog",
    "performance": "Aggregate performance",
    "other": "Other",
}
"""The built-in types of batch and how they are shown. A connection may carry a type of the user's own."""

SECRET_SCHEMES = ("env", "file", "cmd", "vault", "keyring")


def type_title(key: str) -> str:
    """How a type is shown: its title for the built-in ones, the key itself for a user's own."""
    return TYPE_TITLES.get(key, key)


def _plain_text(value: str) -> str:
    if not all(is_safe_character(character) for character in value):
        raise ValueError("must not contain control characters or invisible marks")
    return value


def _header_safe(value: str) -> str:
    if any(character in "\r\n\0" for character in value):
        raise ValueError("must not contain line breaks")
    return value


def _is_ipv6(value: str) -> bool:
    try:
        IPv6Address(value)
    except ValueError:
        return False
    # Behind “%” the standard library takes any text for the name of an interface.
    return re.fullmatch(r"[A-Za-z0-9_.:%-]+", value) is not None


def _host(value: str) -> str:
    if not (re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value) or _is_ipv6(value)):
        raise ValueError("must be a host name or an IP address, without a scheme or port")
    return value


def _in_address(host: str | None) -> str | None:
    """RFC 3986 section 3.2.2: an IPv6 address stands in brackets, or its colons would be taken for the port's."""
    return f"[{host}]" if host is not None and ":" in host else host


def _secret_reference(value: str) -> str:
    scheme, colon, rest = value.partition(":")
    if not colon or scheme not in SECRET_SCHEMES or not rest.strip():
        # The value may be a password typed in the wrong place: it must not come back in the message.
        raise ValueError(
            "must be a reference such as env:NAME, file:PATH, cmd:COMMAND, vault:NAME or keyring:SERVICE/USER; "
            "a password itself does not belong here"
        )
    return value


def _fingerprint(value: str) -> str:
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", value):
        raise ValueError("must look like SHA256: followed by 43 characters, as `ssh-keygen -l` shows it")
    return value.rstrip("=")


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;\"\\]+@[^\s@<>,;\"\\]+", value):
        raise ValueError("must be one plain mail address such as batches@partner.example")
    return value


def _mail_port_default(tls: MailTls, direction: Direction) -> int:
    if direction is Direction.INBOUND:
        return 993 if tls is MailTls.IMPLICIT else 143
    return {MailTls.STARTTLS: 587, MailTls.IMPLICIT: 465, MailTls.NONE: 25}[tls]


PlainText = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_plain_text)]
Host = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
SecretReference = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_secret_reference)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Address = Annotated[str, StringConstraints(max_length=320), AfterValidator(_address), AfterValidator(_plain_text)]


class _Strict(BaseModel):
    # hide_input_in_errors: a wrong value may be a secret in the wrong place.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        str_strip_whitespace=True,
    )


class SftpEndpoint(_Strict):
    """Where an SFTP server is and how to log in to it."""

    host: Host | None = Field(default=None, description="Host name or address")
    port: Port = 22
    username: PlainText | None = None
    secret: SecretReference | None = Field(default=None, description="The password, or the passphrase of the key file")
    key: PlainText | None = Field(default=None, description="Private key file")
    agent: bool = Field(default=False, description="Offer the keys of the running ssh-agent")
    ssh_config: PlainText | None = Field(default=None, description="Host alias in ~/.ssh/config")
    directory: PlainText = "."
    block_size: Annotated[int, Field(ge=1024, le=1024 * 1024)] | None = Field(
        default=None, description="Bytes per request, where the server's own limit does not work"
    )
    host_key: Fingerprint | None = Field(default=None, description="Pinned host key; overrides known_hosts")


class FtpEndpoint(_Strict):
    """Where an FTP server is, how it is encrypted and how to log in to it."""

    host: Host
    port: Port | None = Field(default=None, description="21, or 990 with implicit TLS")
    tls: FtpTls = FtpTls.EXPLICIT
    ca_file: PlainText | None = Field(default=None, description="PEM file of the CA to trust instead of the system's")
    fingerprint: Fingerprint | None = Field(default=None, description="Pinned certificate (SHA-256)")
    username: PlainText
    secret: SecretReference | None = Field(default=None, description="The password")
    directory: PlainText = "."

    @property
    def resolved_port(self) -> int:
        return self.port or (990 if self.tls is FtpTls.IMPLICIT else 21)


class EmailEndpoint(_Strict):
    """Outbound: an SMTP server and the mail to write. Inbound: a folder of an IMAP mailbox."""

    host: Host
    port: Port | None = Field(default=None, description="587, 465 or 25 for SMTP; 143 or 993 for IMAP")
    tls: MailTls = MailTls.STARTTLS
    ca_file: PlainText | None = Field(default=None, description="PEM file of the CA to trust instead of the system's")
    fingerprint: Fingerprint | None = Field(default=None, description="Pinned certificate (SHA-256)")
    username: PlainText | None = None
    secret: SecretReference | None = Field(default=None, description="The password")
    sender: Address | None = Field(default=None, description="From address; outbound")
    recipients: tuple[Address, ...] | None = Field(default=None, description="To addresses; outbound")
    subject: Annotated[str, StringConstraints(max_length=500), AfterValidator(_header_safe)] | None = Field(
        default=None, description="{connection}, {file} and {date} are filled in; outbound"
    )
    single_mail: bool = Field(
        default=False, description="All files of a run in one mail or none, instead of several mails; outbound"
    )
    resend: Resend | None = Field(
        default=None, description="Whether a mail that was taken but never confirmed is sent again; outbound"
    )
    folder: PlainText | None = Field(default=None, description="Mailbox folder; inbound")
    from_: PlainText | None = Field(default=None, alias="from", description="Only mail from this address or pattern")

    @field_validator("subject")
    @classmethod
    def _known_placeholders(cls, value: str | None) -> str | None:
        for name in re.findall(r"\{([^{}]*)\}", value or ""):
            if name not in {"connection", "file", "date"}:
                raise ValueError("can only fill in {connection}, {file} and {date}")
        return value

    def resolved_port(self, direction: Direction) -> int:
        return self.port or _mail_port_default(self.tls, direction)


Endpoint = SftpEndpoint | FtpEndpoint | EmailEndpoint


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


class Connection(_Strict):
    """One exchange with one partner. Exactly one endpoint is given, in the table named after the method."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=80, pattern=r"^[^\s/-][^/]*$"),
        AfterValidator(_plain_text),
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
    def host(self) -> str:
        """The host of the other side, or its alias in ssh_config."""
        endpoint = self.endpoint
        if isinstance(endpoint, SftpEndpoint):
            return endpoint.ssh_config or endpoint.host or ""
        return endpoint.host

    @property
    def address(self) -> str:
        """The other side in one short text, such as `sftp://wharf@sftp.acme.example:22/outgoing`."""
        match self.endpoint:
            case SftpEndpoint() as sftp:
                host = _in_address(sftp.host) or sftp.ssh_config
                user = f"{sftp.username}@" if sftp.username else ""
                return f"sftp://{user}{host}:{sftp.port}/{sftp.directory.lstrip('/')}"
            case FtpEndpoint() as ftp:
                scheme = "ftp" if ftp.tls is FtpTls.NONE else "ftps"
                return (
                    f"{scheme}://{ftp.username}@{_in_address(ftp.host)}:{ftp.resolved_port}/{ftp.directory.lstrip('/')}"
                )
            case EmailEndpoint() as mail:
                scheme = "imap" if self.direction is Direction.INBOUND else "smtp"
                user = f"{mail.username}@" if mail.username else ""
                where = f"/{mail.folder or 'INBOX'}" if self.direction is Direction.INBOUND else ""
                return f"{scheme}://{user}{_in_address(mail.host)}:{mail.resolved_port(self.direction)}{where}"
