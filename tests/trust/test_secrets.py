"""Secret references: each kind resolved, each way to fail said in a sentence that does not hold the secret."""

import asyncio
import os
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType

import pytest

from tui.domain.failure import FailureClass, TransferFailed
from tui.paths import Paths
from tui.trust import secrets
from tui.trust.secrets import resolve_secret
from tui.trust.vault import Vault


@pytest.fixture
def vault(paths: Paths) -> Vault:
    return Vault(paths.vault, paths.vault_key)


async def refused(reference: str, vault: Vault) -> str:
    """The sentence; whatever a log could show of the exception must not hold the secret `hunter2`."""
    with pytest.raises(TransferFailed) as caught:
        await resolve_secret(reference, vault)
    assert caught.value.failure.failure_class is FailureClass.CONFIG
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.failure.remedy
    if "hunter2" not in reference:
        assert "hunter2" not in said
    return str(caught.value)


class TestEnvironment:
    async def test_set(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ACME", "hunter2")
        assert await resolve_secret("env:ACME", vault) == "hunter2"

    async def test_not_set(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ACME", raising=False)
        assert "env:ACME" in await refused("env:ACME", vault)

    async def test_empty(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ACME", "")
        assert "empty" in await refused("env:ACME", vault)


class TestFile:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "secret"
        path.touch(mode=0o600)
        return path

    @pytest.mark.parametrize(
        ("content", "secret"),
        [(b"hunter2", "hunter2"), (b"hunter2\n", "hunter2"), (b"hunter2\r\n", "hunter2"), (b" two \n\n", " two \n")],
    )
    async def test_one_line_end_is_not_part_of_it(self, vault: Vault, file: Path, content: bytes, secret: str) -> None:
        file.write_bytes(content)
        assert await resolve_secret(f"file:{file}", vault) == secret

    async def test_below_the_home(self, vault: Vault) -> None:
        path = Path("~/secret").expanduser()
        path.touch(mode=0o400)
        path.chmod(0o600)
        path.write_text("hunter2")
        assert await resolve_secret("file:~/secret", vault) == "hunter2"

    async def test_below_the_home_of_nobody(self, vault: Vault) -> None:
        with pytest.raises(TransferFailed, match="No such file") as raised:
            await resolve_secret("file:~there-is-no-such-user/secret", vault)
        assert raised.value.failure.failure_class is FailureClass.CONFIG

    @pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o602])
    async def test_others_have_rights(self, vault: Vault, file: Path, bits: int) -> None:
        file.write_text("hunter2")
        file.chmod(bits)
        assert f"mode {bits:04o}" in await refused(f"file:{file}", vault)

    async def test_somebody_else_owns_it(self, vault: Vault, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file.write_text("hunter2")
        owner = file.stat().st_uid
        if owner == 0:  # root's own files are everybody's to use, so give it to somebody else
            os.chown(file, 12345, -1)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        assert "belongs to another user" in await refused(f"file:{file}", vault)

    async def test_missing(self, vault: Vault, tmp_path: Path) -> None:
        assert "No such file" in await refused(f"file:{tmp_path}/missing", vault)

    async def test_a_pipe_and_a_folder(self, vault: Vault, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", mode=0o600)
        (tmp_path / "folder").mkdir(mode=0o700)
        for name in ("pipe", "folder"):
            assert "not a regular file" in await refused(f"file:{tmp_path / name}", vault)

    async def test_no_text(self, vault: Vault, file: Path) -> None:
        file.write_bytes(b"hunter2\xff")
        assert "UTF-8" in await refused(f"file:{file}", vault)

    async def test_too_long(self, vault: Vault, file: Path) -> None:
        file.write_bytes(b"hunter2" * 10_000)
        assert "longer" in await refused(f"file:{file}", vault)

    async def test_empty(self, vault: Vault, file: Path) -> None:
        file.write_bytes(b"\n")
        assert "empty" in await refused(f"file:{file}", vault)


class TestCommand:
    async def test_what_it_prints(self, vault: Vault) -> None:
        assert await resolve_secret("cmd:echo 'hunter2 and more'", vault) == "hunter2 and more"

    async def test_no_shell(self, vault: Vault) -> None:
        assert await resolve_secret("cmd:echo $HOME; id", vault) == "$HOME; id"

    async def test_a_failure_shows_nothing_of_what_was_said(self, vault: Vault) -> None:
        """Programs that fail may well say on stderr what they have found so far."""
        script = Path("~/script").expanduser()
        script.write_text("echo hunter2 is locked >&2; exit 3")
        said = await refused(f"cmd:sh {script}", vault)
        assert "status 3" in said
        assert "locked" not in said

    @pytest.mark.parametrize("command", ["no-such-program-anywhere", "'unbalanced", " ", "/"])
    async def test_no_command(self, vault: Vault, command: str) -> None:
        await refused(f"cmd:{command}", vault)

    async def test_it_reads_nothing(self, vault: Vault) -> None:
        assert "empty" in await refused("cmd:cat", vault)

    async def test_it_is_ended_with_its_children_when_it_takes_too_long(
        self, vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(secrets, "_COMMAND_LIMIT", 0.2)
        began = time.monotonic()
        # The shell is gone at once; its child keeps the pipe open.
        assert "has not ended" in await refused("cmd:sh -c 'sleep 60 & echo $!'", vault)
        assert "has not ended" in await refused("cmd:sleep 60", vault)
        assert time.monotonic() - began < 10

    async def test_it_is_ended_when_nobody_waits_any_more(self, vault: Vault, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "started")
        script = tmp_path / "script"
        script.write_text(f"echo $$ > {tmp_path}/started; exec sleep 60")
        task = asyncio.create_task(resolve_secret(f"cmd:sh {script}", vault))
        # Opening the pipe waits for the command to say its number into it.
        pid = int(await asyncio.to_thread((tmp_path / "started").read_text))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    async def test_endless_output_is_not_kept(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "longer" in await refused("cmd:head -c 3000000 /dev/zero", vault)


class TestVault:
    async def test_there(self, vault: Vault) -> None:
        vault.set("acme", "hunter2")
        assert await resolve_secret("vault:acme", vault) == "hunter2"

    async def test_not_there(self, vault: Vault) -> None:
        assert "acme" in await refused("vault:acme", vault)


class TestKeyring:
    async def test_absent(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        assert "not installed" in await refused("keyring:mail/wharf", vault)

    @pytest.fixture
    def keyring(self, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """The library's two names that are used, over a dictionary."""
        keyring, errors = ModuleType("keyring"), ModuleType("keyring.errors")
        held = {("https://mail/acme", "wharf"): "hunter2"}
        errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]  # a made-up module

        def get_password(service: str, user: str) -> str | None:
            if service == "locked":
                raise errors.KeyringError("hunter2")
            return held.get((service, user))

        keyring.get_password = get_password  # type: ignore[attr-defined]  # a made-up module
        keyring.errors = errors  # type: ignore[attr-defined]  # a made-up module
        monkeypatch.setitem(sys.modules, "keyring", keyring)
        monkeypatch.setitem(sys.modules, "keyring.errors", errors)
        return keyring

    async def test_there(self, vault: Vault, keyring: ModuleType) -> None:
        assert await resolve_secret("keyring:https://mail/acme/wharf", vault) == "hunter2"

    @pytest.mark.parametrize("place", ["https://mail/acme/other", "no-user", "/wharf", "service/"])
    async def test_not_there(self, vault: Vault, keyring: ModuleType, place: str) -> None:
        await refused(f"keyring:{place}", vault)

    async def test_locked(self, vault: Vault, keyring: ModuleType) -> None:
        assert "KeyringError" in await refused("keyring:locked/wharf", vault)


async def test_an_unknown_way_is_not_repeated(vault: Vault) -> None:
    assert "hunter2" not in await refused("hunter2", vault)
