"""The settings file: what it may say, how what is wrong is told, and that remembering a theme spoils nothing."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.text import is_safe_character
from tui.settings import THEME_NAMES, Settings, ThemeName, WrongSettings, read_settings, remember_theme

FULL = """\
# my settings
theme = "light"   # easy on the eyes
ascii = true
mouse = false
title = false
low_bandwidth = "auto"
read_only = true

[keys]
"connections.run" = "R"
theme = "x"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def problems(path: Path, text: str | bytes) -> list[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WrongSettings) as caught:
        read_settings(path)
    assert str(path) in str(caught.value)
    return caught.value.problems


def test_without_a_file_everything_is_as_usual(path: Path) -> None:
    assert read_settings(path) == Settings()


def test_every_setting_is_read(path: Path) -> None:
    path.write_text(FULL)
    assert read_settings(path) == Settings(
        theme="light",
        ascii=True,
        mouse=False,
        title=False,
        low_bandwidth="auto",
        read_only=True,
        keys={"connections.run": "R", "theme": "x"},
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("thema = 'dark'", "thema is not a known setting; did you mean theme?"),
        (
            "theme = 'drak'",
            "theme must be one of dark, light, high-contrast, colour-blind, terminal; did you mean dark?",
        ),
        ("theme = 3", "theme must be one of dark, light, high-contrast, colour-blind, terminal."),
        ("ascii = 'sometimes'", "ascii must be true, false or “auto”."),
        ("mouse = 'yes'", "mouse must be true, false or “auto”."),
        ("title = 'yes'", "title must be true or false."),
        ("keys = 3", "keys must be a table."),
        ("[keys]\n'app.quit' = 3", "keys.app.quit must be text."),
        ("theme = ", "is not valid TOML: Invalid value (at end of document)."),
        (b"theme = '\xff'", "is not UTF-8 text, as TOML must be."),
    ],
)
def test_what_is_wrong_is_told(path: Path, text: str | bytes, told: str) -> None:
    assert problems(path, text) == [told]


def test_all_that_is_wrong_is_told_at_once(path: Path) -> None:
    assert len(problems(path, "thema = 'dark'\nmouse = 1\n")) == 2


keys = st.text(min_size=1, max_size=30).filter(lambda key: key not in {each.name for each in fields(Settings)})


@given(key=keys)
def test_no_unknown_key_is_taken(key: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("settings") / "config.toml"
    escaped = "".join(rf"\U{ord(character):08x}" for character in key if not 0xD800 <= ord(character) <= 0xDFFF)
    (problem,) = problems(path, f'"{escaped}" = 1\n')
    assert "is not a known setting" in problem
    assert all(map(is_safe_character, problem))


@pytest.mark.parametrize("theme", THEME_NAMES)
@pytest.mark.parametrize("before", ["", FULL, "mouse = false\r\n", "[keys]\n'app.quit' = 'Q'\n", "'theme' = 'dark'"])
def test_a_theme_is_remembered_and_the_rest_of_the_file_stays(path: Path, before: str, theme: ThemeName) -> None:
    path.write_bytes(before.encode())
    expected = tomllib.loads(before) | {"theme": theme}
    remember_theme(path, theme)
    after = path.read_bytes().decode()
    assert tomllib.loads(after) == expected
    assert [line for line in before.splitlines() if "theme" not in line] == [
        line for line in after.splitlines() if "theme" not in line
    ]
    if before == FULL:
        assert "   # easy on the eyes" in after
    assert path.stat().st_mode & 0o077 == 0


def test_a_theme_is_not_written_where_that_would_change_something_else(path: Path) -> None:
    text = 'theme = """dark"""\n'
    path.write_text(text)
    assert read_settings(path).theme == "dark"
    remember_theme(path, "light")
    assert read_settings(path).theme == "light"
    path.write_text("thema = 1\n")
    with pytest.raises(WrongSettings):
        remember_theme(path, "light")
    assert path.read_text() == "thema = 1\n"
