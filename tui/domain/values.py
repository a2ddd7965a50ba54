"""Kinds of values that the tables of a connection hold, with what is wrong with a wrong one in a sentence."""

import re
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from tui.domain.text import is_safe_character

SECRET_SCHEMES = ("env", "file", "cmd", "vault", "keyring")


def plain_text(value: str) -> str:
    if not all(is_safe_character(character) for character in value):
        raise ValueError("must not contain control characters or invisible marks")
    return value


def _is_ipv6(value: str) -> bool:
    try:
        IPv6Address(value)
    except ValueError:
        return False
    # Behind “%” the standard library takes any text for the name of an interface.
    return re.fullmatch(r"[A-Za-z0-9_.:%-]+", value) is not None


def host_name(value: str) -> str:
    """The value, which is a host name or an address. Raises ValueError with a sentence."""
    if not (re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", value) or _is_ipv6(value)):
        raise ValueError("must be a host name or an IP address, without a scheme or port")
    return value


def in_address(host: str | None) -> str | None:
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


PlainText = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(plain_text)]
Host = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(host_name)]
Port = Annotated[int, Field(ge=1, le=65535)]
SecretReference = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_secret_reference)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
Address = Annotated[str, StringConstraints(max_length=320), AfterValidator(_address), AfterValidator(plain_text)]
CharacterEncoding = Annotated[PlainText, AfterValidator(_character_encoding)]


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
