"""Import, export and delete."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Terminal, Wharf, as_toml
from tui.cli import main


def names(wharf: Wharf) -> list[str]:
    return [connection["name"] for connection in wharf("list", "--json").json]


def test_import_adds_all(wharf: Wharf, acme: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "partners.toml"
    file.write_bytes(as_toml(acme, {**acme, "name": "beta"}))
    imported = wharf("import", str(file))
    assert imported.code == 0
    assert imported.out == "add        acme\nadd        beta\n"
    assert names(wharf) == ["acme", "beta"]


def test_a_dry_run_says_what_would_change_and_changes_nothing(wharf: Wharf, acme: dict[str, Any]) -> None:
    same = {**acme, "name": "same"}
    wharf("import", "-", stdin=as_toml(acme, same))
    other = {**acme, "retries": 9, "sftp": {**acme["sftp"], "port": 2222}}
    told = wharf("import", "-", "--dry-run", stdin=as_toml(other, same, {**acme, "name": "new"}))
    assert told.code == 0
    assert told.out.splitlines() == ["replace    acme: retries, sftp.port", "unchanged  same", "add        new"]
    assert "Nothing was changed" in told.err
    assert names(wharf) == ["acme", "same"]
    assert "port = 22\n" in wharf("export", "acme").out


def test_what_exists_and_differs_is_replaced_only_on_request(wharf: Wharf, acme: dict[str, Any]) -> None:
    wharf("import", "-", stdin=as_toml(acme))
    file = as_toml({**acme, "retries": 9}, {**acme, "name": "new"})
    refused = wharf("import", "-", stdin=file)
    assert (refused.code, refused.out) == (2, "")
    assert '<stdin>: connection "acme": exists already and differs (retries)' in refused.err
    assert "--replace" in refused.err
    assert names(wharf) == ["acme"]
    assert wharf("import", "-", "--replace", stdin=file).code == 0
    assert names(wharf) == ["acme", "new"]
    assert "retries = 9" in wharf("export", "acme").out


def test_importing_the_same_file_again_changes_nothing(wharf: Wharf, acme: dict[str, Any]) -> None:
    wharf("import", "-", stdin=as_toml(acme))
    again = wharf("import", "-", stdin=as_toml(acme))
    assert (again.code, again.out) == (0, "unchanged  acme\n")


def test_a_wrong_file_is_refused_as_a_whole_with_every_place(
    wharf: Wharf, acme: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "partners.toml"
    wrong = {**acme, "name": "beta", "direction": "inbuond", "sftp": {**acme["sftp"], "prot": 22}}
    file.write_bytes(as_toml(acme, wrong))
    refused = wharf("import", str(file))
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines() == [
        f'{file}: connection "beta": direction: must be inbound or outbound; did you mean inbound?',
        f'{file}: connection "beta": sftp.prot: is not a known key; did you mean port?',
        f"wharf: 2 problems in {file}; nothing was imported.",
    ]
    assert names(wharf) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "holds no [[connection]]"),
        (b"\n\n\xff = 1", "<stdin>: line 3: is not UTF-8 text"),
        (b"[[connection]]\nname = \n", "<stdin>: line 2, column 8: is not valid TOML"),
        (b'\xef\xbb\xbf[[conection]]\nname = "a"', "conection: is not known"),
    ],
)
def test_what_is_no_connection_file_is_refused(wharf: Wharf, content: bytes, complaint: str) -> None:
    refused = wharf("import", "-", stdin=content)
    assert refused.code == 2
    assert complaint in refused.err


def test_a_file_that_cannot_be_read_is_told(wharf: Wharf, tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")):
        refused = wharf("import", str(path))
        assert refused.code == 2
        assert f"{path} cannot be read: {reason}" in refused.err


def test_a_secret_in_clear_is_never_shown(wharf: Wharf, acme: dict[str, Any]) -> None:
    refused = wharf("import", "-", stdin=as_toml({**acme, "sftp": {**acme["sftp"], "secret": "hunter2"}}))
    assert refused.code == 2
    assert "sftp.secret: must be a reference" in refused.err
    assert "hunter2" not in refused.err


def test_export_gives_what_import_takes(wharf: Wharf, acme: dict[str, Any]) -> None:
    wharf("import", "-", stdin=as_toml(acme, {**acme, "name": "Zürich „1“"}))
    exported = wharf("export").out
    assert wharf("import", "-", stdin=exported.encode()).out == "unchanged  Zürich „1“\nunchanged  acme\n"
    only = wharf("export", "acme", "acme").out
    assert only.count("[[connection]]") == 1
    assert 'secret = "env:ACME"' in only


def test_export_of_an_unknown_name_suggests_the_nearest(wharf: Wharf, acme: dict[str, Any]) -> None:
    wharf("import", "-", stdin=as_toml(acme))
    refused = wharf("export", "acne")
    assert (refused.code, refused.out) == (2, "")
    assert "Did you mean acme?" in refused.err


def test_delete_needs_a_yes(wharf: Wharf, acme: dict[str, Any]) -> None:
    wharf("import", "-", stdin=as_toml(acme))
    refused = wharf("delete", "acme")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert names(wharf) == ["acme"]
    assert wharf("delete", "acme", "--yes").code == 0
    assert names(wharf) == []
    assert wharf("delete", "acme", "--yes").code == 2


@pytest.mark.parametrize(("answer", "left"), [("yes\n", []), ("Yes\n", []), ("y\n", ["acme"]), ("", ["acme"])])
def test_delete_asks_on_a_terminal(
    wharf: Wharf, acme: dict[str, Any], answer: str, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wharf("import", "-", stdin=as_toml(acme))
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["delete", "acme"]) == (2 if left else 0)
    assert names(wharf) == left


def test_hostile_file_names_are_shown_harmlessly(wharf: Wharf) -> None:
    refused = wharf("import", os.fsdecode(b"/\x1b]0;x\x07\xff.toml"))
    assert refused.code == 2
    assert "\\x1b]0;x\\x07" in refused.err
    assert "\x1b" not in refused.err
