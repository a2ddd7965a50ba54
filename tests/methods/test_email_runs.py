"""Whole runs by email, from the folder of one side to the folder of the other, through the engine."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.measured import measured_engine
from tests.bench.table import MB
from tests.servers.certificates import Certificates
from tests.servers.mail import PASSWORD, USERNAME, ImapServer, SmtpServer
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass
from tui.domain.run import FileStatus, Run, Status
from tui.engine import Engine, open_engine
from tui.methods.message import encoded
from tui.paths import Paths


@pytest.fixture
async def engine(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    async with open_engine(paths) as engine:
        yield engine


async def run(engine: Engine, connection: Connection) -> Run:
    if connection.name not in [known.name for known in await engine.store.connections()]:
        await engine.store.save(connection)
    return await engine.wait((await engine.start(connection.name)).run_id)


def connect(direction: str, folder: Path, port: int, certificates: Certificates, **changes: Any) -> Connection:
    email = {
        "host": "localhost",
        "port": port,
        "username": USERNAME,
        "secret": "env:MAIL_PASSWORD",
        "ca_file": str(certificates.ca_file),
        **changes.pop("email", {}),
    }
    if direction == "outbound":
        email = {"sender": "batches@us.example", "recipients": ["in@acme.example"], **email}
    return Connection.model_validate(
        {
            "name": direction,
            "direction": direction,
            "method": "email",
            "local_dir": str(folder),
            "retries": 0,
            "email": email,
            **changes,
        }
    )


async def test_outbound_and_inbound_bring_the_same_bytes(
    engine: Engine, smtp_server: SmtpServer, imap_server: ImapServer, certificates: Certificates, tmp_path: Path
) -> None:
    waiting, landing = tmp_path / "waiting", tmp_path / "landing"
    waiting.mkdir()
    landing.mkdir()
    files = {"a.csv": os.urandom(200_000), "ü & co.csv": b"1;2\r\n", "c.csv": os.urandom(150_000), "empty.csv": b""}
    for name, content in files.items():
        (waiting / name).write_bytes(content)
    sending = connect("outbound", waiting, smtp_server.starttls_port, certificates, after="move", move_to="sent")
    assert (await run(engine, sending)).status is Status.COMPLETED
    assert sorted(path.name for path in (waiting / "sent").iterdir()) == sorted(files)

    smtp_server.mails(2)
    imap_server.deliver(*smtp_server.raw_mails())
    email = {"username": imap_server.username, "from": "batches@us.example"}
    fetching = connect(
        "inbound", landing, imap_server.starttls_port, certificates, email=email, after="move", move_to="done"
    )
    assert (await run(engine, fetching)).status is Status.COMPLETED
    assert {path.name: path.read_bytes() for path in landing.iterdir()} == files
    assert imap_server.count() == 0
    assert imap_server.count("INBOX/done") == 2


async def test_a_mail_that_stays_is_fetched_once(
    engine: Engine, imap_server: ImapServer, certificates: Certificates, tmp_path: Path
) -> None:
    imap_server.deliver(
        b"From: a@acme.example\r\nMIME-Version: 1.0\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n1;2\r\n"
    )
    email = {"username": imap_server.username}
    connection = connect("inbound", tmp_path, imap_server.starttls_port, certificates, email=email, pattern="*.csv")
    first = await run(engine, connection)
    assert first.progress.files_done == 1
    (tmp_path / "a.csv").unlink()
    second = await run(engine, connection)
    assert (second.status, second.progress.files_total) == (Status.COMPLETED, 0)
    assert not (tmp_path / "a.csv").exists()


async def test_one_file_too_large_fails_alone(
    engine: Engine, smtp_server: SmtpServer, certificates: Certificates, tmp_path: Path
) -> None:
    for name, size in (("1.bin", 1000), ("2.bin", 400_000), ("3.bin", 1000)):
        (tmp_path / name).write_bytes(os.urandom(size))
    connection = connect("outbound", tmp_path, smtp_server.starttls_port, certificates, pattern="*.bin")
    ended = await run(engine, connection)
    assert ended.status is Status.FAILED
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.REJECTED
    statuses = {record.name: record.status for record in await engine.store.files(ended.run_id)}
    assert statuses == {
        "1.bin": FileStatus.COMPLETED,
        "2.bin": FileStatus.FAILED,
        "3.bin": FileStatus.COMPLETED,
    }
    assert len(smtp_server.mails(2)) == 2


async def test_who_has_got_a_mail_does_not_get_it_again(
    engine: Engine, smtp_server: SmtpServer, certificates: Certificates, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"1;2\n")
    email = {"recipients": ["in@acme.example", "refused@acme.example"]}
    connection = connect("outbound", tmp_path, smtp_server.starttls_port, certificates, email=email, pattern="*.csv")
    first = await run(engine, connection)
    assert first.status is Status.FAILED
    assert first.failure is not None
    assert "refused@acme.example: 550" in first.failure.message
    second = await run(engine, connection)
    assert (second.status, second.progress.files_total) == (Status.COMPLETED, 0)
    assert len(smtp_server.mails(1)) == 1


async def test_mails_that_got_new_numbers_are_not_fetched_again(
    engine: Engine, imap_server: ImapServer, certificates: Certificates, tmp_path: Path
) -> None:
    """A mailbox that was rebuilt has another UIDVALIDITY and numbers its mails anew (RFC 3501, section 2.3.1.1)."""
    mail = (
        b"From: a@acme.example\r\nMessage-ID: <%d@acme.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Disposition: attachment; filename=%s.csv\r\n\r\n%s\r\n"
    )
    mails = [mail % (number, name, name * 3) for number, name in enumerate((b"a", b"b"))]
    imap_server.make_folder("Batch")
    imap_server.deliver(*mails, folder="Batch")
    email = {"username": imap_server.username, "folder": "Batch"}
    connection = connect("inbound", tmp_path, imap_server.starttls_port, certificates, email=email, pattern="*.csv")
    assert (await run(engine, connection)).progress.files_done == 2

    with imap_server.mailbox() as client:
        client.delete("Batch")
    imap_server.make_folder("Batch")
    fresh = mail % (7, b"c", b"ccc")
    imap_server.deliver(fresh, *reversed(mails), folder="Batch")

    second = await run(engine, connection)
    assert [record.name for record in await engine.store.files(second.run_id)] == ["c.csv"]
    known = await engine.store.deliveries_by_alias("inbound", ["<0@acme.example>;1"])
    assert [(line.run_id, line.key.count(";")) for line in known] == [(1, 3), (1, 3)]


async def test_a_sender_that_has_one_message_id_for_all_its_mails(
    engine: Engine, imap_server: ImapServer, certificates: Certificates, tmp_path: Path
) -> None:
    """Each of them is another mail, and delivered, though size and Message-ID say that it is on record."""
    mail = (
        b"From: a@acme.example\r\nMessage-ID: <always@acme.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Disposition: attachment; filename=%d.csv\r\n\r\nrow %d\r\n"
    )
    email = {"username": imap_server.username}
    connection = connect("inbound", tmp_path, imap_server.starttls_port, certificates, email=email, pattern="*.csv")
    imap_server.deliver(mail % (1, 1))
    assert (await run(engine, connection)).progress.files_done == 1
    imap_server.deliver(mail % (2, 2), mail % (3, 3))
    assert (await run(engine, connection)).progress.files_done == 2
    assert {path.name: path.read_bytes().strip() for path in tmp_path.glob("*.csv")} == {
        f"{number}.csv": b"row %d" % number for number in (1, 2, 3)
    }

    with imap_server.mailbox() as client:
        client.select("INBOX")
        client.copy("1:2", "INBOX")
    assert (await run(engine, connection)).progress.files_total == 0


@pytest.mark.parametrize("single_mail", [True, False])
async def test_files_that_make_too_large_a_mail_together(
    engine: Engine, smtp_server: SmtpServer, certificates: Certificates, tmp_path: Path, single_mail: bool
) -> None:
    for name in ("1.bin", "2.bin", "3.bin"):
        (tmp_path / name).write_bytes(os.urandom(150_000))
    email = {"single_mail": single_mail}
    connection = connect("outbound", tmp_path, smtp_server.starttls_port, certificates, pattern="*.bin", email=email)
    ended = await run(engine, connection)
    if not single_mail:
        assert ended.status is Status.COMPLETED
        assert len(smtp_server.mails(3)) >= 2
        return
    assert ended.failure is not None
    assert ended.failure.failure_class is FailureClass.REJECTED
    assert "3 files make a mail of" in ended.failure.message
    assert "single_mail = false" in ended.failure.remedy


async def test_a_mail_of_more_than_50_megabytes(
    engine: Engine, imap_server: ImapServer, certificates: Certificates, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    files = {"large.bin": random.randbytes(32 * MB), "second.bin": random.randbytes(10 * MB + 1), "small.csv": b"1;2\n"}
    mail = _mail_with(files)
    assert len(mail) > 50_000_000
    imap_server.deliver(_mail_with({"first.csv": b"0;1\n"}))
    email = {"username": imap_server.username}
    connection = connect(
        "inbound", landing, imap_server.starttls_port, certificates, email=email, after="move", move_to="done"
    )
    await engine.store.save(connection)
    async with measured_engine() as process:
        # A first mail loads the code of the method, which is not what a large one costs.
        assert await process.run("inbound") == "Completed: 1 file delivered."
        (landing / "first.csv").unlink()
        process.take_as_idle()
        imap_server.deliver(mail)
        assert await process.run("inbound") == "Completed: 3 files delivered."
        assert process.over_idle < 16
    assert {path.name: path.read_bytes() for path in landing.iterdir()} == files
    assert (imap_server.count(), imap_server.count("INBOX/done")) == (0, 2)

    # The whole mail once more, as when a server restores a backup: nothing is delivered twice.
    (landing / "large.bin").unlink()
    with imap_server.mailbox() as client:
        client.select("INBOX/done")
        client.copy("2", "INBOX")
    again = await run(engine, connection)
    assert (again.status, again.progress.files_total) == (Status.COMPLETED, 0)
    assert not (landing / "large.bin").exists()


def _mail_with(files: dict[str, bytes]) -> bytes:
    """Encoded by hand: the library would take its time over so much."""
    message_id = "+".join(files).encode()
    head = b"From: a@acme.example\r\nMessage-ID: <%s@acme.example>\r\nMIME-Version: 1.0\r\n" % message_id
    parts = [
        b"Content-Disposition: attachment; filename=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s"
        % (name.encode(), encoded(content))
        for name, content in files.items()
    ]
    body = b"".join(b"--XX\r\n" + part + b"\r\n" for part in parts)
    return head + b"Content-Type: multipart/mixed; boundary=XX\r\n\r\n" + body + b"--XX--\r\n"
