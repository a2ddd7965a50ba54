"""Run, test, list, show and history, with a partner in memory."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Wharf, as_toml
from tests.engine.peer import Partner
from tui.domain.connection import Connection
from tui.domain.failure import FailureClass, TransferFailed
from tui.methods.base import Source, Surroundings, Target

HOSTILE = "a[red]\x1b]0;x\x07.csv"


@pytest.fixture(autouse=True)
def _acme(wharf: Wharf, acme: dict[str, Any], partner: Partner) -> None:
    partner.files |= {"one.csv": b"1,2\n", "two.csv": b"3,4\n5,6\n"}
    assert wharf("import", "-", stdin=as_toml(acme)).code == 0


def failing(failure_class: FailureClass) -> TransferFailed:
    return TransferFailed(failure_class, "The partner \x1b[31msaid no.")


def import_more(wharf: Wharf, acme: dict[str, Any], **changes: object) -> None:
    assert wharf("import", "-", stdin=as_toml({**acme, **changes})).code == 0


def test_a_run_completes_and_tells_so(wharf: Wharf, local: Path) -> None:
    ended = wharf("run", "acme")
    assert ended.code == 0
    assert ended.out.startswith("✓ acme: 2 files delivered. 12 B in ")
    begun, done = ended.err.splitlines()
    assert begun == "acme: run 1 started"
    assert done.startswith("acme: run 1 Completed after ")
    assert sorted(file.name for file in local.iterdir()) == ["one.csv", "two.csv"]


def test_json_holds_the_run_with_its_files(wharf: Wharf) -> None:
    (run,) = wharf("run", "acme", "--json").json
    assert {key: run[key] for key in ("run_id", "connection", "trigger", "status", "bytes", "attempts", "failure")} == {
        "run_id": 1,
        "connection": "acme",
        "trigger": "command line",
        "status": "Completed",
        "bytes": 12,
        "attempts": 1,
        "failure": None,
    }
    assert datetime.fromisoformat(run["ended"]).utcoffset() == datetime.now(UTC).utcoffset()
    one, two = run["files"]
    assert (one["name"], one["size"], one["bytes"], one["status"], one["failure"]) == (
        *("one.csv", 4, 4, "completed", None),
    )
    assert len(two["sha256"]) == 64
    assert {"records", "rejected"} <= set(one)
    assert wharf("history", "--json").json == [run]


@pytest.mark.parametrize(
    ("failure_class", "code"),
    [
        (FailureClass.CONFIG, 2),
        (FailureClass.AUTH, 1),
        (FailureClass.HOST_KEY, 1),
        (FailureClass.NOT_FOUND, 1),
        (FailureClass.NETWORK, 3),
        (FailureClass.TIMEOUT, 3),
    ],
)
def test_a_failure_is_told_with_its_remedy_and_in_the_exit_code(
    wharf: Wharf, partner: Partner, failure_class: FailureClass, code: int
) -> None:
    partner.open_failures = [failing(failure_class) for _ in range(4)]
    ended = wharf("run", "acme")
    assert ended.code == code
    assert ended.out == f"✗ acme: The partner \\x1b[31msaid no.\n    {failure_class.remedy}\n"
    (run,) = wharf("history", "--json").json
    assert run["failure"]["class"] == failure_class.value


def test_several_run_and_the_worst_gives_the_code(wharf: Wharf, acme: dict[str, Any], partner: Partner) -> None:
    import_more(wharf, acme, name="beta", retries=0)
    import_more(wharf, acme, name="gamma", enabled=False)
    partner.open_failures = [failing(FailureClass.AUTH)]
    both = wharf("run", "acme", "beta", "acme", "--json")
    assert both.code == 1
    assert [run["connection"] for run in both.json] == ["acme", "beta"]
    assert sorted(run["status"] for run in both.json) == ["Completed", "Failed"]
    disabled = wharf("run", "gamma", "acme", "--json")
    assert disabled.code == 2
    refused, completed = disabled.json
    assert refused["run_id"] is None
    assert refused["failure"]["class"] == "config"
    assert "disabled" in refused["failure"]["message"]
    assert set(refused) == set(completed)
    assert completed["status"] == "Completed"


def test_an_unknown_name_is_refused_before_anything_runs(wharf: Wharf, partner: Partner) -> None:
    partner.log.clear()
    refused = wharf("run", "acme", "acne", "zzz")
    assert (refused.code, refused.out) == (2, "")
    assert "“acne”. Did you mean acme?" in refused.err
    assert "“zzz”" in refused.err
    assert partner.log == []
    assert wharf("history", "--json").json == []


def test_a_dry_run_moves_nothing(wharf: Wharf, partner: Partner, local: Path) -> None:
    wharf("run", "acme")
    partner.files |= {"new.csv": b"x" * 2000, HOSTILE: b""}
    shown = wharf("run", "acme", "--dry-run")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    lines = shown.out.splitlines()
    assert lines[0] == "acme: 1 file would move (2.0 kB), 3 would not"
    assert any(line.split() == ["move", "new.csv", "2.0", "kB"] for line in lines)
    assert any("one.csv" in line and "delivered before by run 1" in line for line in lines)
    assert any("a[red]\\x1b]0;x\\x07.csv" in line and "control characters" in line for line in lines)
    (as_json,) = wharf("run", "acme", "--dry-run", "--json").json
    assert as_json["files"] == [{"name": "new.csv", "size": 2000}]
    assert {skipped["name"] for skipped in as_json["skipped"]} == {"one.csv", "two.csv", HOSTILE}
    assert sorted(file.name for file in local.iterdir()) == ["one.csv", "two.csv"]
    assert len(wharf("history", "--json").json) == 1


def test_a_dry_run_that_fails_says_why(wharf: Wharf, partner: Partner) -> None:
    partner.open_failures = [failing(FailureClass.TIMEOUT), failing(FailureClass.TIMEOUT)]
    shown = wharf("run", "acme", "--dry-run")
    assert shown.code == 3
    assert "said no." in shown.out
    assert wharf("run", "acme", "--dry-run", "--json").json[0]["failure"]["class"] == "timeout"


def test_a_test_shows_its_steps(wharf: Wharf, partner: Partner) -> None:
    shown = wharf("test", "acme")
    assert shown.code == 0
    assert any(line.startswith("✓ list ") and "2 files, 2 match" in line for line in shown.out.splitlines())
    report = wharf("test", "acme", "--json").json
    assert (report["connection"], report["ok"]) == ("acme", True)
    assert {"step", "ok", "detail", "ms"} <= set(report["steps"][0])
    partner.open_failures = [failing(FailureClass.NETWORK), failing(FailureClass.AUTH)]
    failed = wharf("test", "acme")
    assert failed.code == 3
    assert any(line.startswith("✗ ") and "said no." in line for line in failed.out.splitlines())
    assert FailureClass.NETWORK.remedy in failed.err
    as_json = wharf("test", "acme", "--json")
    assert (as_json.code, as_json.json["ok"]) == (1, False)
    assert wharf("test", "acne").code == 2


def test_list_and_show_tell_the_status(wharf: Wharf, partner: Partner) -> None:
    head, row = wharf("list").out.splitlines()
    assert head.split("  ")[0] == "Name"
    assert row.split() == ["acme", "Conversion", "data", "Inbound", "SFTP", "·", "None", "-"]
    (listed,) = wharf("list", "--json").json
    assert {
        key: listed[key] for key in ("name", "type", "direction", "method", "status", "last_active", "enabled")
    } == {
        "name": "acme",
        "type": "conversions",
        "direction": "inbound",
        "method": "sftp",
        "status": "None",
        "last_active": None,
        "enabled": True,
    }
    partner.open_failures = [failing(FailureClass.AUTH)]
    wharf("run", "acme")
    assert "✗ Failed" in wharf("list").out
    shown = wharf("show", "acme")
    assert shown.code == 0
    fields = dict(line.split("  ", 1) for line in shown.out.splitlines())
    assert fields["Secret"].strip() == "env:ACME"
    assert fields["Failure"].strip() == "The partner \\x1b[31msaid no."
    as_json = wharf("show", "acme", "--json").json
    assert (as_json["name"], as_json["status"]) == ("acme", "Failed")
    assert datetime.fromisoformat(as_json["last_active"]).tzinfo is not None


def test_a_test_writes_only_where_it_may(wharf: Wharf, partner: Partner, acme: dict[str, Any]) -> None:
    outbound = acme | {"name": "out", "direction": "outbound"}
    assert wharf("import", "-", stdin=as_toml(outbound)).code == 0
    assert "was written, renamed and removed" in wharf("test", "out").out
    partner.log.clear()
    without = wharf("test", "out", "--no-write")
    assert without.code == 0
    assert "written" not in without.out
    assert partner.log == ["open", "close"]


def test_a_certificate_that_ends_soon_is_told(wharf: Wharf, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = datetime.now(UTC) + timedelta(days=12, hours=1)

    def sides(connection: Connection, surroundings: Surroundings) -> tuple[Source, Target]:
        surroundings.certificate_seen(ends)
        return partner.sides(connection, surroundings)

    assert wharf("list", "--json").json[0]["certificate_ends"] is None
    assert not any(line.startswith("Certificate") for line in wharf("show", "acme").out.splitlines())
    monkeypatch.setattr("tui.engine.sides.make_sides", sides)
    tested = wharf("test", "acme")
    assert tested.code == 0
    assert "! The server's certificate ends in 12 days" in tested.err
    assert wharf("test", "acme", "--json").json["warnings"][0].startswith("The server's certificate ends in 12 days")
    assert " SFTP !  " in wharf("list").out
    assert "! certificate ends in 12 days, on " in wharf("show", "acme").out
    for as_json in (wharf("list", "--json").json[0], wharf("show", "acme", "--json").json):
        assert datetime.fromisoformat(as_json["certificate_ends"]) == ends
        assert as_json["warnings"][0].startswith("certificate ends in 12 days")


def test_the_value_of_a_secret_is_nowhere(
    wharf: Wharf, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACME", "hunter2")
    for argv in (["list"], ["show", "acme"], ["show", "acme", "--json"], ["export"], ["test", "acme"], ["run", "acme"]):
        shown = wharf(*argv)
        assert shown.code == 0
        assert "hunter2" not in shown.out + shown.err


def test_history_is_newest_first_and_limited(wharf: Wharf, acme: dict[str, Any]) -> None:
    import_more(wharf, acme, name="beta")
    for name in ("acme", "beta", "acme"):
        wharf("run", name)
    assert [run["run_id"] for run in wharf("history", "--json").json] == [3, 2, 1]
    assert [run["run_id"] for run in wharf("history", "acme", "--json").json] == [3, 1]
    assert [run["run_id"] for run in wharf("history", "--json", "--limit", "2").json] == [3, 2]
    head, latest, *_ = wharf("history").out.splitlines()
    assert head.split()[:2] == ["Run", "Started"]
    assert "✓ Completed" in latest
    assert "Nothing new: 2 matching files were delivered before." in latest


def test_history_outlives_its_connection_but_not_a_wrong_name(wharf: Wharf) -> None:
    wharf("run", "acme")
    wharf("delete", "acme", "--yes")
    assert [run["connection"] for run in wharf("history", "--json").json] == ["acme"]
    refused = wharf("history", "acne")
    assert (refused.code, refused.out) == (2, "")


@pytest.mark.parametrize(("tls", "warned"), [("none", True), ("explicit", False)])
def test_a_connection_without_encryption_carries_a_warning(
    wharf: Wharf, acme: dict[str, Any], *, tls: str, warned: bool
) -> None:
    endpoint = {"host": "ftp.acme.example", "username": "wharf", "secret": "env:ACME", "tls": tls}
    del acme["sftp"]
    wharf("import", "-", stdin=as_toml({**acme, "name": "old", "method": "ftp", "ftp": endpoint}))
    row = next(line for line in wharf("list").out.splitlines() if line.startswith("old"))
    assert ("FTP ⚠" in row) is warned
    assert ("⚠ none: anybody on the way can read" in wharf("show", "old").out) is warned


def test_empty_lists_say_what_to_do(wharf: Wharf) -> None:
    assert "wharf run" in wharf("history").err
    wharf("delete", "acme", "--yes")
    empty = wharf("list")
    assert (empty.code, empty.out) == (0, "")
    assert "wharf import" in empty.err
    assert wharf("list", "--json").json == []
