"""Sending over a real Exim: both kinds of TLS, login, size limits, refusals, and what arrives."""

import asyncio
import os
import ssl
from bisect import bisect_right
from email.message import EmailMessage
from typing import Any

import pytest

from tests.methods.mail_support import (
    Witness,
    entry_of,
    open_smtp,
    scripted_server,
    send,
    silence,
    smtp_connection,
    stage,
)
from tests.servers.certificates import Certificates
from tests.servers.mail import PASSWORD, SIZE_LIMIT, SmtpServer, running_exim
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods import smtp
from tui.methods.base import OutcomeUnknown, PartlyDelivered
from tui.methods.message import Letterhead, size_of
from tui.methods.smtp import SmtpSession
from tui.trust.identity import Doubt


def starttls(server: SmtpServer, certificates: Certificates, **email: Any) -> Connection:
    return smtp_connection(server.starttls_port, ca_file=str(certificates.ca_file), **email)


def open_relay(port: int, **fields: int) -> Connection:
    """A server that wants neither encryption nor a login."""
    return smtp_connection(port, tls="none", username=None, secret=None, **fields)


def attached(mail: EmailMessage) -> dict[str | None, object]:
    return {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_files_arrive_byte_by_byte(smtp_server: SmtpServer, certificates: Certificates, tls: str) -> None:
    port = smtp_server.starttls_port if tls == "starttls" else smtp_server.implicit_port
    files = {
        "a.csv": os.urandom(100_000),
        "ü .bin": bytes(range(256)) * 300,
        "dots.txt": b".\r\n..\n.\r" * 50,
        "0": b"",
    }
    witness = Witness()
    connection = smtp_connection(port, tls=tls, ca_file=str(certificates.ca_file))
    async with open_smtp(connection, witness) as session:
        await send(session, files)
    (mail,) = smtp_server.mails(1)
    assert attached(mail) == files
    assert mail["To"] == "in@acme.example"
    assert witness.asked == 1
    assert "with PLAIN" in witness.told("login").detail
    assert certificates.good.fingerprint in witness.told("identity").detail
    assert "400 kB, as the server says" in witness.told("size").detail
    assert str(mail["Message-ID"]) in witness.told("mail").detail
    assert witness.lives > 1


async def test_what_is_sent_again_has_the_same_identity(smtp_server: SmtpServer, certificates: Certificates) -> None:
    for _ in range(2):
        async with open_smtp(starttls(smtp_server, certificates)) as session:
            await send(session, {"a.csv": b"1;2\n", "b.csv": b"3;4\n"})
    first, second = smtp_server.mails(2)
    assert first["Message-ID"] == second["Message-ID"]


async def test_without_encryption_when_the_connection_says_so(smtp_server: SmtpServer) -> None:
    witness = Witness()
    connection = smtp_connection(smtp_server.plain_port, tls="none", username=None, secret=None)
    async with open_smtp(connection, witness) as session:
        await send(session, {"a.csv": b"1"})
    assert len(smtp_server.mails(1)) == 1
    assert "not encrypted" in witness.told("identity").detail
    assert witness.asked == 0


async def test_no_secret_and_no_mail_without_the_starttls_demanded(smtp_server: SmtpServer) -> None:
    witness = Witness()
    with pytest.raises(TransferFailed, match="does not offer STARTTLS") as caught:
        async with open_smtp(smtp_connection(smtp_server.plain_port), witness):
            pass
    assert caught.value.failure.failure_class is FailureClass.TLS
    assert witness.asked == 0
    assert not witness.told("identity").ok


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("pinned", [False, True])
async def test_no_secret_for_a_certificate_that_is_not_trusted(
    smtp_server: SmtpServer, certificates: Certificates, tls: str, pinned: bool
) -> None:
    port = smtp_server.starttls_port if tls == "starttls" else smtp_server.implicit_port
    fingerprint = certificates.expired.fingerprint if pinned else None
    witness = Witness()
    with pytest.raises(TransferFailed) as caught:
        async with open_smtp(smtp_connection(port, tls=tls, fingerprint=fingerprint), witness):
            pass
    assert caught.value.failure.failure_class is FailureClass.TLS
    assert witness.asked == 0
    assert not witness.told("identity").ok


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "self_signed"])
async def test_bad_certificates_are_refused_unless_pinned(certificates: Certificates, kind: str) -> None:
    bad = getattr(certificates, kind)
    with running_exim(bad) as server:
        witness = Witness()
        with pytest.raises(TransferFailed) as caught:
            async with open_smtp(starttls(server, certificates), witness):
                pass
        assert caught.value.failure.failure_class is FailureClass.TLS
        assert witness.asked == 0
        async with open_smtp(smtp_connection(server.implicit_port, tls="implicit", fingerprint=bad.fingerprint)):
            pass


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_identify_shows_the_certificate_without_login(
    smtp_server: SmtpServer, certificates: Certificates, tls: str
) -> None:
    port = smtp_server.starttls_port if tls == "starttls" else smtp_server.implicit_port
    identity = await smtp.identify(smtp_connection(port, tls=tls), Witness().surroundings())
    assert identity.fingerprint == certificates.good.fingerprint
    assert identity.doubt is Doubt.UNKNOWN
    assert identity.reason == "it is signed by a CA that is not trusted here"
    assert identity.certificate is not None
    assert "Wharf test CA" in identity.certificate.issuer
    assert identity.certificate.names == ("localhost", "127.0.0.1")


