"""The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): made and read here, sent and received elsewhere.

A packet is its length, its kind, a number that ties a reply to its request, and fields that depend on the kind.
Whatever arrives is from outside: it may be of any length and mean nothing.
"""

import stat
import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 3
DEFAULT_BLOCK = 32 * 1024
"""Bytes that every server must take in one request (section 3)."""
HEADER_ROOM = 1024
"""Bytes of a packet that carries data besides the data, with room for what is unusual."""

_HEADER = struct.Struct(">IBI")
_BEFORE_BODY = 5
"""Bytes that the length counts and that are not of the body: kind and number."""
_UINT32 = struct.Struct(">I")
_UINT64 = struct.Struct(">Q")


class Kind(IntEnum):
    """Kinds of packets (section 3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    REALPATH = 16
    STAT = 17
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """How a request ended: those of version 3 (section 7), and those of later versions that some servers use."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8
    NO_SUCH_PATH = 10
    WRITE_PROTECT = 12
    NO_SPACE_ON_FILESYSTEM = 14
    QUOTA_EXCEEDED = 15
    NOT_A_DIRECTORY = 19
    CANNOT_DELETE = 22


class Access(IntEnum):
    """What a file is opened for (section 6.3)."""

    READ = 0x01
    WRITE = 0x02
    CREATE = 0x08
    TRUNCATE = 0x10


class Malformed(Exception):
    """What has arrived is not SFTP, or not an answer to what was asked. The sentence says in which way."""


class Refused(Exception):
    """The server has answered a request with a status other than “OK”; `status` is one of `Status`, or a number that
    only the server knows."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(slots=True)
class Packet:
    """A packet that has arrived whole, its body in the pieces in which it came. In a VERSION packet the number is the
    version."""

    kind: int
    number: int
    parts: list[memoryview]

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)


# Making


def packet(kind: Kind, number: int, *fields: bytes, following: int = 0) -> bytes:
    """A packet with these encoded fields, of which the last `following` bytes are sent by whoever asks for it."""
    body = b"".join(fields)
    return _HEADER.pack(_BEFORE_BODY + len(body) + following, kind, number) + body


def uint32(value: int) -> bytes:
    return _UINT32.pack(value)


def uint64(value: int) -> bytes:
    return _UINT64.pack(value)


def string(value: bytes) -> bytes:
    return _UINT32.pack(len(value)) + value


def path(value: str) -> bytes:
    """A path as a field. What could not be decoded when it was listed is sent back as it came."""
    return string(value.encode(errors="surrogateescape"))


# Reading


class Fields:
    """Reads the fields of a body in turn. Raises Malformed where the body ends too early."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._body)

    def uint32(self) -> int:
        return int(_UINT32.unpack(self._take(4))[0])

    def uint64(self) -> int:
        return int(_UINT64.unpack(self._take(8))[0])

    def string(self) -> bytes:
        return self._take(self.uint32())

    def path(self) -> str:
        """Undecodable bytes become lone surrogates, which `path` turns back."""
        return self.string().decode(errors="surrogateescape")

    def _take(self, count: int) -> bytes:
        start, self._at = self._at, self._at + count
        if self._at > len(self._body):
            raise Malformed("a packet ends before its last field")
        return self._body[start : self._at]


class FileType(IntEnum):
    """What a path leads to, as far as the server tells."""

    UNKNOWN = 0
    REGULAR = 1
    DIRECTORY = 2
    SYMLINK = 3
    OTHER = 4


_TYPES = {stat.S_IFREG: FileType.REGULAR, stat.S_IFDIR: FileType.DIRECTORY, stat.S_IFLNK: FileType.SYMLINK}

