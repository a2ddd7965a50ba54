"""How values are written."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.console.formats import ASCII_SIGNS, bar, moment, safe, speed, status_text
from tui.domain.figures import SIGNS, count, duration, size
from tui.domain.run import Status
from tui.domain.text import is_safe_character


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_449_000, "1.4 MB"),
        (9_960_000, "10 MB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (23_000_000_000, "23 GB"),
        (5e18, "5000 PB"),
    ],
)
def test_size(number: float, written: str) -> None:
    assert size(number) == written


@given(st.floats(min_value=0, max_value=1e15))
def test_sizes_fit_into_six_cells(number: float) -> None:
    assert len(size(number)) <= 6


def test_speed() -> None:
    assert speed(3_100_000.0) == "3.1 MB/s"
    assert speed(0.0) == "–"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0.0 s"),
        (0.0031, "3 ms"),
        (0.42, "0.4 s"),
        (14.4, "14 s"),
        (59.7, "1 m 00 s"),
        (185, "3 m 05 s"),
        (7800, "2 h 10 m"),
        (273_600, "3 d 4 h"),
        (-3, "0.0 s"),
    ],
)
def test_duration(seconds: float, written: str) -> None:
    assert duration(seconds) == written


def test_moment() -> None:
    now = datetime.now().astimezone().replace(hour=14, minute=3)
    assert moment(now, now) == "today 14:03"
    assert moment(now - timedelta(days=1), now) == "yesterday 14:03"
    assert moment(now - timedelta(days=9), now) == f"{now - timedelta(days=9):%Y-%m-%d} 14:03"
    assert moment(now.astimezone(UTC), now) == "today 14:03"
    assert moment(None) == "never"


def test_every_status_has_a_sign_a_word_and_an_ascii_sign() -> None:
    for status in Status:
        assert status_text(status).plain == f"{SIGNS[status]} {status.value}"
        assert ASCII_SIGNS[status].isascii()


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(min_value=1, max_value=60))
def test_bars_have_their_width(fraction: float, width: int) -> None:
    assert len(bar(fraction, width)) == width


def test_bar() -> None:
    assert bar(0.0, 4) == "    "
    assert bar(0.5, 4) == "██  "
    assert bar(1.0, 4) == "████"


def test_count() -> None:
    assert count(1, "file") == "1 file"
    assert count(1200, "file") == "1,200 files"
    assert count(2, "entry", "entries") == "2 entries"


@given(st.text())
def test_safe_text_has_no_control_characters(text: str) -> None:
    assert all(is_safe_character(character) for character in safe(text).plain)
