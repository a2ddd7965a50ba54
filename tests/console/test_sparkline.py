"""Bars of one cell, and what they show of the last minute."""

from hypothesis import given
from hypothesis import strategies as st

from tui.console.sparkline import LastMinute, sparkline


def test_bars_are_as_high_as_their_part_of_the_highest() -> None:
    assert sparkline([0, 1, 50, 100]) == "▁▂▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


@given(st.lists(st.floats(0, 1e15)))
def test_every_value_has_its_cell_and_nothing_looks_like_nothing(values: list[float]) -> None:
    bars = sparkline(values)
    assert len(bars) == len(values)
    assert all((bar == "▁") == (value == 0) for bar, value in zip(bars, values, strict=True))


def test_the_last_minute_is_the_mean_of_each_of_its_parts() -> None:
    now = 100.0
    minute = LastMinute(lambda: now)
    assert minute.values() == []
    minute.tell(10)
    minute.tell(20)
    now = 102.0
    minute.tell(40)
    assert minute.values() == [15, 40]
    now = 107.0
    assert minute.values() == [15, 40, 40, 40]
    minute.tell(0)
    assert minute.values() == [15, 40, 40, 0]
    now = 161.0
    minute.tell(5)
    assert minute.values()[0] == 40
    assert len(minute.values()) == 30
