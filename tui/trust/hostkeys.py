"""Which SSH host keys are trusted: known_hosts files looked up, judged, and added to.

The files are those of OpenSSH (sshd(8), “SSH_KNOWN_HOSTS FILE FORMAT”): host patterns, hashed names, ports as
`[host]:port`, and the markers `@revoked` and `@cert-authority`. Names are compared as the connection spells them;
addresses are not looked up, because partners move between them.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import asyncssh
from asyncssh.known_hosts import SSHKnownHosts

from tui.domain.failure import FailureClass, TransferFailed
from tui.trust.private_file import only_writer, write_private

_SSH_PORT = 22

KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
)
"""What is asked for, the preferred first. The last is for servers that know nothing newer."""

_CERTIFICATE_SUFFIX = "-cert-v01@openssh.com"

Keys: TypeAlias = dict[asyncssh.SSHKey, Path]
"""Keys with the file that each was found in."""


def spelled(host: str, port: int) -> str:
    """The host as known_hosts files name it: `host`, or `[host]:port` on another port than 22."""
    host = host.lower()
    return host if port == _SSH_PORT else f"[{host}]:{port}"


def known_hosts_line(host: str, port: int, key: asyncssh.SSHKey) -> str:
    """The line that makes this key known for this host."""
    kind, blob, *_ = key.export_public_key("openssh").decode().split()
    return f"{spelled(host, port)} {kind} {blob}"


def fingerprint_of(key: asyncssh.SSHKey) -> str:
    """`SHA256:...`, as `ssh-keygen -l` shows it."""
    return key.get_fingerprint("sha256")


@dataclass(frozen=True, slots=True)
class HostKeys:
    """What is known of one host before anybody has connected to it."""

    host: str
    port: int
    keys: Keys = field(default_factory=dict)
    authorities: Keys = field(default_factory=dict)
    revoked: Keys = field(default_factory=dict)
    elsewhere: Keys = field(default_factory=dict)
    """Keys known for the host without its port. They make a key trusted, but never a changed one of another."""
    pin: str | None = None
    """The one fingerprint that is trusted; nothing of the above counts then, except as what to ask the server for."""

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def algorithms(self) -> list[str]:
        """What to ask the server for: first the kinds of key that are known, so that a server with several shows one
        that can be compared."""
        known = {name.decode() for key in (*self.keys, *self.elsewhere) for name in key.sig_algorithms}
        plain = sorted(KEY_ALGORITHMS, key=lambda name: name not in known)
        # Nobody can compare a certificate with a pin or with a known key; it is of use with a known authority only.
        certificates = (
            [name + _CERTIFICATE_SUFFIX for name in KEY_ALGORITHMS] if self.authorities and not self.pin else []
        )
        return certificates + plain

    def why_trusted(self, key: asyncssh.SSHKey, connection: str) -> str:
        """The reason in a few words. Raises TransferFailed (host-key) when the key is not to be trusted; `connection`
        is the name for its remedy."""
        if self.pin is not None:
            return self._why_pinned(key)
        if key in self.revoked:
            raise self._revoked(key, self.revoked[key])
        if (source := self.keys.get(key) or self.elsewhere.get(key)) is not None:
            return f"known in {source}"
        if self.keys:
            raise self._changed(key)
        raise self._unknown(key, connection)

    def why_authority_trusted(self, authority: asyncssh.SSHKey, connection: str) -> str:
        """The same for the key that has signed the server's certificate."""
        if authority in self.revoked:
            raise self._revoked(authority, self.revoked[authority])
        if authority in self.authorities:
            return f"signed by an authority known in {self.authorities[authority]}"
        raise self._unknown(authority, connection)

    def _why_pinned(self, key: asyncssh.SSHKey) -> str:
        found = fingerprint_of(key)
        if found == self.pin:
            return "pinned in the connection"
        raise TransferFailed(
            FailureClass.HOST_KEY,
            f"{self.where} has shown another host key than the pinned one: {_named(key)} instead of {self.pin}.",
            remedy=(
                "Ask the partner by another channel whether the key was changed; if so, correct host_key of the "
                "connection. If not, somebody may be in between."
            ),
        )

    def _unknown(self, key: asyncssh.SSHKey, connection: str) -> TransferFailed:
        return TransferFailed(
            FailureClass.HOST_KEY,
            f"The host key of {self.where} is not known: {_named(key)}.",
            remedy=(
                "Compare the fingerprint with the partner by another channel, then accept it with "
                f"`wharf trust {shlex.quote(connection)} --fingerprint {fingerprint_of(key)}`."
            ),
        )

    def _changed(self, key: asyncssh.SSHKey) -> TransferFailed:
        known = ", ".join(f"{_named(old)} in {source}" for old, source in self.keys.items())
        return TransferFailed(
            FailureClass.HOST_KEY,
            f"The host key of {self.where} has changed: it is {_named(key)} now, but known is {known}.",
            remedy=(
                "Ask the partner by another channel whether the key was changed. Only if it was, remove the lines of "
                f"{spelled(self.host, self.port)} from the file that is named, and accept the new key with "
                "`wharf trust`. If not, somebody may be in between."
            ),
        )

    def _revoked(self, key: asyncssh.SSHKey, source: Path) -> TransferFailed:
        return TransferFailed(
            FailureClass.HOST_KEY,
            f"{self.where} has shown a host key that is marked as revoked in {source}: {_named(key)}.",
            remedy="Do not connect. Ask the partner by another channel what has happened to this key.",
        )


def _named(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {fingerprint_of(key)}"


def look_up(host: str, port: int, files: Iterable[Path], pin: str | None = None) -> HostKeys:
    """Read what the files say of a host. A file that does not exist says nothing. Raises TransferFailed (config)."""
    known = HostKeys(host, port, pin=pin)
    for path in files:
        hosts = _read(path)
        keys, authorities, revoked, *_ = hosts.match(spelled(host, port), "", None)
        known.keys.update(dict.fromkeys(keys, path))
        known.authorities.update(dict.fromkeys(authorities, path))
        known.revoked.update(dict.fromkeys(revoked, path))
        if port != _SSH_PORT:
            keys, _, revoked, *_ = hosts.match(host.lower(), "", None)
            known.elsewhere.update(dict.fromkeys(keys, path))
            known.revoked.update(dict.fromkeys(revoked, path))
    return known


def _read(path: Path) -> SSHKnownHosts:
    hosts = SSHKnownHosts()
    for line in _lines(path):
        try:
            hosts.load(line)
        except ValueError:
            # As OpenSSH does: a line that cannot be understood makes nothing known and is passed over.
            continue
    return hosts


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The known hosts in {path} cannot be read: {error.strerror or error}.",
            remedy="Correct the rights of the file; without it no host key can be checked.",
        ) from error


def remember(path: Path, line: str) -> None:
    """Add a line, such as `Identity.known_hosts_line`, to a known_hosts file, unless it is there already.

    The file is made when there is none, has mode 0600 afterwards and is whole at any moment. Raises TransferFailed
    (config).
    """
    line = " ".join(line.split())
    try:
        with only_writer(path):
            content = path.read_bytes() if path.exists() else b""
            if line.encode() not in content.splitlines():
                separator = b"" if not content or content.endswith(b"\n") else b"\n"
                write_private(path, content + separator + line.encode() + b"\n")
            path.chmod(0o600)
    except OSError as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The host key cannot be written to {path}: {error.strerror or error}.",
            remedy="Correct the rights of the folder, or make room on its disk.",
        ) from error
