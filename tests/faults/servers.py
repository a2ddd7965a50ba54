"""SFTP and FTP servers that go wrong on order, each serving a folder of this machine.

They are embedded: quick to start, and whatever a disk or a buggy server can do is a line of code here.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import asyncssh
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from tests.faults.proxy import BEHIND, HERE
from tests.servers.certificates import ServerCertificate
from tests.servers.debian import free_port

USERNAME = "wharf"
PASSWORD = "open sesame"
PASSIVE_PORTS = 6
"""Data connections that an FTP server can have at once, with some to spare for those that hang."""
_LOOK = 0.02

# Left alone, the library prints every command.
logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())
logging.getLogger("pyftpdlib").propagate = False


@dataclass(frozen=True, slots=True)
class ServerFault:
    """Something that a server does wrong, as long as it is ordered."""


@dataclass(frozen=True, slots=True)
class ShortReads(ServerFault):
    """Answers to reads are shorter than what was asked for. SFTP allows it, IMAP does not."""

    longest: int


@dataclass(frozen=True, slots=True)
class DiskFull(ServerFault):
    """No byte of a file beyond `after` can be written; FTP servers say so with this code."""

    after: int
    code: str = "452"


@dataclass(frozen=True, slots=True)
class SlowRename(ServerFault):
    seconds: float


@dataclass(frozen=True, slots=True)
class EmptyListing(ServerFault):
    """The first listing comes back empty, whatever is in the folder."""


@dataclass(frozen=True, slots=True)
class LyingSize(ServerFault):
    """Sizes are told wrong by so many bytes, wherever they are told."""

    by: int


@dataclass(frozen=True, slots=True)
class Stale226(ServerFault):
    """The first transfer of a file longer than `after` ends there, and is confirmed as if it were complete."""

    after: int


@dataclass(frozen=True, slots=True)
class LostAnswer(ServerFault):
    """A mail is taken and kept, but the connection ends instead of an answer."""


_Kind = TypeVar("_Kind", bound=ServerFault)


class Trouble:
    """What a server has been ordered to do wrong, and how often it has done so."""

    def __init__(self) -> None:
        self.fault: ServerFault | None = None
        self.bites = 0

    def order(self, fault: ServerFault | None) -> None:
        self.fault = fault
        self.bites = 0

    def now(self, kind: type[_Kind]) -> _Kind | None:
        """The fault if it is of that kind."""
        return self.fault if isinstance(self.fault, kind) else None

    def once(self, kind: type[_Kind]) -> _Kind | None:
        """The same for what happens only once; asking counts as doing."""
        fault = self.now(kind)
        if fault is None or self.bites:
            return None
        self.bites += 1
        return fault


@dataclass(frozen=True, slots=True)
class FileServer:
    """A running server; `identity` is what a connection pins it by."""

    host: str
    port: int
    root: Path
    trouble: Trouble
    identity: str
    data_ports: tuple[int, ...] = ()


# SFTP


@asynccontextmanager
async def run_sftp(root: Path, host_key: asyncssh.SSHKey) -> AsyncIterator[FileServer]:
    trouble = Trouble()
    acceptor = await asyncssh.create_server(
        _Doorman,
        HERE,
        0,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: _SftpFiles(channel, root, trouble),
    )
    try:
        yield FileServer(HERE, acceptor.get_port(), root, trouble, host_key.get_fingerprint())
    finally:
        acceptor.close()
        await acceptor.wait_closed()


class _Doorman(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USERNAME, PASSWORD)


class _SftpFiles(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: Path, trouble: Trouble) -> None:
        super().__init__(channel, chroot=str(root).encode())
        self._trouble = trouble

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if (short := self._trouble.now(ShortReads)) and size > short.longest:
            self._trouble.bites += 1
            size = short.longest
        return cast(bytes, super().read(file_obj, offset, size))

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if (full := self._trouble.now(DiskFull)) and offset + len(data) > full.after:
            self._trouble.bites += 1
            # Version 3 of the protocol has no better word for it.
            raise asyncssh.SFTPFailure("Failure")
        return cast(int, super().write(file_obj, offset, data))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._dawdle()
        super().rename(oldpath, newpath)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self._dawdle()
        super().posix_rename(oldpath, newpath)

    async def _dawdle(self) -> None:
        if slow := self._trouble.now(SlowRename):
            self._trouble.bites += 1
            await asyncio.sleep(slow.seconds)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        empty = self._trouble.once(EmptyListing)
        async for name in super().scandir(path):
            if empty is None or name.filename in (b".", b".."):
                yield name


# FTP


@contextmanager
def run_ftp(root: Path, certificate: ServerCertificate | None) -> Iterator[FileServer]:
    """An FTP server in a thread of its own, because its library has its own loop. With a certificate it insists on TLS
    for control and data."""
    trouble = Trouble()
    ports = _free_passive_ports()
    server = FTPServer((BEHIND, 0), _ftp_handler(root, trouble, ports, certificate), ioloop=IOLoop())
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            server.ioloop.loop(timeout=_LOOK, blocking=False)
        server.close_all()

    thread = threading.Thread(target=serve, name="ftp server")
    thread.start()
    try:
        fingerprint = certificate.fingerprint if certificate else ""
        yield FileServer(BEHIND, int(server.address[1]), root, trouble, fingerprint, ports)
    finally:
        stop.set()
        thread.join()


def _free_passive_ports() -> tuple[int, ...]:
    ports: set[int] = set()
    while len(ports) < PASSIVE_PORTS:
        ports.add(free_port())
    return tuple(ports)


def _ftp_handler(
    root: Path, trouble: Trouble, ports: tuple[int, ...], certificate: ServerCertificate | None
) -> type[FTPHandler]:
    authorizer = DummyAuthorizer()
    authorizer.add_user(USERNAME, PASSWORD, str(root), perm="elradfmwMT")
    kind = TLS_FTPHandler if certificate else FTPHandler
    options: dict[str, Any] = {
        "authorizer": authorizer,
        "abstracted_fs": type("Files", (_FtpFiles,), {"trouble": trouble}),
        "dtp_handler": type("Data", (_Data, TLS_DTPHandler if certificate else DTPHandler), {"trouble": trouble}),
        "trouble": trouble,
        "passive_ports": list(ports),
        "masquerade_address": HERE,
        "use_sendfile": False,
        "log_prefix": "",
    }
    if certificate:
        options |= {"certfile": str(certificate.combined), "tls_control_required": True, "tls_data_required": True}
    return type("Handler", (_Control, kind), options)


class _Control(FTPHandler):  # type: ignore[misc]  # the library has no types
    trouble: Trouble

    def ftp_SIZE(self, path: str) -> None:  # noqa: N802 - the library's name
        if (lie := self.trouble.now(LyingSize)) and self.fs.isfile(path):
            self.trouble.bites += 1
            self.respond(f"213 {max(0, self.fs.getsize(path) + lie.by)}")
        else:
            super().ftp_SIZE(path)

    def ftp_RNTO(self, path: str) -> Any:  # noqa: N802 - the library's name
        if slow := self.trouble.now(SlowRename):
            self.trouble.bites += 1
            time.sleep(slow.seconds)
        return super().ftp_RNTO(path)


class _Data(DTPHandler):  # type: ignore[misc]  # the library has no types
    trouble: Trouble
    _resp: tuple[Any, ...]

    def handle_error(self) -> None:
        self._explain()
        super().handle_error()

    def close(self) -> None:
        if self._resp and self._resp[0].startswith("426"):
            self._explain()
        super().close()

    def _explain(self) -> None:
        """The library has its own words for what goes wrong with files, and none at all with TLS."""
        if full := self.trouble.now(DiskFull):
            self._resp = (f"{full.code} No space left on device.", logging.getLogger(__name__).debug)


class _FtpFiles(AbstractedFS):  # type: ignore[misc]  # the library has no types
    trouble: Trouble

    def listdir(self, path: str) -> list[str]:
        return [] if self.trouble.once(EmptyListing) else cast(list[str], super().listdir(path))

    def listdirinfo(self, path: str) -> list[str]:
        return self.listdir(path)

    def format_mlsx(self, *args: Any, **options: Any) -> Iterator[bytes]:
        lie = self.trouble.now(LyingSize)
        for line in super().format_mlsx(*args, **options):
            before, fact, rest = line.partition(b"size=")
            if lie and fact and b"type=file" in line:
                self.trouble.bites += 1
                size, semicolon, rest = rest.partition(b";")
                yield before + fact + str(max(0, int(size) + lie.by)).encode() + semicolon + rest
            else:
                yield line

    def open(self, filename: str, mode: str) -> IO[bytes]:
        file = cast(IO[bytes], super().open(filename, mode))
        if isinstance(file, BufferedReader):
            stale = self.trouble.now(Stale226)
            if stale and os.fstat(file.fileno()).st_size > stale.after and self.trouble.once(Stale226):
                return _EndsEarly(file, stale.after)
        elif self.trouble.now(DiskFull) or self.trouble.now(Stale226):
            return _BadDisk(file, self.trouble)
        return file


class _EndsEarly(BufferedReader):
    """A file that seems to end before its end."""

    def __init__(self, file: BufferedReader, end: int) -> None:
        super().__init__(file.detach())
        self._end = end

    def read(self, size: int | None = -1) -> bytes:
        room = max(0, self._end - self.tell())
        return super().read(room if size is None or size < 0 else min(size, room))


class _BadDisk(BufferedWriter):
    """A file that takes what fits, and then complains or stays silent."""

    def __init__(self, file: IO[bytes], trouble: Trouble) -> None:
        assert isinstance(file, BufferedWriter)
        super().__init__(file.detach())
        self._trouble = trouble

    def write(self, data: Any) -> int:
        if (full := self._trouble.now(DiskFull)) and self.tell() + len(data) > full.after:
            self._trouble.bites += 1
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        if (stale := self._trouble.now(Stale226)) and self.tell() + len(data) > stale.after:
            self._trouble.bites += 1
            super().write(bytes(data)[: max(0, stale.after - self.tell())])
            return len(data)
        return super().write(data)
