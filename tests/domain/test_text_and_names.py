"""What may be shown as it is, and what may be used as a file name."""

import sys
import unicodedata
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.naming import LONGEST_NAME, PART_SUFFIX, is_partial, matches, part_name, why_unsafe
from tui.domain.text import is_safe_character, printable

ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=60)


@given(ANYTHING)
def test_a_shown_text_has_no_effect_on_the_terminal(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in shown)
    shown.encode()


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x\x1b]0;t\x07.csv", "x\\x1b]0;t\\x07.csv"),
        ("a\r\nb", "a\\x0d\\x0ab"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("caf\udce9", "caf\\udce9"),
        ("Größe — 日本.csv", "Größe — 日本.csv"),
    ],
)
def test_dangerous_characters_become_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_python_calls_printable_is_safe() -> None:
    assert all(is_safe_character(chr(point)) for point in range(sys.maxunicode + 1) if chr(point).isprintable())


def test_a_long_text_is_cut_where_one_can_see_it() -> None:
    assert printable("x" * 4000, 10) == "xxxxxxxxx…"
    assert len(printable("x" * 10, 10)) == 10


@given(ANYTHING, st.integers(1, 80))
def test_a_limit_is_one_of_what_is_shown(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert printable(shown, limit) == shown
    full = printable(text)
    assert shown == full if len(full) <= limit else full.startswith(shown[:-1]) and shown.endswith("…")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../../x", "a/b", "a[/red].csv", "a\\b", "a\x00b", "a\r\nDELE b", "a\x1bb", "a\x9bb", "caf\udce9"],
)
def test_names_that_could_do_harm_are_refused(name: str) -> None:
    assert why_unsafe(name) is not None


@pytest.mark.parametrize("name", ["a.csv", " a b .csv", "Größe.csv", "a[red].csv", "-rf", "$(id).csv", "日本.csv"])
def test_names_that_only_look_odd_are_taken(name: str) -> None:
    assert why_unsafe(name) is None


def test_a_name_leaves_room_for_the_suffix_of_its_partial() -> None:
    assert why_unsafe("x" * LONGEST_NAME) is None
    assert why_unsafe("x" * (LONGEST_NAME + 1)) is not None
    assert why_unsafe("ä" * (LONGEST_NAME // 2 + 1)) is not None
    assert len(part_name("x" * LONGEST_NAME)) == 255


@given(ANYTHING)
def test_a_safe_name_is_one_segment_that_every_border_can_carry(name: str) -> None:
    if why_unsafe(name) is None:
        assert "/" not in name
        assert name not in {".", ".."}
        assert not set("\r\n\0") & set(name)
        assert len(part_name(name).encode()) <= 255


@given(st.text(min_size=1, max_size=20))
def test_partials_are_told_by_their_suffix(name: str) -> None:
    assert is_partial(part_name(name))
    assert is_partial(name) == name.endswith(PART_SUFFIX)


@pytest.mark.parametrize(
    ("name", "pattern", "does"),
    [
        ("Conversions_2026.csv", "Conversions_*.csv", True),
        ("conversions_2026.csv", "Conversions_*.csv", False),
        ("a1.csv", "a?.csv", True),
        ("a12.csv", "a?.csv", False),
        ("ab.csv", "a[a-c].csv", True),
        ("ad.csv", "a[!a-c].csv", True),
        ("a.csv.gz", "*.csv", False),
        ("x\n.csv", "*.csv", True),
    ],
)
def test_patterns(name: str, pattern: str, does: bool) -> None:
    assert matches(name, [pattern]) is does
    assert matches(name, ["nothing", pattern]) is does


@given(ANYTHING)
def test_a_star_matches_everything(name: str) -> None:
    assert matches(name, ["*"])


@given(st.text("ab.[]-!\n\\^|(", max_size=5), st.lists(st.text("ab*?[]!-.\n\\^|(", max_size=5), max_size=4))
def test_several_patterns_in_one_match_what_each_of_them_does(name: str, patterns: list[str]) -> None:
    assert matches(name, patterns) is any(fnmatchcase(name, pattern) for pattern in patterns)
