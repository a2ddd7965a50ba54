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
from tui.trust.identity import Doubt, Identity, NotTrusted, Trusted
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


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a known_hosts file, counted from 1."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


Keys: TypeAlias = dict[asyncssh.SSHKey, Place]
"""Keys with the line that each was found in first."""


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


def bits_of(key: asyncssh.SSHKey) -> int:
    """The size of the key, as `ssh-keygen -l` shows it."""
    kind = key.get_algorithm()
    if kind in {"ssh-rsa", "ssh-dss"}:
        # RFC 4253, section 6.6: of RSA the modulus is the second number, of DSA the first one.
        _, *numbers = _fields(key.public_data)
        return int.from_bytes(numbers[1 if kind == "ssh-rsa" else 0]).bit_length()
    curve = next((bits for bits in (384, 521) if kind.endswith(f"nistp{bits}")), 256)
    return 456 if kind == "ssh-ed448" else curve


def _fields(blob: bytes) -> list[bytes]:
    """The parts of a public key, each preceded by its length (RFC 4251, section 5)."""
    parts = []
    while blob:
        end = 4 + int.from_bytes(blob[:4])
        parts.append(blob[4:end])
        blob = blob[end:]
    return parts


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
    def plain_algorithms(self) -> list[str]:
        """What to ask the server for when no certificate will do: first the kinds of key that are known, so that a
        server with several shows one that can be compared."""
        known = {name.decode() for key in (*self.keys, *self.elsewhere) for name in key.sig_algorithms}
        return sorted(KEY_ALGORITHMS, key=lambda name: name not in known)

    @property
    def algorithms(self) -> list[str]:
        """What to ask the server for, the preferred first."""
        # Nobody can compare a certificate with a pin or with a known key; it is of use with a known authority only.
        certificates = (
            [name + _CERTIFICATE_SUFFIX for name in KEY_ALGORITHMS] if self.authorities and not self.pin else []
        )
        return certificates + self.plain_algorithms

    def judge(self, key: asyncssh.SSHKey) -> Identity:
        """What is to be thought of a server that has shown this key."""
        doubt, reason = self._verdict(key)
        return Identity(
            self.where,
            key.get_algorithm(),
            fingerprint_of(key),
            reason,
            doubt,
            known=tuple(self._known()) if doubt is Doubt.CHANGED else (),
            bits=bits_of(key),
            known_hosts_line=known_hosts_line(self.host, self.port, key),
            by_pin=self.pin is not None,
        )

    def why_trusted(self, key: asyncssh.SSHKey, connection: str) -> str:
        """The reason in a few words. Raises NotTrusted (host-key) when the key is not to be trusted; `connection` is
        the name for its remedy."""
        identity = self.judge(key)
        if identity.doubt is not None:
            raise self._refusal(identity, connection)
        return identity.reason

    def why_authority_trusted(self, authority: asyncssh.SSHKey) -> str:
        """The same for the key that has signed the server's certificate. Raises TransferFailed (host-key): nobody is
        asked to trust an authority, whose say is over every key that it signs."""
        if authority not in self.revoked and authority in self.authorities:
            return f"signed by an authority known in {self.authorities[authority]}"
        shown = f"{authority.get_algorithm()} {fingerprint_of(authority)}"
        if authority in self.revoked:
            raise TransferFailed(
                FailureClass.HOST_KEY,
                f"The host key of {self.where} is signed by an authority that is marked as revoked in "
                f"{self.revoked[authority]}: {shown}.",
                remedy="Do not connect. Ask the partner by another channel what has happened to this authority.",
            )
        raise TransferFailed(
            FailureClass.HOST_KEY,
            f"The host key of {self.where} is signed by an authority that is not known: {shown}.",
            remedy=(
                "Ask the partner by another channel which authority signs its host keys, and put that into a "
                f"@cert-authority line for {spelled(self.host, self.port)} in ~/.ssh/known_hosts."
            ),
        )

    def _verdict(self, key: asyncssh.SSHKey) -> tuple[Doubt | None, str]:
        if self.pin is not None:
            pinned = fingerprint_of(key) == self.pin
            return (None, "pinned in the connection") if pinned else (Doubt.CHANGED, "not the pinned one")
        if key in self.revoked:
            return Doubt.REVOKED, f"marked as revoked in {self.revoked[key]}"
        if (place := self.keys.get(key) or self.elsewhere.get(key)) is not None:
            return None, f"known in {place}"
        return (Doubt.CHANGED, "another one is known") if self.keys else (Doubt.UNKNOWN, "not known")

    def _known(self) -> Iterator[Trusted]:
        if self.pin is not None:
            yield Trusted(self.pin, "the connection, as host_key")
            return
        for key, place in self.keys.items():
            yield Trusted(fingerprint_of(key), str(place), key.get_algorithm(), bits_of(key))

    def _refusal(self, identity: Identity, connection: str) -> NotTrusted:
        shown = f"{identity.kind} {identity.fingerprint}"
        if identity.doubt is Doubt.REVOKED:
            message = f"{self.where} has shown a host key that is {identity.reason}: {shown}."
            remedy = "Do not connect. Ask the partner by another channel what has happened to this key."
        elif identity.doubt is Doubt.UNKNOWN:
            message = f"The host key of {self.where} is not known: {shown}."
            remedy = (
                "Compare the fingerprint with the partner by another channel, then accept it: key t (Test) "
                f"asks, or `wharf trust {shlex.quote(connection)} --fingerprint "
                f"{identity.fingerprint}`."
            )
        elif self.pin is not None:
            message = f"{self.where} has shown another host key than the pinned one: {shown} instead of {self.pin}."
            remedy = (
                "Ask the partner by another channel whether the key was changed; if so, correct host_key of the "
                "connection. If not, somebody may be in between."
            )
        else:
            known = ", ".join(f"{old.kind} {old.fingerprint} in {old.place}" for old in identity.known)
            message = f"The host key of {self.where} has changed: it is {shown} now, but known is {known}."
            # The fingerprint is left out: whoever accepts a changed key has it from the partner.
            remedy = (
                "Ask the partner by another channel whether the key was changed. If not, somebody may be in between. "
                f"Only if it was: `wharf trust {shlex.quote(connection)} --fingerprint` and what the partner tells you."
            )
        return NotTrusted(FailureClass.HOST_KEY, message, identity, remedy=remedy)


