"""The JSON objects: the keys that the contract names, times in UTC, and nothing that JSON cannot carry."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain import as_json
from tui.domain.connection import Connection
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Event, FileRecord, FileStatus, Owner, Progress, Run, Status, Trigger

STARTED = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
FAILURE = Failure(FailureClass.NETWORK, "The line is cut.", "Mend it.")
FAILURE_JSON = {"class": "network", "message": "The line is cut.", "remedy": "Mend it.", "retryable": True}
DONE = FileRecord("a[/red].csv", 1200, 1200, FileStatus.COMPLETED, "ab" * 32, "sizes are equal", records=10, rejected=1)
BROKEN = FileRecord("b.csv", 800, 300, FileStatus.FAILED, failure=FAILURE)


def run(**changes: Any) -> Run:
    fields: dict[str, Any] = {
        "run_id": 7,
        "connection": "acme",
        "trigger": Trigger.COMMAND_LINE,
        "status": Status.FAILED,
        "started": STARTED,
        "ended": STARTED + timedelta(seconds=1.5),
        "owner": Owner(1, "here", "1"),
        "attempts": 3,
        "progress": Progress(1, 2, 1500, 2000),
        "failure": FAILURE,
    }
    return Run(**fields | changes)


def test_a_run_has_every_key_of_the_contract() -> None:
    shown = as_json.run_json(run(), [DONE, BROKEN])
    assert shown["files"] == [
        {
            "name": "a[/red].csv",
            "size": 1200,
            "bytes": 1200,
            "sha256": "ab" * 32,
            "status": "completed",
            "proof": "sizes are equal",
            "failure": None,
            "records": 10,
            "rejected": 1,
        },
        {
            "name": "b.csv",
            "size": 800,
            "bytes": 300,
            "sha256": None,
            "status": "failed",
            "proof": None,
            "failure": FAILURE_JSON,
            "records": None,
            "rejected": None,
        },
    ]
    del shown["files"]
    assert shown == {
        "run_id": 7,
        "connection": "acme",
        "trigger": "command line",
        "status": "Failed",
        "started": "2026-11-20T06:00:00Z",
        "ended": "2026-11-20T06:00:01.500000Z",
        "bytes": 1500,
        "attempts": 3,
        "failure": FAILURE_JSON,
        "message": None,
    }


def test_a_run_in_progress_has_no_end_and_no_failure() -> None:
    shown = as_json.run_json(run(status=Status.IN_PROGRESS, ended=None, failure=None), [])
    assert (shown["ended"], shown["failure"], shown["status"], shown["files"]) == (None, None, "In Progress", [])


def test_a_connection_is_as_in_its_file_with_its_state_and_without_what_is_not_set() -> None:
    connection = Connection.model_validate(
        {
            "name": "acme",
            "type": "conversions",
            "direction": "inbound",
            "method": "email",
            "local_dir": "~/in",
            "email": {"host": "h", "username": "u", "secret": "env:X", "from": "*@p.example"},
        }
    )
    shown = as_json.connection_json(connection.document, Status.COMPLETED, STARTED)
    expected = {
        "name": "acme",
        "type": "conversions",
        "direction": "inbound",
        "method": "email",
        "status": "Completed",
        "last_active": "2026-11-20T06:00:00Z",
        "enabled": True,
    }
    assert shown.items() >= expected.items()
    assert shown["email"]["from"] == "*@p.example"
    assert shown["email"]["secret"] == "env:X"
    assert "sftp" not in shown
    never = as_json.connection_json(connection.document, Status.NONE, None)
    assert (never["status"], never["last_active"]) == ("None", None)


@pytest.mark.parametrize(("ms", "shown"), [(None, None), (0.0, 0.0), (12.345, 12.3)])
def test_a_test_has_its_steps_in_order(ms: float | None, shown: float | None) -> None:
    steps = [Event(STARTED, "resolve", "h is 192.0.2.7", ms=ms), Event(STARTED, "connect", "no", ok=False)]
    assert as_json.test_json("acme", False, steps, FAILURE, ["the clock is slow"]) == {
        "connection": "acme",
        "ok": False,
        "steps": [
            {"step": "resolve", "ok": True, "detail": "h is 192.0.2.7", "ms": shown},
            {"step": "connect", "ok": False, "detail": "no", "ms": None},
        ],
        "failure": FAILURE_JSON,
        "warnings": ["the clock is slow"],
    }


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the strategy wants naive bounds
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - likewise
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=9))]),
    )
)
def test_times_are_utc_whatever_their_zone_and_read_back_equal(moment: datetime) -> None:
    shown = as_json.time_json(moment)
    assert shown is not None
    assert shown.endswith("Z")
    assert datetime.fromisoformat(shown) == moment


@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_any_file_name_survives_json(name: str) -> None:
    shown = json.dumps(as_json.run_json(run(), [FileRecord(name, 1)]))
    assert json.loads(shown)["files"][0]["name"] == name
