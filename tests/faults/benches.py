"""What a case of the matrix runs on: a server behind the fault proxy, and a source and a target of its own."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncssh

from tests.faults.mail import Mailboxes, Postbox, run_imap, run_smtp
from tests.faults.proxy import HERE, Channel, Proxy, Way, run_proxy
from tests.faults.servers import PASSWORD, USERNAME, FileServer, Trouble, run_ftp, run_sftp
from tests.servers.certificates import ServerCertificate
from tui.domain.naming import is_partial

OLD = 1_600_000_000
"""When the files of a source were last changed, in seconds since the epoch: long ago, so that nobody waits for them."""
DONE = "done"
"""Where `after = move` puts things, within the source."""


class Subject(StrEnum):
    """A method in one direction."""

    SFTP_IN = "sftp-inbound"
    SFTP_OUT = "sftp-outbound"
    FTP_IN = "ftp-inbound"
    FTP_OUT = "ftp-outbound"
    FTPS_IN = "ftps-inbound"
    FTPS_OUT = "ftps-outbound"
    SMTP_OUT = "smtp-outbound"
    IMAP_IN = "imap-inbound"

    @property
    def method(self) -> str:
        """`sftp`, `ftp`, `ftps`, `smtp` or `imap`."""
        return self.value.split("-")[0]

    @property
    def inbound(self) -> bool:
        return self.value.endswith("inbound")

    @property
    def channels(self) -> tuple[Channel, ...]:
        return (Channel.MAIN, Channel.DATA) if self.method in ("ftp", "ftps") else (Channel.MAIN,)


class Folder:
    """A source or a target that is a folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)

    def put(self, name: str, content: bytes) -> None:
        self._write(name, content, OLD)

    def change(self, name: str, content: bytes) -> None:
        """Write other content into the file as it lies there, in place."""
        self._write(name, content, OLD + 3600)

    def _write(self, name: str, content: bytes, mtime: int) -> None:
        path = self.path / name
        # Not truncated first: a reader must see either version or the mix, as with a program that writes on.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as file:
            file.write(content)
            file.truncate()
        os.utime(path, (mtime, mtime))

    def contents(self, below: str = "") -> dict[str, bytes]:
        """The files with their final names."""
        folder = self.path / below
        files = folder.iterdir() if folder.is_dir() else ()
        return {path.name: path.read_bytes() for path in files if path.is_file() and not is_partial(path.name)}

    def partials(self) -> list[str]:
        return [path.name for path in self.path.rglob("*") if is_partial(path.name)]


@dataclass
class Mailbox:
    """A source that is a mailbox: one mail per file."""

    mailboxes: Mailboxes
    user: str

    def put(self, name: str, content: bytes) -> None:
        self.mailboxes.deliver(self.user, name, content)

    def contents(self) -> dict[str, bytes]:
        return {letter.name: letter.content for letter in self.mailboxes.letters.get(self.user, [])}


@dataclass
class Recipient:
    """A target that is a mail address."""

    postbox: Postbox
    address: str

    @property
    def mails(self) -> list[EmailMessage]:
        return self.postbox.mails.get(self.address, [])

    def attachments(self) -> Iterator[tuple[str, bytes, str]]:
        """Every copy of every file, with the Message-ID of its mail."""
        for mail in self.mails:
            for part in mail.iter_attachments():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                yield part.get_filename() or "", content, str(mail["Message-ID"])

    def contents(self) -> dict[str, bytes]:
        return {name: content for name, content, _ in self.attachments()}


@dataclass(frozen=True)
class Bench:
    """The surroundings of one case. `fields` make a connection, together with what the case adds."""

    source: Folder | Mailbox
    target: Folder | Recipient
    fields: Mapping[str, Any]


@dataclass
class Workshop:
    """A server of one subject behind the proxy, on which one case after the other is run."""

    subject: Subject
    folder: Path
    proxy: Proxy
    trouble: Trouble
    server: FileServer | Postbox | Mailboxes
    passed: Counter[tuple[Channel, Way]] = field(default_factory=Counter)
    """The traffic of a run without fault, as measured."""

    def bench(self, name: str) -> Bench:
        """A fresh bench under a name that was not used before."""
        local = Folder(self.folder / "local" / name)
        match self.server:
            case FileServer():
                remote = Folder(self.server.root / name)
                source, target = (remote, local) if self.subject.inbound else (local, remote)
                return Bench(source, target, self._fields(local, self._file_table(name)))
            case Postbox():
                address = f"{name}@acme.example"
                table = {"sender": "batches@us.example", "recipients": [address]}
                return Bench(local, Recipient(self.server, address), self._fields(local, self._mail_table(table)))
            case Mailboxes():
                table = {"username": name, "secret": self._secret()}
                return Bench(Mailbox(self.server, name), local, self._fields(local, self._mail_table(table)))

    def _fields(self, local: Folder, table: dict[str, Any]) -> dict[str, Any]:
        method = {"ftps": "ftp", "smtp": "email", "imap": "email"}.get(self.subject.method, self.subject.method)
        direction = "inbound" if self.subject.inbound else "outbound"
        return {"direction": direction, "method": method, "local_dir": str(local.path), method: table}

    def _file_table(self, name: str) -> dict[str, Any]:
        assert isinstance(self.server, FileServer)
        table: dict[str, Any] = {
            "host": HERE,
            "port": self.proxy.port,
            "username": USERNAME,
            "secret": self._secret(),
            "directory": f"/{name}",
        }
        match self.subject.method:
            case "sftp":
                table["host_key"] = self.server.identity
            case "ftps":
                table |= {"tls": "explicit", "fingerprint": self.server.identity}
            case _:
                table["tls"] = "none"
        return table

    def _mail_table(self, more: Mapping[str, Any]) -> dict[str, Any]:
        return {"host": HERE, "port": self.proxy.port, "tls": "none", **more}

    def _secret(self) -> str:
        path = self.folder / "secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(PASSWORD)
        return f"file:{path}"


@dataclass(frozen=True)
class Keys:
    """What takes time to make, so it is made once."""

    host_key: asyncssh.SSHKey
    certificate: ServerCertificate


@asynccontextmanager
async def open_workshop(subject: Subject, folder: Path, keys: Keys) -> AsyncIterator[Workshop]:
    """Start the server of the subject, and the proxy before it."""
    served = folder / "served"
    served.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        server: FileServer | Postbox | Mailboxes
        match subject.method:
            case "sftp":
                server = await stack.enter_async_context(run_sftp(served, keys.host_key))
            case "ftp" | "ftps":
                server = stack.enter_context(run_ftp(served, keys.certificate if subject.method == "ftps" else None))
            case "smtp":
                server = await stack.enter_async_context(run_smtp())
            case _:
                server = await stack.enter_async_context(run_imap())
        host, data_ports = (server.host, server.data_ports) if isinstance(server, FileServer) else (HERE, ())
        proxy = await stack.enter_async_context(run_proxy(host, server.port, data_ports))
        yield Workshop(subject, folder, proxy, server.trouble, server)
