"""Sets the demo's stage: folders, batch files, mails, and the connections between them."""

import mailbox
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from tui.demo import batches
from tui.demo.partners import HOST, MAILBOX, PASSWORD, USERNAME, Places, Ports
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.terms import Direction, Method
from tui.trust.vault import Vault

LARGE_FILE = 24_000_000
"""Bytes of the catalogue on the throttled server: about 20 s."""

MIDDLING_FILE = 8_000_000
"""Bytes of the catalogue on the server whose line breaks after half of them."""

_SECRET = "vault:demo-partner"  # noqa: S105 - a reference
_WRONG_SECRET = "vault:demo-old-password"  # noqa: S105 - a reference
_WRONG_HOST_KEY = "SHA256:" + "A" * 43


@dataclass(frozen=True, slots=True)
class Scene:
    """One connection of the demo with what a run of it must end as."""

    connection: Connection
    files: Mapping[str, bytes]
    """What has to arrive, by name; empty where the run must fail."""
    failure: FailureClass | None = None


@dataclass(slots=True)
class Stage:
    """All scenes. Building it writes the sample files; the servers must be running, because their ports are needed."""

    places: Places
    ports: Ports
    scenes: list[Scene] = field(default_factory=list)

    def build(self) -> None:
        """Write the files and make the connections."""
        self._sftp_scenes()
        self._ftp_scenes()
        self._mail_scenes()
        self._failing_scenes()

    def store_secrets(self, vault: Vault) -> None:
        """Put the passwords that the connections refer to into the demo's vault."""
        vault.set(_SECRET.removeprefix("vault:"), PASSWORD)
        vault.set(_WRONG_SECRET.removeprefix("vault:"), "expired-in-october")

    def _sftp_scenes(self) -> None:
        files = {f"Conversions_2026-11-{16 + day}.csv": batches.conversions(day, 400) for day in range(3)}
        self._add("acme-conversions", "conversions", Direction.INBOUND, self._sftp("/outgoing/acme"), files)
        self._add(
            "acme-modifications",
            "modifications",
            Direction.OUTBOUND,
            self._sftp("/incoming/acme"),
            {"Modifications_2026-11-20.csv": batches.modifications(4, 250)},
            after="move",
            move_to="sent",
        )
        self._add(
            "umbrella-catalog",
            "catalog",
            Direction.INBOUND,
            self._sftp("/outgoing/umbrella", port=self.ports.slow_sftp),
            {"Catalog_full.txt": batches.catalog(LARGE_FILE)},
        )
        self._add(
            "soylent-catalog",
            "catalog",
            Direction.INBOUND,
            self._sftp("/outgoing/soylent", port=self.ports.breaking_sftp),
            {"Catalog_2026-11.txt": batches.catalog(MIDDLING_FILE)},
        )

    def _ftp_scenes(self) -> None:
        self._add(
            "globex-reversals",
            "reversals",
            Direction.INBOUND,
            self._ftp("/out/globex"),
            {f"Reversals_2026-11-{18 + day}.csv": batches.reversals(day, 120) for day in range(2)},
        )
        self._add(
            "globex-conversions",
            "conversions",
            Direction.OUTBOUND,
            self._ftp("/in/globex"),
            {f"Orders_2026-11-{20 + day}.csv": batches.conversions(10 + day, 900) for day in range(2)},
            verify="reread",
        )

    def _mail_scenes(self) -> None:
        inbound = {f"Performance_2026-11-{17 + day}.csv": batches.performance(day) for day in range(3)}
        self._add(
            "initech-performance",
            "performance",
            Direction.INBOUND,
            self._imap(),
            inbound,
            pattern="Performance_*.csv",
        )
        self._add(
            "initech-reversals",
            "reversals",
            Direction.OUTBOUND,
            self._smtp(),
            {f"Reversals_{letter}.csv": batches.reversals(ord(letter), 80) for letter in "AB"},
        )

    def _failing_scenes(self) -> None:
        """Two that fail for a good reason, and one for which there is nothing to do."""
        self._add(
            "hooli-conversions",
            "conversions",
            Direction.INBOUND,
            self._sftp("/outgoing/hooli", host_key=_WRONG_HOST_KEY),
            {"Conversions_2026-11-22.csv": batches.conversions(30, 50)},
            failure=FailureClass.HOST_KEY,
        )
        self._add(
            "stark-modifications",
            "modifications",
            Direction.OUTBOUND,
            self._ftp("/in/stark", secret=_WRONG_SECRET),
            {"Modifications_2026-11-22.csv": batches.modifications(31, 50)},
            failure=FailureClass.AUTH,
        )
        self._add("wayne-adjustments", "other", Direction.INBOUND, self._sftp("/outgoing/wayne"), {})

    def _add(
        self,
        name: str,
        type_key: str,
        direction: Direction,
        endpoint: Mapping[str, object],
        files: Mapping[str, bytes],
        *,
        failure: FailureClass | None = None,
        **options: object,
    ) -> None:
        local = self.places.local / name
        local.mkdir(parents=True)
        [method] = [key for key in endpoint if key in {item.value for item in Method}]
        connection = Connection.model_validate(
            {
                "name": name,
                "type": type_key,
                "direction": direction.value,
                "method": method,
                "local_dir": str(local),
                "pattern": ["*.csv", "*.txt"],
                **endpoint,
                **options,
            }
        )
        remote = self._partner_folder(connection)
        if remote is not None:
            remote.mkdir(parents=True, exist_ok=True)
        source = remote if direction is Direction.INBOUND else local
        if source is None:
            _deliver_by_mail(self.places.mailboxes / MAILBOX, files)
        else:
            for file, content in files.items():
                (source / file).write_bytes(content)
        self.scenes.append(Scene(connection, {} if failure else files, failure))

    def _partner_folder(self, connection: Connection) -> Path | None:
        match connection.method:
            case Method.SFTP if connection.sftp:
                return self.places.sftp / connection.sftp.directory.lstrip("/")
            case Method.FTP if connection.ftp:
                return self.places.ftp / connection.ftp.directory.lstrip("/")
            case _:
                return None

    # What arrived

    def delivered(self, scene: Scene) -> dict[str, bytes]:
        """What lies where the scene's files have to arrive, under final names."""
        connection = scene.connection
        if connection.direction is Direction.INBOUND:
            return _contents(self.places.local / connection.name)
        folder = self._partner_folder(connection)
        return _contents(folder) if folder is not None else self._received_by_mail(connection)

    def _received_by_mail(self, connection: Connection) -> dict[str, bytes]:
        found = {}
        for message in mailbox.Maildir(self.places.sent_mail, create=True):
            if connection.name in str(message["subject"]):
                for part in message.walk():
                    name = part.get_filename()
                    if name is not None:
                        content = part.get_payload(decode=True)
                        assert isinstance(content, bytes)  # noqa: S101 - a leaf with decode=True
                        found[name] = content
        return found

    # Endpoints

    def _sftp(self, directory: str, *, port: int | None = None, host_key: str | None = None) -> dict[str, object]:
        return {
            "sftp": {
                "host": HOST,
                "port": port or self.ports.sftp,
                "username": USERNAME,
                "secret": _SECRET,
                "directory": directory,
                "host_key": host_key or self.ports.host_key,
            }
        }

    def _ftp(self, directory: str, *, secret: str = _SECRET) -> dict[str, object]:
        return {
            "ftp": {
                "host": HOST,
                "port": self.ports.ftp,
                "fingerprint": self.ports.certificate,
                "username": USERNAME,
                "secret": secret,
                "directory": directory,
            }
        }

    def _mail(self, port: int) -> dict[str, object]:
        return {
            "host": HOST,
            "port": port,
            "fingerprint": self.ports.certificate,
            "username": USERNAME,
            "secret": _SECRET,
        }

    def _imap(self) -> dict[str, object]:
        return {"email": self._mail(self.ports.imap) | {"folder": "INBOX", "from": "*@initech.example"}}

    def _smtp(self) -> dict[str, object]:
        return {"email": self._mail(self.ports.smtp) | {"sender": MAILBOX, "recipients": ["batches@initech.example"]}}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _deliver_by_mail(maildir: Path, files: Mapping[str, bytes]) -> None:
    """Put one mail with two attachments and one mail for each further file into our mailbox, and one that is not for
    us."""
    box = mailbox.Maildir(maildir, create=True)
    names = list(files)
    for group in (names[:2], *([name] for name in names[2:])):
        box.add(_mail_from("reports@initech.example", {name: files[name] for name in group}))
    box.add(_mail_from("newsletter@elsewhere.example", {"Performance_offer.csv": b"not,for,us\r\n"}))


def _mail_from(sender: str, files: Mapping[str, bytes]) -> bytes:
    message = EmailMessage(SMTP)
    message["From"] = sender
    message["To"] = MAILBOX
    message["Subject"] = f"Performance report: {', '.join(files)}"
    message["Date"] = "Fri, 20 Nov 2026 06:00:00 +0000"
    message["Message-ID"] = f"<{'.'.join(files)}@{sender.partition('@')[2]}>"
    message.set_content("The report is attached.\n")
    for name, content in files.items():
        message.add_attachment(content, maintype="text", subtype="csv", filename=name)
    return message.as_bytes()
