"""Fetching from a real Dovecot: both kinds of TLS, names of every kind, exact bytes, and what happens to the mails."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from tests.methods.mail_support import Witness, scripted_server, silence
from tests.servers.certificates import Certificates
from tests.servers.mail import PASSWORD, ImapServer, running_dovecot
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods import imap
from tui.methods.base import Entry
from tui.methods.imap import ImapSession
from tui.methods.imap_client import ImapClient


def imap_connection(port: int, username: str, *, email: dict[str, Any], **fields: Any) -> Connection:
    table = {"host": "localhost", "port": port, "username": username, "secret": "env:UNUSED", **email}
    return Connection.model_validate(
        {
            "name": "acme-mail",
            "direction": "inbound",
            "method": "email",
            "local_dir": "/nowhere",
            "stall_timeout": 5,
            "email": table,
            **fields,
        }
    )


def starttls(server: ImapServer, certificates: Certificates, *, email: Any = None, **fields: Any) -> Connection:
    email = {"ca_file": str(certificates.ca_file), **(email or {})}
    return imap_connection(server.starttls_port, server.username, email=email, **fields)


@asynccontextmanager
async def opened(connection: Connection, witness: Witness | None = None) -> AsyncIterator[ImapSession]:
    session = ImapSession(connection, (witness or Witness()).surroundings())
    try:
        await session.open()
        yield session
    finally:
        await session.close()


async def content_of(session: ImapSession, entry: Entry) -> bytes:
    async with session.read(entry) as blocks:
        return b"".join([block async for block in blocks])


async def contents_of(session: ImapSession) -> dict[str, bytes]:
    """Everything listed, by target name, read as the engine does: as long as announced, and unchanged afterwards."""
    contents = {}
    for entry in await session.list_files():
        assert entry.problem is None
        contents[entry.target_name] = await content_of(session, entry)
        assert len(contents[entry.target_name]) == entry.size
        assert await session.stat(entry) == entry
    return contents


def mail(files: dict[str, bytes], sender: str = "Acme <batches@acme.example>") -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["Subject"] = "batch"
    message.set_content("hello")
    for name, content in files.items():
        message.add_attachment(content, "application", "octet-stream", filename=name)
    return message.as_bytes()


def raw_mail(*parts: bytes) -> bytes:
    """A mail with parts as written; each is header lines, an empty line and content."""
    head = b"From: batches@acme.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=XX\r\n\r\n"
    return head + b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts) + b"--XX--\r\n"


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    """Let the server seem not to offer something."""
    offers = ImapClient.offers
    monkeypatch.setattr(ImapClient, "offers", lambda self, what: what not in hidden and offers(self, what))


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_attachments_come_byte_by_byte(imap_server: ImapServer, certificates: Certificates, tls: str) -> None:
    port = imap_server.starttls_port if tls == "starttls" else imap_server.implicit_port
    files = {"a.csv": os.urandom(1_500_000), "ü ß.bin": bytes(range(256)), "empty": b"", "lines": b"a\r\nb\n.\r\n\xff"}
    imap_server.deliver(mail(files))
    witness = Witness()
    connection = imap_connection(port, imap_server.username, email={"tls": tls, "ca_file": str(certificates.ca_file)})
    async with opened(connection, witness) as session:
        assert await contents_of(session) == files
    assert witness.steps == [
        *("resolve", "connect"),
        *(("greeting", "identity") if tls == "starttls" else ("identity",)),
        *("login", "folder"),
    ]
    assert certificates.good.fingerprint in witness.told("identity").detail
    assert witness.told("folder").detail == "INBOX: 1 mails"
    assert imap_server.flags() == [rb"1 (FLAGS ())"] or b"Seen" not in imap_server.flags()[0]


async def test_every_encoding(imap_server: ImapServer, certificates: Certificates) -> None:
    disposition = b"Content-Disposition: attachment; filename="
    imap_server.deliver(
        raw_mail(
            disposition + b"qp\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc  \r\nd=\r\n",
            disposition + b"plain\r\nContent-Type: text/csv\r\n\r\n1;2\r\n3;4\r\n",
            disposition + b"odd\r\nContent-Transfer-Encoding: BASE64\r\n\r\nQU\r\nJD RA\r\n==",
        )
    )
    async with opened(starttls(imap_server, certificates)) as session:
        assert await contents_of(session) == {"qp": b"a=bc\r\nd", "plain": b"1;2\r\n3;4\r\n", "odd": b"ABCD"}


async def test_what_counts_as_an_attachment(imap_server: ImapServer, certificates: Certificates) -> None:
    inner = b"Content-Type: multipart/mixed; boundary=YY\r\n\r\n--YY\r\n%s\r\n--YY--"
    imap_server.deliver(
        raw_mail(
            b"Content-Type: text/plain\r\n\r\nhello",
            b'Content-Type: image/png; name="logo.png"\r\nContent-Disposition: inline; filename=logo.png\r\n\r\nx',
            b'Content-Type: text/csv; name="by type.csv"\r\n\r\nx',
            b'Content-Type: image/png; name="picture.png"\r\nContent-Disposition: attachment\r\n\r\nx',
            inner % b"Content-Disposition: inline; filename=inner.csv\r\n\r\nx",
            b"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=f.eml\r\n\r\n"
            + mail({"deep": b""}),
        ),
        b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Disposition: attachment; filename=whole.csv\r\n\r\n1;2\r\n",
        b"From: batches@acme.example\r\n\r\nno attachment at all\r\n",
    )
    async with opened(starttls(imap_server, certificates)) as session:
        names = [entry.name for entry in await session.list_files()]
        assert names == ["by type.csv", "picture.png", "inner.csv", "f.eml", "whole.csv"]


async def test_names_of_every_kind(imap_server: ImapServer, certificates: Certificates) -> None:
    written = {
        b"filename*=utf-8''%C3%BC.csv": "ü.csv",
        b"filename*0*=iso-8859-1''%FC; filename*1=.csv": "ü.csv2",
        b'filename="=?utf-8?b?w7wuY3N2?="': "ü.csv3",
        b'filename="=?iso-8859-1?q?=FC=2Ecsv?="': "ü.csv4",
        'filename="ü.csv"'.encode(): "ü.csv5",
        rb'filename="a\"b[red].csv"': 'a"b[red].csv',
    }
    unsafe = {
        b'filename="../../x"': "path separator",
        b"filename*=utf-8''%0D%0Ax": "control",
        b'filename="=?utf-8?q?=1B]0;?="': "control",
        b'filename="\xfc.csv"': "not valid text",
        b'filename="%s"' % (b"n" * 4000): "longer",
        b"x=y": "empty",
    }
    parts = [b"Content-Disposition: attachment; " + header + b"\r\n\r\nx" for header in (*written, *unsafe)]
    imap_server.deliver(raw_mail(*parts))
    async with opened(starttls(imap_server, certificates)) as session:
        entries = await session.list_files()
    assert [entry.name for entry in entries[:6]] == [name.rstrip("2345") for name in written.values()]
    assert [entry.problem for entry in entries[:6]] == [None] * 6
    problems = [entry.problem or "" for entry in entries[6:]]
    assert all(words in problem for problem, words in zip(problems, unsafe.values(), strict=True)), problems
    assert len({entry.target_name for entry in entries[:6]}) == 6


async def test_attachments_of_one_name_get_names_that_last(imap_server: ImapServer, certificates: Certificates) -> None:
    imap_server.deliver(mail({"a.csv": b"1"}), mail({"a.csv": b"2", "b.csv": b"3"}), mail({"a.csv": b"4"}))
    connection = starttls(imap_server, certificates, after="delete")
    async with opened(connection) as session:
        entries = await session.list_files()
        assert [entry.target_name for entry in entries] == ["a-1-2.csv", "a-2-2.csv", "b.csv", "a-3-2.csv"]
        assert [entry.name for entry in entries] == ["a.csv", "a.csv", "b.csv", "a.csv"]
        await session.settle(entries[0])
    async with opened(connection) as session:
        remaining = await session.list_files()
    assert [(entry.key, entry.target_name) for entry in remaining] == [
        (entry.key, entry.target_name) for entry in entries[1:]
    ]


async def test_a_file_has_one_key_and_one_size_for_good(
    imap_server: ImapServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the ledger compares is equal in every run, whether the size is known already or not."""
    imap_server.deliver(mail({"a.csv": b"1" * 1000, "b.csv": b"22"}))
    async with opened(starttls(imap_server, certificates)) as session:
        first = await session.list_files()
    asked = len(imap._KNOWN_SIZES)
    async with opened(starttls(imap_server, certificates)) as session:
        assert await session.list_files() == first
        assert len(imap._KNOWN_SIZES) == asked
        assert [await content_of(session, entry) for entry in first] == [b"1" * 1000, b"22"]
    monkeypatch.setattr(imap, "_KNOWN_SIZES", {})
    monkeypatch.setattr(imap, "_MOST_SIZES", 1)
    async with opened(starttls(imap_server, certificates)) as session:
        assert await session.list_files() == first
    assert len(imap._KNOWN_SIZES) == 1
    folder, uidvalidity, *rest = first[0].key.split(";")
    assert (folder, uidvalidity.isdigit(), rest) == ("INBOX", True, ["1", "2"])
    now = datetime.now(UTC).timestamp()
    assert all(entry.mtime is not None and abs(now - entry.mtime) < 60 for entry in first)


