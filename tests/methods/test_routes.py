"""FTP, SMTP and IMAP behind jump hosts and a SOCKS5 proxy: real servers, certificates checked by the partner's name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.methods.ftp_support import connection_to
from tests.methods.ftp_support import get as get_ftp
from tests.methods.ftp_support import put as put_ftp
from tests.methods.leaving import assert_left_in_time
from tests.methods.mail_support import send as send_mail
from tests.methods.mail_support import smtp_connection
from tests.servers import ftp as servers
from tests.servers import mail as mail_servers
from tests.servers.certificates import Certificates
from tests.servers.jumps import Jumps, run_jumps
from tests.servers.mail import ImapServer, SmtpServer
from tests.servers.socks import SocksProxy, run_socks
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.run import Event
from tui.domain.terms import FtpTls
from tui.methods import identify
from tui.methods.base import Session, Staged, Surroundings
from tui.methods.ftp import FtpSession
from tui.methods.imap import ImapSession
from tui.methods.narration import Narrator
from tui.methods.smtp import SmtpSession
from tui.trust.identity import Doubt

_OTHER_NAME = "127.1"
"""Leads to 127.0.0.1 everywhere, and is in no certificate."""

ROUTES = ["jumps", "proxy", "proxy and jumps"]


@dataclass
class Listener:
    """Surroundings that keep what they hear and have every secret."""

    known_hosts: Path
    secret: str
    events: list[Event] = field(default_factory=list)
    asked: int = 0

    def surroundings(self) -> Surroundings:
        return Surroundings(Narrator(self.events.append), self._secret, self.known_hosts, other_secret=self._other)

    async def _secret(self) -> str | None:
        self.asked += 1
        return self.secret

    async def _other(self, reference: str) -> str:
        return {"env:PROXY": "open sesame"}[reference]

    @property
    def steps(self) -> list[str]:
        return [event.step for event in self.events]


@dataclass
class Route:
    """What leads to the servers of a test, and what has gone through it."""

    keys: dict[str, Any]
    listener: Listener
    jumps: Jumps | None = None
    proxy: SocksProxy | None = None

    def passed_on(self) -> int:
        """Connections to the server itself."""
        return self.jumps.forwarded(1) if self.jumps is not None else len(self.proxy.asked) if self.proxy else 0


@pytest.fixture(params=ROUTES)
async def route(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Route]:
    listener = Listener(tmp_path / "known_hosts", servers.PASSWORD)
    found = Route({}, listener)
    async with AsyncExitStack() as stack:
        if "jumps" in request.param:
            found.jumps = await stack.enter_async_context(run_jumps(tmp_path / "jumps"))
            found.keys |= found.jumps.route
            listener.known_hosts.write_text(found.jumps.known_hosts)
        if "proxy" in request.param:
            proxy = SocksProxy(login=("ops", "open sesame"))
            found.proxy = await stack.enter_async_context(run_socks(proxy))
            found.keys |= {"proxy": proxy.address, "proxy_secret": "env:PROXY"}
        yield found


@asynccontextmanager
async def opened(session: Session) -> AsyncIterator[None]:
    try:
        await session.open()
        yield
        await session.close()
    finally:
        session.abort()


class TestFtp:
    @pytest.mark.parametrize("tls", [FtpTls.EXPLICIT, FtpTls.IMPLICIT, FtpTls.NONE])
    async def test_control_and_data_go_the_same_way(
        self, route: Route, certificates: Certificates, tls: FtpTls
    ) -> None:
        content = bytes(range(256)) * 8192
        with servers.vsftpd(tls, certificates.good) as server:
            asked = connection_to(server, tls, certificates, endpoint=route.keys)
            session = FtpSession(asked, route.listener.surroundings())
            async with opened(session):
                entry = await put_ftp(session, "batch.csv", content)
                await session.publish([Staged(entry, len(content), "")])
                [listed] = await session.list_files()
                assert await get_ftp(session, listed) == content
            # One for control, at least three for data: up, the listing, down.
            assert route.passed_on() >= 4
        if tls is not FtpTls.NONE:
            [told] = [event.detail for event in route.listener.events if event.step == "data channel"]
            # vsftpd insists on it (require_ssl_reuse).
            assert told.endswith("session resumed")

    async def test_the_certificate_must_be_for_the_partner(self, route: Route, certificates: Certificates) -> None:
        with servers.vsftpd(FtpTls.EXPLICIT, certificates.wrong_name) as server:
            asked = connection_to(server, FtpTls.EXPLICIT, certificates, endpoint=route.keys)
            await refused_at_identity(FtpSession(asked, route.listener.surroundings()), route)
            shown = await identify(asked, route.listener.surroundings())
            assert (shown.fingerprint, shown.doubt) == (certificates.wrong_name.fingerprint, Doubt.UNKNOWN)


class TestSmtp:
    @pytest.mark.parametrize("tls", ["starttls", "implicit"])
    async def test_mail_goes_out(
        self, route: Route, smtp_server: SmtpServer, certificates: Certificates, tls: str
    ) -> None:
        port = smtp_server.starttls_port if tls == "starttls" else smtp_server.implicit_port
        asked = smtp_connection(port, tls=tls, ca_file=str(certificates.ca_file), **route.keys)
        route.listener.secret = mail_servers.PASSWORD
        session = SmtpSession(asked, route.listener.surroundings())
        async with opened(session):
            await send_mail(session, {"a.csv": b"1;2\n" * 20_000})
        [mail] = smtp_server.mails(1)
        [attachment] = mail.iter_attachments()
        assert attachment.get_content() == b"1;2\n" * 20_000 or attachment.get_content() == "1;2\n" * 20_000
        assert route.passed_on() == 1

    async def test_a_name_that_the_certificate_does_not_have(
        self, route: Route, smtp_server: SmtpServer, certificates: Certificates
    ) -> None:
        endpoint = {"tls": "implicit", "ca_file": str(certificates.ca_file), "host": _OTHER_NAME} | route.keys
        asked = smtp_connection(smtp_server.implicit_port, **endpoint)
        await refused_at_identity(SmtpSession(asked, route.listener.surroundings()), route)


class TestImap:
    @pytest.mark.parametrize("tls", ["starttls", "implicit"])
    async def test_mail_comes_in(
        self, route: Route, imap_server: ImapServer, certificates: Certificates, tls: str
    ) -> None:
        content = b"1;2\n" * 200_000
        imap_server.deliver(with_attachment("batch.csv", content))
        port = imap_server.starttls_port if tls == "starttls" else imap_server.implicit_port
        asked = inbox(port, imap_server.username, {"tls": tls, "ca_file": str(certificates.ca_file)} | route.keys)
        route.listener.secret = mail_servers.PASSWORD
        session = ImapSession(asked, route.listener.surroundings())
        async with opened(session):
            [entry] = await session.list_files()
            async with session.read(entry) as blocks:
                assert b"".join([block async for block in blocks]) == content
        assert route.passed_on() == 1

    async def test_a_name_that_the_certificate_does_not_have(
        self, route: Route, imap_server: ImapServer, certificates: Certificates
    ) -> None:
        endpoint = {"tls": "implicit", "ca_file": str(certificates.ca_file), "host": _OTHER_NAME} | route.keys
        asked = inbox(imap_server.implicit_port, imap_server.username, endpoint)
        await refused_at_identity(ImapSession(asked, route.listener.surroundings()), route)


@pytest.mark.parametrize("number", [0, 1])
class TestAJumpHost:
    async def test_that_is_not_known_ends_it_before_any_secret(
        self, tmp_path: Path, certificates: Certificates, number: int
    ) -> None:
        async with run_jumps(tmp_path / "jumps") as jumps:
            listener = Listener(tmp_path / "known_hosts", "never sent")
            listener.known_hosts.write_text(jumps.hops[1 - number].known_hosts_line)
            with servers.vsftpd(FtpTls.EXPLICIT, certificates.good) as server:
                asked = connection_to(server, FtpTls.EXPLICIT, certificates, endpoint=jumps.route)
                session = FtpSession(asked, listener.surroundings())
                with pytest.raises(TransferFailed) as caught:
                    await session.open()
                await session.close()
                shown = await identify(asked, listener.surroundings())
        assert caught.value.failure.failure_class is FailureClass.HOST_KEY
        assert listener.steps[-1] == f"jump {number + 1}/2 identity"
        assert listener.asked == 0
        hop = jumps.hops[number]
        # `wharf trust` shows the jump host, and would make it known, not pin it as the partner's certificate.
        assert (shown.where, shown.doubt) == (f"127.0.0.1:{hop.port}", Doubt.UNKNOWN)
        assert shown.known_hosts_line == hop.known_hosts_line.strip()

    async def test_that_freezes_lets_a_cancelled_session_go_within_two_seconds(
        self, tmp_path: Path, certificates: Certificates, number: int
    ) -> None:
        async with run_jumps(tmp_path / "jumps") as jumps:
            listener = Listener(tmp_path / "known_hosts", servers.PASSWORD)
            listener.known_hosts.write_text(jumps.known_hosts)
            with servers.vsftpd(FtpTls.EXPLICIT, certificates.good) as server:
                asked = connection_to(server, FtpTls.EXPLICIT, certificates, endpoint=jumps.route)
                session = FtpSession(asked, listener.surroundings())
                await session.open()
                jumps.hops[number].freeze()
                await assert_left_in_time(asyncio.create_task(session.list_files()), session)


async def refused_at_identity(session: Session, route: Route) -> None:
    with pytest.raises(TransferFailed) as caught:
        await session.open()
    await session.close()
    assert caught.value.failure.failure_class is FailureClass.TLS
    assert route.listener.steps[-1] == "identity"
    assert not route.listener.events[-1].ok
    assert route.listener.asked == 0
    assert route.passed_on() >= 1


def inbox(port: int, username: str, endpoint: dict[str, Any]) -> Connection:
    table = {"host": "localhost", "port": port, "username": username, "secret": "env:UNUSED"} | endpoint
    fields = {"name": "acme-mail", "direction": "inbound", "method": "email", "local_dir": "/nowhere", "email": table}
    return Connection.model_validate(fields)


def with_attachment(name: str, content: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"] = "batches@acme.example"
    mail["Message-ID"] = "<1@acme.example>"
    mail.add_attachment(content, maintype="text", subtype="csv", filename=name)
    return mail.as_bytes()
