"""Secrets go into the vault from a prompt or from stdin, and are never seen on the way."""

import json
from typing import Any

import pytest

from tests.cli.conftest import OnTerminal, Wharf, as_toml
from tui.paths import Paths
from tui.trust.vault import Vault


def stored(paths: Paths) -> dict[str, str]:
    vault = Vault(paths.vault, paths.vault_key)
    return {name: vault.get(name) for name in vault.names()}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2", "hunter2"),
        (b" two  words \n\n", " two  words \n"),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"ends with cr\r", "ends with cr\r"),
    ],
)
def test_stdin_is_kept_without_its_last_line_break(wharf: Wharf, paths: Paths, given: bytes, kept: str) -> None:
    done = wharf("secret", "set", "acme-ftp", stdin=given)
    assert done.code == 0
    assert stored(paths) == {"acme-ftp": kept}
    assert "vault:acme-ftp" in done.err
    assert kept.strip() not in done.out + done.err


def test_the_reference_may_be_written_as_in_the_connection(wharf: Wharf, paths: Paths) -> None:
    assert "stored" in wharf("secret", "set", "vault:acme", stdin=b"one").err
    assert "replaced" in wharf("secret", "set", "acme", stdin=b"two").err
    assert stored(paths) == {"acme": "two"}


@pytest.mark.parametrize(
    ("reference", "given", "complaint"),
    [
        ("acme", b"", "is empty"),
        ("acme", b"\n", "is empty"),
        ("acme", b"hunter2 \xff", "not UTF-8"),
        ("env:ACME", b"hunter2", "kept outside Wharf"),
        ("vault:", b"hunter2", "names no secret"),
        ("", b"hunter2", "names no secret"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    wharf: Wharf, paths: Paths, reference: str, given: bytes, complaint: str
) -> None:
    refused = wharf("secret", "set", reference, stdin=given)
    assert refused.code == 2
    assert complaint in refused.err
    assert "hunter2" not in refused.err
    assert stored(paths) == {}


def test_a_secret_is_never_taken_from_the_arguments(wharf: Wharf, paths: Paths) -> None:
    assert wharf("secret", "set", "acme", "hunter2", stdin=b"").code == 2
    assert stored(paths) == {}


def test_the_prompt_asks_twice_and_shows_nothing(paths: Paths) -> None:
    prompted = OnTerminal("secret", "set", "acme")
    prompted.answer(b"Secret for vault:acme: ", b"hunter2\n")
    prompted.answer(b"The same again: ", b"hunter2\n")
    assert prompted.end() == 0
    assert b"hunter2" not in prompted.seen
    assert stored(paths) == {"acme": "hunter2"}


def test_two_different_entries_store_nothing(paths: Paths) -> None:
    prompted = OnTerminal("secret", "set", "acme")
    prompted.answer(b"Secret for vault:acme: ", b"hunter2\n")
    prompted.answer(b"The same again: ", b"hunter3\n")
    assert prompted.end() == 2
    assert b"differ" in prompted.seen
    assert stored(paths) == {}


def test_interrupting_the_prompt_stores_nothing_and_is_no_traceback(paths: Paths) -> None:
    prompted = OnTerminal("secret", "set", "acme")
    prompted.answer(b"Secret for vault:acme: ", b"\x03")
    assert prompted.end() == 130
    assert b"Traceback" not in prompted.seen
    assert stored(paths) == {}


def test_listing_tells_who_uses_what(wharf: Wharf, paths: Paths, acme: dict[str, Any]) -> None:
    acme["sftp"]["secret"] = "vault:acme"
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    for name in ("acme", "unused\x1b[2J"):
        Vault(paths.vault, paths.vault_key).set(name, "hunter2")
    listed = wharf("secret", "list")
    assert listed.out.splitlines() == ["acme: acme", "unused\\x1b[2J: no connection uses it"]
    assert json.loads(wharf("secret", "list", "--json").out)[0] == {"name": "acme", "connections": ["acme"]}


def test_who_uses_a_secret_on_the_way_to_the_partner_is_told_too(
    wharf: Wharf, paths: Paths, acme: dict[str, Any]
) -> None:
    acme["sftp"] |= {"jump": ["ops@bastion.example"], "jump_secret": "vault:on-the-way"}
    acme["sftp"] |= {"proxy": "socks5://ops@proxy.example", "proxy_secret": "vault:on-the-way"}
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    Vault(paths.vault, paths.vault_key).set("on-the-way", "hunter2")
    assert wharf("secret", "list").out.splitlines() == ["on-the-way: acme"]
    asked = OnTerminal("secret", "delete", "on-the-way")
    asked.answer(b"Type yes to go on: ", b"no\n")
    assert asked.end() == 2
    assert b"cannot log in any more: acme" in asked.seen


def test_deleting_asks_and_tells_what_breaks(wharf: Wharf, paths: Paths, acme: dict[str, Any]) -> None:
    acme["sftp"]["secret"] = "vault:acme"
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    Vault(paths.vault, paths.vault_key).set("acme", "hunter2")
    assert wharf("secret", "delete", "acme").code == 2
    assert stored(paths) == {"acme": "hunter2"}
    asked = OnTerminal("secret", "delete", "vault:acme")
    asked.answer(b"Type yes to go on: ", b"no\n")
    assert asked.end() == 2
    assert b"cannot log in any more: acme" in asked.seen
    assert wharf("secret", "delete", "acme", "--yes").code == 0
    assert stored(paths) == {}
    assert wharf("secret", "delete", "acme", "--yes").code == 2


class TestPassphrase:
    def test_set_asked_for_changed_and_removed(self, paths: Paths) -> None:
        Vault(paths.vault, paths.vault_key).set("acme", "hunter2")
        setting = OnTerminal("secret", "passphrase")
        setting.answer(b"New passphrase of the vault: ", b"open sesame\n")
        setting.answer(b"The same again: ", b"open sesame\n")
        assert setting.end() == 0
        assert Vault(paths.vault, paths.vault_key).is_locked()

        listing = OnTerminal("secret", "list")
        listing.answer(b"Passphrase of the vault: ", b"wrong one\n")
        listing.answer(b"That is not the passphrase", b"open sesame\n")
        assert listing.end() == 0
        assert b"acme: no connection uses it" in listing.seen

        removing = OnTerminal("secret", "passphrase", "--remove")
        removing.answer(b"Passphrase of the vault: ", b"open sesame\n")
        assert removing.end() == 0
        assert stored(paths) == {"acme": "hunter2"}
        for terminal in (setting, listing, removing):
            assert b"sesame" not in terminal.seen
            assert b"wrong one" not in terminal.seen

    def test_the_end_of_input_and_an_interrupt_leave_it_locked(self, paths: Paths) -> None:
        Vault(paths.vault, paths.vault_key).set_passphrase("open sesame")
        declined = OnTerminal("secret", "list")
        declined.answer(b"Passphrase of the vault: ", b"\x04")
        assert declined.end() == 2
        assert b"stays locked" in declined.seen
        interrupted = OnTerminal("secret", "list")
        interrupted.answer(b"Passphrase of the vault: ", b"\x03")
        assert interrupted.end() == 130
        assert b"Traceback" not in interrupted.seen

    def test_without_a_terminal_it_is_a_sentence_and_not_a_wait(
        self, wharf_process: Wharf, paths: Paths, acme: dict[str, Any]
    ) -> None:
        acme["sftp"]["secret"] = "vault:acme"
        (paths.config / "in.toml").write_bytes(as_toml(acme))
        assert wharf_process("import", str(paths.config / "in.toml")).code == 0
        Vault(paths.vault, paths.vault_key).set_passphrase("open sesame")
        for argv in (("secret", "list"), ("run", "acme"), ("test", "acme")):
            refused = wharf_process(*argv)
            assert refused.code == 2
            assert "is locked" in refused.out + refused.err
        key = paths.config / "passphrase"
        key.touch(mode=0o600)
        key.write_text("open sesame")
        assert wharf_process("secret", "list", WHARF_PASSPHRASE_FILE=str(key)).code == 0
