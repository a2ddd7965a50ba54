"""No secret in what the commands print, log, store or hand to other programs, whatever the other side does with it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import tomli_w

from tests.canary import parrots
from tests.canary.parrots import Memory, Talk
from tests.canary.search import CANARIES, leaks, leaks_in_files
from tests.methods.mail_support import scripted_server
from tui.paths import Paths
from tui.trust.vault import Vault

pytestmark = pytest.mark.timeout(180)


class Loud:
    """Runs commands with everything logged, and keeps what they say."""

    def __init__(self, paths: Paths, home: Path) -> None:
        self.paths = paths
        self.home = home
        self.said = b""
        self.planted: list[Path] = []

    async def __call__(self, *argv: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.canary.loud",
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        said, _ = await process.communicate(stdin)
        self.said += said
        return said

    async def everything_about(self, connection: dict[str, Any]) -> None:
        """Every command that can tell something of a connection, in processes of which the later ones know nothing of
        what a server has heard before."""
        file = self.home / "connections.toml"
        file.write_text(tomli_w.dumps({"connection": [connection]}))
        name = str(connection["name"])
        for commands in (
            f"import {file} --replace ; test {name} ; test {name} --json",
            f"run {name} --json ; run {name} --dry-run ; show {name} ; show {name} --json ; list --json",
            f"run {name} ; history {name} --json ; history ; export ; secret list ; locate",
        ):
            said = await self(*commands.split(" "))
            assert b"Traceback" not in said, said.decode()

    def assert_silent(self) -> None:
        assert self.said
        found = leaks("the output", self.said) + leaks_in_files(self.home.parent, planted=self.planted)
        assert found == []


@pytest.fixture
def loud(paths: Paths) -> Loud:
    return Loud(paths, Path(os.environ["HOME"]))


def connection(method: str, port: int, folder: Path, secret: str, **endpoint: Any) -> dict[str, Any]:
    """As it stands in a file. Nothing is encrypted where the server is a few lines of a test."""
    table = {"host": "127.0.0.1", "port": port, "username": "wharf", "secret": secret, **endpoint}
    if method != "sftp":
        table = {"tls": "none", **table}
    return {
        "name": "acme",
        "direction": "inbound",
        "method": method,
        "local_dir": str(folder),
        "retries": 1,
        "stall_timeout": 5,
        method: table,
    }


@asynccontextmanager
async def parrot(talk: Talk) -> AsyncIterator[int]:
    async with scripted_server(talk) as port:
        yield port


@pytest.mark.parametrize("lets_in", [False, True])
async def test_ftp(loud: Loud, tmp_path: Path, lets_in: bool) -> None:
    memory = Memory(lets_in=lets_in)
    async with parrot(parrots.ftp(memory)) as port:
        Vault(loud.paths.vault, loud.paths.vault_key).set("acme", CANARIES["ftp"])
        await loud.everything_about(connection("ftp", port, tmp_path, "vault:acme"))
    assert CANARIES["ftp"] in memory.heard
    loud.assert_silent()
    assert b"[secret]" in loud.said
    assert b"DEBUG tui.methods.ftp_control: PASS" in loud.paths.log.read_bytes()


@pytest.mark.parametrize("lets_in", [False, True])
async def test_smtp(loud: Loud, tmp_path: Path, lets_in: bool) -> None:
    memory = Memory(lets_in=lets_in)
    (tmp_path / "a.csv").write_text("1;2\n")
    mail = {"sender": "us@us.example", "recipients": ["in@acme.example"]}
    async with parrot(parrots.smtp(memory)) as port:
        await loud("secret", "set", "acme", stdin=CANARIES["smtp"].encode())
        sending = connection("email", port, tmp_path, "vault:acme", **mail) | {"direction": "outbound"}
        await loud.everything_about(sending)
    assert any(CANARIES["smtp"] in heard for heard in memory.heard)
    loud.assert_silent()
    assert b"[secret]" in loud.said


@pytest.mark.parametrize("lets_in", [False, True])
async def test_imap(loud: Loud, tmp_path: Path, lets_in: bool) -> None:
    memory = Memory(lets_in=lets_in)
    file = tmp_path / "password"
    file.touch(mode=0o600)
    file.write_text(CANARIES["imap"])
    loud.planted.append(file)
    async with parrot(parrots.imap(memory)) as port:
        await loud.everything_about(connection("email", port, tmp_path, f"file:{file}"))
    assert any(CANARIES["imap"] in heard for heard in memory.heard)
    loud.assert_silent()
    assert b"[secret]" in loud.said


@pytest.mark.parametrize("lets_in", [False, True])
async def test_sftp(loud: Loud, tmp_path: Path, lets_in: bool) -> None:
    memory = Memory(lets_in=lets_in)
    async with parrots.sftp(memory) as (port, fingerprint):
        Vault(loud.paths.vault, loud.paths.vault_key).set("acme", CANARIES["sftp"])
        await loud.everything_about(connection("sftp", port, tmp_path, "vault:acme", host_key=fingerprint))
    assert CANARIES["sftp"] in memory.heard
    loud.assert_silent()


async def test_a_passphrase_of_a_key_file(loud: Loud, tmp_path: Path) -> None:
    """The right one and a wrong one."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    file = tmp_path / "id_partner"
    file.touch(mode=0o600)
    file.write_bytes(key.export_private_key(passphrase=CANARIES["keyphrase"]))
    vault = Vault(loud.paths.vault, loud.paths.vault_key)
    vault.set("right", CANARIES["keyphrase"])
    vault.set("wrong", CANARIES["other"])
    async with parrots.sftp(Memory()) as (port, fingerprint):
        for name in ("right", "wrong"):
            way = connection("sftp", port, tmp_path, f"vault:{name}", host_key=fingerprint, key=str(file))
            await loud.everything_about(way)
    loud.assert_silent()


