"""A server that does not stop is left in time, in bounded memory, and with a sentence."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from tests.hostile import endless
from tests.hostile.conftest import MB, bounded, connection
from tests.hostile.endless import Talk
from tests.methods.mail_support import scripted_server
from tests.servers.sftp_server import run_sftp_server
from tui.domain.failure import FailureClass
from tui.engine import Engine

LINE = b"x" * 60 + b"\r\n"

TALKS: dict[str, tuple[str, str, Talk]] = {
    "ftp: a greeting without an end of line": ("ftp", "inbound", endless.at_once(before=b"220 ", endlessly=b"x")),
    "ftp: a greeting of endless lines": ("ftp", "inbound", endless.at_once(before=b"220-hi\r\n", endlessly=LINE)),
    "ftp: endless preliminary answers": ("ftp", "inbound", endless.at_once(endlessly=b"120 soon\r\n")),
    "ftp: an answer to the login": ("ftp", "inbound", endless.ftp(at=b"PASS", before=b"230-", endlessly=LINE)),
    "ftp: a listing": ("ftp", "inbound", endless.ftp(at=b"MLSD", endlessly=b"type=file;size=1; a.csv\r\n")),
    "ftp: a line of a listing": ("ftp", "inbound", endless.ftp(at=b"MLSD", endlessly=b"type=file;size=1; a")),
    "smtp: a greeting without an end of line": ("email", "outbound", endless.at_once(before=b"220 ", endlessly=b"x")),
    "smtp: a greeting of endless lines": ("email", "outbound", endless.at_once(endlessly=b"220-hello\r\n")),
    "smtp: what it offers": ("email", "outbound", endless.smtp(at=b"EHLO", endlessly=b"250-SIZE 1\r\n")),
    "smtp: the refusal of a login": ("email", "outbound", endless.smtp(at=b"AUTH", endlessly=b"535-no\r\n")),
    "imap: a greeting without an end of line": ("email", "inbound", endless.at_once(before=b"* OK ", endlessly=b"x")),
    "imap: news before the greeting": ("email", "inbound", endless.at_once(endlessly=b"* OK still here\r\n")),
    "imap: news during the login": ("email", "inbound", endless.imap(at=b"AUTHENTICATE", endlessly=b"* OK [X] y\r\n")),
    "imap: challenges during the login": ("email", "inbound", endless.imap(at=b"AUTHENTICATE", endlessly=b"+ \r\n")),
    "imap: news in a folder": ("email", "inbound", endless.imap(at=b"EXAMINE", endlessly=b"* 5 EXISTS\r\n")),
    "imap: a literal": (
        "email",
        "inbound",
        endless.imap(at=b"FETCH", before=b"* 1 FETCH (UID 1 BODY[HEADER] {99999999999}\r\n", endlessly=b"x"),
    ),
    "imap: literals": ("email", "inbound", endless.imap(at=b"FETCH", endlessly=b"* 1 FETCH (A {100}\r\n" + b"x" * 100)),
    "imap: mails nobody asked for": (
        "email",
        "inbound",
        endless.imap(at=b"FETCH", endlessly=b'* 1 FETCH (UID 1 FLAGS () BODYSTRUCTURE ("TEXT" "PLAIN" NIL))\r\n'),
    ),
    "imap: parentheses": ("email", "inbound", endless.imap(at=b"FETCH", before=b"* 1 FETCH ", endlessly=b"(" * 1000)),
}


@pytest.mark.parametrize("what", TALKS)
async def test_it_is_left(engine: Engine, tmp_path: Path, what: str) -> None:
    method, direction, talk = TALKS[what]
    async with scripted_server(talk) as port:
        # A listing may have 128 MiB.
        with bounded(memory=200 * MB, seconds=25):
            report = await engine.test(connection(method, port, tmp_path, direction=direction))
    assert report.failure is not None
    assert report.failure.failure_class in {FailureClass.NETWORK, FailureClass.TIMEOUT, FailureClass.REJECTED}
    assert len(report.failure.message) < 1100
    assert not [path for path in tmp_path.iterdir() if path.name not in {"home", "wharf"}]


async def test_ssh_banner_lines(engine: Engine, tmp_path: Path) -> None:
    """Lines before the version are allowed (RFC 4253 section 4.2), and so a place to begin."""
    for talk in (endless.at_once(endlessly=LINE), endless.at_once(before=b"SSH-2.0-", endlessly=b"x")):
        async with scripted_server(talk) as port:
            with bounded(memory=100 * MB, seconds=25):
                report = await engine.test(connection("sftp", port, tmp_path, host_key="SHA256:" + "A" * 43))
        assert report.failure is not None
        assert report.failure.failure_class in {FailureClass.NETWORK, FailureClass.TIMEOUT, FailureClass.REJECTED}


class _EndlessFolder(asyncssh.SFTPServer):
    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        number = 0
        while True:
            number += 1
            yield asyncssh.SFTPName(b"%d.csv" % number, attrs=asyncssh.SFTPAttrs(size=1, permissions=0o100644))
            if number % 1000 == 0:
                await asyncio.sleep(0)


async def test_an_sftp_listing(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.servers.sftp_server._Files", lambda channel, *_: _EndlessFolder(channel))
    monkeypatch.setattr("tui.methods.sftp._LONGEST_LISTING", 5_000)
    async with run_sftp_server(tmp_path / "partner") as server:
        fingerprint = server.host_key.get_fingerprint()
        monkeypatch.setenv("PARTNER", "open sesame")
        with bounded(memory=200 * MB, seconds=60):
            report = await engine.test(connection("sftp", server.port, tmp_path, host_key=fingerprint, directory="/"))
    assert report.failure is not None
    assert "more than 5000 entries" in report.failure.message
