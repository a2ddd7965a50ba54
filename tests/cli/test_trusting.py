"""Trust: what a server shows is accepted knowingly or not at all."""

import asyncio
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.cli.conftest import OnTerminal, Result, Terminal, Wharf, as_toml
from tests.servers.debian import find_program
from tests.servers.openssh import run_openssh
from tui.cli import main
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Surroundings
from tui.paths import Paths
from tui.trust.certificate import CertificateFacts
from tui.trust.hostkeys import known_hosts_line, look_up
from tui.trust.identity import Doubt, Identity, Trusted

SHOWN = "SHA256:" + "a" * 42 + "A"
OTHER = "SHA256:" + "b" * 42 + "A"
LINE = "sftp.acme.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
FTP = {"host": "ftp.acme.example", "username": "wharf", "secret": "vault:acme"}

HOST_KEY = Identity(
    "sftp.acme.example:22", "ssh-ed25519", SHOWN, "not known", Doubt.UNKNOWN, bits=256, known_hosts_line=LINE
)
FACTS = CertificateFacts(
    "CN=ftp.acme.example\x1b[2J",
    "CN=Some CA",
    ("ftp.acme.example", "192.0.2.7"),
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
)
CERTIFICATE = Identity("ftp.acme.example:21", "certificate", SHOWN, "it has expired", Doubt.UNKNOWN, certificate=FACTS)


class Partner:
    """What the server shows."""

    def __init__(self) -> None:
        self.host_key = HOST_KEY
        self.failure: TransferFailed | None = None

    async def identify(self, connection: Connection, surroundings: Surroundings) -> Identity:
        del surroundings
        if self.failure is not None:
            raise self.failure
        return CERTIFICATE if connection.sftp is None else self.host_key


@pytest.fixture
def shows(monkeypatch: pytest.MonkeyPatch) -> Partner:
    partner = Partner()
    monkeypatch.setattr("tui.engine.trusting.identify", partner.identify)
    return partner


@pytest.fixture(autouse=True)
def _connections(wharf: Wharf, acme: dict[str, Any]) -> None:
    ftp = {key: value for key, value in acme.items() if key != "sftp"} | {"name": "beta", "method": "ftp", "ftp": FTP}
    assert wharf("import", "-", stdin=as_toml(acme, ftp)).code == 0


def test_a_host_key_goes_to_the_known_hosts(wharf: Wharf, paths: Paths, shows: Partner) -> None:
    accepted = wharf("trust", "acme", "--fingerprint", f"{SHOWN}=")
    assert accepted.code == 0
    first, *picture = accepted.out.splitlines()
    assert first == f"sftp.acme.example:22 shows ssh-ed25519 {SHOWN}"
    assert picture == shows.host_key.picture
    assert str(paths.known_hosts) in accepted.err
    assert paths.known_hosts.read_text() == f"{LINE}\n"


def test_a_certificate_is_pinned_in_the_connection(wharf: Wharf, shows: Partner) -> None:
    accepted = wharf("trust", "beta", "--fingerprint", SHOWN)
    assert accepted.code == 0
    for words in ("CN=ftp.acme.example\\x1b[2J", "CN=Some CA", "ftp.acme.example, 192.0.2.7", "2026-03-01"):
        assert words in accepted.out
    assert "ftp.fingerprint" in accepted.err
    assert f'fingerprint = "{SHOWN}"' in wharf("export", "beta").out


def test_a_pin_of_the_connection_is_told_and_replaced_because_it_overrules_the_known_hosts(
    wharf: Wharf, paths: Paths, shows: Partner
) -> None:
    old = Trusted(OTHER, "the connection, as host_key")
    shows.host_key = replace(HOST_KEY, doubt=Doubt.CHANGED, known=(old,), by_pin=True)
    accepted = wharf("trust", "acme", "--fingerprint", SHOWN)
    assert accepted.code == 0
    assert f"Trusted until now: {OTHER}\n  in the connection, as host_key" in accepted.out
    assert f'host_key = "{SHOWN}"' in wharf("export", "acme").out
    assert not paths.known_hosts.exists()


@pytest.mark.parametrize("name", ["acme", "beta"])
def test_another_fingerprint_is_refused(wharf: Wharf, paths: Paths, shows: Partner, name: str) -> None:
    before = wharf("export").out
    refused = wharf("trust", name, "--fingerprint", OTHER)
    assert refused.code == 1
    assert SHOWN in refused.err
    assert OTHER in refused.err
    assert wharf("export").out == before
    assert not paths.known_hosts.exists()


def test_without_a_terminal_nothing_is_accepted(wharf: Wharf, paths: Paths, shows: Partner) -> None:
    refused = wharf("trust", "acme")
    assert refused.code == 2
    assert SHOWN in refused.out
    assert "--fingerprint" in refused.err
    assert not paths.known_hosts.exists()


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("\n", 2), ("no\n", 2), ("", 2)])
def test_on_a_terminal_it_asks(
    monkeypatch: pytest.MonkeyPatch, paths: Paths, shows: Partner, answer: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["trust", "acme"]) == code
    assert paths.known_hosts.exists() == (code == 0)


def test_what_is_trusted_already_is_not_asked_about(wharf: Wharf, paths: Paths, shows: Partner) -> None:
    shows.host_key = replace(HOST_KEY, doubt=None, reason="known in /home/ops/.ssh/known_hosts, line 3")
    done = wharf("trust", "acme")
    assert done.code == 0
    assert "trusted already: known in /home/ops/.ssh/known_hosts, line 3" in done.err
    assert not paths.known_hosts.exists()


