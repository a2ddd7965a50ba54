"""FTP against vsftpd, ProFTPD and Pure-FTPd as Debian ships them, with each kind of encryption that they offer."""

import asyncio
import os
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.methods.ftp_support import Story, connection_to, get, opened, put
from tests.servers import ftp as servers
from tests.servers.certificates import Certificates, ServerCertificate
from tests.servers.ftp import FtpServer
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.terms import FtpTls
from tui.methods import ftp_login
from tui.methods.after_action import ChangedMeanwhile
from tui.methods.base import Entry, Staged
from tui.methods.ftp import FtpSession, identify
from tui.methods.ftp_data import DataConnection
from tui.trust.tls import client_context

Maker = Callable[[FtpTls, ServerCertificate], AbstractContextManager[FtpServer]]

ENCRYPTED = [
    (servers.vsftpd, FtpTls.EXPLICIT),
    (servers.vsftpd, FtpTls.IMPLICIT),
    (servers.proftpd, FtpTls.EXPLICIT),
    (servers.proftpd, FtpTls.IMPLICIT),
    (servers.pure_ftpd, FtpTls.EXPLICIT),
]
PLAIN = [(servers.vsftpd, FtpTls.NONE), (servers.proftpd, FtpTls.NONE), (servers.pure_ftpd, FtpTls.NONE)]
BY_DEFAULT = [
    (servers.vsftpd, FtpTls.EXPLICIT),
    (servers.proftpd, FtpTls.EXPLICIT),
    (servers.pure_ftpd, FtpTls.EXPLICIT),
]
CONTENT = os.urandom(3_000_000)


def _label(value: object) -> str:
    return str(getattr(value, "__name__", None) or getattr(value, "name", value))


def _staged(entry: Entry) -> Staged:
    return Staged(entry, entry.size, "")


@pytest.fixture
def server(maker: Maker, tls: FtpTls, certificates: Certificates) -> Iterator[FtpServer]:
    with maker(tls, certificates.good) as server:
        yield server


@pytest.fixture
async def session(server: FtpServer, tls: FtpTls, certificates: Certificates) -> AsyncIterator[FtpSession]:
    async with opened(connection_to(server, tls, certificates)) as session:
        yield session


def _only(monkeypatch: pytest.MonkeyPatch, version: ssl.TLSVersion) -> None:
    def limited(ca_file: str | None, fingerprint: str | None) -> ssl.SSLContext:
        context = client_context(ca_file, fingerprint)
        context.minimum_version = context.maximum_version = version
        return context

    monkeypatch.setattr(ftp_login, "client_context", limited)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=_label)
