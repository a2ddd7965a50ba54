"""A vault with a passphrase: opened once per process, changed in one step, and nothing is lost by what goes wrong."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.failure import FailureClass
from tui.paths import Paths
from tui.trust import unlocking, vault_key
from tui.trust.unlocking import VARIABLE, VaultOpener
from tui.trust.vault import Vault
from tui.trust.vault_key import VaultLocked, VaultProblem, WrongPassphrase

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost is in the file, so that what is tested here is the same with little of it."""
    monkeypatch.setattr(vault_key, "_COST", 2)
    monkeypatch.delenv(VARIABLE, raising=False)


def vault_of(paths: Paths) -> Vault:
    """As another process sees it: nothing is unlocked yet."""
    return Vault(paths.vault, paths.vault_key)


@pytest.fixture
def sealed(paths: Paths) -> Paths:
    vault = vault_of(paths)
    vault.set("acme", "hunter2")
    vault.set_passphrase(PASSPHRASE)
    return paths


class TestVault:
    def test_it_opens_with_the_passphrase_alone(self, sealed: Paths) -> None:
        vault = vault_of(sealed)
        assert vault.is_locked()
        assert vault.has_passphrase()
        for use in (vault.names, lambda: vault.get("acme"), lambda: vault.set("other", "x"), vault.remove_passphrase):
            with pytest.raises(VaultLocked) as caught:
                use()
            assert caught.value.failure.failure_class is FailureClass.CONFIG
        vault.unlock(PASSPHRASE)
        assert not vault.is_locked()
        assert vault.get("acme") == "hunter2"
        vault.set("other", "x")
        assert vault.names() == ["acme", "other"]

    def test_whoever_has_sealed_it_goes_on(self, paths: Paths) -> None:
        vault = vault_of(paths)
        vault.set_passphrase(PASSPHRASE)
        assert not vault.is_locked()
        vault.set("acme", "hunter2")
        assert vault.get("acme") == "hunter2"
        assert vault_of(paths).is_locked()

    def test_a_wrong_passphrase_changes_nothing(self, sealed: Paths) -> None:
        before = sealed.vault.read_bytes(), sealed.vault_key.read_bytes()
        vault = vault_of(sealed)
        with pytest.raises(WrongPassphrase) as caught:
            vault.unlock("not it")
        assert "not it" not in str(caught.value).replace("That is not", "")
        assert vault.is_locked()
        assert (sealed.vault.read_bytes(), sealed.vault_key.read_bytes()) == before

    def test_changing_and_removing(self, sealed: Paths) -> None:
        vault = vault_of(sealed)
        vault.unlock(PASSPHRASE)
        vault.set_passphrase("another one")
        assert vault.get("acme") == "hunter2"
        again = vault_of(sealed)
        with pytest.raises(WrongPassphrase):
            again.unlock(PASSPHRASE)
        again.unlock("another one")
        again.remove_passphrase()
        assert not again.has_passphrase()
        assert vault_of(sealed).get("acme") == "hunter2"

    def test_the_key_file_is_private_and_holds_neither_key_nor_passphrase(self, paths: Paths) -> None:
        vault = vault_of(paths)
        vault.set("acme", "hunter2")
        key = paths.vault_key.read_bytes().strip()
        vault.set_passphrase(PASSPHRASE)
        content = paths.vault_key.read_bytes()
        assert paths.vault_key.stat().st_mode & 0o777 == 0o600
        assert key not in content
        assert PASSPHRASE.encode() not in content

    @pytest.mark.parametrize("bits", [0o640, 0o604])
    def test_a_key_file_too_open(self, sealed: Paths, bits: int) -> None:
        sealed.vault_key.chmod(bits)
        with pytest.raises(VaultProblem, match=f"mode {bits:04o}"):
            vault_of(sealed).unlock(PASSPHRASE)

    def test_every_damage_is_told_from_a_wrong_passphrase(self, sealed: Paths) -> None:
        whole = sealed.vault_key.read_bytes()
        told = json.loads(whole)
        wrong: list[object] = [None, 2**62, -1, "x", []]
        forged = [{**told, key: value} for key in told for value in wrong]
        damaged = [whole[:-30], whole[:50] + b"?" + whole[51:], b"{", b"{}", b"", b"\0" * 80, b"[" * 100_000]
        for content in damaged + [json.dumps(each).encode() + b"\n" for each in forged]:
            sealed.vault_key.write_bytes(content)
            with pytest.raises(VaultProblem, match=r"key file .* is damaged") as caught:
                vault = vault_of(sealed)
                vault.unlock(PASSPHRASE)
                vault.get("acme")
            assert not isinstance(caught.value, WrongPassphrase)
            assert sealed.vault_key.read_bytes() == content
        sealed.vault_key.write_bytes(whole)
        vault = vault_of(sealed)
        vault.unlock(PASSPHRASE)
        assert vault.get("acme") == "hunter2"

    def test_the_real_cost_is_what_is_advised(self, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        monkeypatch.delenv(VARIABLE, raising=False)
        vault = vault_of(paths)
        vault.set_passphrase(PASSPHRASE)
        assert json.loads(paths.vault_key.read_bytes())["cost"] == 2**17
        again = vault_of(paths)
        again.unlock(PASSPHRASE)
        assert not again.is_locked()

    @given(passphrase=st.text(min_size=1, max_size=40))
    @settings(max_examples=25, deadline=None)
    def test_any_passphrase(self, tmp_path_factory: pytest.TempPathFactory, passphrase: str) -> None:
        folder = tmp_path_factory.mktemp("vault")
        Vault(folder / "vault", folder / "key").set_passphrase(passphrase)
        again = Vault(folder / "vault", folder / "key")
        again.unlock(passphrase)
        with pytest.raises(WrongPassphrase):
            Vault(folder / "vault", folder / "key").unlock(passphrase + "x")

    def test_letters_composed_in_another_way_are_the_same(self, paths: Paths) -> None:
        vault_of(paths).set_passphrase("pass\u00e9")
        vault_of(paths).unlock("passe\u0301")


_CHANGING = """
import sys
from pathlib import Path
from tui.trust import vault_key
from tui.trust.vault import Vault
vault_key._COST = 2
vault = Vault(Path(sys.argv[1]), Path(sys.argv[2]))
vault.unlock(sys.argv[3])
for n in range(15):
    if sys.argv[4] == "seal":
        vault.set_passphrase(sys.argv[3])
    else:
        vault.set(f"{sys.argv[4]}-{n}", "x")
"""


def test_processes_that_change_secrets_and_passphrase_at_once_lose_nothing(sealed: Paths) -> None:
    arguments = [sys.executable, "-c", _CHANGING, str(sealed.vault), str(sealed.vault_key), PASSPHRASE]
    processes = [subprocess.Popen([*arguments, what]) for what in ("seal", "one", "two")]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    vault = vault_of(sealed)
    vault.unlock(PASSPHRASE)
    assert set(vault.names()) == {"acme"} | {f"{who}-{number}" for who in ("one", "two") for number in range(15)}


class Asked:
    """Somebody who answers with what is given, in order, and waits until the test lets them."""

    def __init__(self, *answers: str | None) -> None:
        self.complaints: list[str] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()
        self._answers = list(answers)

    async def __call__(self, complaint: str) -> str | None:
        self.complaints.append(complaint)
        self.asked.set()
        await self.may_answer.wait()
        return self._answers.pop(0)


class TestOpener:
    @pytest.fixture
    def vault(self, sealed: Paths) -> Vault:
        return vault_of(sealed)

    async def test_nobody_is_asked_where_there_is_no_passphrase(self, paths: Paths) -> None:
        asked = Asked()
        await VaultOpener(vault_of(paths), asked).open()
        vault_of(paths).set("acme", "x")
        await VaultOpener(vault_of(paths), asked).open()
        assert asked.complaints == []

    async def test_once_per_process(self, vault: Vault) -> None:
        asked = Asked("wrong", PASSPHRASE)
        opener = VaultOpener(vault, asked)
        await opener.open()
        await opener.open()
        assert len(asked.complaints) == 2
        assert asked.complaints[0] == ""
        assert "not the passphrase" in asked.complaints[1]
        assert vault.get("acme") == "hunter2"

    async def test_all_who_wait_share_one_question(self, vault: Vault) -> None:
        asked = Asked(None)
        asked.may_answer.clear()
        opener = VaultOpener(vault, asked)
        waiting = [asyncio.create_task(opener.open()) for _ in range(5)]
        await asked.asked.wait()
        waiting[0].cancel()
        asked.may_answer.set()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        assert all(isinstance(each, VaultProblem) and "stays locked" in str(each) for each in ended[1:])
        assert len(asked.complaints) == 1

    async def test_without_anybody_to_ask_it_fails_at_once(self, vault: Vault) -> None:
        async with asyncio.timeout(5):
            with pytest.raises(VaultLocked, match="locked") as caught:
                await VaultOpener(vault).open()
        assert caught.value.failure.failure_class is FailureClass.CONFIG
        assert VARIABLE in caught.value.failure.remedy

    async def test_closing_takes_the_question_back(self, vault: Vault) -> None:
        asked = Asked(PASSPHRASE)
        asked.may_answer.clear()
        opener = VaultOpener(vault, asked)
        waiting = asyncio.create_task(opener.open())
        await asked.asked.wait()
        await opener.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    async def test_a_file_answers(self, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "passphrase"
        file.touch(mode=0o600)
        file.write_text(f"{PASSPHRASE}\n")
        monkeypatch.setenv(VARIABLE, str(file))
        asked = Asked()
        await VaultOpener(vault, asked).open()
        assert asked.complaints == []
        assert vault.get("acme") == "hunter2"

    @pytest.mark.parametrize(
        ("content", "mode", "said"), [("no", 0o600, "another passphrase"), (PASSPHRASE, 0o644, "0644")]
    )
    async def test_a_file_that_does_not_do(
        self, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, mode: int, said: str
    ) -> None:
        file = tmp_path / "passphrase"
        file.write_text(content)
        file.chmod(mode)
        monkeypatch.setenv(VARIABLE, str(file))
        with pytest.raises(Exception, match=said) as caught:
            await VaultOpener(vault, Asked(PASSPHRASE)).open()
        assert PASSPHRASE not in str(caught.value)
        assert vault.is_locked()

    async def test_an_inherited_descriptor_answers(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        ours, theirs = os.pipe()
        os.write(theirs, PASSPHRASE.encode())
        os.close(theirs)
        monkeypatch.setenv(VARIABLE, f"fd:{ours}")
        await VaultOpener(vault).open()
        assert vault.get("acme") == "hunter2"

    async def test_a_descriptor_that_never_ends_is_given_up(
        self, vault: Vault, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(unlocking, "_PATIENCE", 0.1)
        ours, theirs = os.pipe()
        try:
            os.write(theirs, PASSPHRASE.encode())
            monkeypatch.setenv(VARIABLE, f"fd:{ours}")
            with pytest.raises(VaultProblem, match="cannot be read"):
                await VaultOpener(vault).open()
        finally:
            os.close(theirs)

    @pytest.mark.parametrize("reference", ["fd:", "fd:x", "fd:-1", "fd:99999", "fd:²"])
    async def test_no_descriptor(self, vault: Vault, monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
        monkeypatch.setenv(VARIABLE, reference)
        with pytest.raises(VaultProblem, match=VARIABLE):
            await VaultOpener(vault).open()
