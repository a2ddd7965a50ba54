"""What a server shows to prove who it is, and what was known of it before."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tui.domain.failure import FailureClass, TransferFailed
from tui.trust.randomart import randomart

if TYPE_CHECKING:
    from tui.trust.certificate import CertificateFacts


class Doubt(StrEnum):
    """Why what a server shows is not trusted."""

    UNKNOWN = "unknown"
    """Nothing vouches for it, and nothing speaks against it but that."""
    CHANGED = "changed"
    """Something else was trusted for this server until now."""
    REVOKED = "revoked"
    """It is marked as not to be trusted any more, whoever shows it."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """A key or certificate that was trusted for a server until now."""

    fingerprint: str
    place: str
    """Where that stands, such as `/home/ops/.ssh/known_hosts, line 3`."""
    kind: str | None = None
    """The type of a host key, where it is known: a pin does not tell."""
    bits: int | None = None

    @property
    def picture(self) -> list[str]:
        """The fingerprint as ssh draws it."""
        return randomart(self.fingerprint, self.kind, self.bits)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server shows before any login, and what is to be thought of it."""

    where: str
    """The server, such as `sftp.acme.example:22`."""
    kind: str
    """The type of the host key, such as `ssh-ed25519`, or `certificate`."""
    fingerprint: str
    """`SHA256:` and the base64 of the digest of the key blob or of the certificate's DER form, without padding."""
    reason: str
    """Why it is trusted, or why not, in a few words."""
    doubt: Doubt | None
    """None when it is trusted."""
    known: tuple[Trusted, ...] = ()
    """What is trusted for this server in its place."""
    bits: int | None = None
    """Size of a host key."""
    known_hosts_line: str | None = None
    """The line that would make a host key known."""
    by_pin: bool = False
    """Whether a pin in the connection decides about it, and not a known_hosts file."""
    certificate: "CertificateFacts | None" = None
    """What stands in the certificate, as far as it can be read."""

    @property
    def is_host_key(self) -> bool:
        return self.known_hosts_line is not None

    @property
    def picture(self) -> list[str]:
        """The fingerprint of a host key as ssh draws it."""
        return randomart(self.fingerprint, self.kind, self.bits)


class NotTrusted(TransferFailed):
    """A server has shown what is not trusted. Nothing secret was sent to it."""

    def __init__(self, failure_class: FailureClass, message: str, identity: Identity, *, remedy: str) -> None:
        super().__init__(failure_class, message, remedy=remedy)
        self.identity = identity
