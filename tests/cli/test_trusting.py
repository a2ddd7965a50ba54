"""Trust: what a server shows is accepted knowingly or not at all."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Result, Terminal, Wharf, as_toml
from tui.cli import main
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Identity
from tui.paths import Paths

SHOWN = "SHA256:" + "a" * 43
OTHER = "SHA256:" + "b" * 43
LINE = "sftp.acme.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
FTP = {"host": "ftp.acme.example", "username": "wharf", "secret": "vault:acme"}


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def identify(connection: Connection) -> Identity:
        if connection.sftp is not None:
            return Identity("ssh-ed25519", SHOWN, "", LINE)
        return Identity("certificate", SHOWN, "CN=ftp.acme.example\x1b[2J")

    monkeypatch.setattr("tui.commands.trusting.identify", identify)


@pytest.fixture(autouse=True)
def _connections(wharf: Wharf, acme: dict[str, Any]) -> None:
    ftp = {key: value for key, value in acme.items() if key != "sftp"} | {"name": "beta", "method": "ftp", "ftp": FTP}
    pinned = {**acme, "name": "pinned", "sftp": {**acme["sftp"], "host_key": OTHER}}
    assert wharf("import", "-", stdin=as_toml(acme, ftp, pinned)).code == 0


def test_a_host_key_goes_to_the_known_hosts(wharf: Wharf, paths: Paths) -> None:
    accepted = wharf("trust", "acme", "--fingerprint", f"{SHOWN}=")
    assert accepted.code == 0
    assert accepted.out == f"sftp://wharf@sftp.acme.example:22/. shows ssh-ed25519 {SHOWN}\n"
    assert str(paths.known_hosts) in accepted.err
    assert paths.known_hosts.read_text() == f"{LINE}\n"


def test_a_certificate_is_pinned_in_the_connection(wharf: Wharf) -> None:
    accepted = wharf("trust", "beta", "--fingerprint", SHOWN)
    assert accepted.code == 0
    assert "CN=ftp.acme.example\\x1b[2J" in accepted.out
    assert "ftp.fingerprint" in accepted.err
    assert f'fingerprint = "{SHOWN}"' in wharf("export", "beta").out


def test_a_pin_of_the_connection_is_told_and_replaced_because_it_overrules_the_known_hosts(
    wharf: Wharf, paths: Paths
) -> None:
    accepted = wharf("trust", "pinned", "--fingerprint", SHOWN)
    assert accepted.code == 0
    assert f"The connection pins another one: {OTHER}" in accepted.out
    assert f'host_key = "{SHOWN}"' in wharf("export", "pinned").out
    assert not paths.known_hosts.exists()


@pytest.mark.parametrize("name", ["acme", "beta"])
def test_another_fingerprint_is_refused(wharf: Wharf, paths: Paths, name: str) -> None:
    before = wharf("export").out
    refused = wharf("trust", name, "--fingerprint", OTHER)
    assert refused.code == 1
    assert SHOWN in refused.err
    assert OTHER in refused.err
    assert wharf("export").out == before
    assert not paths.known_hosts.exists()


def test_without_a_terminal_nothing_is_accepted(wharf: Wharf, paths: Paths) -> None:
    refused = wharf("trust", "acme")
    assert refused.code == 2
    assert SHOWN in refused.out
    assert "--fingerprint" in refused.err
    assert not paths.known_hosts.exists()


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("\n", 2), ("no\n", 2), ("", 2)])
def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch, paths: Paths, answer: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["trust", "acme"]) == code
    assert paths.known_hosts.exists() == (code == 0)


@pytest.mark.parametrize("fingerprint", ["MD5:aa:bb", "SHA256:short", "", "SHA256:" + "a" * 44])
def test_what_is_no_fingerprint_is_refused(wharf: Wharf, fingerprint: str) -> None:
    refused = wharf("trust", "acme", "--fingerprint", fingerprint)
    assert (refused.code, refused.out) == (2, "")
    assert "43 characters" in refused.err


def test_a_server_that_cannot_be_reached_is_told(wharf: Wharf, monkeypatch: pytest.MonkeyPatch) -> None:
    async def identify(connection: Connection) -> Identity:
        raise TransferFailed(FailureClass.REFUSED, f"{connection.name} is not there.")

    monkeypatch.setattr("tui.commands.trusting.identify", identify)
    failed: Result = wharf("trust", "acme")
    assert failed.code == 3
    assert failed.err == f"wharf: acme is not there.\n  {FailureClass.REFUSED.remedy}\n"


def test_unknown_names_suggest(wharf: Wharf, tmp_path: Path) -> None:
    refused = wharf("trust", "acne")
    assert refused.code == 2
    assert "Did you mean acme?" in refused.err
