"""The forms in which IMAP (RFC 3501) writes things: answers to FETCH, folder names, quoted strings. Pure."""

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

Value = bytes | None | list["Value"]
"""What an answer is made of: a string or atom, NIL, or a list in parentheses."""

Answer = list[bytes | tuple[bytes, bytes]]
"""As imaplib hands it out: text, and pairs of text that announces a literal and the literal."""

_TOKEN = re.compile(
    rb"""[ ]* (?: (?P<open>\() | (?P<close>\))
        | "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<atom>(?:[^][() "]|\[[^]]*\])+) )""",
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(rb"~?\{\d+\}$")


class UnreadableAnswer(ValueError):
    """The server has answered with something that is not IMAP."""


class TooManyValues(UnreadableAnswer):
    """The answer holds more than is kept in memory."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_VALUES} values")


MOST_VALUES = 1_000_000
"""Of one answer. A mail with ten thousand parts is told in a quarter of that."""


def read_values(answer: Iterable[bytes | tuple[bytes, bytes] | None]) -> list[Value]:
    """Everything that the answer holds, with parentheses as lists. Raises UnreadableAnswer."""
    stack: list[list[Value]] = [[]]
    for count, (kind, value) in enumerate(_tokens(answer)):
        if count >= MOST_VALUES:
            raise TooManyValues
        if kind == "open":
            stack.append([])
        elif kind == "close":
            if len(stack) == 1:
                raise UnreadableAnswer("a parenthesis closes that was not opened")
            closed = stack.pop()
            stack[-1].append(closed)
        else:
            stack[-1].append(None if kind == "atom" and value.upper() == b"NIL" else value)
    if len(stack) > 1:
        raise UnreadableAnswer("a parenthesis is not closed")
    return stack[0]


def read_fetch(answer: Answer) -> list[dict[str, Value]]:
    """The answer to a FETCH: per message the items by their upper-case names. Raises UnreadableAnswer."""
    found = []
    for value in read_values(part for part in answer if part is not None):
        if isinstance(value, list):
            names = [name.decode("ascii", "replace").upper() for name in value[::2] if isinstance(name, bytes)]
            found.append(dict(zip(names, value[1::2], strict=False)))
    return found


def _tokens(answer: Iterable[bytes | tuple[bytes, bytes] | None]) -> Iterator[tuple[str, bytes]]:
    for part in answer:
        if part is None:
            continue
        if isinstance(part, bytes):
            yield from _tokens_of(part)
        else:
            text, literal = part
            yield from _tokens_of(_LITERAL.sub(b"", text))
            yield "literal", literal


def _tokens_of(text: bytes) -> Iterator[tuple[str, bytes]]:
    position, end = 0, len(text.rstrip(b" "))
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableAnswer(f"{text[position : position + 40]!r} is not understood")
        position = match.end()
        kind = match.lastgroup or ""
        value = match[kind]
        yield kind, re.sub(rb"\\(.)", rb"\1", value, flags=re.DOTALL) if kind == "quoted" else value


def folder_argument(name: str) -> str:
    """A folder name as a command takes it: modified UTF-7 (RFC 3501 section 5.1.3), quoted."""
    return quoted("".join(_modified_utf7(run) for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name)))


def _modified_utf7(run: str) -> str:
    if " " <= run[0] <= "~":
        return run.replace("&", "&-")
    encoded = base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=")
    return f"&{encoded.replace('/', ',')}-"


def quoted(text: str) -> str:
    """A quoted string; the text has no line breaks."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def number(value: object) -> int:
    """A number as IMAP has them, of 32 bits; 0 for what is none."""
    return int(value) if isinstance(value, bytes) and re.fullmatch(rb"[0-9]{1,10}", value) else 0


def moment(value: object) -> float | None:
    """A date such as ` 7-Jul-1996 02:44:25 -0700` (RFC 3501 section 2.3.3) in seconds since the epoch; None for what is
    none."""
    if not isinstance(value, bytes):
        return None
    try:
        return datetime.strptime(value.decode("ascii").strip(" "), "%d-%b-%Y %H:%M:%S %z").timestamp()
    except ValueError:
        return None
