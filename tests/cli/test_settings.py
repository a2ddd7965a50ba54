"""What the settings and the options that overrule them do to commands."""

from typing import Any

from tests.cli.conftest import Wharf, as_toml
from tui.paths import Paths


def test_read_only_refuses_whatever_changes_and_shows_the_rest(wharf: Wharf, acme: dict[str, Any]) -> None:
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0
    for command in (
        ("run", "acme"),
        ("delete", "acme", "--yes"),
        ("import", "-", "--replace"),
        ("trust", "acme"),
        ("secret", "set", "acme"),
    ):
        refused = wharf("--read-only", *command, stdin=as_toml(acme | {"retries": 1}))
        assert refused.code == 2, command
        assert "read-only here" in refused.err + refused.out
    assert "acme" in wharf("--read-only", "list").out
    assert wharf("--read-only", "export").out == wharf("export").out


def test_read_only_can_be_the_rule(wharf: Wharf, paths: Paths, acme: dict[str, Any]) -> None:
    paths.settings.write_text("read_only = true\n")
    assert wharf("import", "-", stdin=as_toml(acme)).code == 2
    assert wharf("list").code == 0


def test_wrong_settings_refuse_every_command_but_the_one_that_tells_where_they_are(wharf: Wharf, paths: Paths) -> None:
    paths.settings.write_text("read_onyl = true\n")
    refused = wharf("list")
    assert refused.code == 2
    assert "read_onyl is not a known setting; did you mean read_only?" in refused.err
    assert str(paths.settings) in wharf("locate").out
