"""A mail with files attached: its text, its exact size before it is written, and an identity that survives a resend.

Pure: the bytes of the files are not here. A mail is a sequence of finished bytes with places where the content of an
attachment belongs, encoded by `encoded` (base64, RFC 2045 section 6.8: whatever the file holds, it arrives as it is).
So a mail is never in memory as a whole, and its size is known by arithmetic.
"""

import base64
import hashlib
import json
import mimetypes
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from urllib.parse import quote

from tui.domain.text import printable

RAW_LINE = 57
"""Bytes that one line of base64 carries: 76 characters, as RFC 2045 wants it. Blocks to encode are multiples of it."""

DEFAULT_SUBJECT = "{connection} {file} {date}"

_LONGEST_SUBJECT = 200
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_SIMPLE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._ -]{0,58}[A-Za-z0-9_-]")
_NO_DIGEST = "0" * 64

# The system's tables are left out, so that a file has the same type whatever machine sends it.
_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx")
_TYPES.add_type("application/x-ndjson", ".jsonl")
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail. `sha256` in hex, of its bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all mails of a connection have in common. Addresses are plain and ASCII; see `is_plain_address`."""

    connection: str
    sender: str
    recipients: tuple[str, ...]
    subject: str = DEFAULT_SUBJECT


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to be written: finished bytes, and attachments where their encoded content belongs."""

    message_id: str
    pieces: tuple[bytes | Attachment, ...]

    @property
    def size(self) -> int:
        """Bytes as RFC 1870 section 5 counts them: with CR LF, without what the protocol adds on the way."""
        return sum(len(piece) if isinstance(piece, bytes) else encoded_size(piece.size) for piece in self.pieces)


def is_plain_address(address: str) -> bool:
    """Whether every mail server takes the address as it is: ASCII, nothing to quote (RFC 5321 section 4.1.2)."""
    # An encoded word (RFC 2047) would be a valid name for a mailbox, but not everybody would read it as one.
    return "=?" not in address and _PLAIN_ADDRESS.fullmatch(address) is not None


def compose(head: Letterhead, attachments: Sequence[Attachment], now: datetime) -> Mail:
    """The mail that carries the attachments, in order. `now` is aware."""
    message_id = stable_message_id(head, attachments)
    # Cannot occur in the content: base64 has no underscore, and a name would have to hold its own digest.
    boundary = f"=_wharf_{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"
    delimiter = f"--{boundary}\r\n".encode()
    pieces: list[bytes | Attachment] = [
        _headers(head, [attachment.name for attachment in attachments], message_id, boundary, now),
        delimiter,
        _opening_words(head),
        *map(_line_about, attachments),
    ]
    for attachment in attachments:
        pieces += [b"\r\n", delimiter, _part_headers(attachment.name), attachment]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return Mail(message_id, tuple(pieces))


def pack(head: Letterhead, files: Sequence[tuple[str, int]], limit: int) -> list[list[int]]:
    """Group files, given by name and size, into as few mails of at most `limit` bytes as their order allows. Returns
    indexes. A file that fits into no mail is alone in its group.
    """
    frame = _Frame(head)
    groups: list[list[int]] = []
    names: list[str] = []
    carried = 0
    for index, (name, size) in enumerate(files):
        cost = _cost(name, size)
        if not groups or frame.size([*names[:_LONGEST_SUBJECT], name]) + carried + cost > limit:
            groups.append([])
            names, carried = [], 0
        groups[-1].append(index)
        names.append(name)
        carried += cost
    return groups


def size_of(head: Letterhead, files: Sequence[tuple[str, int]]) -> int:
    """Bytes of the mail that carries the files, given by name and size: exact, as `Mail.size` would say it."""
    names = [name for name, _ in files]
    return _Frame(head).size(names) + sum(_cost(name, size) for name, size in files)


