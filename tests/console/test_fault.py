"""A fault of the console itself must not print what is being typed."""

import logging

import pytest

from tests.console.conftest import settle
from tui.console.app import WharfApp


class Fault(Exception):
    """Nothing that anybody expects."""


async def test_a_crash_tells_no_local_variable(
    app: WharfApp, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def crash() -> None:
        typed = "hunter2-canary"
        raise Fault(len(typed))

    with caplog.at_level(logging.ERROR), pytest.raises(Fault):
        async with app.run_test() as pilot:
            await settle(pilot)
            app.call_later(crash)
            await pilot.pause()
    app._print_error_renderables()
    printed = capsys.readouterr()
    assert "Wharf has a fault (Fault)" in printed.err + printed.out
    assert "hunter2-canary" not in printed.err + printed.out + caplog.text
    assert "the console has a fault" in caplog.text