def look_up(host: str, port: int, files: Iterable[Path], pin: str | None = None) -> HostKeys:
    """Read what the files say of a host. A file that does not exist says nothing. Raises TransferFailed (config)."""
    known = HostKeys(host, port, pin=pin)
    for path in files:
        for place, hosts in _entries(path):
            _note(known, known.keys, hosts, spelled(host, port), place)
            if port != _SSH_PORT:
                # As OpenSSH does: where nothing is said of the port, what is said of the host counts.
                _note(known, known.elsewhere, hosts, host.lower(), place)
    return known


def _note(known: HostKeys, trusted: Keys, hosts: SSHKnownHosts, name: str, place: Place) -> None:
    keys, authorities, revoked, *_ = hosts.match(name, "", None)
    for found, into in ((keys, trusted), (authorities, known.authorities), (revoked, known.revoked)):
        for key in found:
            into.setdefault(key, place)


def _entries(path: Path) -> Iterator[tuple[Place, SSHKnownHosts]]:
    """What each line of the file makes known."""
    for number, line in enumerate(_lines(path), 1):
        if len(line.splitlines()) != 1:
            # Characters that only Python, and not OpenSSH, takes for the end of a line.
            continue
        hosts = SSHKnownHosts()
        try:
            hosts.load(_in_lower_case(line))
        except ValueError:
            # As OpenSSH does: a line that cannot be understood makes nothing known and is passed over.
            continue
        yield Place(path, number), hosts


def _in_lower_case(line: str) -> str:
    """The line with its host names in lower case, as names are compared; a hash stays as it is."""
    words = line.split(None, 2)
    name = 1 if line.startswith("@") else 0
    if len(words) <= name or words[name].startswith("|"):
        return line
    words[name] = words[name].lower()
    return " ".join(words)


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_bytes().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The known hosts in {path} cannot be read: {error.strerror or error}.",
            remedy="Correct the rights of the file; without it no host key can be checked.",
        ) from error


def remember(path: Path, line: str, *, replacing: bool = False) -> None:
    """Add a line, such as `Identity.known_hosts_line`, to a known_hosts file, unless it is there already. With
    `replacing`, the lines go that name exactly the same host with another key.

    The file is made when there is none, has mode 0600 afterwards and is whole at any moment. Raises TransferFailed
    (config).
    """
    line = " ".join(line.split())
    try:
        with only_writer(path):
            before = path.read_bytes() if path.exists() else b""
            lines = before.split(b"\n")
            if replacing:
                lines = [old for old in lines if not _names_the_same(old, line)]
            if line.encode() not in lines:
                lines[-1:] = [line.encode(), b""] if not lines[-1] else [lines[-1], line.encode(), b""]
            if (after := b"\n".join(lines)) != before:
                write_private(path, after)
            path.chmod(0o600)
    except OSError as error:
        raise TransferFailed(
            FailureClass.CONFIG,
            f"The host key cannot be written to {path}: {error.strerror or error}.",
            remedy="Correct the rights of the folder, or make room on its disk.",
        ) from error


def _names_the_same(old: bytes, line: str) -> bool:
    """Whether a line is about that one host and nothing else, and about another key."""
    return old.split() != line.encode().split() and old.lower().split()[:1] == line.encode().lower().split()[:1]
