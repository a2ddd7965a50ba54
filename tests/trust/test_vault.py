"""The vault: what goes in comes out, for its owner alone, and nothing that goes wrong costs a secret."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.failure import FailureClass
from tui.paths import Paths
from tui.trust.vault import Vault
from tui.trust.vault_key import VaultProblem


@pytest.fixture
def vault(paths: Paths) -> Vault:
    return Vault(paths.vault, paths.vault_key)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_nothing_comes_into_being_by_looking(vault: Vault, paths: Paths) -> None:
    assert vault.names() == []
    with pytest.raises(VaultProblem, match="no secret named “acme”") as caught:
        vault.get("acme")
    assert caught.value.failure.failure_class is FailureClass.CONFIG
    assert "wharf secret set vault:acme" in caught.value.failure.remedy
    assert not paths.vault.exists()
    assert not paths.vault_key.exists()


def test_a_secret_comes_back(vault: Vault, paths: Paths) -> None:
    vault.set("acme", "open sesame")
    vault.set("other", "x")
    again = Vault(paths.vault, paths.vault_key)
    assert again.names() == ["acme", "other"]
    assert again.get("acme") == "open sesame"
    again.set("acme", "new")
    assert vault.get("acme") == "new"
    vault.delete("acme")
    assert again.names() == ["other"]


def test_the_files_are_for_their_owner_alone_and_hold_nothing_in_clear(vault: Vault, paths: Paths) -> None:
    vault.set("name-in-clear", "value-in-clear")
    assert (mode(paths.vault), mode(paths.vault_key)) == (0o600, 0o600)
    assert b"in-clear" not in paths.vault.read_bytes()
    for folder in (paths.data, paths.config):
        assert b"in-clear" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_deleting_what_is_not_there(vault: Vault) -> None:
    vault.set("acme", "x")
    with pytest.raises(VaultProblem, match="no secret named “other”"):
        vault.delete("other")
    assert vault.names() == ["acme"]


def test_a_damaged_vault_is_refused_and_left_as_it_is(vault: Vault, paths: Paths) -> None:
    vault.set("acme", "open sesame")
    whole = paths.vault.read_bytes()
    for damaged in (b"", b"\n", whole[:-20], whole[:10], b"x" + whole, whole[:60] + b"AAAA" + whole[64:]):
        paths.vault.write_bytes(damaged)
        for use in (
            vault.names,
            lambda: vault.get("acme"),
            lambda: vault.set("acme", "y"),
            lambda: vault.delete("acme"),
        ):
            with pytest.raises(VaultProblem, match="damaged"):
                use()
        assert paths.vault.read_bytes() == damaged
    paths.vault.write_bytes(whole)
    assert vault.get("acme") == "open sesame"


def test_a_wrong_key_is_told_from_damage(vault: Vault, paths: Paths) -> None:
    vault.set("acme", "open sesame")
    key, whole = paths.vault_key.read_bytes(), paths.vault.read_bytes()
    paths.vault_key.write_bytes(Fernet.generate_key())
    for use in (vault.names, lambda: vault.set("acme", "y")):
        with pytest.raises(VaultProblem, match="is not the one"):
            use()
    assert paths.vault.read_bytes() == whole
    paths.vault_key.write_bytes(key)
    assert vault.get("acme") == "open sesame"


def test_a_missing_key_is_not_replaced_by_a_new_one(vault: Vault, paths: Paths) -> None:
    vault.set("acme", "open sesame")
    paths.vault_key.unlink()
    for use in (vault.names, lambda: vault.set("acme", "y")):
        with pytest.raises(VaultProblem, match=r"missing.*vault\.key"):
            use()
    assert not paths.vault_key.exists()


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_have_rights_on_is_refused(vault: Vault, paths: Paths, bits: int) -> None:
    vault.set("acme", "open sesame")
    paths.vault_key.chmod(bits)
    with pytest.raises(VaultProblem, match=f"mode {bits:04o}") as caught:
        vault.get("acme")
    assert "chmod 600" in caught.value.failure.remedy


def test_a_damaged_key(vault: Vault, paths: Paths) -> None:
    vault.set("acme", "open sesame")
    paths.vault_key.write_bytes(b"short")
    with pytest.raises(VaultProblem, match=r"key file .* is damaged"):
        vault.get("acme")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    vault = Vault(tmp_path / "file" / "vault", tmp_path / "key")
    with pytest.raises(VaultProblem, match="Writing the vault failed"):
        vault.set("acme", "x")


def test_writers_at_once_lose_nothing(vault: Vault, paths: Paths) -> None:
    """Threads of this process and other processes, each with its own names, from the very first secret on."""
    writing = "import sys; from pathlib import Path; from tui.trust.vault import Vault\n"
    writing += "for n in range(10): Vault(Path(sys.argv[1]), Path(sys.argv[2])).set(f'{sys.argv[3]}-{n}', 'x')"
    arguments = [sys.executable, "-c", writing, str(paths.vault), str(paths.vault_key)]
    processes = [subprocess.Popen([*arguments, f"process-{number}"]) for number in range(2)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: vault.set(f"thread-{number}", "x"), range(20)))
    assert [process.wait(30) for process in processes] == [0, 0]
    expected = {f"thread-{number}" for number in range(20)}
    expected |= {f"process-{process}-{number}" for process in range(2) for number in range(10)}
    assert set(vault.names()) == expected


def test_no_secret_in_a_representation(vault: Vault) -> None:
    vault.set("acme", "open sesame")
    with pytest.raises(VaultProblem) as caught:
        vault.get("other")
    assert "sesame" not in repr(vault) + repr(caught.value) + repr(vars(vault))


@given(entries=st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=4))
@settings(max_examples=20, deadline=None)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("vault")
    vault = Vault(folder / "vault", folder / "key")
    for name, value in entries.items():
        vault.set(name, value)
    assert {name: vault.get(name) for name in vault.names()} == entries
