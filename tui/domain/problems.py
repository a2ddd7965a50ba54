"""What is wrong with a connection, field by field, in sentences.

Two kinds of problems meet here: those of single fields, which pydantic finds, and those that only several fields
together show (a sender is needed outbound, a folder to move to is needed with `after = "move"`). A form and a file
import show both at once.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


class Problem(NamedTuple):
    """One wrong field: where it is in the connection, such as `("sftp", "port")`, and what is wrong."""

    where: tuple[str | int, ...]
    sentence: str

    @property
    def path(self) -> str:
        """The field as a dotted path, such as `sftp.port`; empty for the connection as a whole."""
        return ".".join(str(part) for part in self.where)


def problems_of(error: "ValidationError") -> list[Problem]:
    """Every problem that pydantic found, one per field, in the order of the fields."""
    found: dict[tuple[str | int, ...], Problem] = {}
    for line in error.errors(include_url=False, include_input=False):
        where = tuple(line["loc"])
        found.setdefault(where, Problem(where, sentence_for(line)))
    return list(found.values())


def sentence_for(line: "ErrorDetails") -> str:
    """Pydantic's error in the words of an operator. Never contains the wrong value: it may be a secret."""
    context: Mapping[str, Any] = line.get("ctx", {})
    if "sentence" in context:
        return str(context["sentence"])
    kind = line["type"]
    match kind:
        case "value_error":
            return str(context.get("error", line["msg"]))
        case "enum":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"must be {context['ge']} or more"
        case "less_than_equal":
            return f"must be {context['le']} or less"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case "string_pattern_mismatch":
            return _PATTERN_SENTENCES.get(str(line["loc"][-1]), "is not written as it must be")
        case _:
            return _SENTENCES.get(kind, str(line["msg"]))


_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "finite_number": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_unicode": "must be text that can be written in UTF-8",
    "invalid_key": "is not a known key",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "too_long": "has too many entries",
    "tuple_type": "must be text or a list of texts",
    "model_type": "must be a table",
    "dict_type": "must be a table",
}

_PATTERN_SENTENCES = {
    "name": "must be 1 to 80 characters without “/” and must not begin with a space or a dash",
    "done_file": "must be what the name of a done-file ends with, such as .done",
    "type": "must be lower-case letters, digits, “-” and “_”, at most 40",
}


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that was most likely meant, if one is near enough."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, n=1, cutoff=0.6)), None)


def _given(table: Mapping[str, Any], key: str) -> bool:
    return table.get(key) not in (None, "", (), [], False)


def cross_field_problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems that no field has alone, found in a connection that may have wrong fields besides."""
    method = data.get("method")
    if data.get("after") == "move" and not _given(data, "move_to"):
        yield Problem(("move_to",), "is missing: after = move needs a folder")
    if method not in _TABLES:
        return
    for table in _TABLES:
        if data.get(table) is not None and table != method:
            yield Problem((table,), f"does not belong to method {method}; remove this table or change the method")
    endpoint = data.get(str(method))
    if endpoint is None:
        yield Problem((str(method),), "is missing: it says where the other side is")
    elif isinstance(endpoint, Mapping):
        yield from _endpoint_problems(str(method), endpoint, data)


_TABLES = ("sftp", "ftp", "email")


def _endpoint_problems(method: str, endpoint: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _route_problems(method, endpoint)
    match method:
        case "sftp":
            yield from _sftp_problems(endpoint)
        case "ftp":
            if not _given(endpoint, "secret") and endpoint.get("username") != "anonymous":
                yield Problem(("ftp", "secret"), "is missing")
        case _:
            yield from _mail_problems(endpoint, str(data.get("direction")))
            if data.get("direction") == "outbound" and data.get("verify") == "reread":
                yield Problem(("verify",), "cannot be reread: a mail that was sent cannot be read back; use auto")


def _route_problems(method: str, endpoint: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("jump_key", "jump_secret"):
        if _given(endpoint, key) and not _given(endpoint, "jump"):
            yield Problem((method, key), "is of use only with jump")
    names_user = "@" in str(endpoint.get("proxy") or "")
    if names_user != _given(endpoint, "proxy_secret"):
        sentence = "is missing: the proxy has a user" if names_user else "is of use only with proxy = socks5://user@..."
        yield Problem((method, "proxy_secret"), sentence)


def _sftp_problems(sftp: Mapping[str, Any]) -> Iterator[Problem]:
    if _given(sftp, "ssh_config"):
        return
    if _given(sftp, "certificate") and not _given(sftp, "key"):
        yield Problem(("sftp", "certificate"), "is of use only with the key that it is for")
    for key in ("host", "username"):
        if not _given(sftp, key):
            yield Problem(("sftp", key), "is missing")
    if not (_given(sftp, "secret") or _given(sftp, "key") or sftp.get("agent")):
        yield Problem(("sftp", "secret"), "is missing: a login needs secret, key or agent = true")


_OUTBOUND_ONLY = ("sender", "recipients", "subject", "single_mail", "resend")
_INBOUND_ONLY = ("folder", "from")


def _mail_problems(mail: Mapping[str, Any], direction: str) -> Iterator[Problem]:
    if _given(mail, "username") != _given(mail, "secret"):
        yield Problem(("email", "secret" if _given(mail, "username") else "username"), "is missing")
    elif not _given(mail, "username") and (direction == "inbound" or mail.get("auth") == "xoauth2"):
        yield Problem(("email", "username"), "is missing")
        yield Problem(("email", "secret"), "is missing")
    if mail.get("auth") == "xoauth2" and mail.get("tls") == "none":
        yield Problem(("email", "tls"), "must not be none with auth = xoauth2: whoever overhears a token can use it")
    if direction == "outbound":
        for key in ("sender", "recipients"):
            if not _given(mail, key):
                yield Problem(("email", key), "is missing")
    foreign = {"outbound": _INBOUND_ONLY, "inbound": _OUTBOUND_ONLY}.get(direction, ())
    for key in foreign:
        if _given(mail, key):
            other = "inbound" if direction == "outbound" else "outbound"
            yield Problem(("email", key), f"is for {other} mail only")
