"""A fault of the console itself leaves a report, and neither that nor anything else tells what was being typed."""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.console.conftest import settle
from tui.console import crash
from tui.console.app import WharfApp
from tui.paths import Paths

CANARY = "hunter2-canary"


class Fault(Exception):
    """Nothing that anybody expects."""


async def test_a_crash_tells_where_and_no_value(
    app: WharfApp, paths: Paths, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fall_over() -> None:
        typed = CANARY
        raise Fault(f"cannot use {typed}")

    with caplog.at_level(logging.ERROR), pytest.raises(Fault):
        async with app.run_test() as pilot:
            await settle(pilot)
            app.call_later(fall_over)
            await pilot.pause()
    app._print_error_renderables()
    printed = "".join(capsys.readouterr())
    (path,) = paths.state.glob("crash-*.txt")
    report = path.read_text()
    assert "Wharf has a fault (Fault)" in printed
    assert path.name in "".join(printed.split())
    assert path.stat().st_mode & 0o077 == 0
    assert "in test_a_crash_tells_where_and_no_value.<locals>.fall_over" in report
    assert "test_fault.Fault (its text is left out)" in report
    assert "the console has a fault" in caplog.text
    for told in (printed, report, caplog.text):
        assert CANARY not in told
        assert str(Path.home()) not in told or told is printed


def test_the_chain_is_told_and_texts_that_hold_names_only() -> None:
    try:
        try:
            _ = os.environ[CANARY]
        except KeyError:
            None.nothing  # type: ignore[attr-defined]  # noqa: B018 - the fault
    except AttributeError as error:
        told = crash.report(error, datetime.now(UTC))
    assert told.index("KeyError (its text is left out)") < told.index("'NoneType' object has no attribute 'nothing'")
    assert CANARY not in told


def test_the_folder_of_a_report_is_made_if_it_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "wharf"
    path = crash.write_report(folder, Fault(CANARY))
    assert path is not None
    assert path.parent == folder
    assert folder.stat().st_mode & 0o077 == 0


def test_a_report_that_cannot_be_written_is_told_by_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a file").touch()
    path = crash.write_report(tmp_path / "a file" / "state", Fault(CANARY))
    assert path is None
    assert "Fault" in caplog.text
    assert CANARY not in caplog.text
    assert "The log file" in crash.sentence(Fault(), path)
