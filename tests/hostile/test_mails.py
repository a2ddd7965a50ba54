"""Mails that mean harm, in a real mailbox: anybody can send one, and none may keep the honest ones from arriving."""

from pathlib import Path

import pytest

from tests.hostile.conftest import MB, bounded
from tests.servers.certificates import Certificates
from tests.servers.mail import PASSWORD, ImapServer
from tui.domain.connection import Connection
from tui.domain.run import FileStatus, Status
from tui.engine import Engine
from tui.methods import imap, imap_syntax

HONEST = (
    b"From: batches@acme.example\r\nMIME-Version: 1.0\r\nContent-Type: text/csv\r\n"
    b"Content-Disposition: attachment; filename=honest.csv\r\n\r\n1;2\r\n"
)
PART = b"--XX\r\nContent-Disposition: attachment; filename=part%d.bin\r\n\r\nx\r\n"


def multipart(*parts: bytes, boundary: bytes = b"XX", head: bytes = b"") -> bytes:
    begin = b"From: mallory@evil.example\r\nMIME-Version: 1.0\r\n" + head
    return begin + b"Content-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n" + b"".join(parts)


def nested(depth: int) -> bytes:
    content = b"Content-Disposition: attachment; filename=deep.csv\r\n\r\n1\r\n"
    for level in range(depth):
        mark = b"L%d" % level
        content = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n%s--%s--\r\n" % (
            mark,
            mark,
            content,
            mark,
        )
    return b"From: mallory@evil.example\r\nMIME-Version: 1.0\r\n" + content


MAILS = {
    "ten thousand parts": multipart(*(PART % number for number in range(10_000)), b"--XX--\r\n"),
    "a thousand levels": nested(1000),
    "a header of 10 MB": multipart(PART % 1, b"--XX--\r\n", head=b"X-Filler: " + b"x" * 10_000_000 + b"\r\n"),
    "a sender of 1 MB": b"From: "
    + b"(" * 1_000_000
    + b" mallory@evil.example\r\nMessage-ID: "
    + b"<" * 100_000
    + HONEST[26:],
    "names of 1 MB": multipart(
        b"--XX\r\nContent-Disposition: attachment; filename=" + b"=?utf-8?q?a?= " * 80_000 + b"\r\n\r\nx\r\n",
        b"--XX\r\nContent-Disposition: attachment;\r\n"
        + b"".join(b" filename*%d*=%%41;\r\n" % number for number in range(20_000))
        + b" x=y\r\n\r\nx\r\n--XX--\r\n",
    ),
    "names that lead away": multipart(
        *(
            b'--XX\r\nContent-Disposition: attachment; filename="' + name + b'"\r\n\r\nx\r\n'
            for name in (
                b"../../evil.csv",
                b"/etc/evil.csv",
                b"..",
                b".",
                b"=?utf-8?q?=0D=0Aevil=2Ecsv?=",
            )
        ),
        b"--XX\r\nContent-Disposition: attachment; filename*=utf-8''..%2F..%2Fevil.csv\r\n\r\nx\r\n",
        b"--XX\r\nContent-Disposition: attachment; filename*=utf-8''a%00b%1b%5b2J.csv\r\n\r\nx\r\n--XX--\r\n",
    ),
}


def inbox(
    server: ImapServer, folder: Path, certificates: Certificates, pattern: str = "*", sender: str = "*"
) -> Connection:
    return Connection.model_validate(
        {
            "name": "acme",
            "direction": "inbound",
            "method": "email",
            "local_dir": str(folder),
            "pattern": pattern,
            "retries": 0,
            "email": {
                "host": "localhost",
                "port": server.starttls_port,
                "ca_file": str(certificates.ca_file),
                "username": server.username,
                "secret": "env:PARTNER",
                "from": sender,
            },
        }
    )


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARTNER", PASSWORD)
    landing = tmp_path / "a" / "b" / "landing"
    landing.mkdir(parents=True)
    return landing


@pytest.mark.parametrize("what", MAILS)
async def test_the_honest_mail_beside_it_arrives(
    engine: Engine, imap_server: ImapServer, certificates: Certificates, landing: Path, what: str
) -> None:
    imap_server.deliver(MAILS[what], HONEST)
    await engine.store.save(inbox(imap_server, landing, certificates, "*", "*@acme.example"))
    with bounded(memory=200 * MB, seconds=60):
        run = await engine.wait((await engine.start("acme")).run_id)
    assert run.status is Status.COMPLETED, run.failure
    assert {path.name: path.read_bytes() for path in landing.iterdir()} == {"honest.csv": b"1;2\r\n"}


async def test_names_that_lead_away_are_left_where_they_are(
    engine: Engine, imap_server: ImapServer, certificates: Certificates, landing: Path, tmp_path: Path
) -> None:
    before = sorted(path for path in tmp_path.rglob("*") if "wharf" not in path.parts)
    imap_server.deliver(MAILS["names that lead away"], HONEST)
    await engine.store.save(inbox(imap_server, landing, certificates))
    run = await engine.wait((await engine.start("acme")).run_id)
    assert run.status is Status.FAILED
    files = await engine.store.files(run.run_id)
    assert [file.name for file in files if file.status is FileStatus.COMPLETED] == ["honest.csv"]
    assert len(files) > 6
    after = sorted(path for path in tmp_path.rglob("*") if "wharf" not in path.parts)
    assert [path for path in after if path not in before] == [landing / "honest.csv"]
    assert "evil" not in " ".join(str(path) for path in Path("/etc").iterdir())


async def test_one_mail_with_too_much_structure_is_left_out_alone(
    engine: Engine,
    imap_server: ImapServer,
    certificates: Certificates,
    landing: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imap_syntax, "MOST_VALUES", 2_000)
    monkeypatch.setattr(imap, "_MAILS_PER_LOOK", 7)
    many = multipart(*(PART % number for number in range(500)), b"--XX--\r\n")
    honest = [HONEST.replace(b"honest", b"honest%d" % number) for number in range(9)]
    imap_server.deliver(*honest[:3], many, *honest[3:], many)
    await engine.store.save(inbox(imap_server, landing, certificates, "honest*.csv"))
    run = await engine.wait((await engine.start("acme")).run_id)
    assert run.status is Status.COMPLETED, run.failure
    assert len(list(landing.iterdir())) == 9
    told = [event.detail for event in await engine.store.events(run.run_id) if not event.ok]
    assert told == [f"mail number {number} is left alone: it has too many parts" for number in (4, 11)]