_HAS_SIZE = 0x1
_HAS_OWNER = 0x2
_HAS_PERMISSIONS = 0x4
_HAS_TIMES = 0x8
_HAS_EXTENDED = 0x80000000


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is known of a file (section 5): its size in bytes and the seconds since the epoch of its last change, where
    the server tells them."""

    size: int | None
    mtime: int | None
    type: FileType


def attributes(fields: Fields) -> Attributes:
    flags = fields.uint32()
    size = fields.uint64() if flags & _HAS_SIZE else None
    if flags & _HAS_OWNER:
        fields.uint64()
    mode = fields.uint32() if flags & _HAS_PERMISSIONS else 0
    mtime = None
    if flags & _HAS_TIMES:
        _, mtime = fields.uint32(), fields.uint32()
    if flags & _HAS_EXTENDED:
        for _ in range(fields.uint32()):
            fields.string()
            fields.string()
    kind = stat.S_IFMT(mode)
    # Some servers send the permissions without the type.
    return Attributes(size, mtime, _TYPES.get(kind, FileType.OTHER) if kind else FileType.UNKNOWN)


NO_ATTRIBUTES = uint32(0)
"""Attributes to be set: none."""


def size_attribute(size: int) -> bytes:
    """Attributes to be set: nothing but the size."""
    return uint32(_HAS_SIZE) + uint64(size)


@dataclass(frozen=True, slots=True)
class Name:
    """One line of a listing."""

    name: str
    attributes: Attributes


def names(body: bytes) -> list[Name]:
    """The fields of a NAME packet (section 7)."""
    fields = Fields(body)
    found = []
    for _ in range(fields.uint32()):
        name = fields.path()
        # The same for people to read, in whatever form.
        fields.string()
        found.append(Name(name, attributes(fields)))
    return found


def refusal(body: bytes) -> Refused:
    """The fields of a STATUS packet (section 7). Old servers send the code alone."""
    fields = Fields(body)
    status = fields.uint32()
    text = fields.string().decode(errors="replace") if fields else ""
    return Refused(status, text)


def check_ok(reply: Packet) -> None:
    """Raises Refused for every status but “OK”, and Malformed for what is no status."""
    if reply.kind != Kind.STATUS:
        raise Malformed(f"a packet of kind {reply.kind} came where only a status makes sense")
    refused = refusal(reply.body)
    if refused.status != Status.OK:
        raise refused


def body_of(reply: Packet, kind: Kind) -> bytes:
    """The body of a reply that is of this kind; else it must be a status that says why not, which is raised."""
    if reply.kind != kind:
        check_ok(reply)
        raise Malformed(f"“OK” came where a packet of kind {kind.value} was asked for")
    return reply.body


def data(reply: Packet, asked: int) -> tuple[list[memoryview], int]:
    """The field of a DATA packet (section 7) in the pieces in which it came, and how many bytes it has: not more than
    were asked for. Raises Refused at the end of the file, as for any other status."""
    if reply.kind != Kind.DATA:
        body_of(reply, Kind.DATA)
    pieces = reply.parts
    if not pieces or len(pieces[0]) < _UINT32.size:
        pieces = [memoryview(b"".join(pieces))]
    if len(pieces[0]) < _UINT32.size:
        raise Malformed("a packet ends before its last field")
    [length] = _UINT32.unpack(pieces[0][: _UINT32.size])
    pieces[0] = pieces[0][_UINT32.size :]
    if sum(map(len, pieces)) != length:
        raise Malformed("a packet with data has another length than its data")
    if length > asked:
        raise Malformed(f"{length} bytes came where {asked} were asked for")
    return pieces, int(length)


def extensions(body: bytes) -> dict[bytes, bytes]:
    """What a VERSION packet says of itself (section 4): names of extensions and what they say."""
    fields = Fields(body)
    found = {}
    while fields:
        name = fields.string()
        found[name] = fields.string()
    return found


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes in one request, in bytes, and how many files may be open; 0 where it does not say
    (limits@openssh.com in OpenSSH's PROTOCOL, section 4.8)."""

    read: int = 0
    write: int = 0
    files: int = 0


def limits(body: bytes) -> Limits:
    fields = Fields(body)
    # The longest packet comes first.
    fields.uint64()
    return Limits(fields.uint64(), fields.uint64(), fields.uint64())


def free_bytes(body: bytes) -> int:
    """Bytes that can still be written, of an answer to statvfs@openssh.com (OpenSSH's PROTOCOL, section 4.3)."""
    fields = Fields(body)
    # In this order: block size, fragment size, and in fragments: all, free, free for this user.
    fields.uint64()
    fragment = fields.uint64()
    fields.uint64()
    fields.uint64()
    return fragment * fields.uint64()


class Assembler:
    """Puts packets together from the pieces in which a stream delivers them. Pieces are kept, not copied.

    Raises Malformed for a packet that is too short to be one or longer than `longest`: memory stays bounded, whatever
    the other side says.
    """

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._header = b""
        self._missing = 0
        self._parts: list[memoryview] = []

    def feed(self, piece: bytes) -> list[Packet]:
        """Take the next bytes; returns the packets that they complete."""
        complete = []
        rest = memoryview(piece)
        while rest:
            if len(self._header) < _HEADER.size:
                rest = self._begin(rest)
            if self._missing and rest:
                part, rest = rest[: self._missing], rest[self._missing :]
                self._missing -= len(part)
                self._parts.append(part)
            if len(self._header) == _HEADER.size and not self._missing:
                complete.append(self._finish())
        return complete

    def _begin(self, piece: memoryview) -> memoryview:
        missing = _HEADER.size - len(self._header)
        self._header += piece[:missing]
        if len(self._header) == _HEADER.size:
            length, _, _ = _HEADER.unpack(self._header)
            if not _BEFORE_BODY <= length <= self.longest:
                raise Malformed(f"a packet claims to have {length} bytes")
            self._missing = length - _BEFORE_BODY
        return piece[missing:]

    def _finish(self) -> Packet:
        _, kind, number = _HEADER.unpack(self._header)
        finished = Packet(kind, number, self._parts)
        self._header, self._parts = b"", []
        return finished


def needs_look(attributes: Attributes) -> bool:
    """Whether a listing that says this leaves open what there is."""
    if attributes.type is FileType.REGULAR:
        return attributes.size is None
    return attributes.type in (FileType.SYMLINK, FileType.UNKNOWN)


def storable(name: str) -> str:
    """The name with escapes in the place of bytes that are no text, such as `\\xff`."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")