async def test_identify_has_nothing_to_show_without_encryption(smtp_server: SmtpServer) -> None:
    with pytest.raises(TransferFailed, match="not encrypted"):
        await smtp.identify(smtp_connection(smtp_server.plain_port, tls="none"), Witness().surroundings())


async def test_a_wrong_password_is_tried_once_and_not_shown(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    witness = Witness(secret="wrong-horse")
    before = smtp_server.log.read_text().count("authenticator failed")
    with pytest.raises(TransferFailed) as caught:
        async with open_smtp(starttls(smtp_server, certificates), witness):
            pass
    assert caught.value.failure.failure_class is FailureClass.AUTH
    assert "535" in str(caught.value)
    assert smtp_server.log.read_text().count("authenticator failed") == before + 1
    assert not any("wrong-horse" in event.detail for event in witness.events)


async def test_a_login_that_is_missing_is_told_as_such(smtp_server: SmtpServer, certificates: Certificates) -> None:
    async with open_smtp(starttls(smtp_server, certificates, username=None, secret=None)) as session:
        with pytest.raises(TransferFailed, match="550 login first") as caught:
            await send(session, {"a.csv": b"1"})
    assert caught.value.failure.failure_class is FailureClass.REJECTED


async def test_fills_mails_up_to_the_last_byte_of_the_limit(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    head = Letterhead("acme-mail", "batches@us.example", ("in@acme.example",))
    fits = bisect_right(range(SIZE_LIMIT), SIZE_LIMIT, key=lambda size: size_of(head, [("a.bin", size)])) - 1
    # Base64 grows by four for three, so the limit is missed by less than one group and one line end.
    assert SIZE_LIMIT - size_of(head, [("a.bin", fits)]) < 6
    async with open_smtp(starttls(smtp_server, certificates)) as session:
        await send(session, {"a.bin": os.urandom(fits)})
        too_large = entry_of("a.bin", bytes(fits + 1))
        with pytest.raises(TransferFailed, match=r"too large for a mail.*400,000") as caught:
            async with session.stage(too_large):
                pass
    assert caught.value.failure.failure_class is FailureClass.REJECTED
    assert len(smtp_server.mails(1)) == 1


async def test_one_file_too_large_does_not_hold_up_the_others(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    files = {"1.bin": os.urandom(150_000), "2.bin": os.urandom(500_000), "3.bin": os.urandom(250_000), "4.bin": b"4"}
    async with open_smtp(starttls(smtp_server, certificates)) as session:
        batches = session.batches([entry_of(name, content) for name, content in files.items()])
        assert [[entry.name for entry in batch] for batch in batches] == [["1.bin"], ["2.bin"], ["3.bin", "4.bin"]]
        for batch in batches:
            if batch[0].name == "2.bin":
                with pytest.raises(TransferFailed, match=r"500,000 bytes"):
                    await stage(session, batch[0], files["2.bin"])
                await session.discard(batch[0])
            else:
                await session.publish([await stage(session, entry, files[entry.name]) for entry in batch])
    first, second = smtp_server.mails(2)
    assert attached(first) == {"1.bin": files["1.bin"]}
    assert attached(second) == {"3.bin": files["3.bin"], "4.bin": files["4.bin"]}


async def test_a_recipient_refused_for_good_does_not_keep_the_mail_from_the_others(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    connection = starttls(smtp_server, certificates, recipients=["in@acme.example", "refused@acme.example"])
    async with open_smtp(connection) as session:
        with pytest.raises(PartlyDelivered, match=r"Delivered to in@acme.example.*refused@acme.example: 550 no such"):
            await send(session, {"a.csv": b"1"})
    (mail,) = smtp_server.mails(1)
    assert mail["Envelope-to"] == "in@acme.example"


async def test_a_recipient_refused_for_now_holds_the_mail_back(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    connection = starttls(
        smtp_server, certificates, recipients=["in@acme.example", "later@acme.example", "refused@acme.example"]
    )
    async with open_smtp(connection) as session:
        with pytest.raises(TransferFailed, match="sent to nobody") as caught:
            await send(session, {"a.csv": b"1"})
    assert not isinstance(caught.value, PartlyDelivered)
    assert caught.value.failure.failure_class is FailureClass.REFUSED
    assert smtp_server.raw_mails() == []


async def test_after_a_refused_mail_the_session_sends_the_next(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    connection = starttls(smtp_server, certificates, recipients=["refused@acme.example"])
    async with open_smtp(connection) as session:
        for _ in range(2):
            with pytest.raises(TransferFailed, match="refused every recipient") as caught:
                await send(session, {"a.csv": b"1"})
            assert caught.value.failure.failure_class is FailureClass.REJECTED


async def test_a_refused_sender(smtp_server: SmtpServer, certificates: Certificates) -> None:
    async with open_smtp(starttls(smtp_server, certificates, sender="refused@us.example")) as session:
        with pytest.raises(TransferFailed, match="sender not liked"):
            await send(session, {"a.csv": b"1"})


async def test_hostile_subject_and_names_stay_in_their_header(
    smtp_server: SmtpServer, certificates: Certificates
) -> None:
    name = 'a[/red]\u202e\u200b;"filename=x" =?utf-8?q?=0D=0ABcc:=20x@evil.example?=.csv'
    async with open_smtp(starttls(smtp_server, certificates, subject="{file} {connection}\u2028")) as session:
        await send(session, {name: b"1"})
    (mail,) = smtp_server.mails(1)
    assert attached(mail) == {name: b"1"}
    assert mail["Bcc"] is None
    assert mail["Envelope-to"] == "in@acme.example"
    assert "\n" not in str(mail["Subject"])


async def test_addresses_that_could_be_read_otherwise_are_refused_before_connecting() -> None:
    session = SmtpSession(smtp_connection(1, recipients=["a(b)@acme.example"]), Witness().surroundings())
    with pytest.raises(TransferFailed) as caught:
        await session.open()
    assert caught.value.failure.failure_class is FailureClass.CONFIG


async def test_a_closed_port_and_an_unknown_host() -> None:
    for host, failure_class in (("localhost", FailureClass.REFUSED), ("no.such.host.invalid", FailureClass.NETWORK)):
        with pytest.raises(TransferFailed) as caught:
            async with open_smtp(smtp_connection(1, host=host)):
                pass
        assert caught.value.failure.failure_class is failure_class


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
async def test_a_silent_server_can_be_left_at_once(tls: str) -> None:
    witness = Witness()
    async with scripted_server(silence) as port:
        connection = smtp_connection(port, tls=tls, stall_timeout=60)
        session = SmtpSession(connection, witness.surroundings())
        opening = asyncio.create_task(session.open())
        await witness.hears("connect")
        async with asyncio.timeout(2):
            opening.cancel()
            session.abort()
            await asyncio.wait({opening})
            await session.close()
        assert opening.cancelled() or isinstance(opening.exception(), TransferFailed)
        with pytest.raises(TransferFailed) as caught:
            async with asyncio.timeout(5), open_smtp(smtp_connection(port, tls=tls, stall_timeout=1)):
                pass
        assert caught.value.failure.failure_class is FailureClass.TIMEOUT


async def _until_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says yes to everything up to the mail itself."""
    writer.write(b"220 hello\r\n")
    while (line := await reader.readline()) != b"DATA\r\n":
        assert line
        writer.write(b"250 yes\r\n")
    writer.write(b"354 go on\r\n")


async def test_a_mail_that_was_not_confirmed_may_have_arrived() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_data(reader, writer)
        await reader.readuntil(b"\r\n.\r\n")
        # Never an answer.

    async with scripted_server(talk) as port, open_smtp(open_relay(port)) as session:
        with pytest.raises(OutcomeUnknown, match="may have been delivered"):
            await send(session, {"a.csv": b"1"})


async def test_a_server_that_stops_reading_in_the_middle_can_be_left_at_once() -> None:
    reached = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_data(reader, writer)
        reached.set()
        await asyncio.Event().wait()

    async with scripted_server(talk) as port, open_smtp(open_relay(port, stall_timeout=60)) as session:
        sending = asyncio.create_task(send(session, {"a.bin": bytes(15_000_000)}))
        await reached.wait()
        async with asyncio.timeout(2):
            sending.cancel()
            await asyncio.wait({sending})
        assert sending.cancelled()


@pytest.mark.parametrize(
    ("answer", "failure_class"),
    [
        (b"554 looks like spam \x1b]0;x\x07", FailureClass.REJECTED),
        (b"552 too much", FailureClass.REJECTED),
        (b"451 later", FailureClass.REFUSED),
        (b"421 going down", FailureClass.REFUSED),
        (b"gibberish", FailureClass.INTERRUPTED),
    ],
)
async def test_answers_to_the_mail(answer: bytes, failure_class: FailureClass) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_data(reader, writer)
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(answer + b"\r\n")
        await reader.readline()

    async with scripted_server(talk) as port, open_smtp(open_relay(port)) as session:
        with pytest.raises(TransferFailed) as caught:
            await send(session, {"a.csv": b"1"})
    assert caught.value.failure.failure_class is failure_class
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "told"), [(b"1000", "1.0 kB, as the server"), (b"0", "25 MB, as is usual"), (b"9" * 5000, "25 MB, as is")]
)
async def test_the_size_that_a_server_names_is_a_number_or_nothing(size: bytes, told: str) -> None:
    """Python refuses to read a number of thousands of digits."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 SIZE " + size + b"\r\n")
        await reader.readline()

    witness = Witness()
    async with scripted_server(talk) as port, open_smtp(open_relay(port), witness):
        assert told in witness.told("size").detail


async def test_what_a_server_says_before_tls_is_not_believed_after_it(certificates: Certificates) -> None:
    """Whoever is in between adds an answer behind the one to STARTTLS (RFC 3207 section 6)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.good.combined)
    lines: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n250-injected\r\n250 AUTH LOGIN\r\n")
        await writer.start_tls(context)
        lines.append(await reader.readline())
        writer.write(b"250-hello\r\n250 SIZE 1000\r\n")
        lines.append(await reader.readline())

    async with scripted_server(talk) as port:
        witness = Witness()
        with pytest.raises(TransferFailed, match=r"offers no login.*none at all"):
            async with open_smtp(smtp_connection(port, ca_file=str(certificates.ca_file)), witness):
                pass
    assert lines[0].startswith(b"EHLO")
    assert PASSWORD not in str(witness.events)


async def test_a_server_that_checks_a_large_mail_gets_its_time() -> None:
    """Its answer may take longer than a sign of life, and the wait for it counts as one."""
    witness = Witness()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _until_data(reader, writer)
        await reader.readuntil(b"--\r\n.\r\n")
        # Two and a half times the stall timeout.
        for _ in range(5):
            await witness.lives_on()
        writer.write(b"250 clean\r\n")
        await reader.readline()

    async with scripted_server(talk) as port, open_smtp(open_relay(port, stall_timeout=1), witness) as session:
        await send(session, {"a.bin": bytes(150_000)})
    assert "250 clean" in witness.told("mail").detail


@pytest.mark.parametrize(
    ("offered", "tried_first"),
    [
        # Without encryption the one that does not show the password comes first.
        (b"LOGIN PLAIN CRAM-MD5", b"AUTH CRAM-MD5"),
        (b"LOGIN", b"AUTH LOGIN"),
        (b"XOAUTH2 PLAIN", b"AUTH PLAIN"),
    ],
)
async def test_one_mechanism_is_tried_once(offered: bytes, tried_first: bytes) -> None:
    tried: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 AUTH " + offered + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"AUTH"):
                tried.append(line)
            writer.write(b"334 VGVzdA==\r\n" if line.startswith(b"AUTH CRAM") else b"535 no\r\n")

    async with scripted_server(talk) as port:
        with pytest.raises(TransferFailed) as caught:
            async with open_smtp(smtp_connection(port, tls="none")):
                pass
    assert caught.value.failure.failure_class is FailureClass.AUTH
    assert len(tried) == 1
    assert tried[0].startswith(tried_first)