def encoded_size(size: int) -> int:
    """Bytes of `encoded` for a file of that many bytes."""
    lines = -(-size // RAW_LINE)
    return 4 * -(-size // 3) + 2 * lines


def encoded(block: bytes) -> bytes:
    """Base64 in lines that end with CR LF. All blocks of a file but the last must be multiples of `RAW_LINE` long."""
    return base64.encodebytes(block).replace(b"\n", b"\r\n")


def stable_message_id(head: Letterhead, attachments: Sequence[Attachment]) -> str:
    """The same for the same files with the same content over the same connection, so that whoever gets a mail twice
    (its sender never learned that it had arrived) can tell."""
    files = sorted((attachment.name, attachment.sha256) for attachment in attachments)
    digest = hashlib.sha256(json.dumps([head.connection, files]).encode()).hexdigest()[:40]
    return f"<wharf.{digest}@{head.sender.rpartition('@')[2]}>"


def subject_for(head: Letterhead, names: Sequence[str], now: datetime) -> str:
    """The filled template: one printable line of limited length, whatever the names hold."""
    # More names than characters cannot be shown, so that many names cost no more than a few.
    file = ", ".join(names[:_LONGEST_SUBJECT])
    values = {"connection": head.connection, "file": _cut(file), "date": f"{now:%Y-%m-%d}"}
    filled = re.sub(r"\{(connection|file|date)\}", lambda match: values[match[1]], head.subject)
    return _cut(printable(" ".join(filled.split()), _LONGEST_SUBJECT))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SUBJECT else text[: _LONGEST_SUBJECT - 1] + "…"


def _headers(head: Letterhead, names: Sequence[str], message_id: str, boundary: str, now: datetime) -> bytes:
    lines = (
        f"Date: {format_datetime(now.astimezone(UTC))}",
        f"From: {head.sender}",
        "To: " + ",\r\n ".join(head.recipients),
        f"Subject: {_header_text(subject_for(head, names, now))}",
        f"Message-ID: {message_id}",
        # RFC 3834: keeps holiday notices and other robots from answering.
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed;\r\n boundary="{boundary}"',
    )
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"


def _header_text(text: str) -> str:
    """Text for a header, folded. What only looks like an encoded word (RFC 2047) is encoded as well: email.message
    would decode it first, and with it any line break that it hides."""
    plain = text.isascii() and "=?" not in text
    return Header(text, "us-ascii" if plain else "utf-8", header_name="Subject").encode(linesep="\r\n")


def _opening_words(head: Letterhead) -> bytes:
    headers = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return headers + _quoted(f"Sent by the connection {head.connection}. Attached, with size and SHA-256:")


def _line_about(attachment: Attachment) -> bytes:
    return _quoted(f"{printable(attachment.name)}, {attachment.size} bytes, {attachment.sha256}")


def _quoted(line: str) -> bytes:
    return quopri.encodestring(line.encode()).replace(b"\n", b"\r\n") + b"\r\n"


def _part_headers(name: str) -> bytes:
    lines = (
        f"Content-Type: {_media_type(name)}",
        "Content-Transfer-Encoding: base64",
        f"Content-Disposition: attachment;\r\n {_file_name(name)}",
    )
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"


def _file_name(name: str) -> str:
    """The parameter with the name: quoted where every mail program understands it, otherwise as RFC 2231 has it,
    sections 3 and 4: percent-encoded UTF-8, in pieces that keep the lines short."""
    if _SIMPLE_NAME.fullmatch(name):
        return f'filename="{name}"'
    pieces = re.findall(r"(?:%..|[^%]){1,20}", quote(name, safe=""))
    if len(pieces) == 1:
        return f"filename*=utf-8''{pieces[0]}"
    pieces[0] = f"utf-8''{pieces[0]}"
    return ";\r\n ".join(f"filename*{number}*={piece}" for number, piece in enumerate(pieces))


def _media_type(name: str) -> str:
    # What is asked is a table for URLs, in which some characters of a name would have a meaning.
    media_type, compression = _TYPES.guess_type(re.sub(r"[^A-Za-z0-9._-]", "_", name))
    if compression is not None:
        return _COMPRESSED.get(compression, "application/octet-stream")
    # Parts of these two kinds must not be base64 (RFC 2046 section 5).
    if media_type is None or media_type.startswith(("message/", "multipart/")):
        return "application/octet-stream"
    return media_type


def _cost(name: str, size: int) -> int:
    """Bytes by which a mail grows with one more attachment; all of it, but for the subject, which `_Frame` counts."""
    attachment = Attachment(name, size, _NO_DIGEST)
    delimiter = len("\r\n" + "--" + "\r\n") + _Frame.BOUNDARY_LENGTH
    return len(_line_about(attachment)) + delimiter + len(_part_headers(name)) + encoded_size(size)


class _Frame:
    """The size of a mail without its attachments. Depends on their names through the subject alone, so that it is
    computed once per subject: after a few names the subject is cut and stays the same."""

    BOUNDARY_LENGTH = len("=_wharf_") + 32

    def __init__(self, head: Letterhead) -> None:
        self._head = head
        # Every date and every digest is written equally long.
        self._now = datetime(2000, 1, 1, tzinfo=UTC)
        self._known: dict[str, int] = {}

    def size(self, names: Sequence[str]) -> int:
        subject = subject_for(self._head, names, self._now)
        if subject not in self._known:
            bare = compose(self._head, (), self._now)
            message_id, boundary = bare.message_id, "b" * self.BOUNDARY_LENGTH
            headers = _headers(self._head, names, message_id, boundary, self._now)
            without_subject = _headers(self._head, (), message_id, boundary, self._now)
            self._known[subject] = bare.size - len(without_subject) + len(headers)
        return self._known[subject]
