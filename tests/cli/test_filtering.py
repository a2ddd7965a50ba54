"""`wharf list --filter` and `wharf history --filter`."""

from typing import Any

import pytest

from tests.cli.conftest import Wharf, as_toml
from tests.engine.peer import Partner
from tui.domain.failure import FailureClass, TransferFailed
from tui.paths import Paths
from tui.saved_filters import SavedFilters
from tui.store import search


@pytest.fixture(autouse=True)
def _connections(wharf: Wharf, acme: dict[str, Any], partner: Partner) -> None:
    partner.files["one.csv"] = b"1,2\n"
    others = [{**acme, "name": "borealis", "type": "catalog"}, {**acme, "name": "cobalt", "enabled": False}]
    assert wharf("import", "-", stdin=as_toml(acme, *others)).code == 0
    assert wharf("run", "acme").code == 0
    partner.open_failures.append(TransferFailed(FailureClass.AUTH, "Refused."))
    assert wharf("run", "borealis").code == 1


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", ["acme", "borealis", "cobalt"]),
        ("type:cat", ["borealis"]),
        ("status:failed", ["borealis"]),
        ("failure:auth", ["borealis"]),
        ("-status:none last:<1h", ["acme", "borealis"]),
        ("enabled:no", ["cobalt"]),
        ("bytes:>3", ["acme"]),
        ("sftp -cobalt", ["acme", "borealis"]),
    ],
)
def test_a_list_is_narrowed_down(wharf: Wharf, line: str, names: list[str]) -> None:
    listed = wharf("list", "--json", "--filter", line)
    assert listed.code == 0
    assert [connection["name"] for connection in listed.json] == names


def test_nothing_meant_is_told_apart_from_nothing_there(wharf: Wharf) -> None:
    listed = wharf("list", "--filter", "zzz")
    assert (listed.code, listed.out) == (0, "")
    assert listed.err == "None of 3 connections is meant by this filter.\n"
    assert wharf("history", "--filter", "zzz").err == "No run is meant by this filter.\n"


def test_a_wrong_filter_is_refused(wharf: Wharf) -> None:
    refused = wharf("list", "--filter", "acme staus:failed")
    assert (refused.code, refused.out) == (2, "")
    assert "“staus:failed” in the filter is not understood" in refused.err
    assert "did you mean status:?" in refused.err
    assert wharf("history", "--filter", "last:soon").code == 2


def test_a_history_is_narrowed_down_over_all_its_pages(wharf: Wharf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_SPAN", 2)
    for _ in range(5):
        assert wharf("run", "acme").code == 0

    def found(line: str, *more: str) -> list[tuple[int, str]]:
        return [(run["run_id"], run["status"]) for run in wharf("history", "--json", "--filter", line, *more).json]

    assert found("status:failed") == [(2, "Failed")]
    assert found("borealis") == [(2, "Failed")]
    assert found("-borealis run:<4") == [(3, "Completed"), (1, "Completed")]
    assert found("acme", "--limit", "3") == [(7, "Completed"), (6, "Completed"), (5, "Completed")]


def test_a_saved_filter_is_known_by_its_name(wharf: Wharf, paths: Paths) -> None:
    SavedFilters(paths.filters, "connections").save("broken", "status:failed")
    assert [connection["name"] for connection in wharf("list", "--json", "--filter", "@broken").json] == ["borealis"]
    refused = wharf("history", "--filter", "@broken")
    assert (refused.code, refused.out) == (2, "")
    assert "no filter “broken” for runs" in refused.err
