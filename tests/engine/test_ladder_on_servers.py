"""The test of a connection against real servers: what each step finds, and where a bad one stops it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.engine.conftest import open_test_engine
from tests.methods.ftp_support import connection_to
from tests.methods.mail_support import smtp_connection
from tests.methods.sftp_support import connection as sftp_connection
from tests.methods.sftp_support import over_key
from tests.servers.certificates import Certificates, ServerCertificate
from tests.servers.ftp import PASSWORD as FTP_PASSWORD
from tests.servers.ftp import FtpServer, proftpd, pure_ftpd, vsftpd
from tests.servers.mail import PASSWORD as MAIL_PASSWORD
from tests.servers.mail import ImapServer, SmtpServer, running_dovecot, running_exim
from tests.servers.openssh import OpenSsh, run_openssh
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.naming import is_partial
from tui.domain.terms import FtpTls
from tui.engine import Engine
from tui.engine.inspection import TestReport, Watcher
from tui.methods.ftp import FtpSession
from tui.methods.sftp import SftpSession
from tui.paths import Paths
from tui.trust.hostkeys import known_hosts_line
from tui.trust.identity import Doubt

Maker = Callable[[FtpTls, ServerCertificate], AbstractContextManager[FtpServer]]


@pytest.fixture
async def engine(paths: Paths) -> AsyncIterator[Engine]:
    engine = await open_test_engine(paths)
    yield engine
    await engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    (folder / "a.csv").write_text("1,2\n")
    return folder


def steps(report: TestReport) -> list[str]:
    return [event.step for event in report.steps]


def detail(report: TestReport, step: str) -> str:
    return next(event.detail for event in report.steps if event.step == step)


def failed(report: TestReport) -> tuple[str, FailureClass | None]:
    """Where the test has stopped, and why."""
    return report.steps[-1].step, None if report.failure is None else report.failure.failure_class


class TestSftp:
    @pytest.fixture
    async def server(self, tmp_path: Path) -> AsyncIterator[OpenSsh]:
        async with run_openssh(tmp_path / "sshd") as server:
            yield server

    def outbound(self, server: OpenSsh, tmp_path: Path, folder: Path, **sftp: Any) -> Connection:
        endpoint = over_key(server, tmp_path / "served", **sftp)
        return sftp_connection("outbound", change={"local_dir": str(folder), "stall_timeout": 5}, **endpoint)

    async def test_every_step(
        self, engine: Engine, server: OpenSsh, paths: Paths, tmp_path: Path, folder: Path
    ) -> None:
        paths.known_hosts.write_text(server.known_hosts_line)
        report = await engine.test(self.outbound(server, tmp_path, folder))
        assert report.ok, report.failure
        assert steps(report) == [
            *("local folder", "resolve", "connect", "identity", "login", "folder"),
            *("list", "write", "space", "clock", "offers"),
        ]
        assert f"known in {paths.known_hosts}, line 1" in detail(report, "identity")
        assert f"key {server.key}" in detail(report, "login")
        assert detail(report, "list") == "1 file, 1 match *: a.csv"
        assert "free there" in detail(report, "space")
        assert detail(report, "clock") == "the other side's clock agrees with ours to the second"
        assert "posix-rename" in detail(report, "offers")
        assert list((tmp_path / "served").iterdir()) == []
        assert report.warnings == []

    async def test_a_host_ca(self, engine: Engine, paths: Paths, tmp_path: Path, folder: Path) -> None:
        authority, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        certificate = authority.generate_host_certificate(key, "server", principals=["127.0.0.1"])
        place = tmp_path / "certified"
        key.write_private_key(place)
        place.chmod(0o600)
        certificate.write_certificate(f"{place}-cert.pub")
        options = [f"HostKey {place}", f"HostCertificate {place}-cert.pub"]
        async with run_openssh(tmp_path / "sshd", options=options) as server:
            line = authority.export_public_key().decode().strip()
            paths.known_hosts.write_text(f"@cert-authority 127.0.0.1 {line}\n")
            report = await engine.test(self.outbound(server, tmp_path, folder))
            assert report.ok, report.failure
            assert f"signed by an authority known in {paths.known_hosts}, line 1" in detail(report, "identity")
            paths.known_hosts.write_text(f"@cert-authority 127.0.0.1 {line}\n@revoked * {line}\n")
            report = await engine.test(self.outbound(server, tmp_path, folder))
            assert failed(report) == ("identity", FailureClass.HOST_KEY)
            assert "revoked" in report.steps[-1].detail
            assert report.failure is not None
            assert report.failure.remedy.startswith("Do not connect.")
            # Its plain key is not offered in the place of the certificate.
            assert report.identity is None

    async def test_unknown_then_accepted(
        self, engine: Engine, server: OpenSsh, paths: Paths, tmp_path: Path, folder: Path
    ) -> None:
        connection = self.outbound(server, tmp_path, folder)
        report = await engine.test(connection)
        assert failed(report) == ("identity", FailureClass.HOST_KEY)
        identity = report.identity
        assert identity is not None
        assert (identity.doubt, identity.fingerprint) == (Doubt.UNKNOWN, server.host_key.get_fingerprint())
        assert engine.place_for(connection, identity) == str(paths.known_hosts)
        accepted = await engine.accept(connection, identity)
        assert accepted.connection == connection
        assert (await engine.test(connection)).ok

    async def test_changed_is_refused_and_tells_what_was_known(
        self, engine: Engine, server: OpenSsh, paths: Paths, tmp_path: Path, folder: Path
    ) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        paths.known_hosts.write_text(f"{known_hosts_line('127.0.0.1', server.port, other)}\n")
        report = await engine.test(self.outbound(server, tmp_path, folder))
        assert failed(report) == ("identity", FailureClass.HOST_KEY)
        assert report.identity is not None
        assert [old.fingerprint for old in report.identity.known] == [other.get_fingerprint()]
        assert not any("Accepted" in line for line in server.log)

    async def test_a_refused_login(
        self, engine: Engine, server: OpenSsh, paths: Paths, tmp_path: Path, folder: Path
    ) -> None:
        paths.known_hosts.write_text(server.known_hosts_line)
        stranger = tmp_path / "stranger"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(stranger)
        report = await engine.test(self.outbound(server, tmp_path, folder, key=str(stranger)))
        assert failed(report) == ("login", FailureClass.AUTH)

    async def test_a_folder_that_is_not_there(
        self, engine: Engine, server: OpenSsh, paths: Paths, tmp_path: Path, folder: Path
    ) -> None:
        paths.known_hosts.write_text(server.known_hosts_line)
        report = await engine.test(self.outbound(server, tmp_path, folder, directory=str(tmp_path / "nowhere")))
        assert failed(report) == ("folder", FailureClass.NOT_FOUND)

    @pytest.mark.parametrize("step", ["connect", "login", "folder", "write"])
    async def test_a_cancel_takes_less_than_two_seconds_wherever_the_server_freezes(
        self, engine: Engine, server: OpenSsh, paths: Paths, tmp_path: Path, folder: Path, step: str
    ) -> None:
        paths.known_hosts.write_text(server.known_hosts_line)
        begun = asyncio.Event()

        def freeze(at: str) -> None:
            if at == step:
                os.kill(server.process.pid, 19)
                server.freeze()
                begun.set()

        testing = asyncio.create_task(engine.test(self.outbound(server, tmp_path, folder), Watcher(freeze)))
        await begun.wait()
        # Some way into the step.
        await asyncio.wait({testing}, timeout=0.2)
        testing.cancel()
        began = time.monotonic()
        await asyncio.wait({testing}, timeout=10)
        assert testing.cancelled()
        assert time.monotonic() - began < 2.0


async def cancelled_amidst_the_test_file(
    engine: Engine, connection: Connection, session: type[SftpSession] | type[FtpSession], served: Path
) -> list[str]:
    """Cancel a test when its file has its final name; the names that are there then."""
    published = asyncio.Event()

    async def clock(self: object, fresh: str | None) -> float:
        published.set()
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "clock", clock)
        testing = asyncio.create_task(engine.test(connection))
        await asyncio.wait({testing, asyncio.create_task(published.wait())}, return_when=asyncio.FIRST_COMPLETED)
        names = [file.name for file in served.iterdir()]
        testing.cancel()
        await asyncio.wait({testing})
    return names


async def test_after_a_cancel_the_test_file_is_gone(
    engine: Engine, paths: Paths, certificates: Certificates, tmp_path: Path, folder: Path
) -> None:
    async with run_openssh(tmp_path / "sshd") as server:
        paths.known_hosts.write_text(server.known_hosts_line)
        served = tmp_path / "served"
        connection = TestSftp().outbound(server, tmp_path, folder)
        (name,) = await cancelled_amidst_the_test_file(engine, connection, SftpSession, served)
        assert is_partial(name)
        assert list(served.iterdir()) == []


@pytest.mark.parametrize("maker", [vsftpd, proftpd], ids=lambda maker: maker.__name__)
async def test_after_a_cancel_over_ftp_the_test_file_is_gone(
    engine: Engine, certificates: Certificates, folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNUSED", FTP_PASSWORD)
    with maker(FtpTls.EXPLICIT, certificates.good) as server:
        connection = TestFtp().outbound(server, FtpTls.EXPLICIT, certificates, folder)
        (name,) = await cancelled_amidst_the_test_file(engine, connection, FtpSession, server.files)
        assert is_partial(name)
        assert list(server.files.iterdir()) == []


_TLS = [(vsftpd, FtpTls.EXPLICIT), (proftpd, FtpTls.EXPLICIT), (proftpd, FtpTls.IMPLICIT)]


def _label(value: object) -> str:
    return value.value if isinstance(value, FtpTls) else getattr(value, "__name__", str(value))


class TestFtp:
    @pytest.fixture(autouse=True)
    def _secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNUSED", FTP_PASSWORD)

    def outbound(
        self, server: FtpServer, tls: FtpTls, certificates: Certificates, folder: Path, **endpoint: Any
    ) -> Connection:
        return connection_to(server, tls, certificates, local_dir=str(folder), stall_timeout=10, endpoint=endpoint)

    @pytest.mark.parametrize("maker", [vsftpd, proftpd, pure_ftpd], ids=_label)
    async def test_every_step(self, engine: Engine, certificates: Certificates, folder: Path, maker: Maker) -> None:
        with maker(FtpTls.EXPLICIT, certificates.good) as server:
            report = await engine.test(self.outbound(server, FtpTls.EXPLICIT, certificates, folder))
            assert report.ok, report.failure
            assert list(server.files.iterdir()) == []
        assert steps(report)[-5:] == ["list", "write", "space", "clock", "offers"] or "data channel" in steps(report)
        assert "issued by CN=Wharf test CA, for localhost, 127.0.0.1" in detail(report, "identity")
        assert detail(report, "write").endswith("was written, renamed and removed")
        assert detail(report, "clock") == "the other side's clock agrees with ours to the second"
        assert "MDTM" in detail(report, "offers")
        assert report.warnings == []
        assert report.certificate_ends is not None
        assert report.certificate_ends > datetime.now(UTC) + timedelta(days=80)

    @pytest.mark.parametrize(("maker", "tls"), _TLS, ids=_label)
    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            ("expired", "it has expired"),
            ("wrong_name", "it is for another address"),
            ("self_signed", "nobody but itself has signed it"),
        ],
    )
    async def test_a_bad_certificate_stops_at_identity_and_can_be_pinned(
        self,
        engine: Engine,
        certificates: Certificates,
        folder: Path,
        maker: Maker,
        tls: FtpTls,
        kind: str,
        reason: str,
    ) -> None:
        shown: ServerCertificate = getattr(certificates, kind)
        with maker(tls, shown) as server:
            connection = self.outbound(server, tls, certificates, folder)
            report = await engine.test(connection)
            assert failed(report) == ("identity", FailureClass.TLS)
            assert reason in report.steps[-1].detail
            identity = await engine.identify(connection)
            assert (identity.doubt, identity.reason) == (Doubt.UNKNOWN, reason)
            assert identity.fingerprint == shown.fingerprint
            assert identity.certificate is not None
            accepted = await engine.accept(connection, identity)
            pinned = await engine.test(accepted.connection)
            assert pinned.ok, pinned.failure
            assert "pinned in the connection" in detail(pinned, "identity")
            assert any("ended" in warning for warning in pinned.warnings) == (kind == "expired")

    @pytest.mark.parametrize("maker", [vsftpd, proftpd], ids=_label)
    async def test_one_that_ends_soon_passes_with_a_warning(
        self, engine: Engine, certificates: Certificates, folder: Path, maker: Maker
    ) -> None:
        with maker(FtpTls.EXPLICIT, certificates.expiring) as server:
            connection = self.outbound(server, FtpTls.EXPLICIT, certificates, folder)
            await engine.store.save(connection)
            report = await engine.test(connection, write=False)
        assert report.ok, report.failure
        assert "ends in 9 days" in report.warnings[0]
        (state,) = await engine.store.overview()
        assert state.certificate_ends == report.certificate_ends

    async def test_another_one_than_the_pinned_one_is_a_change(
        self, engine: Engine, certificates: Certificates, folder: Path
    ) -> None:
        pin = certificates.self_signed.fingerprint
        with vsftpd(FtpTls.EXPLICIT, certificates.good) as server:
            connection = self.outbound(server, FtpTls.EXPLICIT, certificates, folder, ca_file=None, fingerprint=pin)
            assert failed(await engine.test(connection)) == ("identity", FailureClass.TLS)
            identity = await engine.identify(connection)
        assert identity.doubt is Doubt.CHANGED
        assert [old.fingerprint for old in identity.known] == [pin]


class TestMail:
    @pytest.fixture(autouse=True)
    def _secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNUSED", MAIL_PASSWORD)

    def outbound(self, port: int, certificates: Certificates, folder: Path, **email: Any) -> Connection:
        connection = smtp_connection(port, ca_file=str(certificates.ca_file), **email)
        return connection.model_copy(update={"local_dir": str(folder)})

    def inbound(self, server: ImapServer, certificates: Certificates, folder: Path, **email: Any) -> Connection:
        endpoint = {
            "host": "localhost",
            "port": server.implicit_port,
            "tls": "implicit",
            "username": server.username,
            "secret": "env:UNUSED",
            "ca_file": str(certificates.ca_file),
        }
        return Connection.model_validate(
            {
                "name": "mailbox",
                "direction": "inbound",
                "method": "email",
                "local_dir": str(folder),
                "stall_timeout": 5,
                "email": endpoint | email,
            }
        )

    async def test_smtp_names_the_recipients_and_sends_nothing(
        self, engine: Engine, smtp_server: SmtpServer, certificates: Certificates, folder: Path
    ) -> None:
        report = await engine.test(self.outbound(smtp_server.starttls_port, certificates, folder))
        assert report.ok, report.failure
        assert "1 recipient would be taken; none was sent" in detail(report, "write")
        assert detail(report, "clock") == "the other side's clock agrees with ours to the second"
        offered = detail(report, "offers")
        assert "SIZE " in offered
        assert "AUTH " in offered
        assert smtp_server.raw_mails() == []

    @pytest.mark.parametrize(
        ("recipient", "failure_class"),
        [("refused@acme.example", FailureClass.REJECTED), ("later@acme.example", FailureClass.REFUSED)],
    )
    async def test_a_refused_recipient_fails_the_test(
        self,
        engine: Engine,
        smtp_server: SmtpServer,
        certificates: Certificates,
        folder: Path,
        recipient: str,
        failure_class: FailureClass,
    ) -> None:
        to = ["in@acme.example", recipient]
        connection = self.outbound(smtp_server.starttls_port, certificates, folder, recipients=to)
        report = await engine.test(connection)
        assert failed(report) == ("write", failure_class)
        assert recipient in report.steps[-1].detail
        assert (await engine.test(connection, write=False)).ok
        assert smtp_server.raw_mails() == []

    async def test_imap(
        self, engine: Engine, imap_server: ImapServer, certificates: Certificates, folder: Path
    ) -> None:
        report = await engine.test(self.inbound(imap_server, certificates, folder))
        assert report.ok, report.failure
        assert "write" not in steps(report)
        assert "IMAP4REV1" in detail(report, "offers")
        assert detail(report, "clock") == "not known: the other side does not tell its time"

    async def test_imap_with_a_bad_password(
        self,
        engine: Engine,
        imap_server: ImapServer,
        certificates: Certificates,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("UNUSED", "wrong-horse")
        report = await engine.test(self.inbound(imap_server, certificates, folder))
        assert failed(report) == ("login", FailureClass.AUTH)

    async def test_exim_with_a_certificate_that_ends_soon(
        self, engine: Engine, certificates: Certificates, folder: Path
    ) -> None:
        with running_exim(certificates.expiring) as server:
            report = await engine.test(self.outbound(server.starttls_port, certificates, folder))
        assert report.ok, report.failure
        assert "ends in 9 days" in report.warnings[0]

    async def test_dovecot_with_an_expired_certificate(
        self, engine: Engine, certificates: Certificates, folder: Path
    ) -> None:
        with running_dovecot(certificates.expired) as server:
            connection = self.inbound(server, certificates, folder)
            report = await engine.test(connection)
            assert failed(report) == ("identity", FailureClass.TLS)
            identity = await engine.identify(connection)
            assert identity.reason == "it has expired"
            accepted = await engine.accept(connection, identity)
            assert (await engine.test(accepted.connection)).ok

    async def test_a_cancel_of_a_frozen_dovecot(
        self, engine: Engine, imap_server: ImapServer, certificates: Certificates, folder: Path
    ) -> None:
        begun = asyncio.Event()
        connection = self.inbound(imap_server, certificates, folder)
        with imap_server.frozen():
            testing = asyncio.create_task(
                engine.test(connection, Watcher(lambda step: begun.set() if step == "identity" else None))
            )
            await begun.wait()
            testing.cancel()
            began = time.monotonic()
            await asyncio.wait({testing}, timeout=10)
            assert testing.cancelled()
            assert time.monotonic() - began < 2.0
