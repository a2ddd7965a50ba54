"""Exim (SMTP) and Dovecot (IMAP) for tests, each from a private configuration in a folder of its own.

Run as root they serve as unprivileged users of the system; otherwise as the user who runs the tests. Dovecot takes
every user name with one password, so each test has a mailbox of its own.
"""

import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest

from tests.outside import seen
from tests.servers.certificates import Certificates, ServerCertificate
from tests.servers.debian import find_program, free_port

USERNAME = "wharf"
PASSWORD = "correct-horse-42"
SIZE_LIMIT = 400_000
"""Bytes of the largest mail that Exim takes here, unless a test wants larger ones."""

_DEADLINE = 10.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A running Exim. Mail for everybody ends up in one Maildir; `refused@` is refused for good, `later@` for now."""

    starttls_port: int
    implicit_port: int
    plain_port: int
    """Without STARTTLS, and without any login."""
    maildir: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    def mails(self, count: int) -> list[EmailMessage]:
        """The mails that have arrived since the last `clear`, by subject, once there are that many."""
        seen(lambda: len(self._files()) >= count, f"{count} mails; see {self.log.read_text()}")
        found = [message_from_bytes(raw, policy=policy.default) for raw in self.raw_mails()]
        return sorted(found, key=lambda mail: str(mail["Subject"]))

    def raw_mails(self) -> list[bytes]:
        return [path.read_bytes() for path in self._files()]

    def clear(self) -> None:
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        return sorted((self.maildir / "new").glob("*"))


@dataclass(frozen=True, slots=True)
class ImapServer:
    """A running Dovecot."""

    starttls_port: int
    implicit_port: int
    log: Path
    process: "subprocess.Popen[bytes]"
    username: str = field(default_factory=lambda: f"user-{uuid4().hex}")

    def for_somebody_else(self) -> "ImapServer":
        """The same server with an empty mailbox."""
        return ImapServer(self.starttls_port, self.implicit_port, self.log, self.process)

    @contextmanager
    def mailbox(self) -> Iterator[imaplib.IMAP4_SSL]:
        """A client of the tests' own."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with imaplib.IMAP4_SSL("127.0.0.1", self.implicit_port, ssl_context=context, timeout=_DEADLINE) as client:
            client.login(self.username, PASSWORD)
            yield client

    def deliver(self, *mails: bytes, folder: str = "INBOX") -> None:
        with self.mailbox() as client:
            for mail in mails:
                status, answer = client.append(folder, "", "", mail)
                assert status == "OK", answer

    def make_folder(self, folder: str) -> None:
        with self.mailbox() as client:
            status, answer = client.create(folder)
            assert status == "OK", answer

    def count(self, folder: str = "INBOX") -> int | None:
        """How many mails are in the folder; None when there is none."""
        with self.mailbox() as client:
            status, answer = client.select(folder, readonly=True)
            return int(answer[0] or 0) if status == "OK" else None

    def flags(self, folder: str = "INBOX") -> list[bytes]:
        """The flags of each mail."""
        with self.mailbox() as client:
            client.select(folder, readonly=True)
            return [line for line in client.fetch("1:*", "(FLAGS)")[1] if isinstance(line, bytes)]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its processes take nothing and say nothing."""
        stopped = _descendants(self.process.pid)
        try:
            _send(stopped, signal.SIGSTOP)
            yield
        finally:
            _send(stopped, signal.SIGCONT)


@contextmanager
def running_exim(certificate: ServerCertificate, size_limit: int = SIZE_LIMIT) -> Iterator[SmtpServer]:
    """An Exim of its own, which takes mails of so many bytes."""
    program = find_program("exim4", "exim4-daemon-light")
    with _folder("Debian-exim") as root:
        ports = [free_port() for _ in range(3)]
        tls = _copied(certificate, root, "Debian-exim")
        config = root / "exim.conf"
        config.write_text(_exim_config(program, root, ports, tls, size_limit))
        process = subprocess.Popen(
            [program, "-C", config, "-bdf", "-d-all"], stdout=subprocess.DEVNULL, stderr=(root / "stderr").open("wb")
        )
        with _ended(process):
            _wait_for(ports, process, root)
            yield SmtpServer(ports[0], ports[1], ports[2], root / "maildir", root / "main.log", process)


@contextmanager
def running_dovecot(certificate: ServerCertificate) -> Iterator[ImapServer]:
    """A Dovecot of its own."""
    program = find_program("dovecot", "dovecot-imapd")
    with _folder("nobody") as root:
        ports = [free_port() for _ in range(2)]
        config = root / "dovecot.conf"
        config.write_text(_dovecot_config(root, ports, certificate))
        process = subprocess.Popen(
            [program, "-F", "-c", config], stdout=subprocess.DEVNULL, stderr=(root / "stderr").open("wb")
        )
        with _ended(process):
            _wait_for(ports, process, root)
            yield ImapServer(ports[0], ports[1], root / "dovecot.log", process)


@pytest.fixture(scope="session")
def _exim(certificates: Certificates) -> Iterator[SmtpServer]:
    with running_exim(certificates.good) as server:
        yield server


@pytest.fixture(scope="session")
def _dovecot(certificates: Certificates) -> Iterator[ImapServer]:
    with running_dovecot(certificates.good) as server:
        yield server


@pytest.fixture
def smtp_server(_exim: SmtpServer) -> SmtpServer:
    """Exim with an empty Maildir."""
    _exim.clear()
    return _exim


@pytest.fixture
def imap_server(_dovecot: ImapServer) -> ImapServer:
    """Dovecot with an empty mailbox."""
    return _dovecot.for_somebody_else()


def _exim_config(program: Path, root: Path, ports: list[int], tls: ServerCertificate, size_limit: int) -> str:
    starttls, implicit, plain = ports
    identity = "" if os.geteuid() == 0 else f"exim_user = {os.geteuid()}\nexim_group = {os.getegid()}\n"
    return f"""{identity}
