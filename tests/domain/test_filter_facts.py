"""What a filter can ask of connections and of runs."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.console.fakes import OWNER, connection
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.domain.filter import parse_filter
from tui.domain.filter_facts import RUN_VOCABULARY, connection_facts, connection_vocabulary, run_facts
from tui.domain.run import Progress, Run, Status, Trigger

REFUSED = TransferFailed(FailureClass.AUTH, "The partner refused.").failure


def _runs() -> list[Run]:
    """As of now: a run in progress takes longer the later it is looked at."""
    now = datetime.now(UTC)
    return [
        Run(
            1, "acme", Trigger.MANUAL, Status.COMPLETED, now - timedelta(days=3), now, OWNER, progress=Progress(2, 2, 9)
        ),
        Run(2, "borealis", Trigger.COMMAND_LINE, Status.FAILED, now - timedelta(hours=1), now, OWNER, failure=REFUSED),
        Run(3, "cobalt", Trigger.SCHEDULE, Status.IN_PROGRESS, now - timedelta(seconds=9), None, OWNER),
    ]


def _connections() -> list[tuple[Connection, Status, datetime | None, Run | None]]:
    now = datetime.now(UTC)
    acme, borealis, _ = _runs()
    return [
        (connection("acme"), Status.COMPLETED, now - timedelta(days=3), acme),
        (connection("borealis", type="modifications", method="ftp"), Status.FAILED, now, borealis),
        (connection("cobalt", direction="outbound", method="email", enabled=False), Status.NONE, None, None),
    ]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("type:mod", ["borealis"]),
        ("type:action", ["borealis"]),
        ("Action", ["borealis"]),
        ("direction:out", ["cobalt"]),
        ("method:sftp method:ftp", ["acme", "borealis"]),
        ("method:sftp,ftp status:failed", ["borealis"]),
        ("failure:auth", ["borealis"]),
        ("enabled:no", ["cobalt"]),
        ("off", ["cobalt"]),
        ("last:<1h", ["borealis"]),
        ("-last:>1h", ["borealis", "cobalt"]),
        ("bytes:>5", ["acme"]),
        ("files:2", ["acme"]),
        ("sftp", ["acme"]),
        ("never", ["cobalt"]),
        ("today", ["borealis"]),
    ],
)
def test_connections(line: str, names: list[str]) -> None:
    connections = _connections()
    wanted = parse_filter(line, connection_vocabulary(each.type for each, *_ in connections))
    assert wanted.problem is None
    summaries = [(one.summary, status, active, latest) for one, status, active, latest in connections]
    found = [state[0].name for state in summaries if wanted.accepts(connection_facts(*state))]
    assert found == names


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("status:in-progress", [3]),
        ("trigger:command-line", [2]),
        ("failure:auth,network", [2]),
        ("refused", [2]),
        ("last:<2h", [2, 3]),
        ("took:>1d", [1]),
        ("took:<1m", [3]),
        ("run:>1 -run:3", [2]),
        ("2/2", [1]),
    ],
)
def test_runs(line: str, numbers: list[int]) -> None:
    wanted = parse_filter(line, RUN_VOCABULARY)
    assert wanted.problem is None
    assert [run.run_id for run in _runs() if wanted.accepts(run_facts(run))] == numbers
