"""An SFTP server in the loop of the test: for logins that a real one needs accounts for, and for faults on order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import asyncssh


@dataclass(slots=True)
class Behaviour:
    """How the server differs from a good one, and what it has seen."""

    password: str | None = "open sesame"
    keyboard_only: bool = False
    """Take the password by keyboard-interactive instead of by password."""
    authorized: asyncssh.SSHKey | None = None
    posix_rename: bool = True
    longest_answer: int | None = None
    """Bytes that a read answers with at most."""
    full_after: int | None = None
    """Offset from which writes fail as they do on a full disk: with nothing but “Failure”."""
    free_bytes: int = 1 << 40
    fsync_fails: bool = False
    logins: list[tuple[str, str]] = field(default_factory=list)
    """Every attempt to log in: the method and the secret that came with it."""
    began: list[str] = field(default_factory=list)
    """Users for whom authentication was begun at all."""


@dataclass(frozen=True, slots=True)
class SftpServer:
    port: int
    folder: Path
    behaviour: Behaviour
    host_key: asyncssh.SSHKey

    @property
    def known_hosts_line(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode().strip()}\n"


@asynccontextmanager
async def run_sftp_server(
    folder: Path, behaviour: Behaviour | None = None, *, host_keys: list[asyncssh.SSHKey] | None = None
) -> AsyncIterator[SftpServer]:
    """Serve the folder, as the root of a file system, to the user `wharf`."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = behaviour or Behaviour()
    keys = host_keys or [asyncssh.generate_private_key("ssh-ed25519")]
    acceptor = await asyncssh.create_server(
        lambda: _Doorman(asked),
        "127.0.0.1",
        0,
        server_host_keys=keys,
        sftp_factory=lambda channel: _Files(channel, folder, asked),
    )
    try:
        yield SftpServer(acceptor.get_port(), folder, asked, keys[0].convert_to_public())
    finally:
        acceptor.close()
        await acceptor.wait_closed()


class _Doorman(asyncssh.SSHServer):
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def begin_auth(self, username: str) -> bool:
        self._behaviour.began.append(username)
        return True

    def password_auth_supported(self) -> bool:
        return self._behaviour.password is not None and not self._behaviour.keyboard_only

    def validate_password(self, username: str, password: str) -> bool:
        self._behaviour.logins.append(("password", password))
        return username == "wharf" and password == self._behaviour.password

    def public_key_auth_supported(self) -> bool:
        return self._behaviour.authorized is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._behaviour.logins.append(("publickey", key.get_fingerprint()))
        return username == "wharf" and key == self._behaviour.authorized

    def kbdint_auth_supported(self) -> bool:
        return self._behaviour.password is not None

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "en", [("Passwort: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self._behaviour.logins.append(("keyboard-interactive", ",".join(responses)))
        return username == "wharf" and list(responses) == [self._behaviour.password]


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], folder: Path, behaviour: Behaviour) -> None:
        super().__init__(channel, chroot=str(folder).encode())
        self._behaviour = behaviour

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return cast(bytes, super().read(file_obj, offset, min(size, self._behaviour.longest_answer or size)))

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        full_after = self._behaviour.full_after
        if full_after is not None and offset + len(data) > full_after:
            raise asyncssh.SFTPFailure("Failure")
        return cast(int, super().write(file_obj, offset, data))

    def fsync(self, file_obj: object) -> None:
        if self._behaviour.fsync_fails:
            raise asyncssh.SFTPFailure("Failure")
        cast(IO[bytes], file_obj).flush()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if not self._behaviour.posix_rename:
            raise asyncssh.SFTPOpUnsupported("no such extension")
        super().posix_rename(oldpath, newpath)

    def statvfs(self, path: bytes) -> asyncssh.SFTPVFSAttrs:
        free = self._behaviour.free_bytes
        return asyncssh.SFTPVFSAttrs(bsize=1, frsize=1, blocks=free, bfree=free, bavail=free)