async def test_what_does_not_fit_into_the_spool_is_read_again(
    imap_server: ImapServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_SPOOL_LIMIT", 5000)
    files = {"a.bin": os.urandom(3000), "b.bin": os.urandom(3000), "c.bin": os.urandom(300)}
    imap_server.deliver(mail(files))
    async with opened(starttls(imap_server, certificates)) as session:
        assert await contents_of(session) == files


@pytest.mark.parametrize("pattern", ["*@acme.example", "BATCHES@acme.ex?mple", "batches@acme.example"])
async def test_only_mail_from_the_partner(imap_server: ImapServer, certificates: Certificates, pattern: str) -> None:
    imap_server.deliver(
        mail({"good.csv": b""}),
        mail({"other.csv": b""}, sender="x@other.example"),
        mail({"name.csv": b""}, sender='"batches@acme.example" <x@other.example>'),
        mail({"suffix.csv": b""}, sender="batches@acme.example.evil.example"),
        b"Subject: nobody\r\nContent-Disposition: attachment; filename=nobody.csv\r\n\r\n",
        b"From: batches@acme.example, x@evil.example\r\nContent-Disposition: attachment; filename=two.csv\r\n\r\n",
    )
    async with opened(starttls(imap_server, certificates, email={"from": pattern})) as session:
        assert [entry.name for entry in await session.list_files()] == ["good.csv"]


async def test_damaged_content_fails_and_is_not_guessed(imap_server: ImapServer, certificates: Certificates) -> None:
    base64 = b"Content-Disposition: attachment; filename=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s"
    imap_server.deliver(
        raw_mail(
            base64 % (b"cut.csv", b"QUJDR"),
            base64 % (b"noise.csv", b"QUJD!!!!"),
            base64 % (b"footer.csv", b"QUI=\r\nThis mail was scanned"),
            b"Content-Disposition: attachment; filename=uu\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin",
        )
    )
    async with opened(starttls(imap_server, certificates)) as session:
        entries = await session.list_files()
        assert [entry.name for entry in entries] == ["cut.csv", "noise.csv", "footer.csv", "uu"]
        for entry in entries:
            with pytest.raises(TransferFailed, match="cannot be decoded") as caught:
                await content_of(session, entry)
            assert caught.value.failure.failure_class is FailureClass.REJECTED
        # The session goes on.
        assert await session.stat(entries[0]) == entries[0]


# What happens to the mails


@pytest.mark.parametrize("hidden", [(), ("MOVE",), ("MOVE", "UIDPLUS")])
async def test_a_mail_moves_when_its_last_attachment_is_settled(
    imap_server: ImapServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, hidden: tuple[str, ...]
) -> None:
    hide(monkeypatch, *hidden)
    imap_server.deliver(mail({"a.csv": b"1", "b.csv": b"2", "ignored.txt": b"3"}), mail({"c.csv": b"4"}))
    with imap_server.mailbox() as client:
        # Somebody else is about to delete a mail; that is none of our business.
        client.select("INBOX")
        client.store("2", "+FLAGS", r"(\Deleted)")
    connection = starttls(imap_server, certificates, pattern="*.csv", after="move", move_to="done/größe & more")
    async with opened(connection) as session:
        first, second = [entry for entry in await session.list_files() if entry.name.endswith(".csv")]
        await session.settle(first)
        assert imap_server.count() == 2
        await session.settle(second)
    assert imap_server.count("INBOX/done/gr&APYA3w-e &- more".join('""')) == 1
    left = imap_server.flags()
    assert len(left) == (2 if "UIDPLUS" in hidden else 1)
    assert all(b"Deleted" in flags for flags in left)
    async with opened(connection) as session:
        assert await session.list_files() == []


async def test_a_mail_with_something_undelivered_stays(imap_server: ImapServer, certificates: Certificates) -> None:
    imap_server.deliver(mail({"a.csv": b"1", "..csv\\..": b"2"}))
    async with opened(starttls(imap_server, certificates, after="delete")) as session:
        good, bad = await session.list_files()
        assert bad.problem is not None
        await session.settle(good)
    assert imap_server.count() == 1


async def test_a_folder_from_the_top(imap_server: ImapServer, certificates: Certificates) -> None:
    imap_server.deliver(mail({"a.csv": b"1"}))
    connection = starttls(imap_server, certificates, after="move", move_to="/Archive/Acme")
    async with opened(connection) as session:
        (entry,) = await session.list_files()
        await session.settle(entry)
        assert await session.stat(entry) is None
    assert imap_server.count("Archive/Acme") == 1


async def test_keep_leaves_everything_as_it_is(imap_server: ImapServer, certificates: Certificates) -> None:
    imap_server.deliver(mail({"a.csv": b"1"}))
    before = imap_server.flags()
    async with opened(starttls(imap_server, certificates)) as session:
        (entry,) = await session.list_files()
        await content_of(session, entry)
        await session.settle(entry)
    assert imap_server.flags() == before


async def test_a_folder_that_is_not_there(imap_server: ImapServer, certificates: Certificates) -> None:
    with pytest.raises(TransferFailed) as caught:
        async with opened(starttls(imap_server, certificates, email={"folder": 'no "such" folder'})):
            pass
    assert caught.value.failure.failure_class is FailureClass.NOT_FOUND


async def test_a_folder_with_a_foreign_name(imap_server: ImapServer, certificates: Certificates) -> None:
    imap_server.make_folder('"Gr&APYA3w-e &- co"')
    imap_server.deliver(mail({"a.csv": b"1"}), folder='"Gr&APYA3w-e &- co"')
    async with opened(starttls(imap_server, certificates, email={"folder": "Größe & co"})) as session:
        assert list(await contents_of(session)) == ["a.csv"]


async def test_more_mails_than_one_look_takes(
    imap_server: ImapServer, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_MAILS_PER_LOOK", 2)
    imap_server.deliver(*(mail({f"{number}.csv": b"x"}) for number in range(5)))
    async with opened(starttls(imap_server, certificates)) as session:
        assert list(await contents_of(session)) == [f"{number}.csv" for number in range(5)]


# Trust and trouble


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("pinned", [False, True])
async def test_no_secret_for_a_certificate_that_is_not_trusted(
    imap_server: ImapServer, certificates: Certificates, tls: str, pinned: bool
) -> None:
    port = imap_server.starttls_port if tls == "starttls" else imap_server.implicit_port
    email = {"tls": tls} | ({"fingerprint": certificates.expired.fingerprint} if pinned else {})
    witness = Witness()
    with pytest.raises(TransferFailed) as caught:
        async with opened(imap_connection(port, imap_server.username, email=email), witness):
            pass
    assert caught.value.failure.failure_class is FailureClass.TLS
    assert witness.asked == 0
    assert not witness.told("identity").ok


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "self_signed"])
async def test_bad_certificates_are_refused_unless_pinned(certificates: Certificates, kind: str) -> None:
    bad = getattr(certificates, kind)
    with running_dovecot(bad) as server:
        witness = Witness()
        with pytest.raises(TransferFailed) as caught:
            async with opened(starttls(server, certificates), witness):
                pass
        assert caught.value.failure.failure_class is FailureClass.TLS
        assert witness.asked == 0
        email = {"tls": "implicit", "fingerprint": bad.fingerprint}
        async with opened(imap_connection(server.implicit_port, server.username, email=email)):
            pass


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_identify_shows_the_certificate_without_login(
    imap_server: ImapServer, certificates: Certificates, tls: str
) -> None:
    port = imap_server.starttls_port if tls == "starttls" else imap_server.implicit_port
    asked = imap_connection(port, imap_server.username, email={"tls": tls})
    identity = await imap.identify(asked, Witness().surroundings())
    assert identity.fingerprint == certificates.good.fingerprint


