"""The command line itself: what is understood, what is loaded, where output goes."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Wharf, as_toml
from tui import __version__
from tui.cli import build_parser

HEAVY = {"textual", "rich", "asyncssh", "aioftp", "aiosmtplib", "cryptography", "tui.engine", "tui.console"}

REPORT_MODULES = """
import json, sys
from tui.cli import main
code = main(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
sys.exit(code)
"""


def modules_after(*argv: str, stdin: bytes = b"") -> set[str]:
    command = [sys.executable, "-c", REPORT_MODULES, *argv]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return set(json.loads(done.stderr.decode().splitlines()[-1]))


@pytest.mark.parametrize("argv", [("--help",), ("--version",), ("locate",), ("list", "--help"), ("run", "--help")])
def test_help_and_the_like_load_next_to_nothing(argv: tuple[str, ...]) -> None:
    assert not modules_after(*argv) & (HEAVY | {"pydantic", "asyncio", "apsw"})


@pytest.mark.parametrize("argv", [("export",), ("import", "-", "--dry-run")])
def test_commands_on_the_store_load_neither_the_screen_nor_a_protocol(
    argv: tuple[str, ...], acme: dict[str, object]
) -> None:
    loaded = modules_after(*argv, stdin=as_toml(acme))
    assert "tui.store.sqlite" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "argv",
    [
        ("list",),
        ("list", "--json"),
        ("list", "--filter", "status:none acme"),
        ("history",),
        ("history", "--json"),
        ("history", "acme", "--filter", "took:>1s"),
    ],
)
def test_what_only_shows_loads_neither_the_library_for_judging_nor_an_event_loop(
    wharf: Wharf, argv: tuple[str, ...], acme: dict[str, object]
) -> None:
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    loaded = modules_after(*argv)
    assert "tui.store.reading" in loaded
    assert not loaded & (HEAVY | {"pydantic", "asyncio", "concurrent.futures", "logging"})


def test_every_command_has_its_handler() -> None:
    parser, commands = build_parser()
    handlers = {parser.get_default("handler")} | {command.get_default("handler") for command in commands.values()}
    assert len(handlers) == len(commands) + 1
    for handler in handlers:
        module, _, function = handler.partition(":")
        assert callable(getattr(importlib.import_module(f"tui.commands.{module}"), function))


def test_help_names_every_command_and_exit_code(wharf: Wharf) -> None:
    shown = wharf("--help")
    assert shown.code == 0
    _, commands = build_parser()
    assert set(commands) == {
        *("demo", "list", "show", "import", "export", "delete", "test", "run", "history", "trust", "secret"),
        *("keys", "locate"),
    }
    for word in [*commands, "130", "143", "129", "WHARF_HOME"]:
        assert word in shown.out


def test_a_command_that_is_made_alone_takes_what_it_takes_beside_the_others() -> None:
    _, commands = build_parser()
    for name, command in commands.items():
        _, alone = build_parser([name])
        assert {each: parser.format_help() for each, parser in alone.items()} == {name: command.format_help()}


def test_version(wharf: Wharf) -> None:
    assert wharf("--version").out == f"wharf {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["lst"], "there is no command 'lst'; did you mean list?"),
        (["histroy", "acme"], "did you mean history?"),
        (["zzz"], "there is no command 'zzz'\n"),
        (["list", "--jsn"], "unknown argument '--jsn'; did you mean --json?"),
        (["run", "acme", "--dryrun"], "did you mean --dry-run?"),
        (["--no-mous"], "did you mean --no-mouse?"),
        (["list", "--js"], "did you mean --json?"),
        (["show"], "required: NAME"),
        (["history", "--limit", "0"], "must be a whole number from 1"),
        (["list", "acme"], "unknown argument 'acme'"),
        (["\x1b]0;owned\x07"], "\\x1b]0;owned\\x07"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_was_meant(wharf: Wharf, argv: list[str], complaint: str) -> None:
    refused = wharf(*argv)
    assert (refused.code, refused.out) == (2, "")
    assert complaint in refused.err
    assert "\x1b" not in refused.err


def test_the_screen_needs_a_terminal(wharf: Wharf) -> None:
    refused = wharf()
    assert (refused.code, refused.out) == (2, "")
    assert "needs a terminal" in refused.err


def test_a_folder_that_cannot_be_used_is_told(wharf: Wharf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("WHARF_HOME", str(blocked))
    refused = wharf("list")
    assert refused.code == 2
    assert f"cannot use the folder {blocked}" in refused.err


def test_locate_tells_where_things_are_and_creates_nothing(wharf: Wharf, tmp_path: Path) -> None:
    places = wharf("locate", "--json").json
    assert places["database"] == f"{tmp_path}/wharf/data/wharf.db"
    assert set(places) == {
        "config",
        "data",
        "state",
        "settings",
        "filters",
        "database",
        "known_hosts",
        "vault",
        "vault_key",
        "view",
        "log",
    }
    assert "not there yet" in wharf("locate").out
    assert not (tmp_path / "wharf").exists()


@pytest.mark.parametrize("argv", [["locate"], ["list"], ["export"]])
def test_a_reader_that_leaves_is_no_traceback(argv: list[str], wharf: Wharf, acme: dict[str, object]) -> None:
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *argv], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 141


def test_a_full_disk_under_the_output_is_told(wharf: Wharf, acme: dict[str, object]) -> None:
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    for argv in (["list"], ["export"], ["show", "acme", "--json"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "tui", *argv], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
            )
        assert done.stderr == b"wharf: Standard output cannot be written: No space left on device.\n"
        assert done.returncode == 1


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_a_stream_that_is_closed_from_the_start_is_no_error(closed: str) -> None:
    for argv in ("locate", "history"):
        command = ["/bin/sh", "-c", f'"$@" {closed}>&-', "sh", sys.executable, "-m", "tui", argv]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr


def test_a_terminal_without_the_characters_gets_escapes(wharf_process: Wharf, acme: dict[str, object]) -> None:
    assert wharf_process("import", "-", stdin=as_toml({**acme, "name": "Zürich"})).code == 0
    shown = wharf_process("list", PYTHONIOENCODING="ascii")
    assert shown.code == 0
    assert "Z\\xfcrich" in shown.out
    exported = wharf_process("export", PYTHONIOENCODING="ascii")
    assert 'name = "Zürich"' in exported.out
