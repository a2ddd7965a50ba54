"""When a certificate is warned of, and in which words."""

from datetime import UTC, datetime, timedelta

import pytest

from tui.domain.expiry import expiry_warning

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=30), None),
        (timedelta(days=29, hours=23), "certificate ends in 29 days, on 2026-04-03"),
        (timedelta(days=1), "certificate ends in 1 day, on 2026-03-05"),
        (timedelta(hours=3), "certificate ends within a day, on 2026-03-04"),
        (timedelta(0), "certificate has ended on 2026-03-04"),
        (timedelta(days=-40), "certificate has ended on 2026-01-23"),
    ],
)
def test_the_last_thirty_days(left: timedelta, words: str | None) -> None:
    assert expiry_warning(NOW + left, NOW) == words


def test_nothing_is_known() -> None:
    assert expiry_warning(None, NOW) is None