@pytest.mark.parametrize("answer", ["yes\n", "sftp.acme.example\n"])
def test_a_changed_key_is_never_accepted_by_an_answer(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    paths: Paths,
    shows: Partner,
    answer: str,
) -> None:
    old = Trusted(OTHER, "/home/ops/.ssh/known_hosts, line 3", "ssh-rsa", 2048)
    shows.host_key = replace(HOST_KEY, doubt=Doubt.CHANGED, known=(old,))
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    capfd.readouterr()
    assert main(["trust", "acme"]) == 1
    shown = capfd.readouterr()
    assert f"Trusted until now: ssh-rsa {OTHER}\n  in /home/ops/.ssh/known_hosts, line 3\n" in shown.out
    for before, now in zip(old.picture, shows.host_key.picture, strict=True):
        assert f"{before}     {now}" in shown.out
    assert SHOWN not in shown.err
    assert not paths.known_hosts.exists()


def test_a_changed_key_is_accepted_by_its_fingerprint(wharf: Wharf, paths: Paths, shows: Partner) -> None:
    paths.known_hosts.write_text("sftp.acme.example ssh-ed25519 OLD\nother.example ssh-ed25519 KEPT\n")
    own = Trusted(OTHER, f"{paths.known_hosts}, line 1", "ssh-ed25519", 256)
    elsewhere = Trusted(OTHER, "/home/ops/.ssh/known_hosts, line 3", "ssh-ed25519", 256)
    shows.host_key = replace(HOST_KEY, doubt=Doubt.CHANGED, known=(own, elsewhere))
    accepted = wharf("trust", "acme", "--fingerprint", SHOWN)
    assert accepted.code == 0
    assert paths.known_hosts.read_text() == f"other.example ssh-ed25519 KEPT\n{LINE}\n"
    assert "still trusted too: remove it from /home/ops/.ssh/known_hosts, line 3" in accepted.err
    assert accepted.err.count("still trusted") == 1


def test_a_revoked_key_is_not_accepted_by_anything(wharf: Wharf, paths: Paths, shows: Partner) -> None:
    shows.host_key = replace(HOST_KEY, doubt=Doubt.REVOKED, reason="marked as revoked in /k, line 1")
    refused = wharf("trust", "acme", "--fingerprint", SHOWN)
    assert refused.code == 1
    assert "marked as revoked in /k, line 1" in refused.err
    assert not paths.known_hosts.exists()


@pytest.mark.parametrize("fingerprint", ["MD5:aa:bb", "SHA256:short", "", "SHA256:" + "a" * 44])
def test_what_is_no_fingerprint_is_refused(wharf: Wharf, fingerprint: str) -> None:
    refused = wharf("trust", "acme", "--fingerprint", fingerprint)
    assert (refused.code, refused.out) == (2, "")
    assert "43 characters" in refused.err


def test_a_server_that_cannot_be_reached_is_told(wharf: Wharf, shows: Partner) -> None:
    shows.failure = TransferFailed(FailureClass.REFUSED, "acme is not there.")
    failed: Result = wharf("trust", "acme")
    assert failed.code == 3
    assert failed.err == f"wharf: acme is not there.\n  {FailureClass.REFUSED.remedy}\n"


def test_unknown_names_suggest(wharf: Wharf) -> None:
    refused = wharf("trust", "acne")
    assert refused.code == 2
    assert "Did you mean acme?" in refused.err


async def test_a_real_server(tmp_path: Path, paths: Paths, acme: dict[str, Any], wharf_process: Wharf) -> None:
    """Asked on a terminal, stored, trusted; then the server has another key, and only its fingerprint is accepted."""
    async with run_openssh(tmp_path / "sshd") as server:
        asked = acme | {"sftp": {"host": "127.0.0.1", "port": server.port, "username": "x", "agent": True}}
        stdin = as_toml(asked)
        imported = await asyncio.to_thread(lambda: wharf_process("import", "-", "--replace", stdin=stdin))
        assert imported.code == 0, imported.err

        def ask() -> tuple[int, str]:
            terminal = OnTerminal("trust", "acme")
            terminal.answer(b"Type yes", b"yes\n")
            return terminal.end(), terminal.seen.decode()

        code, seen = await asyncio.to_thread(ask)
        assert code == 0, seen
        drawn = _drawn_by_ssh_keygen(tmp_path, server.host_key)
        assert "\n".join(drawn) in seen.replace("\r", "")
        known = look_up("127.0.0.1", server.port, [paths.known_hosts])
        assert known.judge(server.host_key).doubt is None

        other = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
        paths.known_hosts.write_text(f"{known_hosts_line('127.0.0.1', server.port, other)}\n")
        refused = await asyncio.to_thread(lambda: wharf_process("trust", "acme"))
        assert refused.code == 1
        assert f"Trusted until now: ssh-ed25519 {other.get_fingerprint()}" in refused.out
        assert f"{paths.known_hosts}, line 1" in refused.out
        new = server.host_key.get_fingerprint()
        accepted = await asyncio.to_thread(lambda: wharf_process("trust", "acme", "--fingerprint", new))
        assert accepted.code == 0
        known = look_up("127.0.0.1", server.port, [paths.known_hosts])
        assert list(known.keys) == [server.host_key]


def _drawn_by_ssh_keygen(folder: Path, key: asyncssh.SSHKey) -> list[str]:
    key.write_public_key(folder / "shown.pub")
    command = [str(find_program("ssh-keygen", "openssh-client")), "-lv", "-f", str(folder / "shown.pub")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[1:]
