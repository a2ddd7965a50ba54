"""The attachments of a mail as IMAP describes them, their names, and their bytes decoded as they arrive. Pure."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from fnmatch import fnmatchcase
from itertools import takewhile
from urllib.parse import unquote_to_bytes

from tui.methods.imap_syntax import Value
from tui.methods.imap_syntax import number as number_in

_DEEPEST = 50
"""Multiparts within multiparts; honest mail has three or four."""


_LONGEST_NAME = 8 * 1024
"""Bytes of a file name as it is written in the mail. What is longer is too long for a name in any encoding; it is cut,
and refused for its length."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that carries a file. `number` is its address in IMAP, such as `2.1`; `octets` are of its encoded form."""

    number: str
    name: str
    encoding: str
    octets: int


def attached_parts(structure: Value) -> list[Part]:
    """The attachments in a BODYSTRUCTURE (RFC 3501 section 7.4.2): parts that are declared to be one, and parts with a
    file name that are not pictures in the text. A forwarded mail is one file; what is in it is not looked for.
    """
    return list(_walk(structure, "", 0)) if isinstance(structure, list) else []


def _walk(node: list[Value], number: str, depth: int) -> Iterator[Part]:
    if depth > _DEEPEST or not node:
        return
    if isinstance(node[0], list):
        children = takewhile(lambda child: isinstance(child, list), node)
        for index, child in enumerate(children, 1):
            assert isinstance(child, list)  # noqa: S101 - for the type checker, which does not know takewhile
            yield from _walk(child, f"{number}.{index}" if number else str(index), depth + 1)
        return
    part = _leaf(node, number or "1")
    if part is not None:
        yield part


def _leaf(node: list[Value], number: str) -> Part | None:
    kind, subtype = _word(node, 0), _word(node, 1)
    # How many fields precede the disposition depends on the kind of part.
    at = {"text": 9, "message": 11 if subtype == "rfc822" else 8}.get(kind, 8)
    how, name = _disposition(node[at] if len(node) > at else None)
    if name is None:
        name = parameter(node[2] if len(node) > 2 else None, "name")
    if how != "attachment" and (name is None or (how == "inline" and kind == "image")):
        return None
    return Part(number, name or "", _word(node, 5), number_in(node[6] if len(node) > 6 else None))


def _disposition(value: Value) -> tuple[str, str | None]:
    """How the part is declared, and its file name."""
    if isinstance(value, list) and value:
        return _word(value, 0), parameter(value[1] if len(value) > 1 else None, "filename")
    if isinstance(value, bytes):
        # pymap 0.36 gives the header as it stands in the mail instead of its parts.
        header = Message()
        header["Content-Disposition"] = value.decode("utf-8", "surrogateescape")
        return header.get_content_disposition() or "", header.get_filename()
    return "", None


def _word(node: list[Value], index: int) -> str:
    value = node[index] if index < len(node) else None
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""


def parameter(parameters: Value, key: str) -> str | None:
    """A parameter of a MIME header as text, whichever of the usual ways its sender has chosen: RFC 2231, RFC 2047
    inside quotes (forbidden and common), or raw UTF-8. What cannot be decoded keeps surrogates, as no safe name does.
    """
    plain, pieces = None, []
    pairs = parameters if isinstance(parameters, list) else []
    for name, value in zip(pairs[::2], pairs[1::2], strict=False):
        if not isinstance(name, bytes) or not isinstance(value, bytes):
            continue
        match = re.fullmatch(rf"{key}(?:\*(\d{{1,4}}))?(\*)?", name.decode("ascii", "replace"), re.IGNORECASE)
        if match and match[1] is None and match[2] is None:
            plain = value
        elif match:
            pieces.append((int(match[1] or 0), match[2] is not None, value))
    if pieces:
        return _from_pieces(sorted(pieces))
    return None if plain is None else _decoded_words(plain[:_LONGEST_NAME])