async def test_a_wrong_password_is_not_shown(imap_server: ImapServer, certificates: Certificates) -> None:
    witness = Witness(secret="wrong-horse")
    with pytest.raises(TransferFailed) as caught:
        async with opened(starttls(imap_server, certificates), witness):
            pass
    assert caught.value.failure.failure_class is FailureClass.AUTH
    assert not any("wrong-horse" in event.detail for event in witness.events)


async def _hello(writer: asyncio.StreamWriter, capabilities: bytes, reader: asyncio.StreamReader) -> None:
    writer.write(b"* OK hello\r\n")
    tag = (await reader.readline()).split()[0]
    writer.write(b"* CAPABILITY IMAP4rev1 " + capabilities + b"\r\n" + tag + b" OK done\r\n")


@pytest.mark.parametrize("greeting", [b"* OK hello\r\n", b"* PREAUTH hello\r\n"])
async def test_no_login_without_the_starttls_demanded(greeting: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        tag = (await reader.readline()).split()[0]
        starttls = b" STARTTLS" if b"PREAUTH" in greeting else b""
        writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN" + starttls + b"\r\n" + tag + b" OK done\r\n")
        assert b"LOGOUT" in await reader.readline()

    witness = Witness()
    async with scripted_server(talk) as port:
        with pytest.raises(TransferFailed, match="does not offer STARTTLS") as caught:
            async with opened(imap_connection(port, "wharf", email={}), witness):
                pass
    assert caught.value.failure.failure_class is FailureClass.TLS
    assert witness.asked == 0


async def test_no_password_in_clear_to_a_server_that_does_not_want_it() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _hello(writer, b"LOGINDISABLED", reader)
        assert b"LOGOUT" in await reader.readline()

    async with scripted_server(talk) as port:
        with pytest.raises(TransferFailed, match="allows no login") as caught:
            async with opened(imap_connection(port, "wharf", email={"tls": "none"})):
                pass
    assert caught.value.failure.failure_class is FailureClass.AUTH


async def test_a_password_beyond_ascii_is_not_shown_by_a_failing_encoder() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _hello(writer, b"", reader)
        await reader.readline()

    async with scripted_server(talk) as port:
        with pytest.raises(TransferFailed, match="offers only LOGIN") as caught:
            async with opened(imap_connection(port, "wharf", email={"tls": "none"}), Witness(secret="pässword")):
                pass
    assert "pässword" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "failure_class"),
    [
        (b"* BYE too many connections\r\n", FailureClass.REFUSED),
        (b"220 mail.example ESMTP\r\n", FailureClass.NETWORK),
        (b"* OK hello {99999999999}\r\n", FailureClass.NETWORK),
        (b"", FailureClass.NETWORK),
    ],
)
async def test_greetings_that_are_none(answer: bytes, failure_class: FailureClass) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with scripted_server(talk) as port:
        with pytest.raises(TransferFailed) as caught:
            async with opened(imap_connection(port, "wharf", email={"tls": "none"})):
                pass
    assert caught.value.failure.failure_class is failure_class


