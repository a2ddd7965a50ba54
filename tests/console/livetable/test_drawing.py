"""Cells and columns: exactly as wide as they should be, whatever they hold."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tui.console.livetable.cells import clickable, fitted
from tui.console.livetable.columns import Column, arrange, furthest

CONSOLE = Console()


def drawn(cell: Text | str, width: int, *, right: bool = False) -> str:
    return "".join(segment.text for segment in fitted(cell, width, CONSOLE, right=right))


@pytest.mark.parametrize(
    ("cell", "width", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 5, "abcd…"),
        ("", 2, "  "),
        ("abc", 0, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日 …"),
        ("e\u0301a", 3, "e\u0301a "),
        ("a\tb\nc", 12, r"a\x09b\x0ac "),
        ("\x1b[2J", 8, r"\x1b[2J "),
        ("\u202eevil", 12, r"\u202eevil  "),
        (Text("a\x1bb", style="red"), 8, r"a\x1bb  "),
        (Text.assemble("a\n", ("b\x1bc", "red")), 12, r"a\x0ab\x1bc "),
    ],
)
def test_a_cell_is_cut_and_filled_up(cell: Text | str, width: int, expected: str) -> None:
    assert drawn(cell, width) == expected


def test_a_cell_to_the_right() -> None:
    assert drawn("12", 5, right=True) == "   12"
    assert drawn("123456", 5, right=True) == "1234…"


@given(st.text(), st.text(), st.integers(0, 30), st.booleans())
def test_any_text_is_exactly_as_wide_as_its_column_and_has_no_controls(
    one: str, other: str, width: int, right: bool
) -> None:
    for cell in (one, Text(one), Text.assemble(Text(one), (Text(other).plain, "bold red"))):
        segments = fitted(cell, width, CONSOLE, right=right)
        assert sum(cell_len(segment.text) for segment in segments) == width
        text = "".join(segment.text for segment in segments)
        assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in text)


def test_a_page_in_a_cell_costs_no_more_than_a_line() -> None:
    looked_at = fitted("n" * 10_000_000, 20, CONSOLE)
    assert "".join(segment.text for segment in looked_at) == "n" * 19 + "…"
    pile = drawn("a" + "\u0301" * 5000, 3)
    assert len(pile) < 40


def test_styles_and_words_stay_with_their_part_of_the_text() -> None:
    cell = Text.assemble(("ab\x1b", "red"), clickable("cd", "word"), style="bold")
    segments = fitted(cell, 10, CONSOLE)
    assert [(segment.text, segment.style and segment.style.meta) for segment in segments] == [
        (r"ab\x1b", {}),
        ("cd", {"word": "word"}),
        ("  ", None),
    ]
    first = segments[0].style
    assert first is not None
    assert first.bold
    assert first.color is not None


def column(
    key: str, width: int, least: int | None = None, *, grows: bool = False, drop: int = 0, fixed: bool = False
) -> Column[object]:
    return Column(key, key, lambda *_: "", width, least, grows=grows, drop=drop, fixed=fixed)


COLUMNS = [
    column("name", 20, 10, grows=True),
    column("type", 20, 8, drop=2),
    column("status", 12),
    column("when", 16, 10, drop=1),
]


def widths(room: int) -> dict[str, int]:
    return {placed.column.key: placed.width for placed in arrange(COLUMNS, room)}


def test_what_matters_more_gets_its_width_first() -> None:
    assert widths(100) == {"name": 49, "type": 20, "status": 12, "when": 16}
    assert widths(60) == {"name": 20, "type": 9, "status": 12, "when": 16}
    assert widths(43) == {"name": 10, "type": 8, "status": 12, "when": 10}
    assert widths(42) == {"name": 18, "status": 12, "when": 10}
    assert widths(30) == {"name": 17, "status": 12}
    assert widths(5) == {"name": 10, "status": 12}


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.booleans(), st.integers(0, 3)), max_size=8),
    st.integers(0, 200),
)
def test_columns_never_overlap_and_fill_the_room_they_have(shapes: list[tuple[int, int, bool, int]], room: int) -> None:
    columns = [
        column(str(place), width, least, grows=grows, drop=drop)
        for place, (width, least, grows, drop) in enumerate(shapes)
    ]
    placed = arrange(columns, room)
    end = 0
    for each in placed:
        assert each.x == end
        assert each.width >= min(each.column.width, each.column.least or each.column.width)
        end = each.x + each.width + each.column.space
    if placed:
        end -= placed[-1].column.space
    if any(each.column.drop for each in placed):
        assert end <= room
    if end <= room and any(each.column.grows for each in placed):
        assert end == room
    kept = {each.column.key for each in placed}
    assert all(each.drop > 0 for each in columns if each.key not in kept)


def seen(columns: list[Column[object]], room: int, shift: int) -> list[str]:
    return [placed.column.key for placed in arrange(columns, room, shift)]


def test_a_step_to_the_right_moves_one_column_out_of_sight_and_leaves_the_fixed_ones() -> None:
    columns = [column("name", 10, fixed=True), *(column(key, 9) for key in "abcd")]
    assert furthest(columns, 30) == 2
    assert [seen(columns, 30, shift) for shift in (1, 2)] == [["name", "b", "c"], ["name", "c", "d"]]
    assert furthest(columns, 50) == 0


def test_a_column_that_matters_less_is_seen_at_the_first_step() -> None:
    columns = [column("name", 10, fixed=True), column("a", 9, drop=1), column("b", 9), column("c", 9)]
    assert seen(columns, 30, 0) == ["name", "b", "c"]
    assert seen(columns, 30, 1) == ["name", "a", "b"]
    assert seen(columns, 30, 2) == ["name", "b", "c"]
    assert furthest(columns, 30) == 2


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(0, 3), st.booleans()), max_size=8),
    st.integers(0, 200),
)
def test_every_column_is_seen_at_some_shift_and_the_fixed_ones_at_all(
    shapes: list[tuple[int, int, int, bool]], room: int
) -> None:
    columns = [
        column(str(place), width, least, drop=0 if fixed else drop, fixed=fixed)
        for place, (width, least, drop, fixed) in enumerate(shapes)
    ]
    keys = [each.key for each in columns]
    fixed = {each.key for each in columns if each.fixed}
    views = [seen(columns, room, shift) for shift in range(furthest(columns, room) + 1)]
    assert {key for view in views for key in view} == set(keys)
    for view in views:
        assert view == sorted(view, key=keys.index)
        assert fixed <= set(view)
    for shift in range(1, len(views)):
        placed = arrange(columns, room, shift)
        end = placed[-1].x + placed[-1].width
        assert end <= room or len(views[shift]) == len(fixed) + 1
    movable = [key for key in keys if key not in fixed]
    if movable:
        assert movable[-1] in views[-1]