@pytest.mark.parametrize(("maker", "tls"), ENCRYPTED, ids=_label)
async def test_files_travel_both_ways_with_tls(
    maker: Maker,
    tls: FtpTls,
    version: ssl.TLSVersion,
    server: FtpServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _only(monkeypatch, version)
    story = Story()
    async with opened(connection_to(server, tls, certificates), story) as session:
        for name in ("one.csv", "two.csv"):
            entry = await put(session, name, CONTENT)
            assert await session.staged_size(entry) == len(CONTENT)
            await session.publish([_staged(entry)])
        entries = await session.list_files()
        assert [await get(session, entry) == CONTENT for entry in entries] == [True, True]

    assert {path.name: path.read_bytes() == CONTENT for path in server.files.iterdir()} == {
        "one.csv": True,
        "two.csv": True,
    }
    # Pure-FTPd makes new sessions with TLS 1.3 and does not insist.
    kind = "new" if (maker, version) == (servers.pure_ftpd, ssl.TLSVersion.TLSv1_3) else "resumed"
    told = [event.detail for event in story.events if event.step == "data channel"]
    assert told == [f"{version.name.replace('_', '.')}, session {kind}"]
    greeting = ["greeting"] if tls is FtpTls.EXPLICIT else []
    steps = ["resolve", "connect", *greeting, "identity", "login", "features", "folder"]
    assert story.steps()[: len(steps)] == steps
    # What later tests look for in vain is found in the log when a login happens.
    assert "USER" in server.log.read_text() or server.program == "pure-ftpd"


@pytest.mark.parametrize(("maker", "tls"), ENCRYPTED[:4], ids=_label)
async def test_these_servers_do_insist_on_session_reuse(
    maker: Maker, tls: FtpTls, session: FtpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypt = DataConnection.encrypt
    monkeypatch.setattr(DataConnection, "encrypt", lambda self, context, _, host: encrypt(self, context, None, host))
    with pytest.raises(TransferFailed) as caught:
        await put(session, "a.csv", CONTENT)

    assert ("522 SSL connection failed: session reuse" if maker is servers.vsftpd else "425") in str(caught.value)


@pytest.mark.parametrize(("maker", "tls"), PLAIN, ids=_label)
async def test_files_travel_both_ways_in_clear(maker: Maker, tls: FtpTls, session: FtpSession) -> None:
    for content in (b"", b"x", CONTENT):
        await session.publish([_staged(await put(session, "Größe & Zahl.csv", content))])
        (entry,) = await session.list_files()
        assert entry.size == len(content)
        assert await get(session, entry) == content


@pytest.mark.parametrize(("maker", "tls"), PLAIN + BY_DEFAULT, ids=_label)
async def test_many_small_files_travel_together_both_ways(server: FtpServer, session: FtpSession) -> None:
    contents = {f"{number:02} Größe.csv": os.urandom(number * 997) for number in range(40)}
    entries = [Entry.named(name, len(content), None, name) for name, content in contents.items()]
    assert await session.stage_each(list(zip(entries, contents.values(), strict=True))) == [None] * 40
    assert await session.staged_size_each(entries) == [entry.size for entry in entries]
    assert await session.publish_each([_staged(entry) for entry in entries]) == [None] * 40
    assert {path.name: path.read_bytes() for path in server.files.iterdir()} == contents
    listed = sorted(await session.list_files(), key=lambda entry: entry.name)
    assert await session.stat_each(listed) == listed
    assert await session.read_each(listed) == [contents[entry.name] for entry in listed]
    # One connection has served all of it.
    assert server.log.read_bytes().count(b"USER ") in (0, 1)


@pytest.mark.parametrize(
    ("maker", "tls", "times"), [(servers.vsftpd, FtpTls.EXPLICIT, 1), (servers.vsftpd, FtpTls.NONE, 0)], ids=_label
)
async def test_certificates_to_trust_are_read_once_for_all_sessions_and_only_for_tls(
    maker: Maker, tls: FtpTls, times: int, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    making = Mock(side_effect=client_context)
    monkeypatch.setattr(ftp_login, "client_context", making)
    with maker(tls, certificates.good) as server:
        async with opened(connection_to(server, tls, certificates)) as session:
            siblings = [session.sibling(Story().surroundings()) for _ in range(3)]
            await asyncio.gather(*(sibling.open() for sibling in siblings))
            await asyncio.gather(*(sibling.close() for sibling in siblings))

    assert making.call_count == times


@pytest.mark.parametrize(("maker", "tls"), PLAIN, ids=_label)
async def test_an_unchanged_file_looks_the_same_and_a_changed_one_does_not(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    old, new = server.files / "old.csv", server.files / "new.csv"
    old.write_bytes(b"old")
    os.utime(old, (0, 1_500_000_001))
    new.write_bytes(b"new")
    (server.files / "folder").mkdir()
    (server.files / "link.csv").symlink_to("old.csv")

    entries = {entry.name: entry for entry in await session.list_files()}
    assert entries.keys() - {"link.csv"} == {"old.csv", "new.csv"}
    assert entries["old.csv"].mtime == 1_500_000_001
    for entry in entries.values():
        assert await session.stat(entry) == entry
    os.utime(old, (0, 1_500_000_002))
    assert await session.stat(entries["old.csv"]) != entries["old.csv"]
    new.unlink()
    assert await session.stat(entries["new.csv"]) is None


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT, ids=_label)
async def test_a_finished_file_takes_the_place_of_an_older_one_in_one_step(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    target = server.files / "a.csv"
    target.write_bytes(b"old")
    target.chmod(0o666)
    entry = await put(session, "a.csv", b"new")
    assert target.read_bytes() == b"old"
    assert (server.files / "a.csv.wharf-part").read_bytes() == b"new"

    await session.publish([_staged(entry)])

    assert target.read_bytes() == b"new"
    assert [path.name for path in server.files.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT, ids=_label)
async def test_an_unfinished_file_is_discarded_once_or_twice(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    entry = await put(session, "a.csv", b"12345")
    await session.discard(entry)
    await session.discard(entry)

    assert await session.staged_size(entry) is None
    assert list(server.files.iterdir()) == []


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT, ids=_label)
async def test_delivered_files_are_deleted(
    maker: Maker, tls: FtpTls, server: FtpServer, certificates: Certificates
) -> None:
    (server.files / "a.csv").write_bytes(b"x")
    async with opened(connection_to(server, tls, certificates, after="delete")) as session:
        (entry,) = await session.list_files()
        await session.settle(entry)
        await session.settle(entry)

    assert list(server.files.iterdir()) == []


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT, ids=_label)
async def test_delivered_files_are_moved_and_never_over_another(
    maker: Maker, tls: FtpTls, server: FtpServer, certificates: Certificates
) -> None:
    async with opened(connection_to(server, tls, certificates, after="move", move_to="done/2026")) as session:
        for content in (b"first", b"second", b"third"):
            (server.files / "a b.csv").write_bytes(content)
            (entry,) = await session.list_files()
            await session.settle(entry)
        assert await session.list_files() == []

    moved = {path.name: path.read_bytes() for path in (server.files / "done/2026").iterdir()}
    assert moved == {"a b.csv": b"first", "a b-2.csv": b"second", "a b-3.csv": b"third"}


@pytest.mark.parametrize("change", [{"after": "delete"}, {"after": "move", "move_to": "done"}], ids=str)
@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT, ids=_label)
async def test_what_has_changed_since_the_last_look_is_put_back(
    maker: Maker, tls: FtpTls, server: FtpServer, certificates: Certificates, change: dict[str, str]
) -> None:
    async with opened(connection_to(server, tls, certificates, **change)) as session:
        (server.files / "a.csv").write_bytes(b"delivered")
        (entry,) = await session.list_files()
        (server.files / "a.csv").write_bytes(b"changed, of another size")
        with pytest.raises(ChangedMeanwhile):
            await session.settle(entry)

    found = {path.name: path.read_bytes() for path in server.files.iterdir()}
    assert found == {"a.csv": b"changed, of another size"}


@pytest.mark.parametrize(("maker", "tls"), [(servers.proftpd, FtpTls.NONE), (servers.vsftpd, FtpTls.NONE)], ids=_label)
async def test_the_content_is_proved_by_the_server_or_by_reading_back(
    maker: Maker, tls: FtpTls, session: FtpSession
) -> None:
    digest = "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"  # of b"aaa"
    entry = await put(session, "with spaces.csv", b"aaa")
    free, reread = [await session.staged_proof(entry, reread=reread) for reread in (False, True)]

    assert reread is not None
    assert reread.sha256 == digest
    if maker is servers.proftpd:
        assert free is not None
        assert (free.sha256, "HASH" in free.how) == (digest, True)
        await session.publish([_staged(entry)])
        assert await session.source_proof((await session.list_files())[0]) == free
    else:
        assert free is None


@pytest.mark.parametrize("bad", ["self_signed", "expired", "wrong_name"])
@pytest.mark.parametrize(
    ("maker", "tls"), [(servers.vsftpd, FtpTls.IMPLICIT), (servers.proftpd, FtpTls.EXPLICIT)], ids=_label
)
async def test_a_server_with_a_bad_certificate_gets_no_login(
    maker: Maker, tls: FtpTls, bad: str, certificates: Certificates
) -> None:
    story = Story()
    with maker(tls, getattr(certificates, bad)) as server:
        with pytest.raises(TransferFailed) as caught:
            await FtpSession(connection_to(server, tls, certificates), story.surroundings()).open()
        assert "USER" not in (server.log.read_text() if server.log.exists() else "")

    assert caught.value.failure.failure_class is FailureClass.TLS
    assert story.secrets_fetched == 0
    assert [(event.step, event.ok) for event in story.events][-1] == ("identity", False)


@pytest.mark.parametrize(("maker", "tls"), ENCRYPTED, ids=_label)
async def test_a_pinned_certificate_is_accepted_and_another_one_is_not(
    maker: Maker, tls: FtpTls, certificates: Certificates
) -> None:
    with maker(tls, certificates.self_signed) as server:
        pin = certificates.self_signed.fingerprint
        pinned = connection_to(server, tls, certificates, endpoint={"ca_file": None, "fingerprint": pin})
        found = await identify(pinned, Story().surroundings())
        assert (found.kind, found.fingerprint) == ("certificate", pin)
        assert found.doubt is None
        assert found.certificate is not None
        assert "self-signed" in found.certificate.subject
        async with opened(pinned) as session:
            entry = await put(session, "a.csv", b"12345")
            assert await session.staged_size(entry) == 5

        story = Story()
        wrong = {"ca_file": None, "fingerprint": certificates.good.fingerprint}
        with pytest.raises(TransferFailed) as caught:
            await FtpSession(connection_to(server, tls, certificates, endpoint=wrong), story.surroundings()).open()

    assert caught.value.failure.failure_class is FailureClass.TLS
    assert pin in str(caught.value)
    assert story.secrets_fetched == 0


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT[:2], ids=_label)
async def test_a_wrong_password_is_tried_once(
    maker: Maker, tls: FtpTls, server: FtpServer, certificates: Certificates
) -> None:
    story = Story(password="not the password")
    with pytest.raises(TransferFailed) as caught:
        await FtpSession(connection_to(server, tls, certificates), story.surroundings()).open()

    assert caught.value.failure.failure_class is FailureClass.AUTH
    assert not caught.value.failure.retryable
    log = server.log.read_text()
    assert sum("PASS" in line and "FTP response" not in line for line in log.splitlines()) == 1
    assert "not the password" not in story.told() + str(caught.value)


@pytest.mark.parametrize(("maker", "tls"), PLAIN, ids=_label)
async def test_a_missing_folder_is_not_found(
    maker: Maker, tls: FtpTls, server: FtpServer, certificates: Certificates
) -> None:
    with pytest.raises(TransferFailed) as caught:
        async with opened(connection_to(server, tls, certificates, endpoint={"directory": "missing"})):
            pass

    assert caught.value.failure.failure_class is FailureClass.NOT_FOUND


@pytest.mark.parametrize(("maker", "tls"), PLAIN, ids=_label)
async def test_what_may_not_be_read_or_written_is_a_matter_of_permission(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    secret = server.files / "secret.csv"
    secret.write_bytes(b"x")
    secret.chmod(0)
    (entry,) = await session.list_files()
    with pytest.raises(TransferFailed) as reading:
        await get(session, entry)
    server.files.chmod(0o755)
    with pytest.raises(TransferFailed) as writing:
        await put(session, "a.csv", b"x")
    gone = Entry.named("gone.csv", 1, None, "gone.csv")
    with pytest.raises(TransferFailed) as missing:
        await get(session, gone)

    assert reading.value.failure.failure_class is FailureClass.PERMISSION
    assert writing.value.failure.failure_class is FailureClass.PERMISSION
    assert missing.value.failure.failure_class is FailureClass.NOT_FOUND


@pytest.mark.parametrize(("maker", "tls"), PLAIN, ids=_label)
async def test_no_strange_name_vanishes_or_breaks_anything(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    strange = ["[red]a.csv", "trailing ", "  leading", "-rf", "a\\b.csv", "ünï.csv", "q\"uote'.csv"]
    if maker is not servers.pure_ftpd:
        # Pure-FTPd shows no client a name with control characters.
        strange.append("x\x1b]0;owned\x07.csv")
    for name in strange:
        (server.files / name).write_bytes(b"content")
    raw = os.fsencode(server.files) + b"/latin-\xe9.csv"
    Path(os.fsdecode(raw)).write_bytes(b"content")

    entries = await session.list_files()

    assert len(entries) == len(strange) + 1
    safe = [entry for entry in entries if entry.problem is None]
    assert {"[red]a.csv", "-rf", "ünï.csv", "q\"uote'.csv"} <= {entry.name for entry in safe}
    spaces = {entry.name for entry in entries if "space" in (entry.problem or "")}
    assert spaces == {"trailing ", "  leading"}
    for entry in safe:
        assert await session.stat(entry) == entry
        assert await get(session, entry) == b"content"


@pytest.mark.parametrize(("maker", "tls"), ENCRYPTED, ids=_label)
async def test_after_a_cancelled_transfer_the_session_starts_anew(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    entry = Entry.named("a.csv", len(CONTENT), None, "a.csv")
    begun = asyncio.Event()

    async def endless_upload() -> None:
        async with session.stage(entry) as writer:
            while True:
                await writer.write(bytes(1000))
                begun.set()

    upload = asyncio.create_task(endless_upload())
    await begun.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload

    await session.publish([_staged(await put(session, "a.csv", CONTENT))])
    (there,) = [found for found in await session.list_files() if found.name == "a.csv"]
    async with session.read(there) as blocks:
        async for _ in blocks:
            break
    assert await get(session, there) == CONTENT


@pytest.mark.parametrize(("maker", "tls"), [*BY_DEFAULT, *PLAIN], ids=_label)
async def test_a_frozen_server_holds_nobody_longer_than_two_seconds(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    entry = Entry.named("a.csv", 1, None, "a.csv")
    begun = asyncio.Event()

    async def endless_upload() -> None:
        async with session.stage(entry) as writer:
            while True:
                await writer.write(bytes(256 * 1024))
                begun.set()

    upload = asyncio.create_task(endless_upload())
    await begun.wait()
    for pid in server.session_pids():
        os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    session.abort()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT[:1], ids=_label)
async def test_good_bye_to_a_frozen_server_is_short(
    maker: Maker, tls: FtpTls, server: FtpServer, certificates: Certificates
) -> None:
    story = Story()
    async with opened(connection_to(server, tls, certificates), story) as session:
        for pid in server.session_pids():
            os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        await session.close()
        assert time.monotonic() - started < 4

    assert story.events[-1].step == "close"


@pytest.mark.parametrize(("maker", "tls"), BY_DEFAULT, ids=_label)
async def test_dropping_the_session_wakes_a_transfer_from_a_frozen_server(
    maker: Maker, tls: FtpTls, server: FtpServer, session: FtpSession
) -> None:
    (server.files / "a.csv").write_bytes(bytes(50_000_000))
    (entry,) = await session.list_files()
    begun = asyncio.Event()

    async def download() -> None:
        async with session.read(entry) as blocks:
            async for _ in blocks:
                begun.set()

    reading = asyncio.create_task(download())
    await begun.wait()
    for pid in server.session_pids():
        os.kill(pid, signal.SIGSTOP)
    session.abort()
    with pytest.raises(TransferFailed) as caught:
        async with asyncio.timeout(2):
            await reading

    assert caught.value.failure.failure_class is FailureClass.NETWORK