async def test_a_token_from_a_command(loud: Loud, tmp_path: Path) -> None:
    """The command's arguments and environment, as the system shows them to everybody, are searched too."""
    loud.planted += [token := tmp_path / "token", script := tmp_path / "script"]
    token.write_text(CANARIES["token"])
    script.write_text(
        f"cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> {tmp_path}/seen\n"
        f"cat {token}; echo the token is {CANARIES['command']} >&2; exit ${{1:-0}}\n"
    )
    memory = Memory()
    async with parrot(parrots.imap(memory)) as port:
        with_token = connection("email", port, tmp_path / "in", f"cmd:sh {script}")
        (tmp_path / "in").mkdir()
        await loud.everything_about(with_token)
        failing = connection("email", port, tmp_path / "in", f"cmd:sh {script} 3") | {"name": "failing"}
        await loud.everything_about(failing)
    assert any(CANARIES["token"] in heard for heard in memory.heard)
    assert b"ended with status 3" in loud.said
    assert (tmp_path / "seen").stat().st_size > 0
    loud.assert_silent()


async def test_the_passphrase_of_the_vault(loud: Loud, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.touch(mode=0o600)
    file.write_text(CANARIES["vaultphrase"])
    loud.planted.append(file)
    await loud("secret", "set", "acme", stdin=CANARIES["ftp"].encode())
    await loud("secret", "passphrase", stdin=CANARIES["vaultphrase"].encode())
    assert Vault(loud.paths.vault, loud.paths.vault_key).is_locked()
    memory = Memory()
    async with parrot(parrots.ftp(memory)) as port:
        ours = connection("ftp", port, tmp_path, "vault:acme")
        await loud.everything_about(ours)
        assert memory.heard == []
        opened = {"WHARF_PASSPHRASE_FILE": str(file)}
        await loud("test", "acme", ";", "run", "acme", "--json", environment=opened)
        file.write_text(CANARIES["other"])
        assert b"holds another passphrase" in await loud("test", "acme", environment=opened)
    assert CANARIES["ftp"] in memory.heard
    loud.assert_silent()


async def test_a_secret_in_clear_in_a_file_is_refused_without_repeating_it(loud: Loud, tmp_path: Path) -> None:
    commands = []
    for place in ("secret", "password", "port", "tls", "fingerprint", "host"):
        wrong = connection("ftp", 21, tmp_path, "env:X")
        wrong["ftp"][place] = CANARIES["clear"]
        loud.planted.append(file := tmp_path / f"{place}.toml")
        file.write_text(tomli_w.dumps({"connection": [wrong]}))
        commands += ["import", str(file), ";"]
    loud.planted.append(file := tmp_path / "broken.toml")
    file.write_text(f"secret = {CANARIES['clear']}")
    said = await loud(*commands, "import", str(file))
    assert said.count(b"nothing was imported") == 7
    assert leaks("the output", said) + leaks_in_files(loud.home.parent, planted=loud.planted) == []


async def test_the_process_shows_nothing_of_what_is_in_the_vault(loud: Loud, tmp_path: Path) -> None:
    """While it runs, in what the system shows of it."""
    Vault(loud.paths.vault, loud.paths.vault_key).set("acme", CANARIES["ftp"])
    seen = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            if line.startswith(b"PASS"):
                for process in Path("/proc").glob("[0-9]*"):
                    try:
                        shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                    except OSError:
                        continue
                    if str(loud.home.parent).encode() in shown:
                        seen.append(shown)
            writer.write(b"331 go on\r\n" if line.startswith(b"USER") else b"530 no\r\n")

    async with scripted_server(look) as port:
        await loud.everything_about(connection("ftp", port, tmp_path, "vault:acme"))
    assert seen
    assert [leak for shown in seen for leak in leaks("a process", shown)] == []