exim_path = {program}
spool_directory = {root}/spool
log_file_path = {root}/%s.log
pid_file_path = {root}/exim.pid
primary_hostname = mail.test
local_interfaces = <; 127.0.0.1.{starttls}; 127.0.0.1.{implicit}; 127.0.0.1.{plain}
tls_on_connect_ports = {implicit}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {tls.certificate}
tls_privatekey = {tls.key}
message_size_limit = {size_limit}
deliver_drop_privilege = true
host_lookup =
rfc1413_hosts =
smtp_accept_max = 100
smtp_enforce_sync = true
acl_smtp_mail = check_sender
acl_smtp_rcpt = check_recipient
acl_smtp_data = accept
keep_environment =

begin acl
check_sender:
  deny message = sender not liked
       senders = refused@us.example
  accept
check_recipient:
  deny message = no such mailbox here
       local_parts = refused
  defer message = mailbox busy
        local_parts = later
  accept authenticated = *
  accept condition = ${{if eq{{$received_port}}{{{plain}}}}}
  deny message = login first

begin routers
everything:
  driver = accept
  transport = one_maildir

begin transports
one_maildir:
  driver = appendfile
  directory = {root}/maildir
  maildir_format
  create_directory
  envelope_to_add

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USERNAME}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
token:
  driver = plaintext
  public_name = XOAUTH2
  server_prompts = :
  server_condition = ${{if eq{{$auth1}}{{user={USERNAME}\\001auth=Bearer {PASSWORD}\\001\\001}}}}
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


def _dovecot_config(root: Path, ports: list[int], tls: ServerCertificate) -> str:
    starttls, implicit = ports
    user = _user("nobody")
    me, ours = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    users = f"default_internal_user = {me}\ndefault_internal_group = {ours}\ndefault_login_user = {me}\n"
    users = "" if os.geteuid() == 0 else users
    chroot = "" if os.geteuid() == 0 else "chroot =\n"
    return f"""{users}
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{tls.certificate}
ssl_key = <{tls.key}
auth_failure_delay = 0
mail_max_userip_connections = 50
first_valid_uid = 1
mail_location = maildir:~/Maildir
mailbox_list_index = no
auth_mechanisms = plain login xoauth2
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {implicit}
    ssl = yes
  }}
}}
service anvil {{
  {chroot}
  # Nobody is made to wait for somebody else's wrong password.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={user.pw_uid} gid={user.pw_gid} home={root}/mail/%u
}}
"""


@contextmanager
def _folder(owner: str) -> Iterator[Path]:
    """A temporary folder that the server's user can reach, unlike pytest's."""
    root = Path(tempfile.mkdtemp(prefix="wharf-mail-"))
    try:
        root.chmod(0o755)
        for name in ("spool", "maildir", "mail"):
            (root / name).mkdir()
            _give(root / name, owner)
        # Exim's log belongs into a folder that its user may write to.
        _give(root, owner)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _user(name: str) -> pwd.struct_passwd:
    return pwd.getpwnam(name) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _give(path: Path, owner: str) -> None:
    user = _user(owner)
    os.chown(path, user.pw_uid, user.pw_gid)


def _copied(certificate: ServerCertificate, root: Path, owner: str) -> ServerCertificate:
    """Where the server can read it after it has given up its rights."""

    def copied(path: Path) -> Path:
        copy = root / path.name
        copy.touch(mode=0o600)
        _give(copy, owner)
        shutil.copyfile(path, copy)
        return copy

    return replace(certificate, certificate=copied(certificate.certificate), key=copied(certificate.key))


@contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        children = _descendants(process.pid)
        process.terminate()
        try:
            process.wait(_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                children.append(int(stat.parent.name))
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        # Processes that serve one login end at any moment.
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait_for(ports: list[int], process: "subprocess.Popen[bytes]", root: Path) -> None:
    def all_listen() -> bool:
        if process.poll() is not None:
            logs = "\n".join(path.read_text(errors="replace") for path in (root / "stderr", *root.glob("*.log")))
            pytest.fail(f"the server ended at once: {logs}")
        return all(_listens(port) for port in ports)

    seen(all_listen, "the server to listen")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
