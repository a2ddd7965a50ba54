"""Kinds of values that the tables of a connection hold, with what is wrong with a wrong one in a sentence."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from tui.domain.hosts import host_name
from tui.domain.route import parse_jump, parse_proxy
from tui.domain.text import plain_text

_MOST_JUMPS = 8

SECRET_SCHEMES = ("env", "file", "cmd", "vault", "keyring")


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


_ASCII = "".join(map(chr, range(128))) + r"\u0041\x41=41&#65;+AEE-xn--4ca"
"""All of it, and what some encodings write other characters as."""


def _character_encoding(value: str) -> str:
    try:
        as_ascii = _ASCII.encode(value) == _ASCII.encode() and _ASCII.encode().decode(value) == _ASCII
    except UnicodeError:
        as_ascii = False
    except (LookupError, ValueError):
        raise ValueError("must be a character encoding such as utf-8, cp1252, iso-8859-15 or cp437") from None
    if not as_ascii:
        raise ValueError("must write ASCII as it is, as utf-8, cp1252, iso-8859-15 and cp437 do")
    return value


def _checked_by(parse: Callable[[str], object]) -> AfterValidator:
    def check(value: str) -> str:
        parse(value)
        return value

    return AfterValidator(check)


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


PlainText = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(plain_text)]
Host = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(host_name)]
Port = Annotated[int, Field(ge=1, le=65535)]
SecretReference = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_secret_reference)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Address = Annotated[str, StringConstraints(max_length=320), AfterValidator(_address), AfterValidator(plain_text)]
CharacterEncoding = Annotated[PlainText, AfterValidator(_character_encoding)]
JumpHosts = Annotated[
    Annotated[
        tuple[Annotated[PlainText, _checked_by(parse_jump)], ...],
        BeforeValidator(_listed),
        Field(max_length=_MOST_JUMPS),
    ]
    | None,
    Field(description="SSH jump hosts in order: user@host:port, or aliases in ~/.ssh/config; separated by commas"),
]
JumpKey = Annotated[PlainText | None, Field(description="Private key file for the jump hosts")]
JumpSecret = Annotated[
    SecretReference | None,
    Field(description="Reference to the passphrase of that key or, without one, the password at the jump hosts"),
]
ProxyAddress = Annotated[
    Annotated[str, StringConstraints(max_length=600), _checked_by(parse_proxy)] | None,
    Field(description="socks5://user@host:port; it looks the host name up"),
]
ProxySecret = Annotated[SecretReference | None, Field(description="Reference to the password at the proxy")]


class StrictModel(BaseModel):
    """A table of the connection file: it takes no key that it does not know."""

    # hide_input_in_errors: a wrong value may be a secret in the wrong place.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        str_strip_whitespace=True,
    )