@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
async def test_a_silent_server_can_be_left_at_once(tls: str) -> None:
    witness = Witness()
    async with scripted_server(silence) as port:
        session = ImapSession(imap_connection(port, "x", email={"tls": tls}, stall_timeout=60), witness.surroundings())
        opening = asyncio.create_task(session.open())
        await witness.hears("connect")
        async with asyncio.timeout(2):
            opening.cancel()
            await asyncio.wait({opening})
            session.abort()
            await session.close()
        assert opening.cancelled() or isinstance(opening.exception(), TransferFailed)
        with pytest.raises(TransferFailed) as caught:
            async with opened(imap_connection(port, "x", email={"tls": tls}, stall_timeout=1)):
                pass
        assert caught.value.failure.failure_class is FailureClass.TIMEOUT


async def test_a_frozen_server_can_be_left_at_once(certificates: Certificates) -> None:
    with running_dovecot(certificates.good) as server:
        server.deliver(mail({"a.csv": b"1"}))
        async with opened(starttls(server, certificates, stall_timeout=60)) as session:
            (entry,) = await session.list_files()
            with server.frozen():
                looking = asyncio.create_task(session.stat(entry))
                ended, _ = await asyncio.wait({looking}, timeout=0.2)
                assert not ended
                async with asyncio.timeout(2):
                    session.abort()
                    await asyncio.wait({looking})
                    await session.close()
            error = looking.exception()
            assert isinstance(error, TransferFailed)
            assert error.failure.failure_class is FailureClass.NETWORK


async def test_the_secret_stays_out_of_every_text(imap_server: ImapServer, certificates: Certificates) -> None:
    witness = Witness()
    async with opened(starttls(imap_server, certificates), witness) as session:
        assert PASSWORD not in repr(vars(session))
    assert not any(PASSWORD in event.detail for event in witness.events)
