"""Secrets go into the vault from a prompt or from stdin, and are never seen on the way."""

import pytest

from tests.cli.conftest import OnTerminal, Wharf
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