def _from_pieces(pieces: list[tuple[int, bool, bytes]]) -> str:
    """RFC 2231 section 4.1: the first piece names the charset; only marked pieces are percent-encoded."""
    charset = "utf-8"
    content = b""
    for position, (_, is_encoded, value) in enumerate(pieces):
        written = value[:_LONGEST_NAME]
        if is_encoded and position == 0 and written.count(b"'") >= 2:
            declared, _, written = written.split(b"'", 2)
            charset = declared.decode("ascii", "replace") or charset
        content += unquote_to_bytes(written) if is_encoded else written
        if len(content) > _LONGEST_NAME:
            break
    return _text(content, charset)


def _decoded_words(value: bytes) -> str:
    text = _text(re.sub(rb"\r?\n(?=[ \t])", b"", value), "utf-8")
    if "=?" not in text:
        return text
    try:
        chunks = decode_header(text)
    except HeaderParseError:
        return text
    return "".join(
        chunk if isinstance(chunk, str) else _text(chunk, charset) if charset else chunk.decode("raw-unicode-escape")
        for chunk, charset in chunks
    )


def _text(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "surrogateescape")
    except (LookupError, ValueError):
        # No such charset, or one that Python uses for something else.
        return content.decode("ascii", "surrogateescape")


def is_from(header: bytes, pattern: str) -> bool:
    """Whether the mail says that it is from an address like the pattern (`*`, `?`; case does not matter). Display names
    do not count. If several addresses are given, each must be like it.
    """
    addresses = [address for _, address in getaddresses(_header_values(header, "from"))]
    return bool(addresses) and all(fnmatchcase(address.lower(), pattern.lower()) for address in addresses)


def message_id_in(header: bytes) -> str | None:
    """The Message-ID of the mail, if it has exactly one."""
    found = [value.strip() for value in _header_values(header, "message-id")]
    return found[0] if len(found) == 1 and found[0] else None


def _header_values(header: bytes, name: str) -> list[str]:
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", header.decode("utf-8", "replace"))
    pairs = (line.partition(":") for line in unfolded.splitlines() if ":" in line)
    return [value for key, _, value in pairs if key.strip().lower() == name]


class DamagedContent(ValueError):
    """The content is not written in the encoding that it says."""


class TransferDecoder:
    """Undoes a Content-Transfer-Encoding (RFC 2045 section 6), piece by piece. Raises DamagedContent: nothing is
    guessed, because a guessed byte would be delivered as the partner's.
    """

    def __init__(self, encoding: str) -> None:
        if encoding not in {"", "7bit", "8bit", "binary", "base64", "quoted-printable"}:
            raise DamagedContent(f"it is encoded as {encoding}, which is not known")
        self._encoding = encoding
        self._rest = b""
        self._ended = False

    def feed(self, piece: bytes) -> bytes:
        """The decoded bytes that are certain by now."""
        if self._encoding == "base64":
            return self._base64(piece)
        if self._encoding == "quoted-printable":
            lines, newline, self._rest = (self._rest + piece).rpartition(b"\n")
            return self._quoted_printable(lines + newline)
        return piece

    def finish(self) -> bytes:
        """The last bytes."""
        if self._encoding == "base64" and self._rest:
            raise DamagedContent("its base64 ends early")
        return self._quoted_printable(self._rest) if self._encoding == "quoted-printable" else b""

    def _base64(self, piece: bytes) -> bytes:
        digits = self._rest + piece.translate(None, b"\r\n\t ")
        usable = len(digits) - len(digits) % 4
        complete, self._rest = digits[:usable], digits[usable:]
        if digits and self._ended:
            raise DamagedContent("something follows the end of its base64")
        self._ended = complete.endswith(b"=")
        try:
            return binascii.a2b_base64(complete, strict_mode=True)
        except binascii.Error as error:
            raise DamagedContent(f"its base64 is broken ({error})") from error

    def _quoted_printable(self, lines: bytes) -> bytes:
        # Spaces at the end of a line were added on the way (RFC 2045 section 6.7, rule 3).
        return binascii.a2b_qp(re.sub(rb"[ \t]+(?=\r?\n|$)", b"", lines))
