"""The demo's servers, in a process of their own so that they do not disturb the screen's event loop.

Run as `python -m tui.demo.servers FOLDER`: starts SFTP (three times: as it
should be, throttled, and on a line that breaks once), FTP with explicit TLS, SMTP and IMAP on
loopback and free ports, prints the ports as one line of JSON, and serves until its standard input ends. That way they
end with the demo, however the demo ends.
"""

import asyncio
import base64
import ipaddress
import json
import mailbox
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer
from pysasl.hashing import BuiltinHash

from tui.demo.partners import HOST, MAILBOX, PASSWORD, USERNAME, Places, Ports

SLOW_RATE = 1_200_000
"""Bytes per second of the throttled SFTP server."""

BREAK_AFTER = 4_000_000
"""Bytes read from the third SFTP server after which its line breaks, once."""

BREAKING_RATE = 6_000_000
"""Bytes per second of that server."""

MAIL_LIMIT = 10 * 1024 * 1024
"""Bytes that the SMTP server takes in one mail."""


def main() -> None:
    """See the module's text."""
    asyncio.run(_serve(Places(Path(sys.argv[1]))))


async def _serve(places: Places) -> None:
    certificate = _make_certificate(places.secrets)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    sftp = await _start_sftp(places.sftp, host_key, asyncssh.SFTPServer)
    slow_sftp = await _start_sftp(places.sftp, host_key, _SlowSftpServer)
    breaking_sftp = await _start_sftp(places.sftp, host_key, _BreakingSftpServer)
    ftp = _FtpThread(places.ftp, certificate)
    smtp_port, imap_port = _free_port(), _free_port()
    smtp = _start_smtp(places.sent_mail, smtp_port, certificate)
    imap = await _start_imap(places.mailboxes, imap_port, certificate)
    ports = Ports(
        sftp=sftp.get_port(),
        slow_sftp=slow_sftp.get_port(),
        breaking_sftp=breaking_sftp.get_port(),
        ftp=ftp.port,
        smtp=smtp_port,
        imap=imap_port,
        host_key=host_key.get_fingerprint(),
        certificate=certificate.fingerprint,
    )
    try:
        print(json.dumps(ports.as_json()), flush=True)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        imap.terminate()
        await imap.wait()
        smtp.stop()
        ftp.stop()
        for server in (sftp, slow_sftp, breaking_sftp):
            server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


# TLS


@dataclass(frozen=True, slots=True)
class _Certificate:
    path: Path
    """Key and certificate in one PEM file."""
    fingerprint: str


def _make_certificate(folder: Path) -> _Certificate:
    """A self-signed certificate for loopback; the demo's connections pin its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wharf demo")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    digest = base64.b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    return _Certificate(path, f"SHA256:{digest}")


def _server_context(certificate: _Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.path)
    return context


# SFTP


class _SshServer(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USERNAME, PASSWORD)


class _Throttle:
    """Lets `rate` bytes per second pass, to whoever asks."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def take(self, count: int) -> None:
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + count / self._rate
        await asyncio.sleep(self._free_at - now)


class _SlowSftpServer(asyncssh.SFTPServer):
    _throttle = _Throttle(SLOW_RATE)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        data = super().read(file_obj, offset, size)
        assert isinstance(data, bytes)  # noqa: S101 - the base class reads at once
        await self._throttle.take(len(data))
        return data


class _BreakingSftpServer(asyncssh.SFTPServer):
    # Slow enough that what was read before the break has arrived by then: a reset line loses what is still under way.
    _throttle = _Throttle(BREAKING_RATE)
    _left = BREAK_AFTER

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        data = super().read(file_obj, offset, size)
        assert isinstance(data, bytes)  # noqa: S101 - the base class reads at once
        await self._throttle.take(len(data))
        before, _BreakingSftpServer._left = self._left, self._left - len(data)
        if before > 0 >= self._left:
            self.connection.abort()
        return data


async def _start_sftp(root: Path, host_key: asyncssh.SSHKey, kind: type[asyncssh.SFTPServer]) -> asyncssh.SSHAcceptor:
    return await asyncssh.create_server(
        _SshServer,
        HOST,
        0,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: kind(channel, chroot=str(root).encode()),
        allow_scp=False,
    )


# FTP


class _FtpThread:
    """pyftpdlib has a loop of its own, so it gets a thread of its own."""

    def __init__(self, root: Path, certificate: _Certificate) -> None:
        authorizer = DummyAuthorizer()
        authorizer.add_user(USERNAME, PASSWORD, str(root), perm="elradfmwT")
        handler: Any = type("DemoFtpHandler", (TLS_FTPHandler,), {})
        handler.authorizer = authorizer
        handler.certfile = str(certificate.path)
        handler.tls_control_required = True
        handler.tls_data_required = True
        handler.banner = "Demo partner ready."
        self._server = FTPServer((HOST, 0), handler)
        self.port = int(self._server.address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="ftp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.close_all()


# SMTP


class _Postbox:
    """Takes mail for partners and keeps it in a Maildir; refuses recipients outside the demo."""

    def __init__(self, folder: Path) -> None:
        self._maildir = mailbox.Maildir(folder, create=True)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if not address.endswith(".example"):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        del server, session
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 - decode_data is off
        self._maildir.add(content)
        return "250 2.0.0 Queued"


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    del server, session, envelope, mechanism
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=True)


def _start_smtp(folder: Path, port: int, certificate: _Certificate) -> Controller:
    controller = Controller(
        _Postbox(folder),
        hostname=HOST,
        port=port,
        tls_context=_server_context(certificate),
        require_starttls=True,
        auth_required=True,
        authenticator=_authenticate,
        data_size_limit=MAIL_LIMIT,
    )
    controller.start()
    return controller


# IMAP


async def _start_imap(base: Path, port: int, certificate: _Certificate) -> asyncio.subprocess.Process:
    """pymap over a Maildir, ready to answer."""
    (base / "pymap-etc-passwd").write_text(f"{USERNAME}:::::{MAILBOX}\n")
    (base / "pymap-etc-shadow").write_text(f"{USERNAME}:{BuiltinHash().hash(PASSWORD)}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from pymap.main import main; main()",
        "--host",
        HOST,
        "--port",
        str(port),
        "--cert",
        str(certificate.path),
        "--key",
        str(certificate.path),
        "maildir",
        str(base),
        stdin=asyncio.subprocess.DEVNULL,
    )
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except ConnectionRefusedError:
            if process.returncode is not None:
                raise RuntimeError("the IMAP server did not start") from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return process


if __name__ == "__main__":
    main()
