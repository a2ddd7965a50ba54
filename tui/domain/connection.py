"""The connection: one exchange with one partner, as it stands in a connection file and in the store."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

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

from tui.domain.endpoint import EmailEndpoint, Endpoint, FtpEndpoint, SftpEndpoint
from tui.domain.problems import Problem, cross_field_problems, sentence_for
from tui.domain.summary import Summary, host_in, port_in, summary_of
from tui.domain.terms import TEMPORARY_NAMES, After, Conflict, Direction, Method, Repeat, Verify
from tui.domain.text import plain_text
from tui.domain.values import PlainText, StrictModel


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
    def references(self) -> tuple[str, ...]:
        """Every reference to a secret."""
        endpoint = self.endpoint
        found = (endpoint.secret, endpoint.jump_secret, endpoint.proxy_secret)
        return tuple(reference for reference in found if reference is not None)

    @property
    def document(self) -> dict[str, Any]:
        """The connection as JSON has it, and as it is stored: every key that has a value."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def summary(self) -> Summary:
        """What lists and screens show of it."""
        return summary_of(self.document)

    @property
    def encrypted(self) -> bool:
        """See `Summary`."""
        return self.summary.encrypted

    @property
    def way(self) -> str | None:
        """See `Summary`."""
        return self.summary.way

    @property
    def address(self) -> str:
        """See `Summary`."""
        return self.summary.address

    @property
    def host(self) -> str:
        """The host of the other side, or its alias in ssh_config."""
        return host_in(self.document[self.method])

    @property
    def port(self) -> int:
        """The port of the other side: the one given, or the usual one for how the connection is encrypted."""
        return port_in(self.method, self.direction, self.document[self.method])
