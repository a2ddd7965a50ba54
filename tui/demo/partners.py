"""What the demo's partners are called, where they keep their files and how one logs in to them."""

from dataclasses import asdict, dataclass
from pathlib import Path

USERNAME = "wharf"
PASSWORD = "demo-harbour"  # noqa: S105 - of servers that live for one demo, on loopback
MAILBOX = "batches@us.example"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo's servers listen, on loopback."""

    sftp: int
    slow_sftp: int
    breaking_sftp: int
    ftp: int
    smtp: int
    imap: int
    host_key: str
    """The fingerprint of the SSH servers' host key."""
    certificate: str
    """The fingerprint of the certificate that FTP, SMTP and IMAP show."""

    def as_json(self) -> dict[str, int | str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Places:
    """The demo's folder: what partners have on their servers, what we have, and Wharf's own files."""

    root: Path

    @property
    def sftp(self) -> Path:
        return self.root / "partners" / "sftp"

    @property
    def ftp(self) -> Path:
        return self.root / "partners" / "ftp"

    @property
    def mailboxes(self) -> Path:
        """The IMAP server's folder; our own mailbox is in it as a Maildir."""
        return self.root / "partners" / "imap"

    @property
    def sent_mail(self) -> Path:
        """A Maildir with every mail that the SMTP server has taken."""
        return self.root / "partners" / "smtp"

    @property
    def local(self) -> Path:
        return self.root / "local"

    @property
    def secrets(self) -> Path:
        """Keys and certificates of the servers."""
        return self.root / "servers"

    @property
    def wharf(self) -> Path:
        """The WHARF_HOME of the demo."""
        return self.root / "wharf"
